{{ config(enabled=makes_events('hosp.prescriptions')) }}

with source as (
    select
        prescriptions.subject_id,
        prescriptions.hadm_id,
        prescriptions.pharmacy_id,
        prescriptions.drug_type,
        prescriptions.drug,
        prescriptions.starttime,
        prescriptions.dose_val_rx,
        prescriptions.dose_unit_rx,
        prescriptions.unreadable_columns,
        admission_times.admitted_at
    from {{ ref('stg_hosp__prescriptions') }} as prescriptions
    left join {{ ref('admission_times') }} as admission_times
        on prescriptions.hadm_id = admission_times.hadm_id and prescriptions.subject_id = admission_times.subject_id
)

-- Only the start makes an event: the stop is planned when the order is written, and is not known to have been kept. Only the
-- prescriptions of patients who were admitted are recorded: one that starts before the admission would announce it.
select
    subject_id,
    case when starttime is not null then greatest(starttime, admitted_at) end as time,
    starttime as occurred_at,
    'PRESCRIPTION//START//' || {{ code_part('drug') }} as code,
    cast(null as double) as numeric_value,
    dose_val_rx as text_value,
    dose_unit_rx as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.prescriptions' as source_table,
    concat_ws('-', pharmacy_id, drug_type, drug) as source_key,
    'drug_order' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["starttime is null", "no time"]]) }} as set_aside_reason
from source
