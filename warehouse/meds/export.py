"""Export: the timelines of a validated warehouse as a MEDS 0.4 dataset.

In: timelines.timeline_events, read in blocks of patients, each sorted in memory, and timelines.patients.
Out: DIR/data/{train,tuning,held_out}/N.parquet, DIR/metadata/{codes,subject_splits}.parquet and DIR/metadata/dataset.json. A
patient is in one file; within it events stand as in the timeline. numeric_value is a 32-bit float, as MEDS has it: where that loses
digits, exact_value holds the number. The other columns that MEDS does not have let an import restore every event.
What can go wrong: no warehouse, one whose validation failed or is stale, an output folder that holds something else, a full
disk; nothing is left half written. The same warehouse gives the same bytes, and so there is no time of creation in dataset.json
but the one that SOURCE_DATE_EPOCH names, where it is set.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from tqdm import tqdm

from warehouse.database import open_read_only
from warehouse.errors import UserError
from warehouse.fingerprint import require_valid
from warehouse.meds.codes import read_codes
from warehouse.meds.layout import (
    CODES_FILE,
    DATA_FOLDER,
    DATA_SCHEMA,
    DATASET_FILE,
    MEDS_VERSION,
    SPLITS_FILE,
    SPLITS_SCHEMA,
)
from warehouse.shard_format import SPLITS
from warehouse.validate import scratch_beside
from warehouse.whole_folder import whole_folder

DEFAULT_NAME = "ehr-scaling timelines"
ETL_NAME, ETL_VERSION = "ehr-scaling", "0.1.0"
# A file is what other tools read whole: about 100 MB of memory, and a few hundred files for all of MIMIC-IV.
FILE_EVENTS = 2_000_000
ROW_GROUP_EVENTS = 250_000
BLOCK_EVENTS = 500_000

_PATIENTS = """
with counted as (
    select subject_id, count(*) as n_events
    from timelines.timeline_events
    group by subject_id
)
select patients.subject_id, patients.split, coalesce(counted.n_events, 0)::bigint as n_events
from timelines.patients as patients
left join counted on patients.subject_id = counted.subject_id
order by patients.subject_id
"""
# The table behind the view is stored in order of patient: DuckDB reads only the part of it that a block asks for.
_EVENTS = """
select
    subject_id, time, code, numeric_value, text_value, hadm_id, stay_id, unit, occurred_at, event_kind, source_table, source_key,
    event_index
from timelines.timeline_events
where subject_id between ? and ?
order by subject_id, event_index
"""


@dataclass
class SplitWriter:
    """Writes the events of one split, in order of patient, into files of about `file_events`, never parting a patient.

    Row groups have the same length however the events are cut into blocks, so that the bytes hang on the content alone.
    """

    folder: Path
    file_events: int
    n_files: int = 0
    n_events: int = 0
    n_in_file: int = 0
    last_subject: int | None = None
    _writer: parquet.ParquetWriter | None = None
    _waiting: list[pa.Table] = field(default_factory=list)

    def write(self, events: pa.Table) -> None:
        """Take further events; those of a patient follow one another, over calls too."""
        subjects = events.column("subject_id").to_numpy()
        previous = np.r_[self.last_subject if self.last_subject is not None else -1, subjects[:-1]]
        starts = np.flatnonzero(subjects != previous)
        written = 0
        while True:
            # The first patient that begins when the file is full begins the next one.
            full = starts[(starts >= written) & (starts - written + self.n_in_file >= self.file_events)]
            end = int(full[0]) if len(full) else len(events)
            self._take(events.slice(written, end - written))
            if not len(full):
                break
            self.close()
            written = end
        if len(events):
            self.last_subject = int(subjects[-1])

    def _take(self, events: pa.Table) -> None:
        self._waiting.append(events)
        self.n_events += len(events)
        self.n_in_file += len(events)
        while sum(map(len, self._waiting)) >= ROW_GROUP_EVENTS:
            waiting = pa.concat_tables(self._waiting)
            self._write_group(waiting.slice(0, ROW_GROUP_EVENTS))
            self._waiting = [waiting.slice(ROW_GROUP_EVENTS)]

    def _write_group(self, events: pa.Table) -> None:
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(
                self.folder / f"{self.n_files}.parquet", DATA_SCHEMA, compression="zstd"
            )
        self._writer.write_table(events.combine_chunks(), row_group_size=ROW_GROUP_EVENTS)

    def close(self) -> None:
        """Finish the file; where there was no event, there is none."""
        rest = pa.concat_tables(self._waiting) if self._waiting else None
        if rest is not None and len(rest):
            self._write_group(rest)
        if self._writer is not None:
            self._writer.close()
            self.n_files += 1
        self._writer, self._waiting, self.n_in_file = None, [], 0


def as_meds(events: pa.Table) -> pa.Table:
    """The columns of DATA_SCHEMA; what a 32-bit float cannot hold, digits or magnitude, is kept in exact_value."""
    exact = events.column("numeric_value")
    narrow = pc.cast(exact, pa.float32(), safe=False)
    narrow = pc.if_else(pc.is_finite(narrow), narrow, pa.scalar(None, pa.float32()))
    is_lost = pc.invert(pc.fill_null(pc.equal(pc.cast(narrow, pa.float64()), exact), False))
    columns = {name: events.column(name) for name in events.column_names}
    columns |= {"numeric_value": narrow, "exact_value": pc.if_else(is_lost, exact, pa.scalar(None, pa.float64()))}
    return pa.table(
        [columns[name].cast(DATA_SCHEMA.field(name).type) for name in DATA_SCHEMA.names], schema=DATA_SCHEMA
    )


def blocks(subjects: np.ndarray, n_events: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last patient of blocks of about BLOCK_EVENTS events; patients are in order of subject_id."""
    if len(subjects):
        number = np.cumsum(n_events) // BLOCK_EVENTS
        starts = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
        for start, end in pairwise([*starts, len(subjects)]):
            yield int(subjects[start]), int(subjects[end - 1])


