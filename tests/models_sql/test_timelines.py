"""What the timeline promises, on patients made by hand and on patients made by chance."""

from collections import Counter
from datetime import date, datetime, timedelta

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.raw_tables import Rows

PATIENT = {"subject_id": 1, "gender": "F", "anchor_age": 50, "anchor_year": 2150, "anchor_year_group": "2011 - 2013"}
STAY = {
    "subject_id": 1,
    "hadm_id": 10,
    "admittime": "2150-03-01 08:00:00",
    "dischtime": "2150-03-05 00:00:00",
    "deathtime": "2150-03-05 22:20:00",
    "admission_type": "URGENT",
    "admission_location": "PHYSICIAN REFERRAL",
    "discharge_location": "DIED",
    "race": "WHITE",
    "hospital_expire_flag": 1,
}


def codes(connection: duckdb.DuckDBPyConnection, subject_id: int = 1) -> list[str]:
    query = "select code from timelines.timeline_events where subject_id = ? order by event_index"
    return [code for (code,) in connection.execute(query, [subject_id]).fetchall()]


def lab(key: int, charttime: str, **more: object) -> dict[str, object]:
    return {
        "labevent_id": key,
        "subject_id": 1,
        "itemid": 50912,
        "charttime": charttime,
        "valuenum": 1.0,
        "valueuom": "mg/dL",
    } | more


def test_a_death_in_hospital_ends_the_timeline(build):
    connection = build(
        {
            "patients": [PATIENT | {"dod": "2150-03-05"}],
            "admissions": [STAY],
            "labevents": [lab(1, "2150-03-05 22:00:00"), lab(2, "2150-03-05 23:00:00")],
            "transfers": [
                {
                    "subject_id": 1,
                    "hadm_id": 10,
                    "transfer_id": 5,
                    "eventtype": "discharge",
                    "intime": "2150-03-05 22:30:00",
                }
            ],
            "diagnoses_icd": [{"subject_id": 1, "hadm_id": 10, "seq_num": 1, "icd_code": "I500", "icd_version": 10}],
        }
    )
    assert codes(connection)[-5:] == [
        "LAB//SPECIMEN_COLLECTED//50912",
        "LAB//RESULT//50912//mg/dL",
        "HOSPITAL_DISCHARGE//DIED",
        "DIAGNOSIS//ICD//10//I500",
        "MEDS_DEATH",
    ]
    reasons = connection.execute("select code, set_aside_reason from timelines.quarantine order by code").fetchall()
    assert reasons == [
        ("LAB//RESULT//50912//mg/dL", "after death"),
        ("LAB//SPECIMEN_COLLECTED//50912", "after death"),
        ("TRANSFER_TO//discharge//UNK", "administrative, after death"),
    ]


def test_a_death_known_by_its_day_leaves_that_day_in_the_timeline(build):
    connection = build(
        {
            "patients": [PATIENT | {"dod": "2150-03-05"}],
            "labevents": [lab(1, "2150-03-05 22:00:00"), lab(2, "2150-03-06 00:00:00")],
        }
    )
    assert codes(connection)[-2:] == ["LAB//RESULT//50912//mg/dL", "MEDS_DEATH"]
    assert connection.execute("select count(*) from timelines.quarantine").fetchone() == (2,)


def test_events_of_one_minute_are_ordered_by_rank_then_code_then_raw_row(build):
    minute = "2150-03-05 22:20:00"
    connection = build(
        {
            "patients": [PATIENT | {"dod": "2150-03-05"}],
            "admissions": [STAY | {"admittime": minute}],
            "labevents": [lab(9, minute), lab(8, minute), lab(7, minute, itemid=50902)],
            "services": [{"subject_id": 1, "hadm_id": 10, "transfertime": minute, "curr_service": "MED"}],
            "diagnoses_icd": [{"subject_id": 1, "hadm_id": 10, "seq_num": 1, "icd_code": "I500", "icd_version": 10}],
        }
    )
    query = "select code, source_key from timelines.timeline_events where time = ? order by event_index"
    assert connection.execute(query, [minute]).fetchall() == [
        ("HOSPITAL_ADMISSION//URGENT//PHYSICIAN REFERRAL", "10"),
        ("MARITAL_STATUS//UNK", "10"),
        ("RACE//WHITE", "10"),
        ("SERVICE//MED", "10-2150-03-05 22:20:00-MED"),
        ("LAB//SPECIMEN_COLLECTED//50902", "7"),
        ("LAB//SPECIMEN_COLLECTED//50912", "8"),
        ("LAB//SPECIMEN_COLLECTED//50912", "9"),
        ("LAB//RESULT//50902//mg/dL", "7"),
        ("LAB//RESULT//50912//mg/dL", "8"),
        ("LAB//RESULT//50912//mg/dL", "9"),
        ("HOSPITAL_DISCHARGE//DIED", "10"),
        ("DIAGNOSIS//ICD//10//I500", "10-1-I500"),
        ("MEDS_DEATH", "1"),
    ]


