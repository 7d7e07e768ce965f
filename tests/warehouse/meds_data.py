"""A MEDS dataset as another tool might write it: the mandatory columns alone, odd codes, rows in no order, no metadata.

And what the tests of export and import share.
"""

import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from tests.conftest import REPOSITORY

START = datetime(2020, 1, 1)
ODD_CODES = (
    """it's "quoted" code""",
    "eICU/lab/potassium",
    "OMOP//3004249//a//b",
    "LOINC/2345-7",
    "HOSPITAL_ADMISSION",
    "ED_OUTPATIENT",
    "100% | {curly} \\ back",
    "Größe//µg",
)
Event = tuple[int | None, datetime | None, str | None]


def foreign_events(n_patients: int = 80, seed: int = 5) -> list[Event]:
    """Events of patients who are born, measured and, every fifth, dead; one row in ten lies after the death."""
    chance = random.Random(seed)
    events: list[Event] = []
    for subject_id in range(1, n_patients + 1):
        events += [(subject_id, None, "GENDER//Female"), (subject_id, None, "eye colour: 'green'")]
        events.append((subject_id, START - timedelta(days=365 * 50), "MEDS_BIRTH"))
        events += [
            (subject_id, START + timedelta(hours=chance.randrange(2000)), chance.choice(ODD_CODES)) for _ in range(20)
        ]
        if subject_id % 5 == 0:
            events.append((subject_id, START + timedelta(hours=1800), "MEDS_DEATH"))
    return events


def write_dataset(root: Path, events: list[Event], n_files: int = 3, seed: int = 6, **columns: pa.Array) -> Path:
    """Write events over `n_files` files, shuffled where no further columns are given; returns the root."""
    if not columns:
        events = random.Random(seed).sample(events, len(events))
    table = pa.table(
        {
            "subject_id": pa.array([event[0] for event in events], pa.int64()),
            "time": pa.array([event[1] for event in events], pa.timestamp("us")),
            "code": pa.array([event[2] for event in events], pa.string()),
            **columns,
        }
    )
    folder = root / "data"
    folder.mkdir(parents=True)
    size = -(-len(table) // n_files)
    for number in range(n_files):
        parquet.write_table(table.slice(number * size, size), folder / f"{number}.parquet")
    return root


def run_import(root: Path, data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`python -m warehouse.meds import` with its own data folder and no raw table of MIMIC-IV anywhere."""
    environment = {
        "EHR_DATA": data,
        "MIMIC_IV_ROOT": data / "none",
        "DBT_TARGET_PATH": data / "target",
        "DBT_LOG_PATH": data / "logs",
    }
    return subprocess.run(
        [sys.executable, "-m", "warehouse.meds", "import", "--root", str(root), *more],
        cwd=REPOSITORY,
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
    )


def query(warehouse: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()
