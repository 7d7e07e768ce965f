{{ config(enabled=makes_events('ed.vitalsign')) }}

{% set measurements = ed_vital_signs() + [
    {'column': 'rhythm', 'kind': 'ed_vital', 'code': 'ED_VITAL//RHYTHM', 'is_text': true},
    {'column': 'pain', 'kind': 'ed_vital', 'code': 'ED_VITAL//PAIN', 'number': pain_score('pain')},
] %}

with readings as (
    select
        subject_id,
        stay_id,
        charttime as time,
        heartrate,
        resprate,
        o2sat,
        sbp,
        dbp,
        unreadable_columns,
        {{ in_fahrenheit('temperature') }} as temperature,
        nullif(trim(rhythm), '') as rhythm,
        nullif(trim(pain), '') as pain
    from {{ ref('stg_ed__vitalsign') }}
),

source as (
    select
        subject_id,
        stay_id,
        time,
        temperature,
        heartrate,
        resprate,
        o2sat,
        sbp,
        dbp,
        rhythm,
        pain,
        unreadable_columns,
        {{ row_measurement(measurements) }} as row_measurement
    from readings
),

facts as (
    {{ measurement_facts(measurements, [["time is null", "no time"]]) }}
)

-- Vital signs charted before the patient arrived or after the patient left are kept: clocks differ, and patients wait for a bed.
select
    subject_id,
    time,
    time as occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    cast(null as bigint) as hadm_id,
    stay_id,
    'ed.vitalsign' as source_table,
    concat_ws('-', stay_id, time) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
