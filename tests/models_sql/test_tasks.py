"""The tasks of stays in hospital and in intensive care: SQL against plain Python, and what holds of every task."""

import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from tests.models_sql.tasks_reference import Row, cohorts
from tests.raw_tables import Rows, write_raw_tables

TASKS = {
    *("hospital_mortality_at_admission", "hospital_mortality_at_24h", "icu_admission", "prolonged_stay_7d"),
    *("prolonged_stay_10d", "readmission_30d", "mortality_1y", "drg", "icu_mortality_at_admission"),
    *("icu_mortality_at_24h", "icu_length_of_stay", "icu_readmission", "sofa_first_day"),
}
OF_ICU_STAYS = {task for task in TASKS if task.startswith("icu_") and task != "icu_admission"} | {"sofa_first_day"}


def in_sql(connection: duckdb.DuckDBPyConnection, task: str) -> dict[int, Row]:
    key = "stay_id" if task in OF_ICU_STAYS else "hadm_id"
    rows = connection.execute(f"select {key}, subject_id, prediction_time, label from tasks.{task}").fetchall()
    assert len({row[0] for row in rows}) == len(rows), task
    return {key: Row(*row) for key, *row in rows}


def scores(connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
    query = "select stay_id, numeric_value::integer from timelines.timeline_events where code = 'SOFA'"
    return dict(connection.execute(query).fetchall())


def assert_labels_agree(connection: duckdb.DuckDBPyConnection, root: Path, tasks: set[str]) -> None:
    alive = (
        "select subject_id, max(time) from timelines.timeline_events inner join timelines.patients using (subject_id) "
        "where time < died_at group by subject_id"
    )
    expected = cohorts(root, scores(connection), dict(connection.execute(alive).fetchall()))
    assert set(expected) == tasks
    for task in tasks:
        found = in_sql(connection, task)
        assert set(found) == set(expected[task]), task
        for key, row in found.items():
            assert row[:2] == expected[task][key][:2] and row.label == pytest.approx(expected[task][key].label), task


def assert_prompts_hold_what_is_known(connection: duckdb.DuckDBPyConnection, tasks: set[str]) -> None:
    events: dict[int, list[tuple[datetime | None, str]]] = {}
    query = "select subject_id, time, event_kind from timelines.timeline_events order by subject_id, event_index"
    for subject_id, *event in connection.execute(query).fetchall():
        events.setdefault(subject_id, []).append(event)
    for task in tasks:
        query = f"select subject_id, prediction_time, prompt_event_index from tasks.{task}"
        for subject_id, prediction_time, last in connection.execute(query).fetchall():
            known = [i for i, (time, _) in enumerate(events[subject_id]) if time is None or time <= prediction_time]
            if task == "drg":
                known = [i for i in known if events[subject_id][i][1] == "hospital_discharge"]
            assert last == known[-1], task


def test_sql_agrees_with_python_on_the_demo(build, shared_data: Path):
    root = shared_data / "mimic-iv-demo"
    connection = build(root, tasks=True)
    assert_labels_agree(connection, root, TASKS)
    assert_prompts_hold_what_is_known(connection, TASKS)
    for task in TASKS:
        assert connection.execute(f"select count(distinct label) from tasks.{task}").fetchone()[0] >= 2, task


def test_sql_agrees_with_python_on_patients_made_by_chance(build, tmp_path: Path):
    root = write_raw_tables(tmp_path / "raw", chance_rows(random.Random(7), n_patients=300))
    connection = build(root, tasks=True)
    # Without laboratory and charted values there is no score.
    tasks = TASKS - {"sofa_first_day"}
    assert_labels_agree(connection, root, tasks)
    assert_prompts_hold_what_is_known(connection, tasks)
    for task in tasks:
        labels = f"select count(distinct label), count(*) from tasks.{task}"
        n_labels, n_rows = connection.execute(labels).fetchone()
        assert n_labels >= 2 and n_rows >= 30, task
    # Every reason to set a candidate aside comes up.
    reasons = connection.execute("select distinct task, reason from tasks.cohort_flow where step > 0").fetchall()
    assert {reason for task, reason in reasons if task in tasks} >= {
        *("no admission before death", "under 18 at admission, or of unknown age", "observation, not admitted"),
        *("no discharge recorded", "discharged by the minute of admission", "discharged or dead within 24 hours"),
        *("died in hospital", "transferred to another stay", "in intensive care by admission", "no HCFA group"),
        *("died in intensive care", "left hospital from intensive care", "moved to another unit of intensive care"),
        *("no admission to intensive care before death", "discharge written down after death"),
        *("no discharge from intensive care recorded",),
    }
    assert in_sql(connection, "sofa_first_day") == {}


def test_the_flow_of_a_cohort_begins_with_all_candidates_and_ends_with_its_rows(build, tmp_path: Path):
    connection = build(write_raw_tables(tmp_path / "raw", chance_rows(random.Random(8), n_patients=60)), tasks=True)
    for task in TASKS:
        flow = connection.execute(
            f"select step, n_left_out, n_left, n_patients_left from tasks.{task}_flow order by step"
        ).fetchall()
        rows = connection.execute(f"select count(*), count(distinct subject_id) from tasks.{task}").fetchone()
        assert flow[0][:2] == (0, 0) and flow[-1][2:] == rows, task
        for (_, _, before, _), (_, left_out, left, _) in pairwise(flow):
            assert before - left_out == left and left_out > 0, task


def test_a_prompt_that_ends_too_soon_or_too_late_is_seen(build, compiled: dict[str, dict], tmp_path: Path):
    connection = build(write_raw_tables(tmp_path / "raw", chance_rows(random.Random(7), n_patients=300)), tasks=True)
    checks = {node["name"]: node.get("compiled_code") for node in compiled.values() if node["resource_type"] == "test"}
    for task in TASKS - {"sofa_first_day"}:
        at_its_time, lies_ahead = (
            checks[f"{kind}_{task}_"] for kind in ("prompt_ends_at_prediction_time", "label_lies_ahead")
        )
        rows = connection.execute(f"select count(*) from tasks.{task}").fetchone()[0]
        assert [len(connection.execute(check).fetchall()) for check in (at_its_time, lies_ahead)] == [0, 0], task
        # The prompt of a DRG ends among the events of its minute: that none of them is the answer is for the other check to say.
        for shift in (1, -2) if task != "drg" else (-20,):
            connection.execute(f"update tasks.{task} set prompt_event_index = prompt_event_index + {shift}")
            assert len(connection.execute(at_its_time).fetchall()) == rows, (task, shift)
        connection.execute(f"update tasks.{task} set prompt_event_index = 1000000")
        said = "true" if task in ("drg", "icu_length_of_stay") or task.startswith("prolonged_stay") else "label"
        told = connection.execute(f"select count(*) from tasks.{task} where {said}").fetchone()[0]
        assert len(connection.execute(lies_ahead).fetchall()) == told > 0, task


def chance_rows(chance: random.Random, n_patients: int) -> Rows:
    """Patients whose stays follow, overlap and touch each other and whose deaths come at any time, known by the minute or by the day."""
    start = datetime(2150, 1, 1)
    rows: dict[str, list[dict]] = {
        name: [] for name in ("patients", "admissions", "icustays", "drgcodes", "diagnoses_icd")
    }
    for subject_id in range(1, n_patients + 1):
        age = chance.choice([1, 17, 30, 50, 70])
        patient = {"subject_id": subject_id, "gender": "F", "anchor_age": age, "anchor_year": 2150}
        time = start + timedelta(hours=chance.randrange(0, 5000))
        stays = []
        for nth in range(chance.randrange(1, 5)):
            length = chance.choice([timedelta(0), timedelta(hours=chance.randrange(1, 500)), timedelta(days=7)])
            stays.append(
                {
                    "subject_id": subject_id,
                    "hadm_id": subject_id * 10 + nth,
                    "admittime": time,
                    "dischtime": time + length if chance.random() < 0.95 else None,
                    "admission_type": chance.choice(["URGENT", "ELECTIVE", "EU OBSERVATION"]),
                    "discharge_location": chance.choice(["HOME", "HOME", "HOME", None]),
                }
            )
            gap = chance.choice([timedelta(0), timedelta(days=30), timedelta(hours=chance.randrange(-40, 2000))])
            time = max(time + length + gap, time)
        _let_die(chance, patient, stays)
        rows["patients"].append(patient)
        rows["admissions"] += stays
        for stay in stays:
            rows["icustays"] += _icu_stays(chance, stay)
            if chance.random() < 0.8:
                billed = {
                    "subject_id": subject_id,
                    "hadm_id": stay["hadm_id"],
                    "drg_type": chance.choice(["HCFA", "APR"]),
                }
                rows["drgcodes"].append(billed | {"drg_code": chance.randrange(1, 5), "description": "GROUP"})
                coded = {"subject_id": subject_id, "hadm_id": stay["hadm_id"], "seq_num": 1}
                rows["diagnoses_icd"].append(coded | {"icd_code": "I500", "icd_version": 10})
    return rows


def _let_die(chance: random.Random, patient: dict, stays: list[dict]) -> None:
    stay = chance.choice([stays[-1], stays[-1], chance.choice(stays)])
    fate = chance.choice(["alive", "by the minute", "before discharge", "by the day", "of the year"])
    end = stay["dischtime"] or stay["admittime"] + timedelta(days=2)
    if fate in ("by the minute", "before discharge"):
        stay["deathtime"] = end if fate == "by the minute" else max(end - timedelta(hours=3), stay["admittime"])
        stay["discharge_location"] = "DIED"
        patient["dod"] = stay["deathtime"].date()
    elif fate == "by the day":
        patient["dod"] = end.date()
    elif fate == "of the year":
        patient["dod"] = (end + timedelta(days=chance.choice([1, 29, 364, 365, 366]))).date()


def _icu_stays(chance: random.Random, stay: dict) -> list[dict]:
    rows, time = [], stay["admittime"] + timedelta(hours=chance.randrange(-1, 30))
    for nth in range(chance.choice([0, 0, 1, 2, 3])):
        end = time + timedelta(hours=chance.randrange(1, 80))
        key = {"subject_id": stay["subject_id"], "hadm_id": stay["hadm_id"], "stay_id": stay["hadm_id"] * 10 + nth}
        rows.append(key | {"intime": time, "outtime": end if chance.random() < 0.97 else None})
        time = end + timedelta(hours=chance.choice([0, 0, 5, 100]))
    return rows
