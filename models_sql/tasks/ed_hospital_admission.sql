-- A visit ends in hospital admission when its departure says so: who is only watched on a ward and goes home from there is not admitted.
select
    subject_id,
    triaged_at as prediction_time,
    disposition = 'ADMITTED' as label,
    hadm_id,
    stay_id,
    prompt_at_triage as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(ed_triage_rules() + [
        ["is_in_hospital_at_triage", "on a ward before triage was known"],
        ["disposition is null", "no disposition recorded"],
    ]) }} as exclusion
from {{ ref('ed_visits') }}
