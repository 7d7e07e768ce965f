{{ config(enabled=makes_events('hosp.omr')) }}

with source as (
    select
        subject_id,
        chartdate,
        seq_num,
        result_name,
        result_value,
        unreadable_columns,
        -- A blood pressure is written 110/70: two numbers in one text.
        result_name like 'Blood Pressure%' as is_blood_pressure,
        try_cast(split_part(result_value, '/', 1) as double) as first_number,
        try_cast(nullif(split_part(result_value, '/', 2), '') as double) as second_number
    from {{ ref('stg_hosp__omr') }}
),

facts as (
    select
        subject_id,
        chartdate,
        seq_num,
        result_name,
        result_value,
        {{ code_part('result_name') }} || case when is_blood_pressure then '//SYSTOLIC' else '' end as code,
        -- Outside blood pressure a slash is no number at all.
        case when is_blood_pressure or second_number is null then first_number end as numeric_value,
        true as is_row_event,
        {{ set_aside_reason([["chartdate is null", "no time"]]) }} as set_aside_reason
    from source

    union all

    select
        subject_id,
        chartdate,
        seq_num,
        result_name,
        result_value,
        {{ code_part('result_name') }} || '//DIASTOLIC',
        second_number,
        false,
        {{ set_aside_reason([["chartdate is null", "no time"]]) }}
    from source
    where is_blood_pressure
)

select
    subject_id,
    -- Only the day is recorded: at its end the measurement cannot tell of anything that was not yet known.
    {{ end_of_day('chartdate') }} as time,
    cast(chartdate as timestamp) as occurred_at,
    code,
    numeric_value,
    result_value as text_value,
    cast(null as text) as unit,
    cast(null as bigint) as hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.omr' as source_table,
    concat_ws('-', subject_id, chartdate, seq_num, result_name) as source_key,
    'omr' as event_kind,
    is_row_event,
    set_aside_reason
from facts
