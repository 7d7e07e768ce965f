"""What the timeline tells of cultures and of doses given, over several tables at once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models_sql.test_timelines import PATIENT, codes, moments
from tests.raw_tables import Rows

CULTURE = {
    "subject_id": 1,
    "micro_specimen_id": 5,
    "chartdate": "2150-01-01 00:00:00",
    "charttime": "2150-01-01 08:00:00",
    "storedate": "2150-01-03 00:00:00",
    "storetime": "2150-01-03 10:00:00",
    "spec_itemid": 70012,
    "spec_type_desc": "BLOOD CULTURE",
    "test_seq": 1,
    "test_itemid": 90201,
    "test_name": "Blood Culture",
}
ISOLATE = CULTURE | {"org_itemid": 80002, "org_name": "ESCHERICHIA COLI", "isolate_num": 1}
ENTRY = {
    "subject_id": 1,
    "emar_id": "1-7",
    "emar_seq": 7,
    "poe_id": "1-8",
    "charttime": "2150-01-01 08:00:00",
    "storetime": "2150-01-01 08:05:00",
    "medication": "Potassium Chloride",
    "event_txt": "Administered",
}


def test_a_culture_is_taken_then_grows_then_is_tried(build):
    connection = build(
        {
            "patients": [PATIENT],
            "microbiologyevents": [
                ISOLATE | {"microevent_id": 1, "ab_name": "MEROPENEM", "interpretation": "S"},
                ISOLATE | {"microevent_id": 2, "ab_name": "AMPICILLIN", "interpretation": "R"},
                CULTURE | {"microevent_id": 3, "test_itemid": 90101, "test_seq": 2, "test_name": "GRAM STAIN"},
            ],
            "labevents": [
                {"labevent_id": 1, "subject_id": 1, "itemid": 50912, "charttime": "2150-01-02 08:00:00", "valuenum": 1}
            ],
        }
    )
    assert codes(connection)[-6:] == [
        "LAB//SPECIMEN_COLLECTED//50912",
        "LAB//RESULT//50912//UNK",
        "MICRO//RESULT//BLOOD CULTURE//GRAM STAIN",
        "MICRO//ORGANISM//BLOOD CULTURE//ESCHERICHIA COLI",
        "MICRO//SUSCEPTIBILITY//ESCHERICHIA COLI//AMPICILLIN//R",
        "MICRO//SUSCEPTIBILITY//ESCHERICHIA COLI//MEROPENEM//S",
    ]
    assert codes(connection)[-7] == "MICRO//SPECIMEN//BLOOD CULTURE"


def test_doses_follow_the_administration_that_they_belong_to(build):
    details = [
        {"subject_id": 1, "emar_id": "1-7", "emar_seq": 7, "parent_field_ordinal": ordinal, "dose_given": dose}
        for ordinal, dose in (("", ""), ("1.1", "10"), ("1.10", "20"))
    ]
    connection = build({"patients": [PATIENT], "emar": [ENTRY], "emar_detail": details})
    query = (
        "select code, numeric_value, time from timelines.timeline_events where time > '2150-01-01' order by event_index"
    )
    told = connection.execute(query).fetchall()
    assert [event[:2] for event in told] == [
        ("MEDICATION//Potassium Chloride//Administered", None),
        ("DOSE_GIVEN//Potassium Chloride//UNK", 10),
        ("DOSE_GIVEN//Potassium Chloride//UNK", 20),
    ]
    assert len({time for *_, time in told}) == 1


# --- rows made by chance -------------------------------------------------------------------------------------------------

small = st.integers(1, 2)
names = st.sampled_from(["", " ", "CANCELLED", "YEAST", "// E. COLI"])
cultures = st.fixed_dictionaries(
    {
        "subject_id": small,
        "micro_specimen_id": small,
        "chartdate": st.sampled_from(["", "2150-01-01 00:00:00"]),
        "charttime": moments(nullable=True),
        "storetime": moments(nullable=True),
        "spec_type_desc": st.sampled_from(["", "URINE"]),
        "test_seq": small,
        "test_itemid": small,
        "org_name": names,
        "isolate_num": small,
        "ab_name": st.sampled_from(["", "OXACILLIN"]),
        "dilution_value": st.sampled_from(["", "2", "two"]),
        "comments": st.sampled_from(["", "___", "Test cancelled by laboratory."]),
    }
)
entries = st.fixed_dictionaries(
    {
        "subject_id": small,
        "charttime": moments(nullable=True),
        "storetime": moments(nullable=True),
        "medication": names,
        "event_txt": st.sampled_from(["Administered", "Not Given", ""]),
    }
)
details = st.fixed_dictionaries(
    {
        "subject_id": small,
        "emar_seq": st.sampled_from([0, 1, 2, "x"]),
        "parent_field_ordinal": st.sampled_from(["", "1.1", "1.10"]),
        "dose_given": st.sampled_from(["", " ", "10", "___", "1-2"]),
        "product_description": names,
    }
)
services = st.fixed_dictionaries(
    {"subject_id": small, "hadm_id": small, "chartdate": st.sampled_from(["", "2150-01-01", "x"]), "seq_num": small}
)


@st.composite
def hospital_rows(draw: st.DrawFn) -> Rows:
    emar = {(row["subject_id"], seq): row for seq, row in enumerate(draw(st.lists(entries, max_size=3)))}
    return {
        "microbiologyevents": [
            row | {"microevent_id": key} for key, row in enumerate(draw(st.lists(cultures, max_size=8)))
        ],
        "emar": [row | {"emar_seq": seq, "emar_id": f"{who}-{seq}"} for (who, seq), row in emar.items()],
        "emar_detail": [
            row | {"emar_id": f"{row['subject_id']}-{row['emar_seq']}"} for row in draw(st.lists(details, max_size=8))
        ],
        "hcpcsevents": draw(st.lists(services, max_size=3)),
    }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=hospital_rows(), order=st.randoms(use_true_random=False))
def test_every_row_is_counted_once_known_after_it_happened_and_no_order_of_rows_matters(build, rows, order):
    patients = {"patients": [PATIENT]}
    connection = build(rows | patients)
    query = "select source_table, count(*) from scratch.events.event_candidates where is_row_event group by all"
    counts = dict(connection.execute(query).fetchall())
    for name, table in rows.items():
        assert counts.get(f"hosp.{name}", 0) == len(table)
    early = "select count(*) from scratch.events.event_candidates where set_aside_reason is null and time < occurred_at"
    assert connection.execute(early).fetchone() == (0,)
    shuffled = build({name: order.sample(table, len(table)) for name, table in rows.items()} | patients)
    for relation in ("timelines.timeline_events", "timelines.quarantine"):
        query = f"select columns(*) from {relation} order by all"
        assert shuffled.execute(query).fetchall() == connection.execute(query).fetchall()
