select
    subject_id,
    admitted_at + interval '24 hours' as prediction_time,
    died_in_hospital as label,
    hadm_id,
    cast(null as bigint) as stay_id,
    prompt_a_day_later as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["discharged_at <= admitted_at + interval '24 hours'", "discharged or dead within 24 hours"],
    ]) }} as exclusion
from {{ ref('hospital_stays') }}
