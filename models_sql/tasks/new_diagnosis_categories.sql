{{ config(materialized='table') }}

-- The diagnoses whose new onset is a task: those with which most patients of the train split were first coded after an admission that
-- did not have them. Symptoms (R), external causes (V to Y) and what is no disease (Z) are left out.
with first_discharges as (
    select subject_id, min(ended_at) as first_discharged_at
    from {{ ref('stays') }}
    where kind = 'hospital'
    group by subject_id
),

counted as (
    select onsets.category, count(*) as n_train_patients
    from {{ ref('diagnosis_onsets') }} as onsets
    inner join {{ ref('patients') }} as patients on onsets.subject_id = patients.subject_id
    inner join first_discharges on onsets.subject_id = first_discharges.subject_id
    where
        patients.split = 'train'
        and onsets.first_coded_at > first_discharges.first_discharged_at
        and substr(onsets.category, 1, 1) not in ('R', 'V', 'W', 'X', 'Y', 'Z')
    group by onsets.category
),

ranked as (
    select
        category,
        n_train_patients,
        row_number() over (order by n_train_patients desc nulls last, category asc nulls last) as category_rank
    from counted
)

select category, cast(n_train_patients as bigint) as n_train_patients
from ranked
where category_rank <= {{ var('new_diagnoses') }}
order by category_rank asc nulls last
