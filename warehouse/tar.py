"""Samples written as a tar in WebDataset's layout: the members KEY.NAME of one sample side by side.

In: samples as {name: bytes}. Out: the very bytes of `webdataset.TarWriter(path, mtime=0)`, so that any WebDataset pipeline reads
them; the tests hold the two together. Not by that writer, since its headers take longer than the rest of an export, and it loads
torch. Wrong: a key and name that a header cannot hold, too long or not ASCII, or a member too large for it (ValueError).
"""

import tarfile
from pathlib import Path

RECORD_BYTES = tarfile.RECORDSIZE
_NAME = slice(0, 100)
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)


def _blank_header() -> bytes:
    """A member's header without its name and size; its checksum counts as eight spaces while it is summed."""
    info = tarfile.TarInfo()
    info.mode = 0o444
    info.uname = info.gname = "bigdata"
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[_CHECKSUM] = b" " * 8
    return bytes(header)


BLANK_HEADER = _blank_header()


def header(name: str, size: int) -> bytes:
    """The header of a member, one block."""
    raw_name, digits = name.encode("ascii"), b"%011o\0" % size
    if len(raw_name) > 100 or len(digits) > 12:
        raise ValueError(f"{name} of {size} bytes does not fit into the header of a tar")
    block = bytearray(BLANK_HEADER)
    block[_NAME] = raw_name.ljust(100, b"\0")
    block[_SIZE] = digits
    block[_CHECKSUM] = b"%06o\0 " % sum(block)
    return bytes(block)


class TarWriter:
    """A tar that grows by one sample at a time; `size` is what its members hold, headers not counted."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.size = 0

    def write(self, key: str, members: dict[str, bytes]) -> None:
        """Append a sample; its members stand in the order of their names."""
        for name, data in sorted(members.items()):
            self.file.write(header(f"{key}.{name}", len(data)))
            self.file.write(data)
            self.file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
            self.size += len(data)

    def close(self) -> None:
        """End the archive: two empty blocks, then what fills the last record."""
        self.file.write(bytes(2 * tarfile.BLOCKSIZE))
        self.file.write(bytes(-self.file.tell() % RECORD_BYTES))
        self.file.close()
