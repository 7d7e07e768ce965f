"""What the timeline tells of the emergency department, over several tables at once."""

from datetime import timedelta

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models_sql.test_timelines import PATIENT, STAY, codes, moments
from tests.raw_tables import Rows

ED_STAY = {
    "subject_id": 1,
    "stay_id": 31,
    "hadm_id": 10,
    "intime": "2150-03-01 04:00:00",
    "outtime": "2150-03-01 09:30:00",
    "gender": "F",
    "arrival_transport": "AMBULANCE",
    "disposition": "ADMITTED",
}
ADMITTED = STAY | {"edregtime": "2150-03-01 04:00:00", "edouttime": "2150-03-01 09:30:00", "deathtime": ""}
OF_STAY = {"subject_id": 1, "stay_id": 31}


def test_a_visit_is_told_in_the_order_in_which_it_was_known(build):
    connection = build(
        {
            "patients": [PATIENT],
            "admissions": [ADMITTED],
            "edstays": [ED_STAY],
            "triage": [OF_STAY | {"acuity": 2, "chiefcomplaint": "Dyspnea", "heartrate": 110}],
            "vitalsign": [OF_STAY | {"charttime": "2150-03-01 06:00:00", "o2sat": 91}],
            "medrecon": [OF_STAY | {"charttime": "2150-03-01 06:00:00", "name": "warfarin", "etc_rn": 1}],
            "pyxis": [OF_STAY | {"charttime": "2150-03-01 06:00:00", "name": "Furosemide", "med_rn": 1, "gsn_rn": 1}],
            "ed.diagnosis": [OF_STAY | {"seq_num": 1, "icd_code": "I509", "icd_version": 10, "icd_title": "X"}],
        }
    )
    visit = [code for code in codes(connection) if code.startswith(("ED_", "HOME_", "HOSPITAL_ADMISSION"))]
    assert visit == [
        "ED_ARRIVAL//AMBULANCE",
        "ED_TRIAGE//ACUITY",
        "ED_TRIAGE//CHIEF_COMPLAINT",
        "ED_VITAL//HEART_RATE",
        "HOME_DRUG//warfarin",
        "ED_VITAL//OXYGEN_SATURATION",
        "ED_DISPENSED//Furosemide",
        "ED_REGISTRATION",
        "HOSPITAL_ADMISSION//URGENT//PHYSICIAN REFERRAL",
        "ED_OUT",
        "ED_DEPARTURE//ADMITTED",
        "ED_DIAGNOSIS//ICD//10//I509",
    ]


def test_nothing_before_admission_tells_that_the_patient_will_be_admitted(build):
    """Not by the row of the admission, and not by what other tables tell of admitted patients alone."""

    def before_admission(**rows: list[dict[str, object]]) -> list[tuple]:
        query = (
            "select time, code from timelines.timeline_events where time < '2150-03-01 08:00:00' order by event_index"
        )
        return build({"patients": [PATIENT], "edstays": [ED_STAY | {"hadm_id": ""}]} | rows).execute(query).fetchall()

    in_department = {
        "subject_id": 1,
        "transfer_id": 5,
        "eventtype": "ED",
        "careunit": "Emergency Department",
        "intime": "2150-03-01 04:00:00",
    }
    of_stay = {"subject_id": 1, "hadm_id": 10}
    not_admitted = before_admission(transfers=[in_department])
    assert [code for _, code in not_admitted[1:]] == [
        "ED_ARRIVAL//AMBULANCE",
        "TRANSFER_TO//ED//Emergency Department",
    ]
    early = "2150-03-01 05:00:00"
    admitted = {
        "admissions": [ADMITTED],
        "transfers": [
            in_department | of_stay,
            of_stay | {"transfer_id": 6, "eventtype": "admit", "careunit": "Discharge Lounge", "intime": early},
        ],
        "services": [of_stay | {"transfertime": early, "curr_service": "MED"}],
        "prescriptions": [of_stay | {"pharmacy_id": 1, "drug_type": "MAIN", "drug": "Heparin", "starttime": early}],
    }
    assert before_admission(**admitted, edstays=[ED_STAY]) == not_admitted


def test_an_admission_through_the_emergency_department_without_a_stay_there_keeps_its_registration(build):
    connection = build({"patients": [PATIENT], "admissions": [ADMITTED]})
    told = codes(connection)
    assert told[2:5] == ["MEDS_BIRTH", "ED_REGISTRATION", "HOSPITAL_ADMISSION//URGENT//PHYSICIAN REFERRAL"]
    assert "ED_OUT" in told and not any(code.startswith("ED_ARRIVAL") for code in told)
    clock = "select cast(time as text), cast(occurred_at as text) from timelines.timeline_events where code = 'ED_REGISTRATION'"
    assert connection.execute(clock).fetchall() == [("2150-03-01 08:00:00", "2150-03-01 04:00:00")]


