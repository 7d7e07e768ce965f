"""MEDS: what is exported passes the standard's own schemas and readers, what is imported comes back as it was.

meds_reader and ACES are asked where they are installed (`pip install -e '.[dev]'`).
"""

import hashlib
import json
import os
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
from tests.warehouse.meds_data import START, foreign_events, write_dataset
from warehouse import validate
from warehouse.errors import UserError
from warehouse.fingerprint import require_valid
from warehouse.judgement import read_settings
from warehouse.meds import dataset, layout
from warehouse.meds import export as meds_export
from warehouse.meds.export import SplitWriter, as_meds, export
from warehouse.meds.importing import read_vars
from warehouse.shard_format import SPLITS

FILE_EVENTS = 4_000
COMPARED = (
    "timelines.timeline_events",
    "timelines.patients",
    "tokens.tokens",
    "tokens.vocabulary",
    "tokens.static_prefix",
)


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
    done = run_dbt("run", "--exclude", "path:models_sql/runs", env={"EHR_DATA": data, "MIMIC_IV_ROOT": raw})
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


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a minimal dataset of another tool."""
    folder = tmp_path_factory.mktemp("foreign")
    done = run_import(write_dataset(folder / "meds", foreign_events()), folder / "data")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "gives no splits" in done.stdout and "8 codes" in done.stdout
    return folder / "data" / "warehouse.duckdb"


def data_files(root: Path) -> list[Path]:
    return sorted((root / "data").rglob("*.parquet"))


def query(warehouse: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


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
        if code.startswith("DIAGNOSIS//ICD//10//"):
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
    # The stream then comes in other batches.
    monkeypatch.setattr(meds_export, "BATCH_ROWS", 10_007)
    monkeypatch.setenv("EHR_THREADS", "1")
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


def test_an_imported_warehouse_is_sound_and_makes_shards(imported: Path, tmp_path: Path) -> None:
    outcome = validate.validate(imported, tmp_path / "docs", read_settings())
    assert outcome.failures == []
    shards = [sys.executable, "-m", "warehouse.shards", "--warehouse", str(imported), "--out", str(tmp_path / "shards")]
    subprocess.run(shards, cwd=REPOSITORY, check=True, capture_output=True)
    ledger = query(imported, "select source_table, outcome, n_rows from timelines.ledger where n_rows > 0 order by 2")
    (n_events,) = query(imported, "select count(*) from timelines.timeline_events")[0]
    assert ledger == [("meds.data", "read", n_events), ("meds.data", "used", n_events)]


# --- datasets of others --------------------------------------------------------------------------------------------------


def test_a_foreign_dataset_keeps_every_event_or_says_why_not(foreign: Path) -> None:
    deaths = {subject: time for subject, time, code in foreign_events() if code == "MEDS_DEATH"}
    kept = [event for event in foreign_events() if event[1] is None or event[1] <= deaths.get(event[0], datetime.max)]
    events = query(foreign, "select subject_id, time, code from timelines.timeline_events")
    key = lambda event: (event[0], event[1] or datetime.min, event[2])  # noqa: E731
    assert sorted(events, key=key) == sorted(kept, key=key)
    aside = query(foreign, "select reason, n_rows from timelines.ledger where outcome = 'set_aside'")
    assert aside == [("after death", len(foreign_events()) - len(kept))]
    assert query(foreign, "select distinct sex from timelines.patients") == [("F",)]
    assert query(foreign, "select count(*) from timelines.patients where born_at is null") == [(0,)]
    assert {kind for (kind,) in query(foreign, "select distinct event_kind from timelines.timeline_events")} == {
        "static", "birth", "meds", "death",
    }  # fmt: skip


def test_timelines_of_a_foreign_dataset_are_sound(foreign: Path, tmp_path: Path) -> None:
    outcome = validate.validate(foreign, tmp_path / "docs", read_settings())
    suites = {expectation.name: expectation.suite for expectation in outcome.expectations}
    of_tokens = {"code_has_tokens", "positions_contiguous", "tokenised_events_streamed", "stream_is_the_timeline"}
    assert {failure.name for failure in outcome.failures} <= of_tokens, suites


@pytest.mark.xfail(strict=True, reason="models_sql/tokens does not yet write events of the kind meds as tokens")
def test_tokens_of_a_foreign_dataset_are_sound(foreign: Path, tmp_path: Path) -> None:
    assert validate.validate(foreign, tmp_path / "docs", read_settings()).failures == []


def test_a_dataset_gives_its_own_splits_and_the_hash_the_others(run_dbt: Callable, tmp_path: Path) -> None:
    events = foreign_events(n_patients=30)
    root = write_dataset(tmp_path / "meds", events)
    (root / "metadata").mkdir()
    given = {subject: ("held_out", "tuning", "train")[subject % 3] for subject in range(1, 25)}
    parquet.write_table(pa.table({"subject_id": list(given), "split": list(given.values())}), root / layout.SPLITS_FILE)
    parquet.write_table(pa.table({"code": ["MEDS_BIRTH"]}), root / layout.CODES_FILE)
    done = run_import(root, tmp_path / "data", "--vars", "{n_bins: 5}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "not in metadata/codes.parquet" in done.stdout and "--vars '{n_bins: 5, preset: meds}'" in done.stdout
    split_of = dict(query(tmp_path / "data" / "warehouse.duckdb", "select subject_id, split from timelines.patients"))
    assert {subject: split_of[subject] for subject in given} == given and len(split_of) == 30


# --- mistakes ------------------------------------------------------------------------------------------------------------

EVENTS = [(1, START, "A"), (2, START, "B")]


def spoil_column(root: Path, name: str, values: pa.Array | None) -> None:
    path = root / "data" / "0.parquet"
    table = parquet.read_table(path).drop_columns([name])
    parquet.write_table(table if values is None else table.append_column(name, values), path)


def metadata(root: Path, name: Path, content: pa.Table | str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    if isinstance(content, str):
        (root / name).write_text(content)
    else:
        parquet.write_table(content, root / name)


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no column": (lambda root: spoil_column(root, "code", None), r"0\.parquet lacks the column code"),
    "text for a time": (lambda root: spoil_column(root, "time", pa.array(["2020", "2021"])), "column time is string"),
    "a time zone": (
        lambda root: spoil_column(root, "time", pa.array([START, START], pa.timestamp("us", "UTC"))),
        "without a zone",
    ),
    "a number for a code": (lambda root: spoil_column(root, "code", pa.array([1, 2])), "column code is int64"),
    "no parquet": (lambda root: (root / "data" / "0.parquet").write_text("no"), r"cannot read .*0\.parquet"),
    "no file": (lambda root: (root / "data" / "0.parquet").unlink(), "holds no parquet file"),
    "another split": (
        lambda root: metadata(root, layout.SPLITS_FILE, pa.table({"subject_id": [1], "split": ["test"]})),
        "split 'test' is none of train, tuning, held_out",
    ),
    "a subject in two splits": (
        lambda root: metadata(root, layout.SPLITS_FILE, pa.table({"subject_id": [1, 1], "split": ["train", "tuning"]})),
        "subject 1 stands there 2 times",
    ),
    "no column split": (
        lambda root: metadata(root, layout.SPLITS_FILE, pa.table({"subject_id": [1]})),
        "lacks the column split",
    ),
    "an empty split": (
        lambda root: metadata(
            root, layout.SPLITS_FILE, pa.table({"subject_id": [1], "split": pa.array([None], pa.string())})
        ),
        "a row without subject_id or split",
    ),
    "no codes": (lambda root: metadata(root, layout.CODES_FILE, pa.table({"name": ["A"]})), "lacks the column code"),
    "no json": (lambda root: metadata(root, layout.DATASET_FILE, "{"), r"cannot read .*dataset\.json"),
    "a json list": (lambda root: metadata(root, layout.DATASET_FILE, "[]"), "holds no JSON object"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_dataset_is_one_line(mistake: str, tmp_path: Path) -> None:
    spoil, message = MISTAKES[mistake]
    root = write_dataset(tmp_path / "meds", EVENTS, n_files=1)
    spoil(root)
    with pytest.raises(UserError, match=message) as caught:
        dataset.check(root)
    assert "\n" not in str(caught.value)


def test_other_writers_types_are_read_and_other_columns_of_our_names_are_not(tmp_path: Path) -> None:
    columns = {
        "text_value": pa.array(["x", None]),
        "hadm_id": pa.array(["A7", "A8"]),
        "unit": pa.array(["mg", "mL"], pa.large_string()),
        "site": pa.array(["north", "south"]),
    }
    found = dataset.check(write_dataset(tmp_path / "meds", EVENTS, n_files=1, **columns))
    assert found.columns == ("subject_id", "time", "code", "text_value", "unit")
    assert found.unread == ("hadm_id", "site")


def test_the_command_tells_mistakes_in_one_line(tmp_path: Path) -> None:
    done = run_import(tmp_path / "nowhere", tmp_path / "data")
    assert done.returncode == 2 and done.stdout == "" and not (tmp_path / "data" / "warehouse.duckdb").exists()
    assert done.stderr.startswith("error: no MEDS dataset: folder") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("given", ["{", "[1]", "{preset: full}", "{sources: {hosp.omr: true}}"])
def test_vars_that_do_not_fit_are_a_users_mistake(given: str) -> None:
    with pytest.raises(UserError, match="--vars"):
        read_vars(given)


def test_dbt_asks_for_the_folder_of_the_dataset(run_dbt: Callable, tmp_path: Path) -> None:
    done = run_dbt("run", "--vars", "{preset: meds}", env={"EHR_DATA": tmp_path / "data", "MEDS_ROOT": ""})
    assert done.returncode == 2 and "MEDS_ROOT" in done.stdout


def test_every_column_of_the_models_is_described(run_dbt: Callable, foreign: Path) -> None:
    manifest = foreign.parent / "target" / "manifest.json"
    nodes = json.loads(manifest.read_text())["nodes"].values()
    for node in (node for node in nodes if node["resource_type"] == "model" and "meds" in node["name"]):
        with validate.open_warehouse(foreign) as connection:
            relation = f"{node['database']}.{node['schema']}.{node['alias']}"
            actual = [
                name
                for name, *_ in connection.execute(
                    "select column_name from duckdb_columns() where database_name || '.' || schema_name || '.' || table_name = ? "
                    "order by column_index",
                    [relation],
                ).fetchall()
            ]
        assert list(node["columns"]) == actual and all(c["description"] for c in node["columns"].values()), relation


def test_unit_tests_of_the_models_pass(run_dbt: Callable, foreign: Path) -> None:
    done = run_dbt(
        *("test", "--vars", "{preset: meds}", "--select", "meds_codes", "meds_patients", "events_meds"),
        env={"EHR_DATA": foreign.parent},
    )
    assert done.returncode == 0 and "a_row_of_meds_keeps_its_time" in done.stdout, done.stdout[-2000:]
