{{ config(enabled=makes_events('ed.edstays')) }}

{% set is_copy = ["copy_number > 1", "duplicate key"] %}

with source as (
    select
        subject_id,
        hadm_id,
        stay_id,
        intime,
        outtime,
        arrival_transport,
        disposition,
        unreadable_columns,
        {{ copy_number(
            ['stay_id'], ['subject_id', 'intime', 'outtime', 'hadm_id', 'arrival_transport', 'disposition']
        ) }} as copy_number
    from {{ ref('stg_ed__edstays') }}
),

facts as (
    select
        subject_id,
        hadm_id,
        stay_id,
        intime as time,
        intime as occurred_at,
        'ED_ARRIVAL//' || {{ code_part('arrival_transport') }} as code,
        'ed_arrival' as event_kind,
        true as is_row_event,
        {{ set_aside_reason([is_copy, ["intime is null", "no time"]]) }} as set_aside_reason
    from source

    union all

    -- A stay may end after the admission it led to: the order to admit comes before the bed.
    select
        subject_id,
        hadm_id,
        stay_id,
        case when outtime is not null then greatest(outtime, intime) end,
        outtime,
        'ED_DEPARTURE//' || {{ code_part('disposition') }},
        'ed_departure',
        false,
        {{ set_aside_reason([is_copy, ["outtime is null", "no time"]]) }}
    from source
)

select
    subject_id,
    time,
    occurred_at,
    code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    stay_id,
    'ed.edstays' as source_table,
    cast(stay_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
