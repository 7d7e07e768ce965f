{{ config(materialized='view') }}

select
    candidates.subject_id,
    candidates.time,
    candidates.occurred_at,
    codes.code,
    candidates.numeric_value,
    candidates.text_value,
    codes.unit,
    candidates.hadm_id,
    candidates.stay_id,
    codes.event_kind,
    codes.source_table,
    candidates.source_key,
    candidates.is_row_event,
    candidates.set_aside_reason
from {{ ref_within('sorted_candidates') }} as candidates
inner join {{ ref_within('codes') }} as codes on candidates.code_id = codes.code_id
where candidates.set_aside_reason is not null
