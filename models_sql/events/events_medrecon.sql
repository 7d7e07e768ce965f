{{ config(enabled=makes_events('ed.medrecon')) }}

-- The drugs a patient takes at home, as told in the emergency department. A drug of several therapeutic classes has as many
-- rows, of which one makes the event; the codes, 0 where unmapped, play no part.
with source as (
    select
        subject_id,
        stay_id,
        charttime,
        name,
        gsn,
        ndc,
        etc_rn,
        unreadable_columns,
        {{ copy_number(
            ['subject_id', 'stay_id', 'charttime', 'trim(name)'],
            ['unreadable_columns is not null', 'etc_rn', 'gsn', 'ndc', 'etccode']
        ) }} as copy_number
    from {{ ref('stg_ed__medrecon') }}
)

select
    subject_id,
    charttime as time,
    cast(null as timestamp) as occurred_at,
    'HOME_DRUG//' || {{ code_part('name') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    cast(null as bigint) as hadm_id,
    stay_id,
    'ed.medrecon' as source_table,
    concat_ws('-', stay_id, charttime, name, gsn, ndc, etc_rn) as source_key,
    'home_drug' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["charttime is null", "no time"],
        ["nullif(trim(name), '') is null", "no drug"],
        ["copy_number > 1", "same drug under another code"],
    ]) }} as set_aside_reason
from source
