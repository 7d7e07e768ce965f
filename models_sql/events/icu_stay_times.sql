{{ config(materialized='table') }}

-- When each ICU stay began and ended. Where icu.icustays is switched off there is no row, and nothing is judged by its stay.
with source as (
    {% if is_landed('icu.icustays') -%}
    select
        subject_id,
        hadm_id,
        stay_id,
        intime,
        outtime,
        {{ copy_number(['stay_id'], ['subject_id', 'hadm_id', 'intime', 'outtime']) }} as copy_number
    from {{ ref('stg_icu__icustays') }}
    where stay_id is not null
    {%- else -%}
    select
        cast(null as bigint) as subject_id,
        cast(null as bigint) as hadm_id,
        cast(null as bigint) as stay_id,
        cast(null as timestamp) as intime,
        cast(null as timestamp) as outtime,
        0 as copy_number
    {%- endif %}
)

select
    subject_id,
    hadm_id,
    stay_id,
    intime as started_at,
    case when outtime is not null then greatest(intime, outtime) end as ended_at
from source
where copy_number = 1
