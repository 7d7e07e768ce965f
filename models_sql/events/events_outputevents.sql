{{ config(enabled=makes_events('icu.outputevents')) }}

with source as (
    select
        outputs.subject_id,
        outputs.hadm_id,
        outputs.stay_id,
        outputs.itemid,
        outputs.charttime,
        outputs.storetime,
        outputs.value,
        outputs.unreadable_columns,
        nullif(trim(outputs.valueuom), '') as unit,
        items.lowest,
        items.highest,
        stays.started_at,
        stays.ended_at
    from {{ ref('stg_icu__outputevents') }} as outputs
    left join {{ ref('icu_items') }} as items on outputs.itemid = items.itemid
    left join {{ ref('icu_stay_times') }} as stays on outputs.stay_id = stays.stay_id
)

-- Outputs are often stored before the hour for which they are charted: known is the later of the two.
select
    subject_id,
    greatest(charttime, storetime) as time,
    charttime as occurred_at,
    'SUBJECT_FLUID_OUTPUT//' || coalesce(cast(itemid as text), 'UNK') || '//' || coalesce(unit, 'UNK') as code,
    value as numeric_value,
    cast(null as text) as text_value,
    unit,
    hadm_id,
    stay_id,
    'icu.outputevents' as source_table,
    concat_ws('-', stay_id, itemid, charttime) as source_key,
    'fluid_output' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["charttime is null", "no time"],
        ["value is null", "no value"],
        far_outside_the_stay('charttime', 'charttime'),
        ["value < lowest or value > highest", "implausible"],
    ]) }} as set_aside_reason
from source
