-- Where each timeline begins in sorted_candidates, and how long it is.
select
    subject_id,
    min({{ row_number_in_table() }}) as first_event_number,
    count(*) as n_events
from {{ ref('sorted_candidates') }}
where set_aside_reason is null
group by subject_id
order by subject_id asc nulls last
