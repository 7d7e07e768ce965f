{{ config(enabled=makes_events('sofa'), materialized='table') }}
{{ log_what_the_score_lacks() }}

-- The first day of each ICU stay: from six hours before it, as the MIT concepts have it, to a day after its start, or to its end or
-- the patient's death where these come first.
with deaths as (
    select subject_id, min(time) as died_at
    from {{ ref('events_patients') }}
    where event_kind = 'death' and set_aside_reason is null
    group by subject_id
)

select
    stays.subject_id,
    stays.hadm_id,
    stays.stay_id,
    stays.started_at,
    stays.started_at - interval '6 hours' as opens_at,
    case
        when stays.started_at is not null
            then least(stays.started_at + interval '24 hours', stays.ended_at, deaths.died_at)
    end as closes_at
from {{ ref('icu_stay_times') }} as stays
left join deaths on stays.subject_id = deaths.subject_id
where
    not exists (
        select 1
        from {{ source('registry', 'tables') }} as tables
        where not tables.is_present and tables.source_table in ({{ text_list(var('sofa_tables')) }})
    )
