{{ config(enabled=makes_events('hosp.hcpcsevents')) }}

with source as (
    select
        billed.subject_id,
        billed.hadm_id,
        billed.chartdate,
        billed.hcpcs_cd,
        billed.seq_num,
        billed.short_description,
        billed.unreadable_columns,
        admission_times.hadm_id as known_hadm_id,
        admission_times.discharged_at
    from {{ ref('stg_hosp__hcpcsevents') }} as billed
    left join {{ ref('admission_times') }} as admission_times
        on billed.hadm_id = admission_times.hadm_id and billed.subject_id = admission_times.subject_id
)

-- Only the day of the service is recorded, and it is billed once the stay is over: known at the later of the two.
select
    subject_id,
    case when chartdate is not null then greatest({{ end_of_day('chartdate') }}, discharged_at) end as time,
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
    {{ set_aside_reason([
        ["known_hadm_id is null", "unknown admission"],
        ["chartdate is null or discharged_at is null", "no time"],
    ]) }} as set_aside_reason
from source
