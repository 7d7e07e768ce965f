select
    subject_id,
    admitted_at as prediction_time,
    discharged_at > admitted_at + interval '10 days' as label,
    hadm_id,
    cast(null as bigint) as stay_id,
    prompt_at_admission as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules()) }} as exclusion
from {{ ref('hospital_stays') }}
