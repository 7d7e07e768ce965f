"""MEDS: what is exported passes the standard's own schemas and readers, what is imported comes back as it was.

meds_reader and ACES are asked where they are installed (`pip install -e '.[dev]'`).
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tests.conftest import REPOSITORY
from tests.warehouse.meds_data import query, run_import
from warehouse import validate
from warehouse.errors import UserError
from warehouse.fingerprint import require_valid
from warehouse.meds import export as meds_export
from warehouse.meds import layout
from warehouse.meds.export import SplitWriter, as_meds, export
from warehouse.shard_format import SPLITS

FILE_EVENTS = 4_000
COMPARED = (
    "timelines.timeline_events",
    "timelines.patients",
    "tokens.tokens",
    "tokens.vocabulary",
    "tokens.static_prefix",
)


@pytest.fixture(scope="module", autouse=True)
def taken_for_validated() -> Iterator[None]:
    """Warehouses of these tests are not validated before they are exported; one test asks for what happens then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meds_export, "require_valid", lambda path: "f" * 64)
        yield


@pytest.fixture(scope="module", params=["synthetic", "demo"])
def origin(request: pytest.FixtureRequest, run_dbt: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse built from MIMIC-IV tables."""
    data = tmp_path_factory.mktemp(request.param) / "data"
    if request.param == "demo":
        raw = request.getfixturevalue("shared_data") / "mimic-iv-demo"
    else:
        raw = data / "mimic-iv"
        synth = [sys.executable, "-m", "warehouse.synth", "--patients", "80", "--seed", "3", "--out", str(raw)]
        subprocess.run(synth, cwd=REPOSITORY, check=True, capture_output=True)
    done = run_dbt(
        *("run", "--exclude", "path:models_sql/runs", "--vars", "{preset: full}"),
        env={"EHR_DATA": data, "MIMIC_IV_ROOT": raw},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return data / "warehouse.duckdb"


@pytest.fixture(scope="module")
def exported(origin: Path, taken_for_validated: None) -> Path:
    """The warehouse as a dataset of several files a split."""
    out = origin.parent / "meds"
    export(origin, out, file_events=FILE_EVENTS)
    return out


@pytest.fixture(scope="module")
def imported(exported: Path) -> Path:
    data = exported.parent / "again"
    done = run_import(exported, data)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "python -m warehouse.validate" in done.stdout and "set aside" not in done.stdout
    return data / "warehouse.duckdb"


def data_files(root: Path) -> list[Path]:
    return sorted((root / "data").rglob("*.parquet"))


# --- export --------------------------------------------------------------------------------------------------------------


def test_files_pass_the_schemas_of_the_standard(exported: Path) -> None:
    meds = pytest.importorskip("meds", reason="the package meds is not installed: pip install -e '.[dev]'")
    for path in data_files(exported):
        meds.DataSchema.validate(parquet.read_table(path))
    meds.CodeMetadataSchema.validate(parquet.read_table(exported / meds.code_metadata_filepath))
    meds.SubjectSplitSchema.validate(parquet.read_table(exported / meds.subject_splits_filepath))
    meds.DatasetMetadataSchema.validate(json.loads((exported / meds.dataset_metadata_filepath).read_text()))
    assert (meds.train_split, meds.tuning_split, meds.held_out_split) == SPLITS


def test_a_patient_is_in_one_file_of_one_split_with_events_in_order(exported: Path, origin: Path) -> None:
    split_of = dict(query(origin, "select subject_id, split from timelines.patients"))
    seen: set[int] = set()
    for path in data_files(exported):
        table = parquet.read_table(path)
        subjects, times = table.column("subject_id").to_pylist(), table.column("time").to_pylist()
        assert not seen & set(subjects)
        seen |= set(subjects)
        assert {split_of[subject] for subject in subjects} == {path.parent.name}
        places = [
            (s, t or datetime.min, i)
            for s, t, i in zip(subjects, times, table.column("event_index").to_pylist(), strict=True)
        ]
        assert places == sorted(places)
    assert seen == set(split_of) and len(data_files(exported)) > len(SPLITS)
    listed = parquet.read_table(exported / layout.SPLITS_FILE).to_pydict()
    assert dict(zip(listed["subject_id"], listed["split"], strict=True)) == split_of


def test_every_code_is_described_as_far_as_it_is_known(exported: Path) -> None:
    codes = {row["code"]: row for row in parquet.read_table(exported / layout.CODES_FILE).to_pylist()}
    used = {code for path in data_files(exported) for code in parquet.read_table(path).column("code").to_pylist()}
    assert set(codes) == used
    for code, row in codes.items():
        parts = code.split("//")
        if code.startswith(("DIAGNOSIS//ICD//10//", "ED_DIAGNOSIS//ICD//10//")):
            assert row["description"] and row["parent_codes"] == [
                "ICD10CM/" + parts[3][:3] + ("." + parts[3][3:] if parts[3][3:] else "")
            ]
        elif code.startswith("LAB//RESULT//"):
            assert row["description"]
    assert any("ATC/" in str(row["parent_codes"]) for row in codes.values())
    assert any("ICD10PCS/" in str(row["parent_codes"]) for row in codes.values())


def test_meds_reader_reads_every_event(exported: Path, origin: Path, tmp_path: Path) -> None:
    reader = pytest.importorskip("meds_reader", reason="meds_reader is not installed: pip install -e '.[dev]'")
    convert = "import sys, meds_reader; sys.exit(meds_reader.meds_reader_convert())"
    command = [sys.executable, "-c", convert, str(exported), str(tmp_path / "db"), "--num_threads", "1"]
    subprocess.run(command, check=True, capture_output=True)
    events = query(
        origin,
        "select subject_id, time, code, text_value from timelines.timeline_events order by subject_id, event_index",
    )
    with reader.SubjectDatabase(str(tmp_path / "db")) as database:
        read = [
            (subject_id, event.time, event.code, event.text_value)
            for subject_id in sorted(database)
            for event in database[subject_id].events
        ]
    assert read == events


ACES_TASK = """
predicates:
  admission: {code: {regex: "^HOSPITAL_ADMISSION//.*"}}
  discharge: {code: {regex: "^HOSPITAL_DISCHARGE//.*"}}
  death: {code: MEDS_DEATH}
  death_or_discharge: {expr: "or(death, discharge)"}
trigger: admission
windows:
  input:
    start: null
    end: trigger
    start_inclusive: true
    end_inclusive: true
    index_timestamp: end
  target:
    start: input.end
    end: start -> death_or_discharge
    start_inclusive: false
    end_inclusive: true
    label: death
"""


def aces_labels(exported: Path, folder: Path, aces: dict[str, ModuleType]) -> set[tuple]:
    (folder / "mortality.yaml").write_text(ACES_TASK)
    task = aces["config"].TaskExtractorConfig.load(folder / "mortality.yaml")
    labels = set()
    for path in data_files(exported):
        source = aces["omegaconf"].DictConfig({"path": str(path), "standard": "meds", "ts_format": None})
        result = aces["query"].query(task, aces["predicates"].get_predicates_df(task, source))
        if len(result):
            labels |= set(result.select("subject_id", "index_timestamp", "label").rows())
    return labels


def test_aces_finds_mortality_in_hospital(exported: Path, origin: Path, tmp_path: Path) -> None:
    pytest.importorskip("aces", reason="es-aces is not installed: pip install -e '.[dev]'")
    import omegaconf
    from aces import config, predicates
    from aces import query as aces_query

    aces = {"config": config, "predicates": predicates, "query": aces_query, "omegaconf": omegaconf}
    labels = aces_labels(exported, tmp_path, aces)
    expected = query(
        origin,
        """
        with ends as (
            select
                subject_id, time, code,
                min(time) filter (where event_kind in ('death', 'hospital_discharge')) over later as ended_at
            from timelines.timeline_events
            where time is not null
            window later as (
                partition by subject_id order by time range between interval 1 microsecond following and unbounded following
            )
        ),
        deaths as (select subject_id, time from timelines.timeline_events where event_kind = 'death')
        select distinct ends.subject_id, ends.time, (deaths.time is not null)::integer
        from ends left join deaths on ends.subject_id = deaths.subject_id and ends.ended_at = deaths.time
        where ends.code like 'HOSPITAL_ADMISSION//%' and ends.ended_at is not null
        """,
    )
    assert labels == set(expected) and {label for *_, label in labels} == {0, 1}


def digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_two_exports_give_the_same_bytes(exported: Path, origin: Path, tmp_path: Path, monkeypatch) -> None:
    # The events then come in other blocks.
    monkeypatch.setattr(meds_export, "BLOCK_EVENTS", 10_007)
    export(origin, tmp_path / "meds", file_events=FILE_EVENTS)
    assert digests(tmp_path / "meds") == digests(exported)


def as_events(**columns: pa.Array) -> pa.Table:
    """A table of DATA_SCHEMA with the given columns; the others are NULL, and the code is A."""
    n = len(next(iter(columns.values())))
    columns = {"subject_id": pa.array([1] * n), "code": pa.array(["A"] * n)} | columns
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in layout.DATA_SCHEMA]
    return pa.table(dict(zip(layout.DATA_SCHEMA.names, arrays, strict=True)))


def test_digits_that_a_float_loses_are_kept_beside_it() -> None:
    values = [0.5, 0.1, 16777217.0, 1e300, -1e300, 0.0, None]
    events = as_events(numeric_value=pa.array(values, pa.float64()))
    written = as_meds(events.drop_columns(["exact_value"]))
    exact, narrow = written.column("exact_value").to_pylist(), written.column("numeric_value").to_pylist()
    assert exact == [None, 0.1, 16777217.0, 1e300, -1e300, None, None] and narrow[3:] == [None, None, 0.0, None]
    assert [wide if wide is not None else short for wide, short in zip(exact, narrow, strict=True)] == values


def test_files_do_not_see_where_batches_end(tmp_path: Path) -> None:
    lengths = [3, 1, 7, 2, 2, 9, 1, 4]
    table = as_events(subject_id=pa.array(np.repeat(np.arange(len(lengths)), lengths))).cast(layout.DATA_SCHEMA)
    for size in (1, 4, len(table)):
        writer = SplitWriter(tmp_path / str(size), file_events=5)
        for start in range(0, len(table), size):
            writer.write(table.slice(start, size))
        writer.close()
        files = [parquet.read_table(tmp_path / str(size) / f"{number}.parquet") for number in range(writer.n_files)]
        patients = [sorted(set(file.column("subject_id").to_pylist())) for file in files]
        assert patients == [[0, 1, 2], [3, 4, 5], [6, 7]] and pa.concat_tables(files).equals(table)


def test_a_warehouse_that_is_not_validated_is_not_exported(origin: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(meds_export, "require_valid", require_valid)
    with pytest.raises(UserError, match="has not been validated"):
        export(origin, tmp_path / "meds")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no MEDS dataset"):
        export(origin, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_is_left_of_an_export_that_fails(origin: Path, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(meds_export, "read_codes", full)
    with pytest.raises(UserError, match="No space left on device") as caught:
        export(origin, tmp_path / "meds")
    assert caught.value.exit_status == 1 and list(tmp_path.iterdir()) == []


# --- round trip ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", COMPARED)
def test_export_and_import_keep_every_row(origin: Path, imported: Path, table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{origin}' as before (read_only); attach '{imported}' as after (read_only)")
        n_before, n_after = connection.execute(
            f"select (select count(*) from before.{table}), (select count(*) from after.{table})"
        ).fetchone()
        lost = f"select count(*) from (from before.{table} except all from after.{table})"
        assert n_before == n_after > 0 and connection.execute(lost).fetchone() == (0,)


def test_an_imported_warehouse_has_the_same_tasks(origin: Path, imported: Path) -> None:
    with duckdb.connect(str(origin), read_only=True) as connection:
        connection.execute(f"attach '{imported}' as imported (read_only)")
        tasks = [name for (name,) in connection.execute("select distinct task from tasks.cohort_flow").fetchall()]
        for task in tasks:
            rows = [f"select * from {side}tasks.{task}" for side in ("", "imported.")]
            more, fewer = (
                connection.execute(f"select count(*) from ({first} except all {second})").fetchone()[0]
                for first, second in (rows, rows[::-1])
            )
            n_rows = connection.execute(f"select count(*) from tasks.{task}").fetchone()[0]
            if task == "ed_hospital_admission":
                # A departure that is written down after death stays out of the timelines, and so does its disposition.
                died = "select count(*) from tasks.ed_hospital_admission inner join timelines.stays using (stay_id) where died_in"
                assert more <= connection.execute(died).fetchone()[0]
                more = 0
            # Of whom no death is known, only those count as alive a year later who were seen then.
            assert fewer == 0 and (more == 0 or (task == "mortality_1y" and more < n_rows)), task
    assert len(tasks) >= 13


def test_an_imported_warehouse_is_sound_and_makes_shards(imported: Path, tmp_path: Path) -> None:
    outcome = validate.validate(imported, tmp_path / "docs")
    assert outcome.failures == []
    shards = [sys.executable, "-m", "warehouse.shards", "--warehouse", str(imported), "--out", str(tmp_path / "shards")]
    subprocess.run(shards, cwd=REPOSITORY, check=True, capture_output=True)
    ledger = query(imported, "select source_table, outcome, n_rows from timelines.ledger where n_rows > 0 order by 2")
    (n_events,) = query(imported, "select count(*) from timelines.timeline_events")[0]
    assert ledger == [("meds.data", "read", n_events), ("meds.data", "used", n_events)]
