{{ config(enabled=makes_events('ed.diagnosis')) }}

with source as (
    select
        diagnoses.subject_id,
        diagnoses.stay_id,
        diagnoses.seq_num,
        diagnoses.icd_code,
        diagnoses.icd_version,
        diagnoses.unreadable_columns,
        ed_stay_times.stay_id as known_stay_id,
        ed_stay_times.departed_at
    from {{ ref('stg_ed__diagnosis') }} as diagnoses
    left join {{ ref('ed_stay_times') }} as ed_stay_times
        on diagnoses.stay_id = ed_stay_times.stay_id and diagnoses.subject_id = ed_stay_times.subject_id
)

-- Coded for billing: nobody could have known them before the patient left.
select
    subject_id,
    departed_at as time,
    cast(null as timestamp) as occurred_at,
    'ED_DIAGNOSIS//ICD//' || coalesce(cast(icd_version as text), 'UNK') || '//' || {{ code_part('icd_code') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    cast(null as bigint) as hadm_id,
    stay_id,
    'ed.diagnosis' as source_table,
    concat_ws('-', stay_id, seq_num) as source_key,
    'ed_diagnosis' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["nullif(trim(icd_code), '') is null or icd_version is null", "no code"],
        ["known_stay_id is null", "unknown emergency stay"],
        ["departed_at is null", "no time"],
    ]) }} as set_aside_reason
from source