def test_rows_that_make_no_event_are_counted_with_their_reason(build):
    connection = build(
        {
            "patients": [PATIENT],
            "labevents": [
                lab(1, "2150-03-01 08:00:00"),
                lab(2, "not a time"),
                lab(3, ""),
                lab(4, "2099-12-31 23:59:59"),
                lab(5, "2150-03-01 08:00:00", subject_id=2),
                lab(6, "2150-03-01 08:00:00", valuenum="1,5"),
                lab(7, "2150-03-01 08:00:00", valuenum="nan"),
            ],
            "drgcodes": [{"subject_id": 1, "hadm_id": 99, "drg_type": "APR", "drg_code": "001"}],
        }
    )
    query = "select source_table, reason, n_rows from timelines.ledger where outcome = 'set_aside' order by all"
    assert connection.execute(query).fetchall() == [
        ("hosp.drgcodes", "unknown admission", 1),
        ("hosp.labevents", "before birth", 1),
        ("hosp.labevents", "no time", 1),
        ("hosp.labevents", "unknown patient", 1),
        ("hosp.labevents", "unreadable charttime", 1),
        ("hosp.labevents", "unreadable valuenum", 2),
    ]


def test_a_key_that_occurs_twice_is_counted_and_doubles_nothing(build):
    rows = {
        "patients": [PATIENT],
        "admissions": [STAY],
        "diagnoses_icd": [{"subject_id": 1, "hadm_id": 10, "seq_num": 1, "icd_code": "I500", "icd_version": 10}],
    }
    once = build(rows)
    twice = build(rows | {"patients": [PATIENT, PATIENT], "admissions": [STAY, STAY | {"race": "ASIAN"}]})
    assert codes(twice) == codes(once)
    query = "select source_table, n_rows from timelines.ledger where reason = 'duplicate key' order by all"
    assert twice.execute(query).fetchall() == [("hosp.admissions", 1), ("hosp.patients", 1)]


def test_a_billed_row_of_another_patient_is_set_aside(build):
    other = {"subject_id": 2, "hadm_id": 10, "seq_num": 1, "icd_code": "I500", "icd_version": 10}
    connection = build(
        {"patients": [PATIENT, PATIENT | {"subject_id": 2}], "admissions": [STAY], "diagnoses_icd": [other]}
    )
    assert connection.execute("select set_aside_reason from timelines.quarantine").fetchall() == [
        ("unknown admission",)
    ]


def test_free_text_does_not_break_the_parts_of_a_code(build):
    dose = {"subject_id": 1, "charttime": "2150-03-01 08:00:00", "storetime": "2150-03-01 08:00:00"}
    connection = build(
        {
            "patients": [PATIENT],
            "admissions": [STAY],
            "emar": [dose | {"emar_id": "1-1", "medication": "Dextrose 5% // KCl", "event_txt": "Administered"}],
            "procedures_icd": [
                {
                    "subject_id": 1,
                    "hadm_id": 10,
                    "seq_num": 1,
                    "chartdate": "2150-03-02",
                    "icd_code": " ",
                    "icd_version": 10,
                }
            ],
        }
    )
    assert "MEDICATION//Dextrose 5% / KCl//Administered" in codes(connection)
    query = "select untokenised_reason from tokens.code_counts where event_kind = 'drug_administration'"
    assert connection.execute(query).fetchall() == [(None,)]
    assert connection.execute("select set_aside_reason from timelines.quarantine").fetchall() == [("no code",)]


