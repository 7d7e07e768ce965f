"""Export: the token stream of a validated warehouse as WebDataset shards.

In: tokens.written_events and tokens.static_prefix, streamed in order as Arrow batches, and tokens.vocabulary.
Out: DIR/{train,tuning,held_out}/shard-NNNNNN.tar, one sample per patient, and DIR/manifest.json. A sample holds raw
little-endian arrays: tokens.u16, times.i64 (seconds since 1970), events.i32, statics.u16 (versions of the static prefix, row
by row), static_from.i32 (token position from which each version holds) and meta.json.
What can go wrong: no warehouse, one whose validation failed or is stale, an output folder that holds something else, a full
disk; nothing is left half written. The same warehouse gives the same bytes.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import webdataset as wds
from tqdm import tqdm

from warehouse.database import open_read_only
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.fingerprint import require_valid
from warehouse.paths import data_dir, warehouse_path
from warehouse.shard_format import FORMAT, SPLITS, vocabulary_sha256
from warehouse.whole_folder import whole_folder

N_STATIC = 6
# Big enough that a full export is a few hundred files, small enough to copy and check one by one.
SHARD_BYTES = 64e6
BATCH_ROWS = 1_000_000


@dataclass(frozen=True)
class Patient:
    """One patient's tokens in order; `statics` has one row per version of the static prefix."""

    subject_id: int
    tokens: np.ndarray  # uint16 [n]
    times: np.ndarray  # int64 [n], seconds since 1970-01-01
    events: np.ndarray  # int32 [n], event_index
    statics: np.ndarray  # uint16 [k, N_STATIC]
    static_from: np.ndarray  # int32 [k], token position

    @property
    def n_events(self) -> int:
        """Events that tokens belong to."""
        return int(np.count_nonzero(np.diff(self.events)) + 1)

    def sample(self) -> dict[str, str | bytes]:
        """The patient as a webdataset sample."""
        meta = {
            "n_events": self.n_events,
            "n_statics": len(self.static_from),
            "n_tokens": len(self.tokens),
            "subject_id": self.subject_id,
        }
        return {
            "__key__": f"{self.subject_id:012d}",
            "events.i32": self.events.astype("<i4").tobytes(),
            "meta.json": json.dumps(meta, sort_keys=True).encode(),
            "static_from.i32": self.static_from.astype("<i4").tobytes(),
            "statics.u16": self.statics.astype("<u2").tobytes(),
            "times.i64": self.times.astype("<i8").tobytes(),
            "tokens.u16": self.tokens.astype("<u2").tobytes(),
        }


