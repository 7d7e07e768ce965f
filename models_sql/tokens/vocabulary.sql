-- The tokens that have an id of their own; one that stands for rare tokens counts theirs too.
with written as (
    select token_id, written_as, family, sum(n_train) as count_train, count(*) - 1 as n_rare_tokens
    from {{ ref('token_ids') }}
    group by token_id, written_as, family
)

select
    token_id,
    written_as as token,
    family,
    cast(count_train as bigint) as count_train,
    cast(n_rare_tokens as bigint) as n_rare_tokens
from written
order by token_id asc nulls last
