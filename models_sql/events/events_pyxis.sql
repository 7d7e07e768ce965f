{{ config(enabled=makes_events('ed.pyxis')) }}

-- A drug of several generic sequence numbers has as many rows, of which one makes the event; the numbers themselves, 0 where
-- unmapped, play no part.
with source as (
    select
        subject_id,
        stay_id,
        charttime,
        med_rn,
        gsn_rn,
        name,
        unreadable_columns,
        {{ copy_number(
            ['subject_id', 'stay_id', 'charttime', 'trim(name)'],
            ['unreadable_columns is not null', 'med_rn', 'gsn_rn', 'gsn']
        ) }} as copy_number
    from {{ ref('stg_ed__pyxis') }}
)

select
    subject_id,
    charttime as time,
    charttime as occurred_at,
    'ED_DISPENSED//' || {{ code_part('name') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    cast(null as bigint) as hadm_id,
    stay_id,
    'ed.pyxis' as source_table,
    concat_ws('-', stay_id, med_rn, gsn_rn) as source_key,
    'ed_dispensing' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["charttime is null", "no time"],
        ["nullif(trim(name), '') is null", "no drug"],
        ["copy_number > 1", "same drug under another code"],
    ]) }} as set_aside_reason
from source
