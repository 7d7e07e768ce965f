{{ config(materialized='view') }}

{% set kept = ['subject_id', 'split', 'event_index', 'time', 'n_interval_tokens'] %}

-- The token stream. Position 0 is the first token of the event itself, its value follows its name, and the time-interval tokens
-- before the event have negative positions.
with {{ explode(ref_within('written_events'), 'token_ids', 'token_id', keep=kept) }}

select
    subject_id,
    split,
    event_index,
    cast(place - n_interval_tokens as smallint) as position,
    token_id,
    time
from exploded
