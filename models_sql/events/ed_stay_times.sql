{{ config(materialized='table', enabled=is_landed('ed.edstays')) }}

-- The clock of a stay in the emergency department, for the tables that have none of their own.
with source as (
    select
        subject_id,
        stay_id,
        intime,
        outtime,
        {{ copy_number(['stay_id'], ['subject_id', 'intime', 'outtime', 'hadm_id']) }} as copy_number
    from {{ ref('stg_ed__edstays') }}
)

select
    subject_id,
    stay_id,
    intime as arrived_at,
    case when outtime is not null then greatest(outtime, intime) end as departed_at
from source
where copy_number = 1
