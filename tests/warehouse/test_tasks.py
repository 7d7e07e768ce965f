"""Export of tasks: rows, MEDS labels and outcomes as tokens say what stands in the warehouse; mistakes are told in one line."""

import json
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import meds
import pyarrow.parquet as parquet
import pytest

from tests.conftest import REPOSITORY
from tests.models_sql.test_tasks import chance_rows
from tests.models_sql.test_timelines import PATIENT, lab
from warehouse import tasks
from warehouse.errors import UserError
from warehouse.shard_format import SPLITS
from warehouse.task_tokens import Vocabulary, WrittenCode, class_labels, find_codes, outcome_of, read_vocabulary

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def warehouse(build, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built warehouse file, taken for validated; the tests of this file share it."""
    monkeypatch.setattr(tasks, "require_valid", lambda path: "fingerprint of the warehouse")
    data = tmp_path_factory.getbasetemp() / "tasks"
    if not data.exists():
        rows = dict(chance_rows(random.Random(9), n_patients=200))
        rows["labevents"] = [
            lab(10 * subject_id + i, f"2150-0{1 + i}-01 09:00:00", subject_id=subject_id, valuenum=subject_id / 10 + i)
            for subject_id in range(1, 201)
            for i in range(3)
        ]
        data.mkdir()
        build(rows, data=data, tasks=True).close()
    return data / "warehouse.duckdb"


def test_an_export_holds_the_rows_of_the_warehouse_and_labels_that_meds_accepts(warehouse: Path, tmp_path: Path):
    out = tmp_path / "tasks"
    index = tasks.export(warehouse, out)
    assert index == json.loads((out / "tasks.json").read_text())
    assert index["format"] == 1 and index["warehouse_fingerprint"] == "fingerprint of the warehouse"
    by_name = {task["name"]: task for task in index["tasks"]}
    assert {"drg", "icu_length_of_stay", "mortality_1y"} <= set(by_name)
    connection = duckdb.connect(str(warehouse), read_only=True)
    for name, task in by_name.items():
        rows = parquet.read_table(out / f"{name}.parquet").to_pylist()
        if name in ("drg", "icu_length_of_stay", "mortality_1y"):
            found = connection.execute(
                f"select subject_id, prediction_time, label, hadm_id from tasks.{name}"
            ).fetchall()
            assert sorted(found) == sorted(
                (row["subject_id"], row["prediction_time"], row["label"], row["hadm_id"]) for row in rows
            )
        assert [(row["subject_id"], row["prediction_time"]) for row in rows] == sorted(
            (row["subject_id"], row["prediction_time"]) for row in rows
        )
        for split in SPLITS:
            labels = parquet.read_table(out / "meds" / name / f"{split}.parquet")
            meds.LabelSchema.validate(labels)
            mine = [row for row in rows if row["split"] == split]
            early = MICROSECOND if name == "drg" else timedelta(0)
            assert [(label["subject_id"], label["prediction_time"]) for label in labels.to_pylist()] == [
                (row["subject_id"], row["prediction_time"] - early) for row in mine
            ]
            values = labels[f"{task['label_type']}_value"].to_pylist()
            assert values == pytest.approx([row["label"] for row in mine])
            positives = sum(values) if task["label_type"] == "boolean" else None
            patients = len({row["subject_id"] for row in mine})
            assert task["counts"][split] == {"rows": len(mine), "patients": patients, "positives": positives}


def test_the_same_warehouse_gives_the_same_bytes(warehouse: Path, tmp_path: Path):
    contents = []
    for name in ("one", "two"):
        tasks.export(warehouse, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1] and len(contents[0]) > 40


def test_outcomes_are_tokens_of_the_vocabulary(warehouse: Path, tmp_path: Path):
    index = tasks.export(warehouse, tmp_path / "tasks")
    connection = duckdb.connect(str(warehouse), read_only=True)
    ids = dict(connection.execute("select token, token_id from tokens.vocabulary").fetchall())
    by_name = {task["name"]: task for task in index["tasks"]}
    died, ends = (
        ids["HOSPITAL_DISCHARGE//DIED"],
        {ids[token] for token in ids if token.startswith("HOSPITAL_DISCHARGE//")},
    )
    mortality = by_name["hospital_mortality_at_admission"]
    assert mortality["outcome"] == {"kind": "event", "tokens": sorted([died, ids["MEDS_DEATH"]])}
    assert died not in mortality["stop_tokens"] and set(mortality["stop_tokens"]) <= ends
    assert mortality["simulable"] and "reason" not in mortality and mortality["horizon_seconds"] is None
    readmission = by_name["readmission_30d"]
    assert readmission["horizon_seconds"] == 30 * 86400 and readmission["stop_tokens"] == [ids["MEDS_DEATH"]]
    assert readmission["outcome"]["tokens"] == [ids["HOSPITAL_ADMISSION//ELECTIVE"], ids["HOSPITAL_ADMISSION//URGENT"]]
    assert by_name["prolonged_stay_7d"]["outcome"] == {"kind": "duration", "seconds": 7 * 86400}
    assert by_name["icu_length_of_stay"]["outcome"] == {"kind": "time_to_stop", "unit_seconds": 86400}
    groups = {str(ids[f"DRG//HCFA//{group}"]): group for group in range(1, 5)}
    assert by_name["drg"]["outcome"] == {"kind": "class", "tokens": groups}
    # Each interval stands for the mean of its gaps, the middle where train has none.
    seconds = {token: index["time_tokens"][str(ids[token])] for token in ids if token.startswith("TIME//")}
    assert 30 * 86400 <= seconds["TIME//30d-90d"] < 90 * 86400 and seconds["TIME//5m-15m"] == 600
    assert len(seconds) == len(index["time_tokens"]) == 13


def test_a_result_has_quantiles_and_a_value_a_mean_for_each_bin(warehouse: Path):
    connection = duckdb.connect(str(warehouse), read_only=True)
    vocabulary = read_vocabulary(connection)
    codes = ["LAB//RESULT//50912//"]
    meta = {
        "outcome": {"kind": "result", "codes": codes, "beyond": "above", "threshold": "row"},
        "stop": ["MEDS_DEATH"],
    }
    result, stops, reason = outcome_of(connection, vocabulary, meta)
    assert reason is None and stops == [vocabulary.ids["MEDS_DEATH"]] and result["threshold"] is None
    assert result["name_tokens"] == [vocabulary.ids["LAB//50912//mg/dL"]] and result["decided_by"] == "next"
    assert set(result["values"]) == {str(vocabulary.ids[f"Q//{i}"]) for i in range(1, 11)}
    bins = [result["values"][str(vocabulary.ids[f"Q//{i}"])] for i in range(1, 11)]
    assert all(len(values) == 21 and values == sorted(values) for values in bins)
    edges = connection.execute("select upper_edge from tokens.quantile_breaks order by break_index").fetchall()
    assert [values[-1] for values in bins[:-1]] == [edge for (edge,) in edges]
    value, _, _ = outcome_of(connection, vocabulary, {"outcome": {"kind": "value", "codes": codes}})
    assert all(values[0] <= value["values"][bin_] <= values[-1] for bin_, values in result["values"].items())
    nothing, _, reason = outcome_of(
        connection, vocabulary, {"outcome": {"kind": "value", "codes": ["LAB//RESULT//1//"]}}
    )
    assert nothing["values"] == {} and reason == "its outcome has no token of its own"
    with pytest.raises(UserError, match="kind 'guess'"):
        outcome_of(connection, vocabulary, {"outcome": {"kind": "guess", "codes": []}})


def test_a_token_stands_for_an_outcome_only_where_nothing_else_is_written_with_it():
    codes = (
        WrittenCode(0, "ICU_ADMISSION//MICU", 10, "ICU_ADMISSION//MICU"),
        WrittenCode(1, "ICU_ADMISSION//RARE", 11, "ICU//OTHER"),
        WrittenCode(2, "HOSPITAL_DISCHARGE//HOME", 12, "HOSPITAL_DISCHARGE//HOME"),
        WrittenCode(3, "HOSPITAL_DISCHARGE//RARE", 13, "HOSPITAL_DISCHARGE//OTHER"),
        WrittenCode(4, "PRESCRIPTION//START//A", 14, "DRUG_ORDER"),
        WrittenCode(5, "PRESCRIPTION//START//B", 14, "DRUG_ORDER"),
        WrittenCode(6, "MEDICATION//A", 15, "ATC//A"),
    )
    vocabulary = Vocabulary({}, codes, later_tokens=frozenset({15}))

    def found(*arguments, **more) -> list[int]:
        return [code.code_id for code in find_codes(vocabulary, *arguments, **more)]

    assert found(["ICU_ADMISSION//"]) == [0]
    assert found(["ICU_ADMISSION//", "HOSPITAL_DISCHARGE//"], ["ICU_ADMISSION//M"]) == [2]
    assert found(["HOSPITAL_DISCHARGE//"], with_rare=True) == [2, 3]
    assert found(["PRESCRIPTION//START//A"]) == [] and found(["PRESCRIPTION//"]) == [4, 5]
    assert found(["MEDICATION//A"]) == [] and found([]) == []
    assert class_labels([WrittenCode(0, "", 3, "DRG//HCFA//871"), WrittenCode(1, "", 4, "DRG//HCFA//X")]) == {"3": 871}


def test_rows_tell_age_race_and_first_admission_as_of_the_prediction(build, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tasks, "require_valid", lambda path: "")
    stay = {"subject_id": 1, "admission_type": "URGENT", "discharge_location": "HOME"}
    admissions = [
        stay | {"hadm_id": 10, "admittime": "2150-07-02 08:00", "dischtime": "2150-07-05 08:00", "race": "WHITE"},
        stay | {"hadm_id": 11, "admittime": "2151-07-02 08:00", "dischtime": "2151-07-05 08:00", "race": "BLACK"},
    ]
    deaths = {"deathtime": "2150-03-01 09:00", "dischtime": "2150-03-01 09:00", "admittime": "2150-02-01 08:00"}
    patients = [PATIENT, PATIENT | {"subject_id": 2, "dod": "2150-03-01"}]
    build(
        {"patients": patients, "admissions": [*admissions, stay | deaths | {"subject_id": 2, "hadm_id": 20}]},
        data=tmp_path,
        tasks=True,
    ).close()
    index = tasks.export(tmp_path / "warehouse.duckdb", tmp_path / "tasks")
    absent = {entry["name"]: entry["reason"] for entry in index["absent"]}
    assert absent["drg"] == "the timelines hold no drg" and not (tmp_path / "tasks" / "drg.parquet").exists()
    assert absent["icu_readmission"] == "the timelines hold no icu_admission, no icu_discharge"
    rows = parquet.read_table(tmp_path / "tasks" / "readmission_30d.parquet").to_pylist()
    told = [(row["hadm_id"], row["sex"], row["race"], row["is_first_admission"]) for row in rows]
    assert told == [(10, "F", "WHITE", True), (11, "F", "BLACK", False)]
    years = [(row["prediction_time"] - datetime(2100, 1, 1)) / timedelta(days=365.25) for row in rows]
    assert [row["age"] for row in rows] == pytest.approx(years)


def test_what_cannot_be_exported_is_told(warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no tasks; name another folder"):
        tasks.export(warehouse, home)
    warehouse = shutil.copy(warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update timelines.timeline_spans set n_events = n_events + 1 where subject_id = 1")
    with pytest.raises(UserError, match="was built over other timelines"):
        tasks.export(warehouse, tmp_path / "out")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop schema tasks cascade")
    with pytest.raises(UserError, match="holds no tasks; run"):
        tasks.export(warehouse, tmp_path / "out")
    monkeypatch.undo()
    with pytest.raises(UserError, match="has not been validated"):
        tasks.export(warehouse, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


@pytest.mark.parametrize(
    ("options", "said"), [(("--format", "csv"), "unrecognized arguments"), ((), "no warehouse at")]
)
def test_the_command_tells_mistakes_in_one_line(options: tuple[str, ...], said: str, tmp_path: Path):
    command = [sys.executable, "-m", "warehouse.tasks", "--warehouse", tmp_path / "none.duckdb", *options]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1
