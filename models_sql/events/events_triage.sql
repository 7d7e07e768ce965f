{{ config(enabled=makes_events('ed.triage')) }}

{% set measurements = [
    {'column': 'acuity', 'kind': 'ed_triage', 'code': 'ED_TRIAGE//ACUITY', 'least': 1, 'most': 5},
    {'column': 'chiefcomplaint', 'kind': 'ed_triage', 'code': 'ED_TRIAGE//CHIEF_COMPLAINT', 'is_text': true},
] + ed_vital_signs() + [
    {'column': 'pain', 'kind': 'ed_vital', 'code': 'ED_VITAL//PAIN', 'number': pain_score('pain')},
] %}

-- Triage has no time of its own. It follows arrival, by minutes wherever a charted vital sign repeats its values, and it is
-- over when the patient leaves: it is known `triage_minutes` after arrival, or at departure if that is sooner.
with readings as (
    select
        triage.subject_id,
        triage.stay_id,
        triage.heartrate,
        triage.resprate,
        triage.o2sat,
        triage.sbp,
        triage.dbp,
        triage.acuity,
        triage.unreadable_columns,
        ed_stay_times.stay_id as known_stay_id,
        least(
            ed_stay_times.arrived_at + interval '{{ var("triage_minutes") }} minutes', ed_stay_times.departed_at
        ) as time,
        {{ in_fahrenheit('triage.temperature') }} as temperature,
        nullif(trim(triage.chiefcomplaint), '') as chiefcomplaint,
        nullif(trim(triage.pain), '') as pain
    from {{ ref('stg_ed__triage') }} as triage
    left join {{ ref('ed_stay_times') }} as ed_stay_times
        on triage.stay_id = ed_stay_times.stay_id and triage.subject_id = ed_stay_times.subject_id
),

source as (
    select
        subject_id,
        stay_id,
        known_stay_id,
        time,
        acuity,
        chiefcomplaint,
        temperature,
        heartrate,
        resprate,
        o2sat,
        sbp,
        dbp,
        pain,
        unreadable_columns,
        {{ row_measurement(measurements) }} as row_measurement
    from readings
),

facts as (
    {{ measurement_facts(measurements, [["known_stay_id is null", "unknown emergency stay"], ["time is null", "no time"]]) }}
)

select
    subject_id,
    time,
    cast(null as timestamp) as occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    cast(null as bigint) as hadm_id,
    stay_id,
    'ed.triage' as source_table,
    cast(stay_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