def test_a_visit_of_a_patient_who_died_there_ends_with_death(build):
    connection = build(
        {
            "patients": [PATIENT | {"dod": "2150-03-01"}],
            "edstays": [ED_STAY | {"outtime": "2150-03-02 01:00:00", "disposition": "EXPIRED"}],
            "ed.diagnosis": [OF_STAY | {"seq_num": 1, "icd_code": "I469", "icd_version": 10, "icd_title": "X"}],
        }
    )
    assert codes(connection)[-2:] == ["ED_ARRIVAL//AMBULANCE", "MEDS_DEATH"]
    assert connection.execute("select distinct set_aside_reason from timelines.quarantine").fetchall() == [
        ("administrative, after death",)
    ]


# --- visits made by chance -----------------------------------------------------------------------------------------------

of_stay = {"subject_id": st.integers(1, 3), "stay_id": st.integers(30, 33)}
numbers = st.one_of(st.none(), st.none(), st.just("98.6F"), st.integers(-1, 1000))
vitals = {name: numbers for name in ("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp")} | {
    "pain": st.sampled_from(["", "8", "8/10", "13", "ett", "nan", "/10"])
}
drugs = st.sampled_from(["Aspirin", " Aspirin", "", "Heparin"])
small = st.integers(1, 2)
stays = st.fixed_dictionaries(of_stay | {"intime": moments(nullable=True), "outtime": moments(nullable=True)})
tables = {
    "edstays": stays,
    "triage": st.fixed_dictionaries(of_stay | vitals | {"acuity": numbers, "chiefcomplaint": drugs}),
    "vitalsign": st.fixed_dictionaries(of_stay | vitals | {"charttime": moments(nullable=True), "rhythm": drugs}),
    "pyxis": st.fixed_dictionaries(
        of_stay | {"charttime": moments(nullable=True), "name": drugs, "med_rn": small, "gsn_rn": small}
    ),
    "medrecon": st.fixed_dictionaries(of_stay | {"charttime": moments(nullable=True), "name": drugs, "etc_rn": small}),
    "ed.diagnosis": st.fixed_dictionaries(
        of_stay | {"seq_num": small, "icd_code": drugs, "icd_version": st.sampled_from([9, 10, "", "X"])}
    ),
}


@st.composite
def visits(draw: st.DrawFn) -> Rows:
    patients = [PATIENT | {"subject_id": subject_id} for subject_id in (1, 2)]
    return {"patients": patients} | {name: draw(st.lists(rows, max_size=6)) for name, rows in tables.items()}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=visits())
def test_every_row_of_a_visit_is_counted_once_and_known_after_it_happened(build, rows):
    connection = build(rows)
    for name, table in rows.items():
        check_rows(connection, name if "." in name else f"ed.{name}", len(table))
    early = "select count(*) from scratch.events.event_candidates where set_aside_reason is null and time < occurred_at"
    assert connection.execute(early).fetchone() == (0,)
    # Nothing that takes its time from the stay is known before the patient is there, or triage after the patient has left.
    outside = """
        select events.time, stays.intime, stays.outtime, events.source_table
        from timelines.timeline_events as events
        inner join scratch.staging.stg_ed__edstays as stays using (subject_id, stay_id)
        where events.source_table in ('ed.triage', 'ed.diagnosis') and stays.intime < stays.outtime
        qualify count(*) over (partition by stays.stay_id, events.source_table, events.source_key, events.code) = 1
    """
    for time, arrived, left, source in connection.execute(outside).fetchall():
        assert time == (min(arrived + timedelta(hours=1), left) if source == "ed.triage" else left)


def check_rows(connection: duckdb.DuckDBPyConnection, source: str, n_rows: int) -> None:
    """The ledger of a raw table holds each of its rows once, and each row is one row event."""
    if source == "ed.patients":
        return
    query = "select sum(n_rows) filter (where outcome = 'read'), sum(n_rows) filter (where outcome <> 'read') from timelines.ledger"
    assert connection.execute(query + " where source_table = ?", [source]).fetchone() == (n_rows, n_rows or None)
    query = "select count(*) filter (where is_row_event) from scratch.events.event_candidates where source_table = ?"
    assert connection.execute(query, [source]).fetchone() == (n_rows,)
