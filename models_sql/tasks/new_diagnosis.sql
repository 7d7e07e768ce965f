-- Every discharge alive is a candidate, chosen by nothing that comes after it. Whoever dies or is not seen again within the year counts
-- as not coded: the label is what this hospital codes, and to ask for a later contact would choose patients by their future.
select
    stays.subject_id,
    stays.discharged_at as prediction_time,
    coalesce(onsets.first_coded_at <= stays.discharged_at + interval '365 days', false) as label,
    stays.hadm_id,
    cast(null as bigint) as stay_id,
    stays.prompt_at_discharge as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["stays.died_in_hospital", "died in hospital"],
        ["stays.goes_on_elsewhere", "transferred to another stay"],
        ["onsets.first_coded_at <= stays.discharged_at", "coded before or at this discharge"],
    ]) }} as exclusion,
    categories.category as variant
from {{ ref('hospital_stays') }} as stays
cross join {{ ref('new_diagnosis_categories') }} as categories
left join {{ ref('diagnosis_onsets') }} as onsets
    on stays.subject_id = onsets.subject_id and categories.category = onsets.category
