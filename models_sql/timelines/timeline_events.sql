{{ config(materialized='view') }}

-- The timelines as an analyst reads them: every event with its code, unit and source spelt out.
select
    events.subject_id,
    events.event_index,
    events.time,
    events.occurred_at,
    codes.code,
    events.numeric_value,
    events.text_value,
    codes.unit,
    events.hadm_id,
    events.stay_id,
    codes.event_kind,
    codes.source_table,
    events.source_key,
    events.event_number
from {{ ref_within('ordered_events') }} as events
inner join {{ ref_within('codes') }} as codes on events.code_id = codes.code_id
