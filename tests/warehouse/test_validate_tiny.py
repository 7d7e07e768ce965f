"""A hand-made warehouse of twelve patients that meets every expectation, and tests that it does.

It has the tables and columns that a build makes, filled by a few lines of SQL, so that the tests that break it run in
milliseconds and wherever there is no patient data.
"""

from pathlib import Path

import duckdb
import pytest

from tests.warehouse.judge import judge
from warehouse.expectations import expectations
from warehouse.expectations_codes import CODE_PREFIXES
from warehouse.expectations_tokens import FAMILIES
from warehouse.judgement import Settings, measure
from warehouse.paths import EVENT_KINDS
from warehouse.switches import landed_tables, project_vars

SETTINGS = Settings(
    tuning_share=0.1,
    held_out_share=0.1,
    icd_at="discharge",
    n_bins=10,
    min_values_for_breaks=20,
    # The hash with this salt puts patient 3 into tuning and patient 7 into held_out.
    split_salt="tiny949",
    tables=landed_tables(project_vars({"preset": "full"})),
)

# The raw tables of the events below; all others are there and make none.
MAKING_EVENTS = {
    table
    for table in SETTINGS.tables
    if table.module == "hosp" and not table.is_dictionary and table.name not in ("microbiologyevents", "emar_detail")
} | {table for table in SETTINGS.tables if table.full_name in ("icu.icustays", "ed.edstays", "ed.diagnosis")}

