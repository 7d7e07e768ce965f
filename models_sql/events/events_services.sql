{{ config(enabled=makes_events('hosp.services')) }}

with source as (
    select subject_id, hadm_id, transfertime, curr_service, unreadable_columns
    from {{ ref('stg_hosp__services') }}
)

select
    subject_id,
    transfertime as time,
    transfertime as occurred_at,
    'SERVICE//' || {{ code_part('curr_service') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.services' as source_table,
    concat_ws('-', hadm_id, transfertime, curr_service) as source_key,
    'service' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["transfertime is null", "no time"]]) }} as set_aside_reason
from source
