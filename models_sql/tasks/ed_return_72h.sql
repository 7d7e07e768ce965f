-- A visit that has begun by the minute of departure, and goes on, is known then: it is no return.
with other_visits as (
    select
        visits.subject_id,
        visits.stay_id,
        min(case when others.arrived_at > visits.departed_at then others.arrived_at end) as returned_at,
        max(
            case when others.arrived_at <= visits.departed_at and others.departed_at > visits.departed_at then 1 else 0 end
        ) as goes_on
    from {{ ref('ed_visits') }} as visits
    inner join {{ ref('ed_visits') }} as others on visits.subject_id = others.subject_id and visits.stay_id <> others.stay_id
    group by visits.subject_id, visits.stay_id
)

select
    visits.subject_id,
    visits.departed_at as prediction_time,
    coalesce(other_visits.returned_at <= visits.departed_at + interval '72 hours', false) as label,
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
        ["other_visits.goes_on = 1", "in another visit when this one ended"],
    ]) }} as exclusion
from {{ ref('ed_visits') }} as visits
left join other_visits on visits.subject_id = other_visits.subject_id and visits.stay_id = other_visits.stay_id
