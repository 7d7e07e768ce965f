"""Cohorts of the emergency department, of laboratory results and of new diagnoses: SQL against plain Python, and what yml says of them."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.models_sql.tasks_reference_results import Row, cohorts, read_patients
from tests.models_sql.test_timelines import PATIENT, STAY
from tests.raw_tables import Rows, write_raw_tables
from warehouse.synth.block import Job
from warehouse.synth.write import write_cohort

ED_TASKS = ("ed_hospital_admission", "ed_critical_outcome_12h", "ed_return_72h")
RESULT_TASKS = (
    "hyperkalaemia",
    "hypoglycaemia",
    "hyponatraemia",
    "anaemia",
    "thrombocytopenia",
    "severe_kidney_injury",
)


def in_sql(connection: duckdb.DuckDBPyConnection, task: str) -> list[Row]:
    threshold = "threshold" if task == "severe_kidney_injury" else "null"
    variant = "variant" if task == "new_diagnosis" else "null"
    query = f"select subject_id, prediction_time, label, {threshold}, {variant} from tasks.{task} order by 1, 2, 5"
    return [Row(*row) for row in connection.execute(query).fetchall()]


def expected(connection: duckdb.DuckDBPyConnection, root: Path) -> Mapping[str, list[Row]]:
    query = "select icd_9, icd_10 from tokens.icd_mapping where kind = 'cm' and icd_10 is not null"
    return cohorts(read_patients(root, dict(connection.execute(query).fetchall())))


def test_sql_agrees_with_python_on_the_demo(build, shared_data: Path):
    root = shared_data / "mimic-iv-demo"
    connection = build(root, tasks=True)
    for task, rows in expected(connection, root).items():
        assert in_sql(connection, task) == rows, task
        assert 0 < sum(row.label for row in rows) < len(rows), task
    assert_prompts_hold_what_is_known(connection)


def test_sql_agrees_with_python_on_patients_made_by_chance(build, tmp_path: Path):
    root = write_raw_tables(tmp_path / "raw", chance_rows(random.Random(6), n_patients=300))
    connection = build(root, tasks=True)
    found = expected(connection, root)
    assert set(found) == {*ED_TASKS, *RESULT_TASKS, "new_diagnosis"}
    for task, rows in found.items():
        assert in_sql(connection, task) == rows, task
        # Both labels are there, or the test tells little.
        assert min(Counter(row.label for row in rows)[label] for label in (True, False)) >= 10, task


def test_each_variant_of_a_task_has_a_flow_of_its_own(build, tmp_path: Path):
    connection = build(write_raw_tables(tmp_path / "raw", chance_rows(random.Random(9), n_patients=40)), tasks=True)
    flows = connection.execute(
        """
        select variant, min(step), arg_min(n_left, step), arg_max(n_left, step), sum(n_left_out)
        from tasks.cohort_flow
        where task = 'new_diagnosis'
        group by variant
        order by variant
        """
    ).fetchall()
    query = "select variant, count(*) from tasks.new_diagnosis group by variant order by variant"
    assert [(variant, n_left) for variant, _, _, n_left, _ in flows] == connection.execute(query).fetchall()
    (n_stays,) = connection.execute("select count(*) from tasks.hospital_stays").fetchone()
    for _, first, n_candidates, n_left, n_left_out in flows:
        assert first == 0 and n_candidates == n_stays == n_left + n_left_out


@pytest.mark.slow
def test_sql_agrees_with_python_on_a_synthetic_cohort(build, tmp_path: Path):
    write_cohort(tmp_path / "cohort", Job(patients=300, seed=11))
    connection = build(tmp_path / "cohort", tasks=True)
    for task, rows in expected(connection, tmp_path / "cohort").items():
        assert in_sql(connection, task) == rows, task


def test_what_yml_says_of_a_result_is_what_sql_does(models: list[dict]):
    nodes = {node["name"]: node for node in models}
    for task in RESULT_TASKS:
        outcome, sql = nodes[task]["config"]["meta"]["task"]["outcome"], nodes[task]["compiled_code"]
        (codes,) = re.findall(r"event_kind = 'lab_result' and code in \((.*?)\)", sql)
        assert re.findall("'(.*?)'", codes) == outcome["codes"], task
        (threshold,) = re.findall(r"cast\((.*) as double\) as threshold", sql)
        assert (
            (outcome["threshold"] == "row")
            if re.search("[a-z]", threshold)
            else (float(threshold) == outcome["threshold"])
        )
        (sign,) = re.findall(r"numeric_value ([<>]=?) judged.threshold", sql)
        assert sign[0] == {"above": ">", "below": "<"}[outcome["beyond"]], task
        assert (len(sign) == 2) == outcome.get("or_equal", False), task
        assert ("after.nth = 1" in sql) == (outcome["decided_by"] == "next"), task


def assert_prompts_hold_what_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    """The prompt is all that is known at the moment: the event after its last one comes later."""
    for task in (*ED_TASKS, *RESULT_TASKS, "new_diagnosis"):
        n_rows, n_wrong = connection.execute(
            f"""
            select count(*), count(*) filter (
                events.time > tasks.prediction_time or next_events.time <= tasks.prediction_time
            )
            from tasks.{task} as tasks
            inner join timelines.ordered_events as events
                on tasks.subject_id = events.subject_id and tasks.prompt_event_index = events.event_index
            left join timelines.ordered_events as next_events
                on tasks.subject_id = next_events.subject_id and tasks.prompt_event_index + 1 = next_events.event_index
            """
        ).fetchone()
        assert n_rows == len(in_sql(connection, task)) > 0 == n_wrong, task
    # No visit that is predicted at triage has left or found a bed by then.
    (n_told,) = connection.execute(
        """
        select count(*)
        from tasks.ed_hospital_admission as tasks
        inner join timelines.timeline_events as events on tasks.subject_id = events.subject_id
        inner join timelines.timeline_events as arrivals
            on tasks.stay_id = arrivals.stay_id and arrivals.event_kind = 'ed_arrival'
        where
            (events.event_kind = 'ed_departure' and events.stay_id = tasks.stay_id or events.event_kind = 'hospital_admission')
            and events.event_index between arrivals.event_index and tasks.prompt_event_index
        """
    ).fetchone()
    assert n_told == 0


# --- patients made by chance: all at full hours and near the thresholds, so that moments and values meet -------------

UNITS = {50971: "mEq/L", 50822: "mEq/L", 50931: "mg/dL", 50983: "mEq/L", 51222: "g/dL", 51265: "K/uL", 50912: "mg/dL"}
VALUES = {
    50971: [4.0, 5.5, 5.6],
    50822: [5.4, 5.5, 6.0],
    50931: [69, 70, 71, 120],
    50983: [134, 135, 136],
    51222: [11.9, 12.0, 12.9, 13.0],
    51265: [149, 150, 151],
    50912: [0.8, 0.9, 1.0, 2.4, 2.7, 3.0, 3.9, 4.0],
}
CODES = [
    ("I509", 10),
    ("4280", 9),
    ("N179", 10),
    ("E119", 10),
    ("25000", 9),
    ("J9600", 10),
    ("R100", 10),
    ("Z9511", 10),
]
TYPES = ["URGENT", "EW EMER.", "EU OBSERVATION", "DIRECT OBSERVATION", "OBSERVATION ADMIT"]


def chance_rows(rng: random.Random, n_patients: int) -> Rows:
    tables: dict[str, list[dict[str, object]]] = defaultdict(list)
    for subject_id in range(1, n_patients + 1):
        arrivals = [datetime(2150, 1, 1)]
        for _ in range(rng.randrange(5)):
            gap = rng.choice([24, 48, 72, 73, 74, 24 * 30, 24 * 365]) + rng.randrange(3)
            arrivals.append(arrivals[-1] + timedelta(hours=gap))
        died_at = arrivals[-1] + timedelta(hours=rng.randrange(30)) if rng.random() < 0.5 else None
        tables["patients"].append(
            PATIENT
            | {"subject_id": subject_id, "gender": rng.choice("FM"), "anchor_age": rng.choice([17, 18, 50])}
            | {"dod": died_at.date() if died_at else None}
        )
        for nth, arrived_at in enumerate(arrivals):
            add_visit(rng, tables, {"subject_id": subject_id, "hadm_id": 10 * subject_id + nth}, arrived_at, died_at)
    return tables


def add_visit(
    rng: random.Random,
    tables: dict[str, list[dict[str, object]]],
    of_visit: dict[str, object],
    arrived_at: datetime,
    died_at: datetime | None,
) -> None:
    """A visit to the emergency department, an admission, or the one after the other; with results and diagnoses."""

    def hours(n: int) -> timedelta:
        return timedelta(hours=rng.randrange(n + 1))

    of_patient = {"subject_id": of_visit["subject_id"]}
    stay_id, in_ed, admitted = of_visit["hadm_id"], rng.random() < 0.7, rng.random() < 0.7
    left_at = arrived_at + hours(4)
    admitted_at = arrived_at + hours(3)
    discharged_at = admitted_at + timedelta(hours=rng.choice([0, 12, 23, 24, 25, 48, 72, 96]))
    if in_ed:
        disposition = rng.choice(["ADMITTED", "HOME", "HOME", "TRANSFER", "EXPIRED", ""])
        visit = of_patient | {"stay_id": stay_id, "intime": arrived_at, "outtime": left_at, "disposition": disposition}
        tables["edstays"].append(visit | {"gender": "F", "arrival_transport": "WALK IN"})
        code, version = rng.choice(CODES)
        coded = {"seq_num": 1, "icd_code": code, "icd_version": version, "icd_title": "X"}
        tables["ed.diagnosis"].append(of_patient | {"stay_id": stay_id} | coded)
    if admitted:
        dies = died_at is not None and admitted_at <= died_at <= discharged_at
        admission = {"admittime": admitted_at, "dischtime": discharged_at, "deathtime": died_at if dies else None}
        ends = {"discharge_location": "DIED" if dies else "HOME", "admission_type": rng.choice(TYPES)}
        tables["admissions"].append(STAY | of_visit | admission | ends)
        for seq_num, (code, version) in enumerate(rng.sample(CODES, 2), start=1):
            coded = {"seq_num": seq_num, "icd_code": code, "icd_version": version}
            tables["diagnoses_icd"].append(of_visit | coded)
    if rng.random() < 0.3:
        moved_at = arrived_at + hours(14)
        stay = {"stay_id": 5_000_000 + stay_id, "intime": moved_at, "outtime": moved_at + hours(30)}
        tables["icustays"].append(of_visit | stay | {"first_careunit": "MICU", "last_careunit": "MICU"})
    for itemid, unit in UNITS.items():
        for _ in range(rng.randrange(5)):
            drawn_at = admitted_at + timedelta(
                hours=rng.choice([-145, -144, -3, 0, 12, 23, 24, 25, 26, 48, 71, 72, 73])
            )
            result = {"itemid": itemid, "valueuom": unit, "valuenum": rng.choice(VALUES[itemid])}
            stored = {"charttime": drawn_at, "storetime": drawn_at + hours(2), "labevent_id": len(tables["labevents"])}
            tables["labevents"].append(of_patient | result | stored)
