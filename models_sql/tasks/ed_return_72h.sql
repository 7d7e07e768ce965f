with returns as (
    select visits.subject_id, visits.stay_id, min(later.arrived_at) as returned_at
    from {{ ref('ed_visits') }} as visits
    inner join {{ ref('ed_visits') }} as later on visits.subject_id = later.subject_id and visits.departed_at < later.arrived_at
    group by visits.subject_id, visits.stay_id
)

select
    visits.subject_id,
    visits.departed_at as prediction_time,
    coalesce(returns.returned_at <= visits.departed_at + interval '72 hours', false) as label,
    visits.hadm_id,
    visits.stay_id,
    visits.prompt_at_departure as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion([
        ["coalesce(visits.age_at_arrival, 0) < 18", "under 18 at arrival, or of unknown age"],
        ["visits.departed_at is null", "no departure recorded"],
        ["visits.died_at <= visits.departed_at", "died in the emergency department"],
        ["coalesce(visits.disposition, '') <> 'HOME'", "not sent home"],
        ["visits.is_in_hospital_at_departure", "on a ward when the visit ended"],
    ]) }} as exclusion
from {{ ref('ed_visits') }} as visits
left join returns on visits.subject_id = returns.subject_id and visits.stay_id = returns.stay_id
