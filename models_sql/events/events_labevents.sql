{{ config(enabled=makes_events('hosp.labevents')) }}

with source as (
    select
        labevent_id,
        subject_id,
        hadm_id,
        itemid,
        charttime,
        storetime,
        value,
        valuenum,
        unreadable_columns,
        {{ lab_unit('valueuom') }} as unit
    from {{ ref('stg_hosp__labevents') }}
),

facts as (
    select
        labevent_id,
        subject_id,
        hadm_id,
        charttime as time,
        charttime as occurred_at,
        {{ lab_specimen_code('itemid') }} as code,
        cast(null as double) as numeric_value,
        cast(null as text) as text_value,
        cast(null as text) as unit,
        'lab_specimen' as event_kind,
        false as is_row_event,
        {{ set_aside_reason([["charttime is null", "no time"]]) }} as set_aside_reason
    from source

    union all

    -- The number is read before the text: value is scrubbed to ___ in rows that keep valuenum.
    select
        labevent_id,
        subject_id,
        hadm_id,
        greatest(charttime, storetime),
        charttime,
        {{ lab_result_code('itemid', 'unit') }},
        valuenum,
        value,
        unit,
        'lab_result',
        true,
        {{ set_aside_reason([["charttime is null", "no time"]]) }}
    from source
)

select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.labevents' as source_table,
    cast(labevent_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
