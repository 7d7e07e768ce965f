{{ config(enabled=makes_events('meds.data')) }}

-- The dataset is typed already; a number that is not finite is as unreadable here as in a raw table of text.
select
    subject_id,
    time,
    code,
    case when isfinite(numeric_value) then coalesce(exact_value, numeric_value) else exact_value end as numeric_value,
    text_value,
    unit,
    hadm_id,
    stay_id,
    occurred_at,
    event_kind,
    coalesce(source_table, 'meds.data') as source_table,
    coalesce(source_key, {{ meds_row_key() }}) as source_key,
    {{ meds_row_key() }} as row_key,
    case when not isfinite(numeric_value) then 'numeric_value' end as unreadable_columns
from {{ source('meds', 'data') }}
