with demographics as (
    select
        subject_id,
        gender as sex,
        cast((anchor_year - anchor_age) || '-01-01' as timestamp) as born_at
    from {{ ref('stg_hosp__patients') }}
    where unreadable_columns is null
),

deaths as (
    select subject_id, min(time) as died_at
    from {{ ref('events_patients') }}
    where event_kind = 'death' and set_aside_reason is null
    group by subject_id
),

-- The split hangs on the patient's id alone, so that it stays when patients are added.
bucketed as (
    select
        subject_id,
        {{ hash_bucket("'" ~ var('split_salt') ~ ":' || subject_id", 1000) }} as bucket
    from demographics
)

select
    demographics.subject_id,
    demographics.sex,
    demographics.born_at,
    deaths.died_at,
    case
        when bucketed.bucket < {{ var('tuning_per_mille') }} then 'tuning'
        when bucketed.bucket < {{ var('tuning_per_mille') + var('held_out_per_mille') }} then 'held_out'
        else 'train'
    end as split
from demographics
inner join bucketed on demographics.subject_id = bucketed.subject_id
left join deaths on demographics.subject_id = deaths.subject_id
order by demographics.subject_id