def write_data(connection: duckdb.DuckDBPyConnection, folder: Path, file_events: int) -> dict[str, SplitWriter]:
    """Write every event into the files of its patient's split; returns the closed writers, which have counted them."""
    patients = connection.execute(_PATIENTS).fetchnumpy()
    subjects, n_events = patients["subject_id"], patients["n_events"]
    split_of = np.array([SPLITS.index(split) for split in patients["split"]], dtype=np.int8)
    writers = {split: SplitWriter(folder / split, file_events) for split in SPLITS}
    with tqdm(total=int(n_events.sum()), unit="event", unit_scale=True, desc="export", disable=None) as progress:
        for first, last in blocks(subjects, n_events):
            events = as_meds(connection.execute(_EVENTS, [first, last]).to_arrow_table())
            splits = split_of[np.searchsorted(subjects, events.column("subject_id").to_numpy())]
            for index, split in enumerate(SPLITS):
                writers[split].write(events.filter(pa.array(splits == index)))
            progress.update(len(events))
    for writer in writers.values():
        writer.close()
    return writers


def _description(name: str, fingerprint: str) -> dict[str, object]:
    """The content of dataset.json."""
    created = os.environ.get("SOURCE_DATE_EPOCH")
    content: dict[str, object] = {
        "dataset_name": name,
        "dataset_version": fingerprint[:12],
        "etl_name": ETL_NAME,
        "etl_version": ETL_VERSION,
        "meds_version": MEDS_VERSION,
        "raw_source_id_columns": ["hadm_id", "stay_id", "source_table", "source_key"],
        "code_modifier_columns": ["unit"],
        "other_extension_columns": ["occurred_at", "exact_value", "event_kind", "event_index"],
    }
    if created:
        try:
            content["created_at"] = datetime.fromtimestamp(int(created), UTC).isoformat()
        except (ValueError, OverflowError, OSError) as error:
            raise UserError(f"SOURCE_DATE_EPOCH is {created!r}; give seconds since 1970, or unset it") from error
    return content


def export(
    warehouse: Path, out: Path, name: str = DEFAULT_NAME, file_events: int = FILE_EVENTS
) -> dict[str, SplitWriter]:
    """Write the dataset to `out`, whole or not at all; returns what was written, by split.

    Raises UserError where the warehouse is missing, not validated or stale, or `out` holds something other than a MEDS dataset.
    """
    fingerprint = require_valid(warehouse)
    description = _description(name, fingerprint)
    with (
        whole_folder(out, "MEDS dataset", DATASET_FILE) as partial,
        open_read_only(warehouse) as connection,
    ):
        writers = write_data(connection, partial / DATA_FOLDER, file_events)
        (partial / DATASET_FILE).parent.mkdir()
        parquet.write_table(read_codes(connection, scratch_beside(warehouse)), partial / CODES_FILE, compression="zstd")
        splits = connection.sql("select subject_id, split from timelines.patients order by subject_id").to_arrow_table()
        parquet.write_table(splits.cast(SPLITS_SCHEMA), partial / SPLITS_FILE, compression="zstd")
        (partial / DATASET_FILE).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return writers
