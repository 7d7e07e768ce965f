{{ config(enabled=makes_events('hosp.emar_detail')) }}

{% set has_dose = "parent_field_ordinal is not null and nullif(trim(dose_given), '') is not null" %}
{% set dose_columns = ['subject_id', 'emar_id', 'emar_seq', 'parent_field_ordinal', 'product', 'dose', 'unit', 'unreadable_columns'] %}

-- Half of all details name no dose: they make no event and need no join. The others take their time, their drug and whether it
-- was given from their entry, by patient and number of the entry, of which the text key emar_id is made.
with doses as (
    select
        subject_id,
        emar_id,
        emar_seq,
        parent_field_ordinal,
        product_description as product,
        unreadable_columns,
        trim(dose_given) as dose,
        nullif(trim(dose_given_unit), '') as unit
    from {{ ref('stg_hosp__emar_detail') }}
    where {{ has_dose }}
),

-- The few keys that occur twice are found first, so that only their rows are numbered. Ordinals are text: 1.10 is not 1.1.
repeated as (
    select subject_id, emar_seq, parent_field_ordinal
    from {{ ref('stg_hosp__emar_detail') }}
    where {{ has_dose }}
    group by subject_id, emar_seq, parent_field_ordinal
    having count(*) > 1
),

marked as (
    select
        {%- for column in dose_columns %}
        doses.{{ column }},
        {%- endfor %}
        repeated.subject_id is not null as is_repeated
    from doses
    left join repeated
        on
            doses.subject_id = repeated.subject_id
            and doses.emar_seq = repeated.emar_seq
            and doses.parent_field_ordinal = repeated.parent_field_ordinal
),

numbered as (
    select {{ dose_columns | join(', ') }}, 1 as copy_number
    from marked
    where not is_repeated

    union all

    select
        {{ dose_columns | join(', ') }},
        {{ copy_number(
            ['subject_id', 'emar_seq', 'parent_field_ordinal'],
            ['unreadable_columns is not null', 'dose', 'unit', 'product']
        ) }}
    from marked
    where is_repeated
),

entries as (
    select subject_id, emar_seq, hadm_id, charttime, storetime, medication, event_txt
    from {{ ref('stg_hosp__emar') }}
    where unreadable_columns is null
),

charted as (
    select
        numbered.subject_id,
        numbered.emar_id,
        numbered.parent_field_ordinal,
        numbered.dose,
        numbered.unit,
        numbered.copy_number,
        numbered.unreadable_columns,
        entries.subject_id is not null as has_entry,
        entries.hadm_id,
        entries.charttime,
        entries.storetime,
        entries.event_txt,
        -- An entry without a drug leaves its name to the product that was scanned.
        coalesce(nullif(trim(entries.medication), ''), numbered.product) as drug
    from numbered
    left join entries on numbered.subject_id = entries.subject_id and numbered.emar_seq = entries.emar_seq
),

facts as (
    select
        subject_id,
        hadm_id,
        emar_id,
        parent_field_ordinal,
        greatest(charttime, storetime) as time,
        charttime as occurred_at,
        'DOSE_GIVEN//' || {{ code_part('drug') }} || '//' || {{ code_part('unit') }} as code,
        {{ dose_as_number('dose') }} as numeric_value,
        dose as text_value,
        unit,
        {{ set_aside_reason([
            ["copy_number > 1", "duplicate key"],
            ["not has_entry", "no entry of the administration record"],
            ["charttime is null", "no time"],
            ["not " ~ says_given('event_txt'), "not charted as given"],
        ]) }} as set_aside_reason
    from charted

    union all

    select
        subject_id, null, emar_id, parent_field_ordinal, null, null, 'DOSE_GIVEN//UNK//UNK', null, null, null,
        {{ set_aside_reason([
            ["parent_field_ordinal is null", "tells of the entry as a whole"],
            ["true", "no dose"],
        ]) }}
    from {{ ref('stg_hosp__emar_detail') }}
    where not coalesce({{ has_dose }}, false)
)

select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.emar_detail' as source_table,
    concat_ws('-', emar_id, parent_field_ordinal) as source_key,
    'drug_dose' as event_kind,
    true as is_row_event,
    set_aside_reason
from facts
