{{ config(materialized='table') }}

-- Discharge is typed in by administration: at 00:00 of the day of death, or before admission. It is moved to where it cannot
-- tell of a death that has not happened yet.
with source as (
    select
        subject_id,
        hadm_id,
        admittime,
        dischtime,
        deathtime,
        {{ copy_number(['hadm_id'], ['subject_id', 'admittime', 'dischtime', 'deathtime']) }} as copy_number
    from {{ ref('stg_hosp__admissions') }}
),

discharged as (
    select
        subject_id,
        hadm_id,
        admittime as admitted_at,
        deathtime as died_at,
        case when dischtime is not null then greatest(dischtime, admittime, deathtime) end as discharged_at
    from source
    where copy_number = 1
)

select
    subject_id,
    hadm_id,
    admitted_at,
    discharged_at,
    died_at,
    {% if var('icd_at') == 'admission' -%}
    admitted_at as coded_at
    {%- elif var('icd_at') == 'discharge' -%}
    discharged_at as coded_at
    {%- else -%}
    {{ exceptions.raise_compiler_error("icd_at is " ~ var('icd_at') ~ "; it takes discharge or admission") }}
    {%- endif %}
from discharged
