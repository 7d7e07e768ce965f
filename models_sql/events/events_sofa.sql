{{ config(enabled=makes_events('sofa')) }}

-- The score is known when the first day is over. It is no raw row, so that the ledger of rows does not count it.
select
    subject_id,
    closes_at as time,
    closes_at as occurred_at,
    'SOFA' as code,
    cast(sofa as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    stay_id,
    'sofa' as source_table,
    cast(stay_id as text) as source_key,
    'sofa' as event_kind,
    false as is_row_event,
    {{ set_aside_reason([
        ["closes_at is null", "no time"],
        ["closes_at <= started_at", "the first day ends before it starts"],
        ["is_without_facts", "no component was measured"],
    ], unreadable='cast(null as text)') }} as set_aside_reason
from {{ ref('sofa_components') }}
