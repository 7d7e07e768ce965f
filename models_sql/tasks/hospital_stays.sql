{{ config(materialized='table') }}

{# MIMIC-IV tells of deaths up to a year after the last discharge; of a MEDS dataset nothing is known after its last event. #}
{% set days_of_known_death = 0 if makes_events('meds.data') else var('days_of_known_death') %}

-- Hospital stays as the tasks see them: what is known at admission, a day later and at discharge, and what follows.
with recorded as (
    select
        stays.subject_id,
        stays.hadm_id,
        stays.started_at as admitted_at,
        stays.ended_at as discharged_at,
        stays.began_as as admission_type,
        -- The discharge may say it where the minute of death is not known.
        coalesce(stays.died_in, false) or coalesce(stays.ended_as = 'DIED', false) as died_in_hospital,
        coalesce(stays.began_as in ({{ text_list(observation_types()) }}), false) as is_observation,
        {{ full_years_between('patients.born_at', 'stays.started_at') }} as age_at_admission,
        patients.died_at,
        row_number() over (
            partition by stays.subject_id
            order by
                stays.started_at asc nulls last, stays.ended_at asc nulls last, stays.hadm_id asc nulls last,
                stays.began_as asc nulls last, stays.ended_as asc nulls last
        ) as nth_stay,
        count(stays.started_at) over (partition by stays.subject_id) as n_stays
    from {{ ref('stays') }} as stays
    inner join {{ ref('patients') }} as patients on stays.subject_id = patients.subject_id
    where stays.kind = 'hospital'
),

last_times as (
    select
        events.subject_id,
        max(events.time) as last_time,
        max(case when events.time < patients.died_at then events.time end) as last_time_alive
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('patients') }} as patients on events.subject_id = patients.subject_id
    group by events.subject_id
),

-- A discharge that is written down after death may be lost on the way here (a MEDS dataset ends with the death). Whoever is never
-- discharged from the last stay and is under care until the day of death has died in it.
dead_in_last_stay as (
    select recorded.subject_id, recorded.nth_stay, recorded.died_at
    from recorded
    inner join last_times on recorded.subject_id = last_times.subject_id
    where
        recorded.discharged_at is null
        and recorded.nth_stay = recorded.n_stays
        and recorded.admitted_at < recorded.died_at
        and last_times.last_time_alive >= recorded.died_at - interval '1 day'
),

stays as (
    select
        recorded.subject_id,
        recorded.nth_stay,
        recorded.hadm_id,
        recorded.admitted_at,
        recorded.admission_type,
        recorded.is_observation,
        recorded.age_at_admission,
        recorded.died_at,
        coalesce(recorded.discharged_at, dead_in_last_stay.died_at) as discharged_at,
        recorded.died_in_hospital or dead_in_last_stay.died_at is not null as died_in_hospital
    from recorded
    left join dead_in_last_stay
        on recorded.subject_id = dead_in_last_stay.subject_id and recorded.nth_stay = dead_in_last_stay.nth_stay
),

-- A patient may be transferred from one stay to another in the minute of discharge, or stays may overlap.
other_stays as (
    select
        stays.subject_id,
        stays.nth_stay,
        min(
            case when others.admitted_at > stays.discharged_at and not others.is_observation then others.admitted_at end
        ) as next_admitted_at,
        max(
            case when others.admitted_at <= stays.discharged_at and others.discharged_at > stays.discharged_at then 1 else 0 end
        ) as goes_on
    from stays
    inner join stays as others on stays.subject_id = others.subject_id and stays.nth_stay <> others.nth_stay
    group by stays.subject_id, stays.nth_stay
),

follow_up as (
    select
        stays.subject_id,
        greatest(
            max(stays.discharged_at) + interval '{{ days_of_known_death }} days', min(last_times.last_time)
        ) as followed_until
    from stays
    left join last_times on stays.subject_id = last_times.subject_id
    group by stays.subject_id
),

moments as (
    select subject_id, admitted_at as moment from stays
    union
    select subject_id, admitted_at + interval '24 hours' from stays
    union
    select subject_id, discharged_at from stays
),

{{ find_last_events('moments') }},

discharge_events as (
    select events.subject_id, events.time, max(events.event_index) as event_index
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('codes') }} as codes on events.code_id = codes.code_id
    where codes.event_kind = 'hospital_discharge'
    group by events.subject_id, events.time
)

select
    stays.subject_id,
    cast(stays.nth_stay as integer) as nth_stay,
    stays.hadm_id,
    stays.admitted_at,
    stays.discharged_at,
    cast(stays.age_at_admission as integer) as age_at_admission,
    stays.admission_type,
    stays.is_observation,
    stays.died_in_hospital,
    stays.died_at,
    follow_up.followed_until,
    other_stays.next_admitted_at,
    coalesce(other_stays.goes_on = 1, false) as goes_on_elsewhere,
    at_admission.event_index as prompt_at_admission,
    a_day_later.event_index as prompt_a_day_later,
    at_discharge.event_index as prompt_at_discharge,
    discharge_events.event_index as discharge_event_index
from stays
left join other_stays on stays.subject_id = other_stays.subject_id and stays.nth_stay = other_stays.nth_stay
left join follow_up on stays.subject_id = follow_up.subject_id
left join last_events as at_admission on stays.subject_id = at_admission.subject_id and stays.admitted_at = at_admission.moment
left join last_events as a_day_later
    on stays.subject_id = a_day_later.subject_id and stays.admitted_at + interval '24 hours' = a_day_later.moment
left join last_events as at_discharge on stays.subject_id = at_discharge.subject_id and stays.discharged_at = at_discharge.moment
left join discharge_events on stays.subject_id = discharge_events.subject_id and stays.discharged_at = discharge_events.time
order by stays.subject_id asc nulls last, stays.nth_stay asc nulls last
