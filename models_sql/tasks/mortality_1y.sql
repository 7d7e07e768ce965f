-- A patient without a death has survived the year only where one would be known (followed_until).
select
    subject_id,
    discharged_at as prediction_time,
    coalesce(died_at <= discharged_at + interval '365 days', false) as label,
    hadm_id,
    cast(null as bigint) as stay_id,
    prompt_at_discharge as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["died_in_hospital", "died in hospital"],
        ["goes_on_elsewhere", "transferred to another stay"],
        ["died_at is null and followed_until < discharged_at + interval '365 days'", "followed for less than a year"],
    ]) }} as exclusion
from {{ ref('hospital_stays') }}