def group_by_patient(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Cut a stream that is ordered by subject_id into patients: (subject_id, {column: values}).

    Holds one batch and one patient at a time, however long the stream is.
    """
    rest: dict[str, np.ndarray] = {}
    for batch in batches:
        columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
        if rest:
            columns = {name: np.concatenate([rest[name], values]) for name, values in columns.items()}
        subjects = columns["subject_id"]
        if len(subjects) == 0:
            continue
        starts = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]])
        # The last patient of a batch may go on in the next one.
        for start, end in pairwise(starts):
            yield int(subjects[start]), {name: values[start:end] for name, values in columns.items()}
        rest = {name: values[starts[-1] :] for name, values in columns.items()}
    if rest:
        yield int(rest["subject_id"][0]), rest


def one_row_a_token(events: pa.RecordBatch) -> pa.RecordBatch:
    """Events with the list `token_ids` as one row per token, `token_id`, in the same order."""
    lists = events.column("token_ids")
    lengths = np.diff(lists.offsets.to_numpy())
    columns = {
        name: np.repeat(events.column(name).to_numpy(zero_copy_only=False), lengths)
        for name in events.schema.names
        if name != "token_ids"
    }
    return pa.RecordBatch.from_pydict({**columns, "token_id": lists.flatten()})


def static_versions(events: np.ndarray, from_event: np.ndarray, token_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Static prefix versions by token position.

    events: event_index of each token [n]; from_event, token_ids: rows of the static prefix [k * N_STATIC], ordered by event and slot.
    Returns (statics [j, N_STATIC], static_from [j]); a version that no token follows is left out, of two at one token the later stays.
    """
    versions = token_ids.reshape(-1, N_STATIC)
    positions = np.searchsorted(events, from_event[::N_STATIC], side="left")
    follows = positions < len(events)
    is_last_at_position = np.r_[positions[1:] != positions[:-1], True]
    # The last version at a position may itself be one that no token follows, so the order of the two tests does not matter.
    kept = follows & is_last_at_position
    return versions[kept].astype(np.uint16), positions[kept].astype(np.int32)


def read_patients(connection: duckdb.DuckDBPyConnection) -> Iterator[Patient]:
    """All patients that have tokens, in order of subject_id, each with its tokens and static prefix."""
    events = _stream(
        connection.cursor(),
        "select subject_id, event_index, token_ids, epoch(time)::bigint as seconds from tokens.written_events "
        "order by subject_id, event_index",
    )
    statics = _stream(
        connection.cursor(),
        "select subject_id, from_event_index, token_id from tokens.static_prefix "
        "order by subject_id, from_event_index, slot",
    )
    for (subject_id, columns), (static_subject, prefix) in zip(
        group_by_patient(map(one_row_a_token, events)), group_by_patient(statics), strict=True
    ):
        if subject_id != static_subject:
            raise UserError(
                "tokens and static prefixes belong to different patients; run `dbt build` again", exit_status=1
            )
        versions, positions = static_versions(columns["event_index"], prefix["from_event_index"], prefix["token_id"])
        yield Patient(
            subject_id=subject_id,
            tokens=columns["token_id"].astype(np.uint16),
            times=columns["seconds"].astype(np.int64),
            events=columns["event_index"].astype(np.int32),
            statics=versions,
            static_from=positions,
        )


def _stream(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    return iter(connection.sql(query).to_arrow_reader(BATCH_ROWS))


class SplitWriter:
    """The shards of one split, written as its patients come; a context, as its last shard must be closed."""

    def __init__(self, folder: Path, shard_bytes: float) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.counts: list[dict[str, int]] = []
        # An int mtime of 0 keeps the bytes the same from run to run.
        pattern = str(folder / "shard-%06d.tar")
        self.sink = wds.ShardWriter(pattern, maxcount=10**12, maxsize=shard_bytes, verbose=0, mtime=0, encoder=False)

    def __enter__(self) -> "SplitWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.sink.close()
        if not self.counts:
            # ShardWriter opens its first shard before there is a sample; a split without patients has none.
            (self.folder / "shard-000000.tar").unlink(missing_ok=True)

    def write(self, patient: Patient) -> None:
        """Append one patient, to a new shard where the last one is full."""
        self.sink.write(patient.sample())
        # ShardWriter has already moved on to the number of the next shard.
        if self.sink.shard > len(self.counts):
            self.counts.append({"patients": 0, "tokens": 0, "events": 0})
        self.counts[-1]["patients"] += 1
        self.counts[-1]["tokens"] += len(patient.tokens)
        self.counts[-1]["events"] += patient.n_events

    def entries(self) -> list[dict]:
        """The manifest's entries of the shards, once they are closed."""
        names = [f"shard-{index:06d}.tar" for index in range(len(self.counts))]
        return [
            {"name": f"{self.folder.name}/{name}", **counts, **_digest(self.folder / name)}
            for name, counts in zip(names, self.counts, strict=True)
        ]


def write_splits(connection: duckdb.DuckDBPyConnection, folder: Path, shard_bytes: float) -> dict[str, list[dict]]:
    """Write the shards of all splits below `folder` in one pass over the tokens; returns their entries by split."""
    rows = connection.execute("select subject_id, split from timelines.patients").fetchall()
    split_of = dict(rows)
    with ExitStack() as stack:
        writers = {split: stack.enter_context(SplitWriter(folder / split, shard_bytes)) for split in SPLITS}
        with tqdm(unit="tok", unit_scale=True, desc="export", disable=None) as progress:
            for patient in read_patients(connection):
                writers[split_of[patient.subject_id]].write(patient)
                progress.update(len(patient.tokens))
    return {split: writer.entries() for split, writer in writers.items()}


def _digest(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _manifest(connection: duckdb.DuckDBPyConnection, splits: dict[str, list[dict]], warehouse_fingerprint: str) -> dict:
    preset = connection.execute("select value from timelines.settings where name = 'preset'").fetchone()[0]
    rows = connection.execute(
        "select token_id, token, family, count_train from tokens.vocabulary order by token_id"
    ).fetchall()
    without_tokens = connection.execute(
        "select split, count(*) from timelines.patients as p where not exists "
        "(select 1 from tokens.static_prefix as s where s.subject_id = p.subject_id) group by split"
    ).fetchall()
    names = [f"{split} {shard['name']} {shard['sha256']}" for split in SPLITS for shard in splits[split]]
    return {
        "format": FORMAT,
        "preset": json.loads(preset),
        "n_static": N_STATIC,
        "vocabulary_sha256": vocabulary_sha256([token for _, token, _, _ in rows]),
        "vocabulary": [dict(zip(("token_id", "token", "family", "count_train"), row, strict=True)) for row in rows],
        "fingerprint": hashlib.sha256("\n".join(names).encode()).hexdigest(),
        "warehouse_fingerprint": warehouse_fingerprint,
        "splits": {
            split: {key: sum(shard[key] for shard in shards) for key in ("patients", "tokens", "events")}
            | {"shards": shards}
            for split, shards in splits.items()
        },
        # Patients whose timeline holds nothing that becomes tokens: counted, since they train nothing.
        "patients_without_tokens": {split: dict(without_tokens).get(split, 0) for split in SPLITS},
    }


def export(warehouse: Path, out: Path, shard_bytes: float = SHARD_BYTES) -> dict:
    """Write shards and manifest to `out`, whole or not at all; returns the manifest.

    Raises UserError where the warehouse is missing, not validated or stale, or `out` holds something other than shards.
    """
    fingerprint = require_valid(warehouse)
    with whole_folder(out, "shards", Path("manifest.json")) as partial:
        with open_read_only(warehouse) as connection:
            manifest = _manifest(connection, write_splits(connection, partial, shard_bytes), fingerprint)
        (partial / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def main() -> None:
    parser = ArgumentParser(
        prog="python -m warehouse.shards",
        description="Export the token stream of a validated warehouse as WebDataset shards.",
        epilog="examples:\n  python -m warehouse.shards --out data/shards\n"
        "  EHR_DATA=/fast/disk python -m warehouse.shards --out /fast/disk/shards --shard-megabytes 256",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=data_dir() / "shards", help="folder of the shards (default %(default)s)"
    )
    parser.add_argument("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (default %(default)s)")
    parser.add_argument(
        "--shard-megabytes", type=float, default=SHARD_BYTES / 1e6, help="size of a shard (default %(default)g)"
    )
    arguments = parser.parse_args()
    if arguments.shard_megabytes <= 0:
        raise UserError("--shard-megabytes must be above 0")
    manifest = export(arguments.warehouse, arguments.out, arguments.shard_megabytes * 1e6)
    print(f"{'split':<10}{'patients':>10}{'events':>14}{'tokens':>14}{'shards':>8}{'no tokens':>11}")
    for split, entry in manifest["splits"].items():
        print(
            f"{split:<10}{entry['patients']:>10,}{entry['events']:>14,}{entry['tokens']:>14,}{len(entry['shards']):>8}"
            f"{manifest['patients_without_tokens'][split]:>11,}"
        )
    print(f"vocabulary {len(manifest['vocabulary'])} tokens, sha256 {manifest['vocabulary_sha256'][:12]}")
    print(f"shards in {arguments.out}, fingerprint {manifest['fingerprint'][:12]}")


if __name__ == "__main__":
    run_main(main)
