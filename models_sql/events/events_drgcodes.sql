{{ config(enabled=makes_events('hosp.drgcodes')) }}

with source as (
    select
        drgcodes.subject_id,
        drgcodes.hadm_id,
        drgcodes.drg_type,
        drgcodes.drg_code,
        drgcodes.description,
        drgcodes.drg_severity,
        drgcodes.unreadable_columns,
        admission_times.hadm_id as known_hadm_id,
        admission_times.coded_at
    from {{ ref('stg_hosp__drgcodes') }} as drgcodes
    left join {{ ref('admission_times') }} as admission_times
        on drgcodes.hadm_id = admission_times.hadm_id and drgcodes.subject_id = admission_times.subject_id
)

select
    subject_id,
    coded_at as time,
    cast(null as timestamp) as occurred_at,
    'DRG//' || {{ code_part('drg_type') }} || '//' || {{ code_part('drg_code') }} || '//' || {{ code_part('description') }} as code,
    cast(drg_severity as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.drgcodes' as source_table,
    concat_ws('-', hadm_id, drg_type, drg_code) as source_key,
    'drg' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["known_hadm_id is null", "unknown admission"], ["coded_at is null", "no time"]]) }} as set_aside_reason
from source