# Patient i of 12: born 2080, admitted in 2120 for three days; the twelfth dies at discharge. One event a line.
_EVENTS = """
create table facts as
select * from (values
    ('static', null, null, 'GENDER//F', null, 'hosp.patients', true, 'p'),
    ('static', null, null, 'CALENDAR_YEAR_OFFSET', -106, 'hosp.patients', false, 'p'),
    ('birth', timestamp '2080-01-01', timestamp '2080-01-01', 'MEDS_BIRTH', null, 'hosp.patients', false, 'p'),
    ('ed_registration', timestamp '2120-03-01 08:00', timestamp '2120-03-01 04:00', 'ED_REGISTRATION', null,
        'hosp.admissions', false, 'a'),
    ('hospital_admission', timestamp '2120-03-01 08:00', timestamp '2120-03-01 08:00', 'HOSPITAL_ADMISSION//URGENT//ER',
        null, 'hosp.admissions', true, 'a'),
    ('demographic', timestamp '2120-03-01 08:00', timestamp '2120-03-01 08:00', 'RACE//WHITE', null, 'hosp.admissions', false, 'a'),
    ('transfer', timestamp '2120-03-01 08:00', timestamp '2120-03-01 08:00', 'TRANSFER_TO//admit//Medicine', null,
        'hosp.transfers', true, 't'),
    ('service', timestamp '2120-03-01 08:00', timestamp '2120-03-01 08:00', 'SERVICE//MED', null, 'hosp.services', true, 's'),
    ('icu_admission', timestamp '2120-03-01 08:30', timestamp '2120-03-01 08:30', 'ICU_ADMISSION//MICU', null,
        'icu.icustays', true, 'i'),
    ('lab_specimen', timestamp '2120-03-01 09:00', timestamp '2120-03-01 09:00', 'LAB//SPECIMEN_COLLECTED//50912', null,
        'hosp.labevents', false, 'l1'),
    ('lab_result', timestamp '2120-03-01 10:00', timestamp '2120-03-01 09:00', 'LAB//RESULT//50912//mg/dL', 1.0,
        'hosp.labevents', true, 'l1'),
    ('lab_specimen', timestamp '2120-03-02 09:00', timestamp '2120-03-02 09:00', 'LAB//SPECIMEN_COLLECTED//50912', null,
        'hosp.labevents', false, 'l2'),
    ('lab_result', timestamp '2120-03-02 09:00', timestamp '2120-03-02 09:00', 'LAB//RESULT//50912//mg/dL', 2.0,
        'hosp.labevents', true, 'l2'),
    ('omr', timestamp '2120-03-01 23:59:59', timestamp '2120-03-01', 'BMI (kg/m2)', 25.0, 'hosp.omr', true, 'o'),
    ('drug_order', timestamp '2120-03-01 11:00', timestamp '2120-03-01 11:00', 'PRESCRIPTION//START//Furosemide', null,
        'hosp.prescriptions', true, 'd'),
    ('drug_administration', timestamp '2120-03-01 12:00', timestamp '2120-03-01 11:30', 'MEDICATION//Furosemide//Administered',
        null, 'hosp.emar', true, 'e'),
    ('hospital_discharge', timestamp '2120-03-04 15:00', timestamp '2120-03-04 15:00', 'HOSPITAL_DISCHARGE//HOME', null,
        'hosp.admissions', false, 'a'),
    ('procedure', timestamp '2120-03-04 15:00', timestamp '2120-03-02', 'PROCEDURE//ICD//10//009600Z', null,
        'hosp.procedures_icd', true, 'q'),
    ('diagnosis', timestamp '2120-03-04 15:00', null, 'DIAGNOSIS//ICD//9//4280', null, 'hosp.diagnoses_icd', true, 'x'),
    ('drg', timestamp '2120-03-04 15:00', null, 'DRG//APR//194//HEART FAILURE', null, 'hosp.drgcodes', true, 'g'),
    ('hcpcs', timestamp '2120-03-04 23:59:59', timestamp '2120-03-03', 'HCPCS//Observation', null, 'hosp.hcpcsevents', true, 'h'),
    ('ed_arrival', timestamp '2120-03-10', timestamp '2120-03-10', 'ED_ARRIVAL//WALK IN', null, 'ed.edstays', true, 'r'),
    ('ed_departure', timestamp '2120-03-10 04:00', timestamp '2120-03-10 04:00', 'ED_DEPARTURE//HOME', null, 'ed.edstays', false, 'r'),
    ('ed_diagnosis', timestamp '2120-03-10 04:00', null, 'ED_DIAGNOSIS//ICD//10//R079', null, 'ed.diagnosis', true, 'z'),
    -- Only the twelfth patient's: the death, and a result that came after it and is set aside with its specimen.
    ('death', timestamp '2120-03-04 15:00', timestamp '2120-03-04 15:00', 'MEDS_DEATH', null, 'hosp.patients', false, 'p'),
    ('lab_specimen', timestamp '2120-03-05', timestamp '2120-03-05', 'LAB//SPECIMEN_COLLECTED//50912', null,
        'hosp.labevents', false, 'l3'),
    ('lab_result', timestamp '2120-03-05', timestamp '2120-03-05', 'LAB//RESULT//50912//mg/dL', 3.0,
        'hosp.labevents', true, 'l3')
) as facts (event_kind, time, occurred_at, code, numeric_value, source_table, is_row_event, row_name);

create schema timelines;
create table timelines.patients as
select
    i::bigint as subject_id,
    'F' as sex,
    timestamp '2080-01-01' as born_at,
    case when i = 12 then timestamp '2120-03-04 15:00' end as died_at,
    case when i = 3 then 'tuning' when i = 7 then 'held_out' else 'train' end as split
from range(1, 13) as numbers (i)
order by i;

create schema scratch.events;
create table scratch.events.event_candidates as
select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value::double + subject_id / 100.0 as numeric_value,
    null::text as text_value,
    case when event_kind = 'lab_result' then 'mg/dL' end as unit,
    case when event_kind not in ('static', 'birth', 'death', 'omr') and event_kind not like 'ed!_%' escape '!'
        or event_kind = 'ed_registration' then 100 + subject_id end as hadm_id,
    case when event_kind in ('ed_arrival', 'ed_departure', 'ed_diagnosis') then 500 + subject_id end as stay_id,
    source_table,
    subject_id || row_name as source_key,
    event_kind,
    is_row_event,
    case when time > died_at then 'after death' end as set_aside_reason
from facts cross join timelines.patients
where (event_kind <> 'death' and row_name <> 'l3') or subject_id = 12;

create table timelines.codes as
select
    (row_number() over (
        order by tie_rank, code, source_table, event_kind, unit nulls last
    ) - 1)::integer as code_id,
    code_id as tie_order,
    event_kind, code, unit, source_table, tie_rank
from (select distinct event_kind, code, unit, source_table from scratch.events.event_candidates)
inner join (select event_kind, tie_rank::integer as tie_rank from read_csv('{event_kinds}', all_varchar = true)) using (event_kind);

create table timelines.ordered_events as
select
    row_number() over (order by subject_id, time nulls first, code_id, source_key) - 1 as event_number,
    subject_id,
    (row_number() over (partition by subject_id order by time nulls first, code_id, source_key) - 1)::integer as event_index,
    time, occurred_at, code_id, numeric_value, text_value, hadm_id, stay_id, source_key, is_row_event
from scratch.events.event_candidates inner join timelines.codes using (event_kind, code, source_table)
where set_aside_reason is null
order by event_number;

create view timelines.timeline_events as
select
    subject_id, event_index, time, occurred_at, code, numeric_value, text_value, unit, hadm_id, stay_id, event_kind, source_table,
    source_key, event_number
from timelines.ordered_events inner join timelines.codes using (code_id);

-- The tables under the views, which the fingerprint is taken of.
create table timelines.sorted_candidates as
select *, null::text as set_aside_reason, 0::bigint as fingerprint from timelines.ordered_events;
create table timelines.timeline_spans as
select subject_id, min(event_number) as first_event_number, count(*) as n_events from timelines.timeline_events group by subject_id;

create table timelines.quarantine as select * from scratch.events.event_candidates where set_aside_reason is not null;
drop table facts;
"""

