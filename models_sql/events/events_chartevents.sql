{{ config(enabled=makes_events('icu.chartevents')) }}

-- Height and admission weight are filled in in two units at once: 226707 Height (inches) beside 226730 Height (cm),
-- 226531 Admission Weight (lbs.) beside 226512 Admission Weight (Kg). Both branches read a few thousand rows of the table.
{% set columns = [
    'subject_id', 'hadm_id', 'stay_id', 'itemid', 'charttime', 'storetime', 'value', 'valuenum', 'valueuom', 'unreadable_columns',
] %}

with metric as (
    select distinct stay_id, charttime, itemid
    from {{ ref('stg_icu__chartevents') }}
    where itemid in (226730, 226512)
),

source as (
    select {{ columns | join(', ') }}, false as is_doubled
    from {{ ref('stg_icu__chartevents') }}
    where itemid not in (226707, 226531) or itemid is null

    union all

    select imperial.{{ columns | join(', imperial.') }}, metric.itemid is not null
    from {{ ref('stg_icu__chartevents') }} as imperial
    left join metric
        on
            imperial.stay_id = metric.stay_id
            and imperial.charttime = metric.charttime
            and metric.itemid = case when imperial.itemid = 226707 then 226730 else 226512 end
    where imperial.itemid in (226707, 226531)
),

measured as (
    select
        source.subject_id,
        source.hadm_id,
        source.stay_id,
        source.itemid,
        source.charttime,
        source.storetime,
        source.unreadable_columns,
        source.is_doubled,
        items.is_laboratory_copy,
        items.lowest,
        items.highest,
        stays.started_at,
        stays.ended_at,
        coalesce(items.written_as, source.itemid) as written_as,
        coalesce(items.unit, nullif(trim(source.valueuom), '')) as unit,
        nullif(trim(source.value), '') as value,
        case
            when source.valuenum between items.converted_from and items.converted_to
                then round(source.valuenum * items.factor + items.shift, 2)
            else source.valuenum
        end as number
    from source
    left join {{ ref('icu_items') }} as items on source.itemid = items.itemid
    left join {{ ref('icu_stay_times') }} as stays on source.stay_id = stays.stay_id
)

-- A value is known when it is stored, which may be before the time it is charted for or long after.
select
    subject_id,
    greatest(charttime, storetime) as time,
    charttime as occurred_at,
    'LAB//' || coalesce(cast(written_as as text), 'UNK') || '//' || coalesce(unit, 'UNK') as code,
    number as numeric_value,
    value as text_value,
    unit,
    hadm_id,
    stay_id,
    'icu.chartevents' as source_table,
    concat_ws('-', stay_id, itemid, charttime) as source_key,
    'charted' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["charttime is null", "no time"],
        ["is_laboratory_copy", "copy of a laboratory result"],
        ["number is null and value is null", "no value"],
        far_outside_the_stay('charttime', 'charttime'),
        ["is_doubled", "same measurement in another unit"],
        ["number < lowest or number > highest", "implausible"],
    ]) }} as set_aside_reason
from measured
