{{ config(materialized='table', enabled=makes_events('icu.chartevents') or makes_events('icu.outputevents')) }}

-- What is known of an ICU item before any value of it is read: whether it copies the laboratory, how it is written in one unit, and
-- what can be true. One small table, so that the largest raw table is joined once.

-- The form takes one measurement in two units, under two items; each is written as one item in one unit. A value between
-- converted_from and converted_to is in the other unit: the scales of temperature and height do not overlap, so that the value
-- tells its unit even where it was typed into the wrong field.
with conversions as (
    -- Temperature Celsius, written as Temperature Fahrenheit.
    select
        223762 as itemid, 223761 as written_as, '°F' as unit, 25.0 as converted_from, 45.0 as converted_to,
        1.8 as factor, 32.0 as shift
    union all
    -- Temperature Fahrenheit.
    select 223761, 223761, '°F', 25.0, 45.0, 1.8, 32.0
    union all
    -- Height in inches, written as Height (cm).
    select 226707, 226730, 'cm', 48.0, 90.0, 2.54, 0.0
    union all
    -- Height (cm).
    select 226730, 226730, 'cm', 48.0, 90.0, 2.54, 0.0
    union all
    -- Admission Weight (lbs.), written as Admission Weight (Kg).
    select 226531, 226512, 'kg', 0.0, 999998.0, 0.45359237, 0.0
    union all
    -- Inspired O2 Fraction, a share or per cent; its rows have no unit.
    select 223835, 223835, null, 0.2, 1.0, 100.0, 0.0
),

ranges as (
    select
        source_table,
        cast(itemid as integer) as itemid,
        cast(lowest as double) as lowest,
        cast(highest as double) as highest
    from {{ source('reference', 'plausible_ranges') }}
),

dictionary as (
    select
        itemid,
        min('icu.' || linksto) as source_table,
        -- All of a laboratory's items are copies, value for value, but two that are measured at the bedside:
        -- 225664 Glucose finger stick, 220507 Activated Clotting Time.
        max(case when category = 'Labs' and itemid not in (225664, 220507) then 1 else 0 end) as n_copies
    from {{ ref('stg_icu__d_items') }}
    where itemid is not null
    group by itemid
),

all_items as (
    select itemid
    from dictionary

    union

    select itemid
    from conversions

    union

    select itemid
    from ranges
    where itemid is not null
)

select
    all_items.itemid,
    coalesce(conversions.written_as, all_items.itemid) as written_as,
    conversions.unit,
    cast(conversions.converted_from as double) as converted_from,
    cast(conversions.converted_to as double) as converted_to,
    cast(conversions.factor as double) as factor,
    cast(conversions.shift as double) as shift,
    coalesce(of_item.lowest, of_table.lowest) as lowest,
    coalesce(of_item.highest, of_table.highest) as highest,
    {% if makes_events('hosp.labevents') -%}
    coalesce(dictionary.n_copies, 0) > 0
    {%- else -%}
    -- There is nothing that it would copy.
    false
    {%- endif %} as is_laboratory_copy
from all_items
left join dictionary on all_items.itemid = dictionary.itemid
left join conversions on all_items.itemid = conversions.itemid
left join ranges as of_item on coalesce(conversions.written_as, all_items.itemid) = of_item.itemid
left join ranges as of_table on of_table.itemid is null and dictionary.source_table = of_table.source_table
