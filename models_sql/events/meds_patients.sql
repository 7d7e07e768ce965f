{{ config(enabled=makes_events('meds.data'), materialized='table') }}

-- The patients of a MEDS dataset, from the three codes that tell of a person. A dataset may tell of a birth or a death twice; the
-- earlier one counts.
with told_once as (
    select
        data.subject_id,
        data.time,
        data.row_key,
        codes.event_kind,
        {{ copy_number(['data.subject_id', 'codes.event_kind'], ['data.time', 'data.row_key']) }} as copy_number
    from {{ ref('stg_meds__data') }} as data
    inner join {{ ref('meds_codes') }} as codes
        on data.code = codes.code and data.event_kind is not distinct from codes.given_kind
    where codes.event_kind in ('birth', 'death') and data.time is not null and data.unreadable_columns is null
),

births_and_deaths as (
    select
        subject_id,
        min(case when event_kind = 'birth' then time end) as born_at,
        min(case when event_kind = 'birth' then row_key end) as birth_row_key,
        min(case when event_kind = 'death' then time end) as died_at,
        min(case when event_kind = 'death' then row_key end) as death_row_key
    from told_once
    where copy_number = 1
    group by subject_id
),

people as (
    select
        subject_id,
        min(case when code like 'GENDER//%' then upper(trim(split_part(code, '//', 2))) end) as sex
    from {{ ref('stg_meds__data') }}
    where subject_id is not null
    group by subject_id
)

select
    people.subject_id,
    case people.sex when 'FEMALE' then 'F' when 'MALE' then 'M' else nullif(people.sex, 'UNK') end as sex,
    births_and_deaths.born_at,
    births_and_deaths.birth_row_key,
    births_and_deaths.died_at,
    births_and_deaths.death_row_key,
    splits.split
from people
left join births_and_deaths on people.subject_id = births_and_deaths.subject_id
left join {{ ref('stg_meds__subject_splits') }} as splits on people.subject_id = splits.subject_id
order by people.subject_id asc nulls last
