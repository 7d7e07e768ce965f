{{ config(materialized='view') }}

-- One row per event that becomes tokens, with the ids that it is written as: time intervals before it, its name, its value.
select
    events.subject_id,
    patients.split,
    events.event_index,
    events.time,
    events.n_interval_tokens,
    {{ joined_lists([
        repeated('intervals.token_id', 'events.n_interval_tokens'),
        'code_token_ids.token_ids',
        "case when events.value_token is not null then " ~ list_of(['values_written.token_id']) ~ " end",
    ]) }} as token_ids
from {{ ref_within('event_tokens') }} as events
inner join {{ ref_within('patients') }} as patients on events.subject_id = patients.subject_id
inner join {{ ref_within('code_token_ids') }} as code_token_ids on events.code_id = code_token_ids.code_id
left join {{ ref_within('token_ids') }} as values_written on events.value_token = values_written.token
left join {{ ref_within('token_ids') }} as intervals on events.interval_token = intervals.token