# A code is one token, a value another, and a quarter of an hour or more another before them.
_TOKENS = """
create schema tokens;
create table tokens.code_counts as
select
    event_kind,
    code,
    count(*) as n_events,
    count(distinct subject_id) as n_patients,
    count(*) filter (where split = 'train') as n_train_events,
    count(numeric_value) filter (where split = 'train') as n_train_values,
    case
        when event_kind in ('static', 'birth', 'demographic') then 'told by the static prefix'
        when event_kind = 'lab_specimen' then 'the preset keeps results, not specimens'
    end as untokenised_reason
from timelines.timeline_events inner join timelines.patients using (subject_id)
group by event_kind, code
order by event_kind, code;

create table tokens.code_tokens as
select
    event_kind,
    code,
    0 as position,
    family,
    code as token,
    n_train_events
from tokens.code_counts
inner join (select event_kind, family from read_csv('{event_kinds}', all_varchar = true)) using (event_kind)
where untokenised_reason is null;

create table tokens.quantile_breaks as
select code, i::integer as break_index, quantile_disc(numeric_value, 0.1)  + i / 100.0 as upper_edge, count(*) as n_values
from timelines.timeline_events inner join timelines.patients using (subject_id) cross join range(1, 10) as numbers (i)
where split = 'train' and event_kind = 'lab_result'
group by code, i
order by code, i;

create table written as
with events as (
    select
        subject_id, split, event_index, events.time, events.event_kind, numeric_value, token,
        lag(events.time) over (partition by subject_id order by event_index) as previous_time
    from timelines.timeline_events as events
    inner join tokens.code_tokens using (event_kind, code)
    inner join timelines.patients using (subject_id)
)
select subject_id, split, event_index, 0::smallint as position, token, time from events
union all
select subject_id, split, event_index, 1, case event_kind when 'omr' then 'Q//NONE' else 'Q//1' end, time
from events where numeric_value is not null
union all
select subject_id, split, event_index, -1, 'TIME//15m-1h', time
from events where time - previous_time >= interval 15 minutes;

create table statics as
select subject_id, split, from_event_index::integer as from_event_index, slot::integer as slot, name || '//UNKNOWN' as token
from timelines.patients
cross join (values (0, 'SEX'), (1, 'MARITAL_STATUS'), (2, 'RACE'), (3, 'BMI'), (4, 'AGE'), (5, 'START_YEAR')) as slots (slot, name)
cross join (values (0), (12)) as versions (from_event_index);

create table tokens.vocabulary as
with used as (
    select token, split from written
    union all select token, split from statics
    union all select 'PAD', null
),
named as (
    select
        token,
        case
            when token = 'PAD' then 'special'
            when token like '%//UNKNOWN' then 'static'
            when token like 'TIME//%' then 'time'
            when token like 'Q//%' then 'quantile'
            else (select min(family) from tokens.code_tokens where code_tokens.token = used.token)
        end as family,
        count(*) filter (where split = 'train') as count_train
    from used
    group by token
)
select
    (row_number() over (order by family <> 'special', token) - 1)::integer as token_id,
    token, family, count_train, 0::bigint as n_rare_tokens
from named
order by token_id;

create table tokens.token_ids as
select token, family, count_train as n_train, token as written_as, token_id from tokens.vocabulary;
create table tokens.written_events as
select
    subject_id, split, event_index, time,
    (count(*) filter (where position < 0))::integer as n_interval_tokens,
    list(token_id order by position) as token_ids
from written inner join tokens.vocabulary using (token)
group by subject_id, split, event_index, time
order by subject_id, event_index;
create table tokens.static_prefix as
select subject_id, split, from_event_index, slot, token_id
from statics inner join tokens.vocabulary using (token)
order by subject_id, from_event_index, slot;
create table tokens.token_ledger as
select
    event_kind,
    case when untokenised_reason is null then 'tokenised' else 'not_tokenised' end as outcome,
    coalesce(untokenised_reason, 'in the token stream') as reason,
    count(*) as n_codes,
    sum(n_events)::bigint as n_events
from tokens.code_counts
group by all;
create table tokens.drug_mapping as
select 'furosemide' as drug, 'C03CA01' as atc_code, 1 as source_rank, 24::bigint as n_events;
create table tokens.icd_mapping as
select 'cm' as kind, '4280' as icd_9, null::text as icd_10, null::integer as source_rank, 12::bigint as n_events;
create table tokens.code_token_ids as select code_id, [code_id] as token_ids from timelines.codes order by code_id;
drop table written;
drop table statics;
"""

