{{ config(enabled=makes_events('hosp.services')) }}

with source as (
    select
        services.subject_id,
        services.hadm_id,
        services.transfertime,
        services.curr_service,
        services.unreadable_columns,
        admission_times.admitted_at
    from {{ ref('stg_hosp__services') }} as services
    left join {{ ref('admission_times') }} as admission_times
        on services.hadm_id = admission_times.hadm_id and services.subject_id = admission_times.subject_id
)

-- Only the services of patients who were admitted are recorded: before the admission they would announce it.
select
    subject_id,
    case when transfertime is not null then greatest(transfertime, admitted_at) end as time,
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
