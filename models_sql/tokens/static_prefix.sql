select
    prefix.subject_id,
    patients.split,
    prefix.from_event_index,
    prefix.slot,
    token_ids.token_id
from {{ ref('static_prefix_tokens') }} as prefix
inner join {{ ref('patients') }} as patients on prefix.subject_id = patients.subject_id
left join {{ ref('token_ids') }} as token_ids on prefix.token = token_ids.token
order by prefix.subject_id asc nulls last, prefix.from_event_index asc nulls last, prefix.slot asc nulls last
