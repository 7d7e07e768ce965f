{{ config(enabled=makes_events('hosp.microbiologyevents')) }}

-- One culture spans many rows: a specimen is tested, a test grows isolates of organisms, an isolate is tried against antibiotics.
-- The specimen is told once and so is each isolate, however many antibiotics it was tried against.
with cultures as (
    select
        microevent_id,
        subject_id,
        hadm_id,
        micro_specimen_id,
        test_seq,
        test_itemid,
        test_name,
        org_itemid,
        isolate_num,
        dilution_text,
        dilution_value,
        interpretation,
        comments,
        unreadable_columns,
        {{ code_part('spec_type_desc') }} as specimen,
        nullif(trim(org_name), '') as organism,
        nullif(trim(ab_name), '') as antibiotic,
        coalesce(charttime, chartdate) as taken_on,
        -- Where only the day is known, at its end.
        coalesce(charttime, {{ end_of_day('cast(chartdate as date)') }}) as taken_at,
        coalesce(storetime, {{ end_of_day('cast(storedate as date)') }}) as stored_at
    from {{ ref('stg_hosp__microbiologyevents') }}
),

source as (
    select
        microevent_id,
        subject_id,
        hadm_id,
        specimen,
        test_name,
        organism,
        antibiotic,
        dilution_text,
        dilution_value,
        interpretation,
        comments,
        taken_on,
        taken_at,
        greatest(taken_at, stored_at) as known_at,
        stored_at,
        unreadable_columns,
        coalesce(upper(organism) = 'CANCELLED' or upper(trim(comments)) like 'TEST CANCELLED%', false) as is_cancelled,
        {{ copy_number(['micro_specimen_id'], ['unreadable_columns is not null', 'microevent_id']) }} as row_of_specimen,
        {{ copy_number(
            ['micro_specimen_id', 'test_seq', 'test_itemid', 'org_itemid', 'organism', 'isolate_num'],
            ['unreadable_columns is not null', 'antibiotic is not null', 'microevent_id']
        ) }} as row_of_isolate
    from cultures
),

facts as (
    select
        microevent_id,
        subject_id,
        hadm_id,
        taken_at as time,
        taken_on as occurred_at,
        'MICRO//SPECIMEN//' || specimen as code,
        cast(null as double) as numeric_value,
        cast(null as text) as text_value,
        'micro_specimen' as event_kind,
        false as is_row_event,
        {{ set_aside_reason([["taken_at is null", "no time"]]) }} as set_aside_reason
    from source
    where row_of_specimen = 1

    union all

    -- No organism: nothing grew, or the test is no culture; the laboratory says in words what was found.
    select
        microevent_id, subject_id, hadm_id, known_at, taken_on,
        'MICRO//RESULT//' || specimen || '//' || {{ code_part('test_name') }}, null, comments, 'micro_result', true,
        {{ set_aside_reason([
            ["taken_at is null", "no time"],
            ["is_cancelled", "test cancelled"],
            ["stored_at is null", "no time of result"],
        ]) }}
    from source
    where is_cancelled or (organism is null and antibiotic is null)

    union all

    select
        microevent_id, subject_id, hadm_id, known_at, taken_on,
        'MICRO//ORGANISM//' || specimen || '//' || {{ code_part('organism') }}, null, comments, 'micro_organism', antibiotic is null,
        {{ set_aside_reason([
            ["taken_at is null", "no time"],
            ["row_of_isolate > 1", "same isolate in another row"],
            ["stored_at is null", "no time of result"],
        ]) }}
    from source
    where not is_cancelled and organism is not null and (row_of_isolate = 1 or antibiotic is null)

    union all

    -- The laboratory's reading of the dilution is what is acted upon; the dilution itself stays beside it.
    select
        microevent_id, subject_id, hadm_id, known_at, taken_on,
        'MICRO//SUSCEPTIBILITY//' || {{ code_part('organism') }} || '//' || {{ code_part('antibiotic') }}
        || '//' || {{ code_part('interpretation') }},
        dilution_value, dilution_text, 'micro_susceptibility', true,
        {{ set_aside_reason([["taken_at is null", "no time"], ["stored_at is null", "no time of result"]]) }}
    from source
    where not is_cancelled and antibiotic is not null
)

-- A result without the time at which it was stored is set aside: at the time of its specimen it would tell, weeks early, what grew.
select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.microbiologyevents' as source_table,
    cast(microevent_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts
