"""Our tars are those of webdataset's own writer, byte for byte."""

import io
import tarfile
from pathlib import Path

import pytest
import webdataset as wds
from hypothesis import given
from hypothesis import strategies as st

from warehouse import tar

members = st.dictionaries(
    st.sampled_from(["tokens.u16", "meta.json", "a", "b.i32"]), st.binary(max_size=2000), max_size=4
)


@given(st.lists(members, max_size=12))
def test_the_bytes_are_those_of_webdataset(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("tar") / "ours.tar"
    ours, theirs = tar.TarWriter(path), io.BytesIO()
    with wds.TarWriter(theirs, mtime=0, encoder=False) as writer:
        sizes = [writer.write({"__key__": f"{key:012d}"} | sample) for key, sample in enumerate(samples)]
    for key, sample in enumerate(samples):
        ours.write(f"{key:012d}", sample)
    ours.close()
    assert path.read_bytes() == theirs.getvalue()
    assert ours.size == sum(sizes)


def test_a_member_of_any_size_has_the_header_of_the_standard_library():
    for size in (0, 1, 511, 512, 8**11 - 1):
        info = tarfile.TarInfo("000010000006.tokens.u16")
        info.size, info.mode, info.uname, info.gname = size, 0o444, "bigdata", "bigdata"
        assert tar.header(info.name, size) == info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize(("name", "size"), [("x" * 101, 1), ("x", 8**11), ("é", 1)])
def test_what_does_not_fit_into_a_header_is_refused(name: str, size: int):
    with pytest.raises(ValueError, match=r"does not fit|ascii"):
        tar.header(name, size)


def test_an_archive_may_be_empty(tmp_path: Path):
    tar.TarWriter(tmp_path / "empty.tar").close()
    with tarfile.open(tmp_path / "empty.tar") as archive:
        assert archive.getnames() == []
