{{ config(enabled=makes_events('hosp.hcpcsevents')) }}

with source as (
    select subject_id, hadm_id, chartdate, hcpcs_cd, seq_num, short_description, unreadable_columns
    from {{ ref('stg_hosp__hcpcsevents') }}
)

-- Only the day of the service is recorded, and it is known when that day is over.
select
    subject_id,
    {{ end_of_day('chartdate') }} as time,
    cast(chartdate as timestamp) as occurred_at,
    'HCPCS//' || {{ code_part('short_description') }} as code,
    cast(null as double) as numeric_value,
    hcpcs_cd as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.hcpcsevents' as source_table,
    concat_ws('-', hadm_id, hcpcs_cd, seq_num) as source_key,
    'hcpcs' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["chartdate is null", "no time"]]) }} as set_aside_reason
from source
