-- A stay in intensive care that has begun by the moment tells that the patient is there; one that begins after it is the outcome.
with in_icu as (
    select
        visits.subject_id,
        visits.stay_id,
        max(case when stays.started_at <= visits.triaged_at then 1 else 0 end) as n_already,
        max(case when stays.started_at > visits.triaged_at then 1 else 0 end) as n_soon
    from {{ ref('ed_visits') }} as visits
    inner join {{ ref('stays') }} as stays on visits.subject_id = stays.subject_id
    where
        stays.kind = 'icu'
        and stays.started_at <= visits.triaged_at + interval '12 hours'
        and (stays.ended_at > visits.triaged_at or stays.ended_at is null)
    group by visits.subject_id, visits.stay_id
)

select
    visits.subject_id,
    visits.triaged_at as prediction_time,
    coalesce(in_icu.n_soon = 1 or visits.died_at <= visits.triaged_at + interval '12 hours', false) as label,
    visits.hadm_id,
    visits.stay_id,
    visits.prompt_at_triage as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(ed_triage_rules() + [["in_icu.n_already = 1", "in intensive care before triage was known"]]) }} as exclusion
from {{ ref('ed_visits') }} as visits
left join in_icu on visits.subject_id = in_icu.subject_id and visits.stay_id = in_icu.stay_id
