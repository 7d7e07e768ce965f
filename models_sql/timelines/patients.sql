with demographics as (
    select
        subject_id,
        gender as sex,
        cast((anchor_year - anchor_age) || '-01-01' as timestamp) as born_at,
        -- The split hangs on the patient's id alone, so that it stays when patients are added.
        {{ hash_bucket("'" ~ var('split_salt') ~ ":' || subject_id", 1000) }} as bucket,
        {{ copy_number(['subject_id'], ['anchor_year', 'anchor_age', 'gender', 'dod']) }} as copy_number
    from {{ ref('stg_hosp__patients') }}
    where unreadable_columns is null
),

deaths as (
    select subject_id, min(time) as died_at
    from {{ ref('events_patients') }}
    where event_kind = 'death' and set_aside_reason is null
    group by subject_id
)

select
    demographics.subject_id,
    demographics.sex,
    demographics.born_at,
    deaths.died_at,
    case
        when demographics.bucket < {{ var('tuning_per_mille') }} then 'tuning'
        when demographics.bucket < {{ var('tuning_per_mille') + var('held_out_per_mille') }} then 'held_out'
        else 'train'
    end as split
from demographics
left join deaths on demographics.subject_id = deaths.subject_id
where demographics.copy_number = 1
order by demographics.subject_id
