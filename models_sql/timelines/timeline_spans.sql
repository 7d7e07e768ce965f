-- Which event of all is the first of each timeline, and how long it is.
select
    subject_id,
    min(event_number) as first_event_number,
    count(*) as n_events
from {{ ref('sorted_candidates') }}
where set_aside_reason is null
group by subject_id
order by subject_id asc nulls last
