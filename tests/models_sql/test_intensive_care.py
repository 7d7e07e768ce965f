"""Intensive care in the timeline: infusions that are charted together keep their order, and no row is lost or known too early."""

import random
from datetime import datetime, timedelta

from tests.models_sql.test_timelines import PATIENT, check_conservation
from tests.raw_tables import Rows

STAY = {"subject_id": 1, "hadm_id": 10, "stay_id": 7}
TIMES = {"intime": "2150-03-01 08:00:00", "outtime": "2150-03-04 08:00:00"}


def at(hour: str) -> str:
    return f"2150-03-01 {hour}:00"


def stretch(orderid: int, start: str, end: str, stored: str, rate: float, itemid: int = 221906) -> dict[str, object]:
    times = {"starttime": at(start), "endtime": at(end), "storetime": at(stored)}
    doses = {"rate": rate, "rateuom": "mcg/kg/min", "amount": 1, "amountuom": "mg"}
    return STAY | times | doses | {"orderid": orderid, "linkorderid": orderid, "itemid": itemid}


def test_stretches_charted_together_keep_their_order(build):
    connection = build(
        {
            "patients": [PATIENT],
            "icustays": [STAY | TIMES],
            # A bag that is changed twice and taken down, all of it charted at noon; its orders are numbered against the clock.
            "inputevents": [
                stretch(9, "09:00", "10:00", "12:00", 0.1),
                stretch(8, "10:00", "10:30", "12:00", 0.2),
                stretch(7, "10:30", "11:00", "12:00", 0.3),
                # Another drug ends at noon, and starts again.
                stretch(6, "11:00", "12:00", "11:00", 0.1, itemid=221289),
            ],
        }
    )
    query = (
        "select split_part(code, '//', 1), split_part(code, '//', 2), numeric_value from timelines.timeline_events "
        f"where time = '{at('12:00')}' order by event_index"
    )
    assert connection.execute(query).fetchall() == [
        ("INFUSION_END", "221289", 1.0),
        ("INFUSION_START", "221906", 0.1),
        ("INFUSION_CHANGE", "221906", 0.2),
        ("INFUSION_CHANGE", "221906", 0.3),
        ("INFUSION_END", "221906", 3.0),
    ]


def test_no_row_is_lost_counted_twice_or_known_too_early(build):
    rows = chance_rows(random.Random(1))
    connection = build(rows)
    check_conservation(connection, {name: table for name, table in rows.items() if name != "d_items"})
    early = "select count(*) from timelines.timeline_events where time < occurred_at"
    assert connection.execute(early).fetchone() == (0,)
    reasons = "select distinct reason from timelines.ledger where source_table like 'icu.%' and outcome = 'set_aside'"
    assert {reason for (reason,) in connection.execute(reasons).fetchall()} >= {
        "copy of a laboratory result",
        "ends before it starts",
        "far outside the stay",
        "implausible",
        "no time",
        "no value",
        "nothing was given",
        "rewritten",
        "same measurement in another unit",
        "unreadable itemid",
    }
    # Each run of a drug that is begun is ended once, for each patient and drug.
    unbalanced = (
        "select 1 from scratch.events.event_candidates where source_table = 'icu.inputevents' and set_aside_reason is null "
        "group by subject_id, stay_id, split_part(code, '//', 2) "
        "having count(*) filter (where event_kind = 'infusion_start') <> count(*) filter (where event_kind like 'infusion_end%')"
    )
    assert connection.execute(unbalanced).fetchall() == []


def chance_rows(chance: random.Random) -> Rows:
    """Two stays and every table of intensive care, with times, items and values that break each rule now and then."""
    stays = [STAY | TIMES, STAY | TIMES | {"subject_id": 2, "hadm_id": 20, "stay_id": 8}]

    def times(*names: str) -> dict[str, object]:
        first = datetime(2150, 3, 1, 8) + timedelta(minutes=30 * chance.randint(-4, 20))
        first += timedelta(days=365) * chance.choice([0, 0, 0, 0, 0, 0, 0, 1])
        shifts = [0, *(chance.choice([-30, 1, 30, 60, 60, 120]) for _ in names[1:])]
        return {
            name: chance.choice([first + timedelta(minutes=shift)] * 15 + [None])
            for name, shift in zip(names, shifts, strict=True)
        }

    def row(**more: object) -> dict[str, object]:
        owner = chance.choice(stays)
        return {name: owner[name] for name in ("subject_id", "hadm_id", "stay_id")} | more

    def given() -> dict[str, object]:
        doses = {"amount": chance.choice([0, 1, 2.5]), "amountuom": chance.choice(["mg", "mcg", "ml"])}
        return (
            times("starttime", "endtime", "storetime")
            | doses
            | {"statusdescription": chance.choice(["Rewritten"] + ["Stopped"] * 9)}
        )

    charted = [
        (220045, 80),
        (220045, 999999),
        (220615, 1.1),
        (226707, 65),
        (226730, 165),
        (223762, 37),
        (220048, None),
        ("x", 1),
    ]
    on_the_hour = {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 09:00:00"}
    chartevents = [row(itemid=item, valuenum=value) | times("charttime", "storetime") for item, value in charted * 20]
    chartevents += [STAY | on_the_hour | {"itemid": item, "valuenum": value} for item, value in charted]
    return {
        "patients": [PATIENT, PATIENT | {"subject_id": 2}],
        "icustays": stays,
        "d_items": [{"itemid": 220615, "label": "Creatinine (serum)", "linksto": "chartevents", "category": "Labs"}]
        + [{"itemid": item, "linksto": "chartevents", "category": "Routine Vital Signs"} for item in (220045, 220048)]
        + [{"itemid": 226559, "linksto": "outputevents", "category": "Output"}],
        "chartevents": chartevents,
        "inputevents": [
            row(orderid=key, itemid=chance.choice([1, 2]), rate=chance.choice([None, 0, 0.5])) | given()
            for key in range(200)
        ],
        "ingredientevents": [row(orderid=key, itemid=220490) | given() for key in range(60)],
        "outputevents": [
            row(itemid=226559, value=chance.choice([50, 60000, None])) | times("charttime", "storetime")
            for _ in range(60)
        ],
        "procedureevents": [
            row(orderid=key, itemid=225792, statusdescription=chance.choice(["Rewritten", "Stopped"]))
            | times("starttime", "endtime", "storetime")
            for key in range(60)
        ],
    }
