{{ config(enabled=makes_events('hosp.transfers')) }}

with source as (
    select subject_id, hadm_id, transfer_id, eventtype, careunit, intime, unreadable_columns
    from {{ ref('stg_hosp__transfers') }}
)

select
    subject_id,
    intime as time,
    intime as occurred_at,
    'TRANSFER_TO//' || {{ code_part('eventtype') }} || '//' || {{ code_part('careunit') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.transfers' as source_table,
    cast(transfer_id as text) as source_key,
    'transfer' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["intime is null", "no time"]]) }} as set_aside_reason
from source
