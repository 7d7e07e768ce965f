{{ config(materialized='view') }}

-- The events of all timelines in their one order, as numbers: what tokens are made from.
select
    event_number,
    subject_id,
    event_index,
    time,
    occurred_at,
    code_id,
    numeric_value,
    text_value,
    hadm_id,
    stay_id,
    source_key,
    is_row_event
from {{ ref_within('sorted_candidates') }}
where set_aside_reason is null
