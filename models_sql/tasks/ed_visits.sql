{{ config(materialized='table') }}

-- Visits to the emergency department as the tasks see them. Triage is known when events_triage says so, an hour after arrival (var
-- triage_minutes) unless the patient has left by then. Without the department's tables there is no row.
with visits as (
    select
        stays.subject_id,
        stays.stay_id,
        stays.hadm_id,
        stays.started_at as arrived_at,
        stays.started_at + interval '{{ var("triage_minutes") }} minutes' as triaged_at,
        stays.ended_at as departed_at,
        stays.ended_as as disposition,
        {{ full_years_between('patients.born_at', 'stays.started_at') }} as age_at_arrival,
        patients.died_at
    from {{ ref('stays') }} as stays
    inner join {{ ref('patients') }} as patients on stays.subject_id = patients.subject_id
    where stays.kind = 'ed' and stays.started_at is not null
),

-- Who is on a ward, or watched there, is not sent home from the department, and a bed found before triage is known tells the outcome.
in_hospital as (
    select
        visits.subject_id,
        visits.stay_id,
        max(
            case
                when
                    stays.started_at <= visits.triaged_at and (stays.ended_at > visits.triaged_at or stays.ended_at is null) then 1
                else 0
            end
        ) as n_at_triage,
        max(
            case
                when
                    stays.started_at <= visits.departed_at and (stays.ended_at > visits.departed_at or stays.ended_at is null) then 1
                else 0
            end
        ) as n_at_departure
    from visits
    inner join {{ ref('stays') }} as stays on visits.subject_id = stays.subject_id
    where stays.kind = 'hospital'
    group by visits.subject_id, visits.stay_id
),

moments as (
    select subject_id, triaged_at as moment from visits
    union
    select subject_id, departed_at from visits
),

{{ find_last_events('moments') }}

select
    visits.subject_id,
    visits.stay_id,
    visits.hadm_id,
    visits.arrived_at,
    visits.triaged_at,
    visits.departed_at,
    visits.disposition,
    cast(visits.age_at_arrival as integer) as age_at_arrival,
    visits.died_at,
    coalesce(in_hospital.n_at_triage = 1, false) as is_in_hospital_at_triage,
    coalesce(in_hospital.n_at_departure = 1, false) as is_in_hospital_at_departure,
    cast(at_triage.event_index as integer) as prompt_at_triage,
    cast(at_departure.event_index as integer) as prompt_at_departure
from visits
left join in_hospital on visits.subject_id = in_hospital.subject_id and visits.stay_id = in_hospital.stay_id
left join last_events as at_triage on visits.subject_id = at_triage.subject_id and visits.triaged_at = at_triage.moment
left join last_events as at_departure on visits.subject_id = at_departure.subject_id and visits.departed_at = at_departure.moment
order by visits.subject_id asc nulls last, visits.arrived_at asc nulls last, visits.stay_id asc nulls last
