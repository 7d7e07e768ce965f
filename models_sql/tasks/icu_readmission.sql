select
    subject_id,
    discharged_at as prediction_time,
    next_admitted_at is not null as label,
    hadm_id,
    stay_id,
    prompt_at_discharge as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(icu_stay_rules() + [
        ["died_in_icu", "died in intensive care"],
        ["hospital_discharged_at is null or hospital_discharged_at <= discharged_at", "left hospital from intensive care"],
        ["goes_on_elsewhere", "moved to another unit of intensive care"],
    ]) }} as exclusion
from {{ ref('icu_stays') }}