def test_codes_keep_their_zeros(build):
    connection = build(
        {
            "patients": [PATIENT],
            "admissions": [STAY],
            "drgcodes": [{"subject_id": 1, "hadm_id": 10, "drg_type": "HCFA", "drg_code": "054", "description": "X"}],
            "diagnoses_icd": [{"subject_id": 1, "hadm_id": 10, "seq_num": 1, "icd_code": "0010", "icd_version": 9}],
        }
    )
    assert {"DRG//HCFA//054//X", "DIAGNOSIS//ICD//9//0010"} <= set(codes(connection))
    tokens = connection.execute(
        "select token from tokens.code_tokens where event_kind = 'diagnosis' order by position"
    ).fetchall()
    assert tokens == [("ICD10CM//A00",), ("ICD10CM_4_5//0",)]


def test_splits_hang_on_the_patient_alone(build):
    few = [PATIENT | {"subject_id": subject_id} for subject_id in range(10, 40)]
    many = [PATIENT | {"subject_id": subject_id, "gender": "M"} for subject_id in range(10, 1010)]
    query = "select subject_id, split from timelines.patients where subject_id < 40 order by subject_id"
    large = build({"patients": many})
    assert build({"patients": few}).execute(query).fetchall() == large.execute(query).fetchall()
    shares = dict(large.execute("select split, count(*) / 1000 from timelines.patients group by split").fetchall())
    # Four standard errors of a share of 0.1 among 1,000 are 0.038.
    assert abs(shares["tuning"] - 0.1) < 0.038 and abs(shares["held_out"] - 0.1) < 0.038


# --- patients made by chance ---------------------------------------------------------------------------------------------

START = datetime(2150, 1, 1)
minutes = st.one_of(st.just(0), st.integers(-5, 60 * 24 * 400), st.sampled_from([0, 60, 60 * 24]))


def moments(nullable: bool = False) -> st.SearchStrategy[datetime | None]:
    moment = minutes.map(lambda shift: START + timedelta(minutes=shift))
    return st.one_of(st.none(), moment) if nullable else moment


subjects = st.integers(1, 4)
admissions = st.fixed_dictionaries(
    {
        "subject_id": st.integers(1, 3),
        "admittime": moments(),
        "dischtime": moments(nullable=True),
        "deathtime": st.one_of(st.none(), st.none(), moments()),
        "admission_type": st.sampled_from(["URGENT", "EW EMER."]),
    }
)
labs = st.fixed_dictionaries(
    {
        "subject_id": subjects,
        "itemid": st.sampled_from([50912, 50971, ""]),
        "charttime": st.one_of(moments(nullable=True), st.just("soon")),
        "storetime": moments(nullable=True),
        "valuenum": st.one_of(st.none(), st.floats(0, 10)),
        "value": st.sampled_from(["NEG", "___", ""]),
        "valueuom": st.sampled_from(["mg/dL", "mEq/L", " ", ""]),
    }
)
doses = st.fixed_dictionaries(
    {
        "subject_id": subjects,
        "charttime": moments(),
        "storetime": moments(),
        "medication": st.sampled_from(["Heparin", "", "Furosemide"]),
        "event_txt": st.sampled_from(["Administered", "Not Given", ""]),
    }
)
billed = st.fixed_dictionaries(
    {"subject_id": subjects, "hadm_id": st.integers(0, 4), "icd_code": st.sampled_from(["I500", "Z9"])}
)


@st.composite
def raw_rows(draw: st.DrawFn) -> Rows:
    dods = draw(st.lists(st.one_of(st.none(), moments()), min_size=3, max_size=3))
    return {
        "patients": [
            PATIENT | {"subject_id": subject_id, "dod": dod and dod.date()}
            for subject_id, dod in enumerate(dods, start=1)
        ],
        "admissions": [row | {"hadm_id": key} for key, row in enumerate(draw(st.lists(admissions, max_size=4)))],
        "labevents": [row | {"labevent_id": key} for key, row in enumerate(draw(st.lists(labs, max_size=12)))],
        "emar": [row | {"emar_id": f"e-{key}"} for key, row in enumerate(draw(st.lists(doses, max_size=8)))],
        "diagnoses_icd": [
            row | {"seq_num": key, "icd_version": 10} for key, row in enumerate(draw(st.lists(billed, max_size=5)))
        ],
    }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=raw_rows(), order=st.randoms(use_true_random=False))
