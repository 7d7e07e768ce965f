"""MEDS datasets of other tools: what is kept, what is set aside, what is told of a mistake."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tests.warehouse.meds_data import START, foreign_events, query, run_import, write_dataset
from warehouse import validate
from warehouse.errors import UserError
from warehouse.meds import dataset, layout
from warehouse.meds.importing import read_vars

GIVEN_SPLITS = {subject_id: ("held_out", "tuning", "train")[subject_id % 3] for subject_id in range(1, 25)}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a minimal dataset of another tool."""
    folder = tmp_path_factory.mktemp("foreign")
    done = run_import(write_dataset(folder / "meds", foreign_events()), folder / "data")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "gives no splits" in done.stdout and "8 codes" in done.stdout
    return folder / "data" / "warehouse.duckdb"


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


def test_a_foreign_warehouse_is_sound(foreign: Path, tmp_path: Path) -> None:
    assert validate.validate(foreign, tmp_path / "docs").failures == []


@pytest.fixture(scope="module")
def with_metadata(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The warehouse of a dataset that gives the splits of some patients and has rare codes; and what its import printed."""
    folder = tmp_path_factory.mktemp("with_metadata")
    rare = [(subject_id, START, f"RARE//{subject_id}") for subject_id in GIVEN_SPLITS]
    root = write_dataset(folder / "meds", foreign_events(n_patients=30) + rare)
    (root / "metadata").mkdir()
    splits = pa.table({"subject_id": list(GIVEN_SPLITS), "split": list(GIVEN_SPLITS.values())})
    parquet.write_table(splits, root / layout.SPLITS_FILE)
    parquet.write_table(pa.table({"code": ["MEDS_BIRTH"]}), root / layout.CODES_FILE)
    done = run_import(root, folder / "data", "--vars", "{n_bins: 5}")
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "data" / "warehouse.duckdb", done.stdout


def test_a_dataset_gives_its_own_splits_and_the_hash_the_others(with_metadata: tuple[Path, str]) -> None:
    warehouse, printed = with_metadata
    assert "not in metadata/codes.parquet" in printed and "--vars '{n_bins: 5, preset: meds}'" in printed
    split_of = dict(query(warehouse, "select subject_id, split from timelines.patients"))
    assert {subject: split_of[subject] for subject in GIVEN_SPLITS} == GIVEN_SPLITS and len(split_of) == 30


def test_rare_codes_of_a_foreign_dataset_have_a_token(with_metadata: tuple[Path, str]) -> None:
    assert query(with_metadata[0], "select count(*) from tokens.tokens where token_id is null") == [(0,)]


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
