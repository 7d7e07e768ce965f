{{ config(materialized='view') }}

-- The events of all timelines in their one order, as numbers: what tokens are made from.
select
    candidates.event_number,
    candidates.subject_id,
    cast(candidates.event_number - spans.first_event_number as integer) as event_index,
    candidates.time,
    candidates.occurred_at,
    candidates.code_id,
    candidates.numeric_value,
    candidates.text_value,
    candidates.hadm_id,
    candidates.stay_id,
    candidates.source_key,
    candidates.is_row_event
from {{ ref_within('sorted_candidates') }} as candidates
inner join {{ ref_within('timeline_spans') }} as spans on candidates.subject_id = spans.subject_id
where candidates.set_aside_reason is null
