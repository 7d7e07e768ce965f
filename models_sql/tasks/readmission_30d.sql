select
    subject_id,
    discharged_at as prediction_time,
    coalesce(next_admitted_at <= discharged_at + interval '30 days', false) as label,
    hadm_id,
    cast(null as bigint) as stay_id,
    prompt_at_discharge as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["died_in_hospital", "died in hospital"],
        ["goes_on_elsewhere", "transferred to another stay"],
    ]) }} as exclusion
from {{ ref('hospital_stays') }}