_SPREAD = {"bigint": "i", "integer": "i", "smallint": "i % 100", "double": "i", "text": "'c' || i"}
_SPREAD |= {"timestamp": "timestamp '2120-03-01' + to_hours(i::integer)", "date": "date '2120-03-01' + i::integer"}


def _staging_sql() -> list[str]:
    """A staging table with as many rows as its row events, and five rows where it makes no events; no two rows alike."""
    statements = ["create schema scratch.staging"]
    for table in SETTINGS.tables:
        columns = ", ".join(f"({_SPREAD[column.type]})::{column.type} as {column.name}" for column in table.columns)
        n_rows = (
            "5"
            if table not in MAKING_EVENTS
            else (
                "(select count(*) from scratch.events.event_candidates "
                f"where is_row_event and source_table = '{table.full_name}')"
            )
        )
        statements.append(
            f"create table scratch.staging.{table.staging_model} as select {columns}, null::text as unreadable_columns "
            f"from range(1, {n_rows} + 1) as numbers (i)"
        )
    return statements


def _ledger_sql() -> str:
    entries = []
    for table in SETTINGS.tables:
        source = f"{table.module}.{table.name}"
        outcomes = [("read", "in the raw table")]
        if table.is_dictionary:
            outcomes.append(("dictionary", "names codes"))
        elif table not in MAKING_EVENTS:
            outcomes.append(("used", "for the times of another table"))
        entries += [
            f"select '{source}' as source_table, '{outcome}' as outcome, '{reason}' as reason, count(*) as n_rows "
            f"from scratch.staging.{table.staging_model}"
            for outcome, reason in outcomes
        ]
    entries.append(
        "select source_table, case when set_aside_reason is null then 'used' else 'set_aside' end, "
        "coalesce(set_aside_reason, 'in the timeline'), count(*) from scratch.events.event_candidates where is_row_event group by all"
    )
    return f"create table timelines.ledger as {' union all '.join(entries)}"


_SETTINGS = """
create table timelines.settings as
select * from (values
    ('preset', '"full"'), ('icd_at', '"discharge"'), ('split_salt', '"tiny949"'),
    ('tuning_per_mille', '100'), ('held_out_per_mille', '100'), ('n_bins', '10'),
    ('min_values_for_breaks', '20')
) as settings (name, value);
"""


def build_tiny_warehouse(folder: Path) -> Path:
    """Write a sound warehouse.duckdb and its scratch.duckdb into `folder`; returns the warehouse."""
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{folder / 'scratch.duckdb'}' as scratch")
        connection.execute(_EVENTS.replace("{event_kinds}", str(EVENT_KINDS)))
        connection.execute(_TOKENS.replace("{event_kinds}", str(EVENT_KINDS)))
        connection.execute(_SETTINGS)
        for statement in _staging_sql():
            connection.execute(statement)
        connection.execute(_ledger_sql())
    return warehouse


@pytest.fixture(scope="session")
def tiny_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_warehouse(tmp_path_factory.mktemp("tiny"))


def test_tiny_warehouse_is_sound(tiny_warehouse: Path) -> None:
    judged = expectations(SETTINGS)
    with duckdb.connect(str(tiny_warehouse), read_only=True) as connection:
        connection.execute(f"attach '{tiny_warehouse.with_name('scratch.duckdb')}' as scratch (read_only)")
        figures = measure(connection, judged)
    failed = {name: figures[name] for name, passed in judge(judged, figures).items() if not passed}
    assert failed == {}


def test_every_kind_of_event_has_a_rank_of_its_own_with_its_reason_and_known_codes(tiny_warehouse: Path) -> None:
    rows = duckdb.sql(
        f"select event_kind, tie_rank::integer, reason from read_csv('{EVENT_KINDS}', all_varchar = true)"
    ).fetchall()
    kinds = {kind for kind, _, _ in rows}
    assert len(kinds) == len({rank for _, rank, _ in rows}) == len(rows)
    assert all(reason.endswith(".") and len(reason.split()) >= 3 for _, _, reason in rows)
    assert kinds == set(CODE_PREFIXES)
    with duckdb.connect(str(tiny_warehouse), read_only=True) as connection:
        used = connection.execute("select distinct family from tokens.vocabulary").fetchall()
    assert {family for (family,) in used} <= set(FAMILIES)
