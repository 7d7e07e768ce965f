"""Reader of the shards: manifest, index of the tar files, memory-mapped arrays.

In: a folder as warehouse/shards.py writes it (manifest.json; {train,tuning,held_out}/shard-NNNNNN.tar in
webdataset's layout). Out: `Manifest` and `Split`, which gives any patient's tokens, times, event indices and
static prefix without reading the rest. Any webdataset pipeline reads the same files; this reader is used
because it knows every length beforehand, which exact epochs, tight packing and bit-identical resume need.
Wrong: a missing or damaged manifest, a vocabulary that does not match its hash, a shard of the wrong size, an
incomplete patient. Each is one `UserError` that names the file.
"""

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from warehouse.errors import UserError
from warehouse.shard_format import FORMAT, SPLITS, vocabulary_sha256

PAD = 0
EXPORT_AGAIN = "export again with `python -m warehouse.shards --out {folder}`"
BLOCK = 512  # tar's unit
# What the reader maps; each member is raw little-endian.
MEMBERS = {
    "tokens.u16": np.dtype("<u2"),
    "statics.u16": np.dtype("<u2"),
    "static_from.i32": np.dtype("<i4"),
    "events.i32": np.dtype("<i4"),
    "times.i64": np.dtype("<i8"),
}


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says, checked. `splits` is as written: patients, tokens, events and shards of each split."""

    folder: Path
    n_static: int
    vocabulary_size: int
    vocabulary_sha256: str
    tokens: tuple[str, ...]  # the vocabulary's texts, by id
    families: tuple[str, ...]  # of the tokens, by id: lab, quantile, time, ...
    fingerprint: str
    preset: str
    splits: dict

    def count(self, split: str, what: str) -> int:
        """Number of `patients`, `tokens` or `events` of a split."""
        return int(self.splits[split][what])


def read_manifest(folder: Path) -> Manifest:
    """Read and check manifest.json of a shard folder, and the sizes of the shards it names."""
    path = folder / "manifest.json"
    if not folder.is_dir():
        raise UserError(f"no shards at {folder}: make them with `python -m warehouse.shards --out {folder}`")
    mend = EXPORT_AGAIN.format(folder=folder)
    if not path.is_file():
        raise UserError(f"{path} is missing, so {folder} is no finished export: {mend}")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = sorted(raw["vocabulary"], key=lambda entry: entry["token_id"])
        tokens = [entry["token"] for entry in vocabulary]
        contiguous = [entry["token_id"] for entry in raw["vocabulary"]] == list(range(len(tokens)))
        manifest = Manifest(
            folder=folder,
            n_static=int(raw["n_static"]),
            vocabulary_size=len(tokens),
            vocabulary_sha256=str(raw["vocabulary_sha256"]),
            tokens=tuple(tokens),
            families=tuple(str(entry["family"]) for entry in vocabulary),
            fingerprint=str(raw["fingerprint"]),
            preset=str(raw["preset"]),
            splits={split: raw["splits"][split] for split in SPLITS},
        )
        supported = raw["format"] == FORMAT
        if manifest.n_static < 1:
            raise ValueError("n_static must be at least 1: the first token is predicted from the static prefix")
        shards = [shard for split in SPLITS for shard in manifest.splits[split]["shards"]]
        sizes = [(folder / shard["name"], int(shard["bytes"])) for shard in shards]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}): {mend}") from error
    if not supported:
        raise UserError(f"{path} has format {raw['format']}, this reader knows format {FORMAT}: {mend}")
    if not contiguous or vocabulary_sha256(tokens) != manifest.vocabulary_sha256:
        raise UserError(f"{path}: the vocabulary does not have the sha256 written beside it: {mend}")
    for shard_path, size in sizes:
        if not shard_path.is_file():
            raise UserError(f"{shard_path} is named in the manifest but missing: {mend}")
        if shard_path.stat().st_size != size:
            raise UserError(f"{shard_path} has {shard_path.stat().st_size} bytes, the manifest says {size}: {mend}")
    return manifest


def index_tar(path: Path, data: np.ndarray) -> dict[str, dict[str, tuple[int, int]]]:
    """{key: {member: (offset, bytes)}} of a plain tar mapped as uint8; keys in file order.

    The headers are read directly: an entry takes about 2 microseconds where tarfile needs 50.
    """
    index: dict[str, dict[str, tuple[int, int]]] = {}
    at, end = 0, len(data)
    while at + BLOCK <= end:
        header = data[at : at + BLOCK].tobytes()
        if header[0] == 0:
            return index
        try:
            name = header[:100].rstrip(b"\0").decode()
            size = int(header[124:136].rstrip(b"\0 "), 8)
        except ValueError as error:
            raise UserError(f"{path} is no readable tar file at byte {at}: export the shards again") from error
        if header[257:262] != b"ustar" or header[156:157] not in (b"0", b"\0"):
            raise UserError(f"{path} has an entry at byte {at} that is no plain file: export the shards again")
        key, _, member = name.rpartition("/")[2].partition(".")
        index.setdefault(key, {})[member] = (at + BLOCK, size)
        at += BLOCK + -(-size // BLOCK) * BLOCK
    raise UserError(f"{path} ends in the middle of an entry: export the shards again")


def hashed(subjects: np.ndarray, salt: str) -> np.ndarray:
    """uint64 [n]: a hash of each subject id, by which patients are put into an order that hangs on nothing else. Orders of
    different salts have nothing to do with each other."""
    keys = [hashlib.blake2b(f"{salt}:{s}".encode(), digest_size=8).digest() for s in subjects.tolist()]
    return np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64)


class Split:
    """The patients of one split, by number 0 .. n-1 in the order of the shards.

    `lengths` int64 [n]: timeline tokens of each patient, static prefix not counted. `subjects` int64 [n]: subject ids.
    """

    def __init__(self, manifest: Manifest, name: str) -> None:
        self.n_static, self.vocabulary_size = manifest.n_static, manifest.vocabulary_size
        self.name, self.families = name, manifest.families
        self.shards = [manifest.folder / shard["name"] for shard in manifest.splits[name]["shards"]]
        self._maps: list[np.ndarray] = []
        rows: list[tuple[int, ...]] = []
        subjects: list[int] = []
        for path in self.shards:
            # As a plain array: a slice of np.memmap itself takes some ten times as long.
            data = (
                np.asarray(np.memmap(path, dtype=np.uint8, mode="r")) if path.stat().st_size else np.empty(0, np.uint8)
            )
            for key, members in index_tar(path, data).items():
                if missing := set(MEMBERS) - set(members):
                    raise UserError(f"{path}: sample {key} lacks {min(missing)}: export the shards again")
                if not key.isdigit():
                    raise UserError(f"{path}: sample {key!r} is not named by a subject id: export the shards again")
                subjects.append(int(key))
                rows.append((len(self._maps), *(value for member in MEMBERS for value in members[member])))
            self._maps.append(data)
        self._index = np.asarray(rows, dtype=np.int64).reshape(len(rows), 1 + 2 * len(MEMBERS))
        self._column = {member: 1 + 2 * i for i, member in enumerate(MEMBERS)}
        self.lengths = self._index[:, self._column["tokens.u16"] + 1] // 2
        self.subjects = np.asarray(subjects, dtype=np.int64)
        self._check(manifest)

    def _check(self, manifest: Manifest) -> None:
        """Counts agree with the manifest and every array with the number of tokens."""
        folder, mend = manifest.folder, EXPORT_AGAIN.format(folder=manifest.folder)
        found = {"patients": len(self.lengths), "tokens": int(self.lengths.sum())}
        for what, number in found.items():
            if number != manifest.count(self.name, what):
                said = manifest.count(self.name, what)
                raise UserError(f"{folder}/{self.name} holds {number} {what}, the manifest says {said}: {mend}")
        sizes = {member: self._index[:, column + 1] for member, column in self._column.items()}
        versions = sizes["static_from.i32"] // 4
        even = (
            np.array_equal(sizes["events.i32"], 4 * self.lengths)
            and np.array_equal(sizes["times.i64"], 8 * self.lengths)
            and np.array_equal(sizes["statics.u16"], 2 * self.n_static * versions)
            and (versions > 0).all()
        )
        if not even:
            raise UserError(f"{folder}/{self.name}: a sample's arrays differ in length: {mend}")

    def __len__(self) -> int:
        return len(self.lengths)

    def array(self, patient: int, member: str) -> np.ndarray:
        """One member of a patient as a read-only view, e.g. `tokens.u16`."""
        row, column = self._index[patient].tolist(), self._column[member]  # plain integers: faster to reckon with
        offset, size = row[column], row[column + 1]
        return self._maps[row[0]][offset : offset + size].view(MEMBERS[member])

    def check_tokens(self, patient: int) -> None:
        """Raise `UserError` if a token of the patient lies outside the vocabulary."""
        highest = max(int(self.array(patient, m).max(initial=0)) for m in ("tokens.u16", "statics.u16"))
        if highest >= self.vocabulary_size:
            shard = self.shards[self._index[patient, 0]]
            raise UserError(f"{shard} holds token {highest}, beyond the vocabulary: export the shards again")

    def static_prefix(self, patient: int, start: int) -> np.ndarray:
        """uint16 [n_static]: the latest version of the prefix that holds at timeline position `start`."""
        version = bisect_right(self.array(patient, "static_from.i32").tolist(), start) - 1
        return self.array(patient, "statics.u16")[version * self.n_static : (version + 1) * self.n_static]
