{{ config(enabled=makes_events('hosp.emar')) }}

with source as (
    select subject_id, hadm_id, emar_id, charttime, storetime, medication, event_txt, unreadable_columns
    from {{ ref('stg_hosp__emar') }}
)

-- An entry may be stored before the time it is charted for, or long after: it is known at the later of the two.
select
    subject_id,
    greatest(charttime, storetime) as time,
    charttime as occurred_at,
    'MEDICATION//' || {{ code_part('medication') }} || '//' || {{ code_part('event_txt') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.emar' as source_table,
    emar_id as source_key,
    'drug_administration' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["charttime is null", "no time"]]) }} as set_aside_reason
from source
