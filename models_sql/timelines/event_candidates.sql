{{ config(materialized='view', database='scratch', schema='events') }}

-- Every event that any source could make, with its number in the dictionary of codes and, where it stays out of the timeline, why.
with placed as (
    select
        all_events.subject_id,
        all_events.time,
        all_events.occurred_at,
        all_events.code,
        all_events.numeric_value,
        all_events.text_value,
        all_events.unit,
        all_events.hadm_id,
        all_events.stay_id,
        all_events.source_table,
        all_events.source_key,
        all_events.event_kind,
        all_events.is_row_event,
        all_events.set_aside_reason,
        patients.subject_id as known_subject_id,
        patients.born_at,
        patients.died_at,
        event_kinds.is_administrative
    from {{ ref('all_events') }} as all_events
    left join {{ ref('patients') }} as patients on all_events.subject_id = patients.subject_id
    left join {{ ref('event_kinds') }} as event_kinds on all_events.event_kind = event_kinds.event_kind
)

select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    hadm_id,
    stay_id,
    source_table,
    source_key,
    event_kind,
    is_row_event,
    case
        when set_aside_reason is not null then set_aside_reason
        when known_subject_id is null then 'unknown patient'
        when time < born_at then 'before birth'
        -- What is written down about a patient when care has ended may be dated after death.
        when time > died_at and is_administrative then 'administrative, after death'
        when time > died_at then 'after death'
    end as set_aside_reason
from placed
