-- What became of the events of the timeline: tokens, or not, and why.
select
    event_kind,
    case when untokenised_reason is null then 'tokenised' else 'not_tokenised' end as outcome,
    coalesce(untokenised_reason, 'in the token stream') as reason,
    count(*) as n_codes,
    cast(sum(n_events) as bigint) as n_events
from {{ ref('code_counts') }}
group by event_kind, outcome, reason
order by event_kind asc nulls last, outcome asc nulls last, reason asc nulls last
