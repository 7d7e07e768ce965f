{{ config(enabled=makes_events('hosp.prescriptions')) }}

with source as (
    select
        subject_id,
        hadm_id,
        pharmacy_id,
        drug_type,
        drug,
        starttime,
        dose_val_rx,
        dose_unit_rx,
        unreadable_columns
    from {{ ref('stg_hosp__prescriptions') }}
)

-- Only the start makes an event: the stop is planned when the order is written, and is not known to have been kept.
select
    subject_id,
    starttime as time,
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
