{{ config(enabled=makes_events('hosp.procedures_icd')) }}

with source as (
    select
        procedures.subject_id,
        procedures.hadm_id,
        procedures.seq_num,
        procedures.chartdate,
        procedures.icd_code,
        procedures.icd_version,
        procedures.unreadable_columns,
        admission_times.hadm_id as known_hadm_id,
        admission_times.discharged_at
    from {{ ref('stg_hosp__procedures_icd') }} as procedures
    left join {{ ref('admission_times') }} as admission_times
        on procedures.hadm_id = admission_times.hadm_id and procedures.subject_id = admission_times.subject_id
)

-- A procedure has a day but no time of day, and is coded at discharge; one dated after discharge is known when its day is over.
select
    subject_id,
    case
        when cast(discharged_at as date) < chartdate then {{ end_of_day('chartdate') }}
        else discharged_at
    end as time,
    cast(chartdate as timestamp) as occurred_at,
    'PROCEDURE//ICD//' || coalesce(cast(icd_version as text), 'UNK') || '//' || {{ code_part('icd_code') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.procedures_icd' as source_table,
    concat_ws('-', hadm_id, seq_num, icd_code) as source_key,
    'procedure' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["nullif(trim(icd_code), '') is null or icd_version is null", "no code"],
        ["known_hadm_id is null", "unknown admission"],
        ["discharged_at is null", "no time"],
    ]) }} as set_aside_reason
from source
