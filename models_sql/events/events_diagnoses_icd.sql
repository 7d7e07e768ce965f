{{ config(enabled=makes_events('hosp.diagnoses_icd')) }}

with source as (
    select
        diagnoses.subject_id,
        diagnoses.hadm_id,
        diagnoses.seq_num,
        diagnoses.icd_code,
        diagnoses.icd_version,
        diagnoses.unreadable_columns,
        admission_times.hadm_id as known_hadm_id,
        admission_times.coded_at
    from {{ ref('stg_hosp__diagnoses_icd') }} as diagnoses
    left join {{ ref('admission_times') }} as admission_times
        on diagnoses.hadm_id = admission_times.hadm_id and diagnoses.subject_id = admission_times.subject_id
)

-- Diagnoses are coded for billing, after discharge: nobody could have known them during the stay.
select
    subject_id,
    coded_at as time,
    cast(null as timestamp) as occurred_at,
    'DIAGNOSIS//ICD//' || coalesce(cast(icd_version as text), 'UNK') || '//' || {{ code_part('icd_code') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.diagnoses_icd' as source_table,
    concat_ws('-', hadm_id, seq_num, icd_code) as source_key,
    'diagnosis' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["nullif(trim(icd_code), '') is null or icd_version is null", "no code"],
        ["known_hadm_id is null", "unknown admission"],
        ["coded_at is null", "no time"],
    ]) }} as set_aside_reason
from source
