{{ config(enabled=makes_events('icu.icustays')) }}

with source as (
    select subject_id, hadm_id, stay_id, first_careunit, last_careunit, intime, outtime, unreadable_columns
    from {{ ref('stg_icu__icustays') }}
),

facts as (
    select
        subject_id,
        hadm_id,
        stay_id,
        intime as time,
        'ICU_ADMISSION//' || {{ code_part('first_careunit') }} as code,
        'icu_admission' as event_kind,
        true as is_row_event,
        {{ set_aside_reason([["intime is null", "no time"]]) }} as set_aside_reason
    from source

    union all

    select
        subject_id,
        hadm_id,
        stay_id,
        outtime,
        'ICU_DISCHARGE//' || {{ code_part('last_careunit') }},
        'icu_discharge',
        false,
        {{ set_aside_reason([["outtime is null", "no time"]]) }}
    from source
)

select
    subject_id,
    time,
    time as occurred_at,
    code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    stay_id,
    'icu.icustays' as source_table,
    cast(stay_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
