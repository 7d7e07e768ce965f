with first_icu_stays as (
    select subject_id, nth_hospital_stay, min(admitted_at) as icu_admitted_at
    from {{ ref('icu_stays') }}
    group by subject_id, nth_hospital_stay
)

select
    stays.subject_id,
    stays.admitted_at as prediction_time,
    coalesce(first_icu_stays.icu_admitted_at <= stays.discharged_at, false) as label,
    stays.hadm_id,
    cast(null as bigint) as stay_id,
    stays.prompt_at_admission as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["first_icu_stays.icu_admitted_at <= admitted_at", "in intensive care by admission"],
    ]) }} as exclusion
from {{ ref('hospital_stays') }} as stays
left join first_icu_stays
    on stays.subject_id = first_icu_stays.subject_id and stays.nth_stay = first_icu_stays.nth_hospital_stay
