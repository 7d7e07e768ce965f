-- The split hangs on the patient's id alone, so that it stays when patients are added; a MEDS dataset may give its own.
{% set bucket = hash_bucket("'" ~ var('split_salt') ~ ":' || subject_id", 1000) %}
{% if makes_events('meds.data') %}
with demographics as (
    select subject_id, sex, born_at, died_at, split as given_split, {{ bucket }} as bucket
    from {{ ref('meds_patients') }}
)
{% else %}
with registered as (
    select
        subject_id,
        gender as sex,
        cast((anchor_year - anchor_age) || '-01-01' as timestamp) as born_at,
        {{ bucket }} as bucket,
        {{ copy_number(['subject_id'], ['anchor_year', 'anchor_age', 'gender', 'dod']) }} as copy_number
    from {{ ref('stg_hosp__patients') }}
    where unreadable_columns is null
),

deaths as (
    select subject_id, min(time) as died_at
    from {{ ref('events_patients') }}
    where event_kind = 'death' and set_aside_reason is null
    group by subject_id
),

demographics as (
    select
        registered.subject_id,
        registered.sex,
        registered.born_at,
        deaths.died_at,
        cast(null as text) as given_split,
        registered.bucket
    from registered
    left join deaths on registered.subject_id = deaths.subject_id
    where registered.copy_number = 1
)
{% endif %}

select
    subject_id,
    sex,
    born_at,
    died_at,
    case
        when given_split is not null then given_split
        when bucket < {{ var('tuning_per_mille') }} then 'tuning'
        when bucket < {{ var('tuning_per_mille') + var('held_out_per_mille') }} then 'held_out'
        else 'train'
    end as split
from demographics
order by subject_id
