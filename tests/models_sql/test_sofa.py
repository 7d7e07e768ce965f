"""The SOFA score in SQL against the same score in plain Python, and its place in timeline and ledger."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from tests.models_sql.sofa_reference import COMPONENTS, NEEDED, read_tables, scores
from tests.models_sql.test_timelines import PATIENT
from tests.raw_tables import Rows, write_raw_tables

STARTED_AT = datetime(2150, 3, 1, 8)
ICU_STAY = {
    "subject_id": 1,
    "hadm_id": 10,
    "stay_id": 7,
    "intime": STARTED_AT,
    "outtime": STARTED_AT + timedelta(days=3),
}


def in_sql(connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int | None]]:
    columns = ", ".join(f"case when not {name}_is_missing then {name} end" for name in COMPONENTS)
    rows = connection.execute(f"select stay_id, sofa, {columns} from scratch.events.sofa_components").fetchall()
    for stay_id, sofa, *points in rows:
        assert sofa == sum(part or 0 for part in points), stay_id
    return {stay_id: dict(zip(COMPONENTS, points, strict=True)) for stay_id, _, *points in rows}


def lab(itemid: int, hours: float, valuenum: float, stored_after: float = 1, **more: object) -> dict[str, object]:
    drawn_at = STARTED_AT + timedelta(hours=hours)
    return {
        "labevent_id": f"{itemid}{int(hours * 60)}".replace("-", "9"),
        "subject_id": 1,
        "itemid": itemid,
        "charttime": drawn_at,
        "storetime": drawn_at + timedelta(hours=stored_after),
        "valuenum": valuenum,
    } | more


def test_the_score_enters_the_timeline_when_its_day_is_over(build):
    connection = build(
        {
            "patients": [PATIENT],
            "icustays": [ICU_STAY],
            # Stored a minute after the day: known in the timeline, not in the score.
            "labevents": [lab(50885, 2, 7.0), lab(51265, 23.5, 10.0, stored_after=31 / 60), lab(50912, 22, 4.0)],
        }
    )
    events = connection.execute(
        "select code, time, numeric_value from timelines.timeline_events where time is not null order by event_index"
    ).fetchall()
    known = [
        (code, (time - STARTED_AT) / timedelta(hours=1), value) for code, time, value in events if value is not None
    ]
    assert known == [
        ("LAB//RESULT//50885//UNK", 3, 7.0),
        ("LAB//RESULT//50912//UNK", 23, 4.0),
        ("SOFA", 24, 6.0),
        ("LAB//RESULT//51265//UNK", 24 + 1 / 60, 10.0),
    ]
    ledger = connection.execute("select distinct source_table from timelines.ledger").fetchall()
    assert ("sofa",) not in ledger


def test_a_stay_without_facts_has_no_score(build):
    connection = build({"patients": [PATIENT], "icustays": [ICU_STAY]})
    assert connection.execute("select code, set_aside_reason from timelines.quarantine").fetchall() == [
        ("SOFA", "no component was measured")
    ]
    assert in_sql(connection) == {7: dict.fromkeys(COMPONENTS)}


def test_sql_agrees_with_python_on_patients_made_by_chance(build, tmp_path):
    root = write_raw_tables(tmp_path / "raw", chance_rows(random.Random(4), n_stays=400))
    expected = scores(read_tables(root))
    assert in_sql(build(root)) == expected
    for name in COMPONENTS:
        # Every number of points is reached, and so is a missing component, or the test tells little.
        assert {points[name] for points in expected.values()} == {None, 0, 1, 2, 3, 4}, name


def test_sql_agrees_with_python_on_the_demo(build, shared_data: Path):
    root = shared_data / "mimic-iv-demo"
    found = in_sql(build(root))
    assert found == scores(read_tables(root))
    assert len(found) == 140


# --- patients made by chance ---------------------------------------------------------------------------------------------

TEXTS = {
    223900: ["No Response-ETT", "Oriented"],
    226732: ["Endotracheal tube", "Endotracheal tube", "Nasal cannula", "Trach mask ", "T-piece", "None", ""],
    223849: ["CMV/ASSIST", "PSV/SBT", "Standby", ""],
    229314: ["ASV", "NIV", "Standby"],
    52033: ["ART.", "ART.", "VEN."],
}
NUMBERS = {
    52033: [None],
    50821: [0, 20, 35, 55, 70, 90, 120],
    50816: [None, 0.4, 0.2, 21, 50, 100, 6, 20],
    51265: [0, 10, 19.9, 20, 49, 50, 99, 100, 149, 150, 300],
    50885: [0.4, 1.1, 1.2, 2, 5.9, 6, 12],
    50912: [0.5, 1.2, 1.9, 2, 3.5, 4.9, 5, 151],
    220739: [1, 1, 4],
    223900: [1, 2, 3, 4, 5],
    223901: [1, 1, 2, 6],
    220052: [-5, 40, 65, 69, 70, 71, 90, 300],
    220181: [50, 69, 70, 75, 120],
    225312: [60, 80, None],
    223835: [0.21, 0.5, 1, 5, 20, 40, 100],
    221906: [0, 0.05, 0.1, 0.11],
    221289: [0.02, 0.1, 0.2],
    221662: [0, 3, 5, 5.1, 15, 16],
    221653: [0, 2, 5],
}


def chance_rows(chance: random.Random, n_stays: int) -> Rows:
    """Stays with few rows of each item, most of them near the window's edges; each stay is another patient's."""
    tables: dict[str, list[dict[str, object]]] = {name: [] for name in ("patients", "admissions", "icustays", *NEEDED)}
    for stay_id in range(1, n_stays + 1):
        admission = {"subject_id": stay_id, "hadm_id": stay_id}
        stay = admission | {"stay_id": stay_id}
        left_at = STARTED_AT + timedelta(hours=chance.choice([-1, 2, 10, 40, 40, 40, 40, 40]))
        died_at = STARTED_AT + timedelta(hours=chance.randint(-2, 30)) if chance.random() < 0.1 else None
        tables["patients"].append(PATIENT | {"subject_id": stay_id})
        tables["admissions"].append(admission | {"admittime": STARTED_AT - timedelta(days=1), "deathtime": died_at})
        tables["icustays"].append(stay | {"intime": STARTED_AT, "outtime": chance.choice([left_at, left_at, None])})
        for name, items in NEEDED.items():
            for _ in range(chance.choice([0, 3, 12, 40])):
                owner = admission if name == "labevents" else stay
                tables[name].append(owner | chance_row(chance, name, chance.choice(sorted(items))))
    for key, row in enumerate(tables["labevents"]):
        row["labevent_id"] = key
    for key, row in enumerate(tables["inputevents"]):
        row["orderid"] = key
    return tables


def chance_row(chance: random.Random, table: str, itemid: int) -> dict[str, object]:
    time = STARTED_AT + timedelta(minutes=30 * chance.randint(-13, 49))
    stored = time + timedelta(minutes=chance.choice([-10, 0, 0, 5, 5, 120]))
    row: dict[str, object] = {
        "itemid": itemid,
        "charttime": time,
        "storetime": chance.choice([stored, stored, stored, None]),
    }
    if table == "labevents":
        # The parts of one specimen are drawn and stored together.
        specimen = chance.randint(1, 3)
        time = STARTED_AT + timedelta(hours=5 * specimen)
        if itemid in (52033, 50821, 50816):
            row |= {"specimen_id": specimen, "charttime": time, "storetime": time}
    if table == "inputevents":
        unit, weight = chance.choice(
            [("mcg/kg/min", 70), ("mg/kg/min", 1), ("mg/kg/min", 70), ("mcg/min", 80), ("units", 1)]
        )
        status = chance.choice(["Rewritten", "Stopped", "Stopped", "Stopped"])
        row |= {
            "starttime": row.pop("charttime"),
            "endtime": time + timedelta(hours=1),
            "rate": chance.choice(NUMBERS[itemid]),
        }
        return row | {"rateuom": unit, "patientweight": weight, "statusdescription": status}
    if table == "outputevents":
        return row | {"value": chance.choice([0, 20, 100, 150, 600])}
    return row | {
        "valuenum": chance.choice(NUMBERS.get(itemid, [None])),
        "value": chance.choice(TEXTS.get(itemid, [""])),
    }
