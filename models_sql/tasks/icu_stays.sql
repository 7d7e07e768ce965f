{{ config(materialized='table') }}

-- Stays in intensive care as the tasks see them, each within its stay in hospital. The source has merged what follows without a break
-- from unit to unit; what it has not merged is a stay of its own.
with icu_stays as (
    select
        stays.subject_id,
        stays.hadm_id,
        stays.stay_id,
        stays.started_at as admitted_at,
        stays.ended_at as discharged_at,
        coalesce(stays.died_in, false) as died_in,
        {{ full_years_between('patients.born_at', 'stays.started_at') }} as age_at_admission,
        row_number() over (
            partition by stays.subject_id
            order by stays.started_at asc nulls last, stays.ended_at asc nulls last, stays.stay_id asc nulls last
        ) as nth_stay
    from {{ ref('stays') }} as stays
    inner join {{ ref('patients') }} as patients on stays.subject_id = patients.subject_id
    where stays.kind = 'icu'
),

-- By the number of the admission, or by time where the source gives none.
within_hospital as (
    select icu_stays.subject_id, icu_stays.nth_stay, max(hospital.nth_stay) as nth_hospital_stay
    from icu_stays
    inner join {{ ref('hospital_stays') }} as hospital
        on
            icu_stays.subject_id = hospital.subject_id
            and (
                icu_stays.hadm_id = hospital.hadm_id
                or (
                    (icu_stays.hadm_id is null or hospital.hadm_id is null)
                    and icu_stays.admitted_at between hospital.admitted_at and coalesce(hospital.discharged_at, icu_stays.admitted_at)
                )
            )
    group by icu_stays.subject_id, icu_stays.nth_stay
),

-- Whoever is never discharged from the last stay in intensive care before a death in hospital has died there: a discharge that is
-- written down after death may be lost on the way here (a MEDS dataset ends with the death).
stays as (
    select
        icu_stays.subject_id,
        icu_stays.nth_stay,
        icu_stays.hadm_id,
        icu_stays.stay_id,
        icu_stays.admitted_at,
        case
            when icu_stays.discharged_at is not null then icu_stays.discharged_at
            when hospital.died_in_hospital and icu_stays.nth_stay = max(icu_stays.nth_stay) over (
                partition by icu_stays.subject_id, within_hospital.nth_hospital_stay
            ) then hospital.discharged_at
        end as discharged_at,
        icu_stays.died_in,
        icu_stays.age_at_admission,
        within_hospital.nth_hospital_stay,
        hospital.discharged_at as hospital_discharged_at,
        hospital.died_in_hospital
    from icu_stays
    left join within_hospital on icu_stays.subject_id = within_hospital.subject_id and icu_stays.nth_stay = within_hospital.nth_stay
    left join {{ ref('hospital_stays') }} as hospital
        on within_hospital.subject_id = hospital.subject_id and within_hospital.nth_hospital_stay = hospital.nth_stay
),

other_stays as (
    select
        stays.subject_id,
        stays.nth_stay,
        min(case when others.admitted_at > stays.discharged_at then others.admitted_at end) as next_admitted_at,
        max(
            case when others.admitted_at <= stays.discharged_at and others.discharged_at > stays.discharged_at then 1 else 0 end
        ) as goes_on
    from stays
    inner join stays as others
        on
            stays.subject_id = others.subject_id
            and stays.nth_hospital_stay = others.nth_hospital_stay
            and stays.nth_stay <> others.nth_stay
    group by stays.subject_id, stays.nth_stay
),

moments as (
    select subject_id, admitted_at as moment from stays
    union
    select subject_id, admitted_at + interval '24 hours' from stays
    union
    select subject_id, discharged_at from stays
),

{{ find_last_events('moments') }}

select
    stays.subject_id,
    cast(stays.nth_stay as integer) as nth_stay,
    cast(stays.nth_hospital_stay as integer) as nth_hospital_stay,
    stays.hadm_id,
    stays.stay_id,
    stays.admitted_at,
    stays.discharged_at,
    stays.hospital_discharged_at,
    cast(stays.age_at_admission as integer) as age_at_admission,
    stays.died_in or coalesce(stays.died_in_hospital and stays.hospital_discharged_at <= stays.discharged_at, false) as died_in_icu,
    other_stays.next_admitted_at,
    coalesce(other_stays.goes_on = 1, false) as goes_on_elsewhere,
    at_admission.event_index as prompt_at_admission,
    a_day_later.event_index as prompt_a_day_later,
    at_discharge.event_index as prompt_at_discharge
from stays
left join other_stays on stays.subject_id = other_stays.subject_id and stays.nth_stay = other_stays.nth_stay
left join last_events as at_admission on stays.subject_id = at_admission.subject_id and stays.admitted_at = at_admission.moment
left join last_events as a_day_later
    on stays.subject_id = a_day_later.subject_id and stays.admitted_at + interval '24 hours' = a_day_later.moment
left join last_events as at_discharge on stays.subject_id = at_discharge.subject_id and stays.discharged_at = at_discharge.moment
order by stays.subject_id asc nulls last, stays.nth_stay asc nulls last
