-- The seed of event kinds as a table of the warehouse, for views that outlive the build.
select
    event_kind,
    cast(tie_rank as integer) as tie_rank,
    nullif(family, '') as family,
    takes_value = 'true' as takes_value,
    is_administrative = 'true' as is_administrative,
    reason
from {{ source('reference', 'event_kinds') }}
order by tie_rank asc nulls last, event_kind asc nulls last