def test_order_and_conservation_hold_for_any_rows(build, rows, order):
    connection = build(rows)
    check_conservation(connection, rows)
    events = connection.execute(
        "select subject_id, event_index, time, occurred_at, event_kind, code, source_table, source_key "
        "from timelines.timeline_events order by subject_id, event_index"
    ).fetchall()
    check_order(connection, events)
    shuffled = {name: order.sample(table, len(table)) for name, table in rows.items()}
    query = "select columns(*) from {} order by all"
    for table in ("timelines.timeline_events", "tokens.vocabulary", "tokens.tokens", "tokens.static_prefix"):
        assert (
            build(shuffled).execute(query.format(table)).fetchall()
            == connection.execute(query.format(table)).fetchall()
        )


def check_conservation(connection: duckdb.DuckDBPyConnection, rows: Rows) -> None:
    ledger = connection.execute(
        "select source_table, outcome, sum(n_rows) from timelines.ledger group by all"
    ).fetchall()
    counts = {(table.split(".")[1], outcome): n for table, outcome, n in ledger}
    for name, given_rows in rows.items():
        assert counts[name, "read"] == len(given_rows)
        assert counts.get((name, "used"), 0) + counts.get((name, "set_aside"), 0) == len(given_rows)
    kept, aside, candidates = connection.execute(
        "select (select count(*) from timelines.timeline_events), (select count(*) from timelines.quarantine), "
        "(select count(*) from scratch.events.event_candidates)"
    ).fetchone()
    assert kept + aside == candidates


def check_order(connection: duckdb.DuckDBPyConnection, events: list[tuple]) -> None:
    ranks = connection.execute("select event_kind, tie_rank::integer from raw.reference.event_kinds").fetchall()
    rank = dict(ranks)
    deaths = dict(connection.execute("select subject_id, died_at from timelines.patients").fetchall())
    seen: Counter[int] = Counter()
    last: dict[int, tuple] = {}
    for subject_id, event_index, time, occurred_at, kind, code, table, key in events:
        assert event_index == seen[subject_id]
        seen[subject_id] += 1
        place = (time or datetime.min, rank[kind], code, table, key)
        assert subject_id not in last or last[subject_id] <= place
        last[subject_id] = place
        assert (time is None) == (kind == "static")
        assert occurred_at is None or time >= occurred_at
        assert time is None or deaths[subject_id] is None or time <= deaths[subject_id]
        assert time is None or time >= datetime(2100, 1, 1)
    assert all(isinstance(day, datetime | date) or day is None for day in deaths.values())


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=raw_rows())
def test_every_tokenised_event_is_in_the_stream_with_known_ids(build, rows):
    connection = build(rows)
    in_stream = connection.execute("select count(distinct (subject_id, event_index)) from tokens.tokens").fetchone()[0]
    tokenised = connection.execute(
        "select coalesce(sum(n_events), 0) from tokens.token_ledger where outcome = 'tokenised'"
    ).fetchone()[0]
    assert in_stream == tokenised
    strangers = "select count(*) from tokens.tokens anti join tokens.vocabulary using (token_id)"
    assert connection.execute(strangers).fetchone() == (0,)
    gaps = connection.execute(
        "select extract(epoch from time - lag(time) over (partition by subject_id order by event_index)), interval_token, "
        "n_interval_tokens from tokens.event_tokens"
    ).fetchall()
    for seconds, token, repeats in gaps:
        assert (token, repeats) == expected_interval(seconds)


def expected_interval(seconds: float | None) -> tuple[str | None, int]:
    """The time-interval token of a gap, told once more in plain Python."""
    day = 86400
    edges = [300, 900, 3600, 7200, 21600, 43200, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day, 180 * day]
    hours_and_days = ["5m-15m", "15m-1h", "1h-2h", "2h-6h", "6h-12h", "12h-1d", "1d-3d"]
    names = [*hours_and_days, "3d-1w", "1w-2w", "2w-30d", "30d-90d", "90d-180d", "180d"]
    reached = [name for edge, name in zip(edges, names, strict=True) if seconds is not None and seconds >= edge]
    if not reached:
        return None, 0
    return f"TIME//{reached[-1]}", round(seconds / edges[-1]) if reached[-1] == "180d" else 1
