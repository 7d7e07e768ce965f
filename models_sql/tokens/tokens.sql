-- The token stream. Position 0 is the first token of the event itself, its value follows its name, and the time-interval tokens
-- before the event have negative positions.
-- 400 intervals of half a year are 200 years: more than the shifted time line of any patient holds.
with numbers as (
    {{ numbers_up_to(400) }}
),

interval_tokens as (
    select
        events.subject_id,
        events.split,
        events.event_index,
        -numbers.n as position,
        events.interval_token as token,
        events.time
    from {{ ref('event_tokens') }} as events
    inner join numbers on events.n_interval_tokens >= numbers.n
    where events.n_interval_tokens > 0
),

code_tokens as (
    select events.subject_id, events.split, events.event_index, code_tokens.position, code_tokens.token, events.time
    from {{ ref('event_tokens') }} as events
    inner join {{ ref('code_tokens') }} as code_tokens
        on events.event_kind = code_tokens.event_kind and events.code = code_tokens.code
),

-- Codes with a value are one token long.
value_tokens as (
    select subject_id, split, event_index, 1 as position, value_token as token, time
    from {{ ref('event_tokens') }}
    where value_token is not null
),

all_tokens as (
    select subject_id, split, event_index, position, token, time from interval_tokens
    union all
    select subject_id, split, event_index, position, token, time from code_tokens
    union all
    select subject_id, split, event_index, position, token, time from value_tokens
)

select
    all_tokens.subject_id,
    all_tokens.split,
    all_tokens.event_index,
    cast(all_tokens.position as smallint) as position,
    token_ids.token_id,
    all_tokens.time
from all_tokens
left join {{ ref('token_ids') }} as token_ids on all_tokens.token = token_ids.token
order by all_tokens.subject_id asc nulls last, all_tokens.event_index asc nulls last, all_tokens.position asc nulls last
