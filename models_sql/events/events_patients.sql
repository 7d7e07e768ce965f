{% set is_copy = ["copy_number > 1", "duplicate key"] %}

with source as (
    select
        subject_id,
        gender,
        anchor_year,
        dod,
        unreadable_columns,
        anchor_year - anchor_age as birth_year,
        {{ copy_number(['subject_id'], ['anchor_year', 'anchor_age', 'gender', 'dod']) }} as copy_number,
        -- The middle of the three real years in which the anchor year lies, less the shifted anchor year.
        try_cast(substr(anchor_year_group, 1, 4) as integer) + 1 - anchor_year as year_offset
    from {{ ref('stg_hosp__patients') }}
),

deaths_in_hospital as (
    select subject_id, min(died_at) as died_at
    from {{ ref('admission_times') }}
    where died_at is not null
    group by subject_id
),

facts as (
    select
        subject_id,
        cast(null as timestamp) as time,
        cast(null as timestamp) as occurred_at,
        'GENDER//' || {{ code_part('gender') }} as code,
        cast(null as double) as numeric_value,
        'static' as event_kind,
        true as is_row_event,
        {{ set_aside_reason([is_copy]) }} as set_aside_reason
    from source

    union all

    select
        subject_id,
        null,
        null,
        'CALENDAR_YEAR_OFFSET',
        year_offset,
        'static',
        false,
        {{ set_aside_reason([is_copy, ["year_offset is null", "no calendar years"]]) }}
    from source

    union all

    select
        subject_id,
        cast(birth_year || '-01-01' as timestamp),
        cast(birth_year || '-01-01' as timestamp),
        'MEDS_BIRTH',
        null,
        'birth',
        false,
        {{ set_aside_reason([is_copy, ["birth_year is null", "no age"]]) }}
    from source

    union all

    -- The time of death is exact where the patient died in hospital; elsewhere only its day is known.
    select
        source.subject_id,
        coalesce(deaths_in_hospital.died_at, {{ end_of_day('source.dod') }}),
        coalesce(deaths_in_hospital.died_at, cast(source.dod as timestamp)),
        'MEDS_DEATH',
        null,
        'death',
        false,
        {{ set_aside_reason([["source.copy_number > 1", "duplicate key"]], unreadable='source.unreadable_columns') }}
    from source
    left join deaths_in_hospital on source.subject_id = deaths_in_hospital.subject_id
    where source.dod is not null or deaths_in_hospital.died_at is not null
)

select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    cast(null as bigint) as hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.patients' as source_table,
    cast(subject_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
