select
    subject_id,
    admitted_at as prediction_time,
    {{ seconds_between('admitted_at', 'discharged_at') }} / 86400 as label,
    hadm_id,
    stay_id,
    prompt_at_admission as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(icu_stay_rules()) }} as exclusion
from {{ ref('icu_stays') }}
