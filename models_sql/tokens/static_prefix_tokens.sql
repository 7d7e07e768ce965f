{{ config(database='scratch') }}

{% set slots = ['sex', 'marital_status', 'race', 'bmi', 'age', 'start_year'] %}

-- The six static tokens of a patient in versions: each holds from one event on, and tells only what was known by then. What is
-- registered at the very first time of the timeline belongs to the first version.
with first_times as (
    select events.subject_id, min(events.time) as first_time
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('tokenised_codes') }} as codes on events.code_id = codes.code_id
    group by events.subject_id
),

-- The few events that the prefix is told from.
told as (
    select
        events.subject_id,
        events.event_index,
        events.time,
        events.numeric_value,
        codes.event_kind,
        codes.code
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('codes') }} as codes on events.code_id = codes.code_id
    where
        codes.event_kind in ('static', 'demographic')
        or (codes.event_kind = 'omr' and codes.code = 'BMI (kg/m2)' and events.numeric_value is not null)
),

bmi_breaks as (
    select
        min(code) as code
        {%- for i in range(1, var('n_bins')) -%}
        ,
        min(case when break_index = {{ i }} then upper_edge end) as break_{{ i }}
        {%- endfor %}
    from {{ ref('quantile_breaks') }}
    where code = 'BMI (kg/m2)'
),

sexes as (
    select subject_id, max(split_part(code, '//', 2)) as sex
    from told
    where event_kind = 'static' and code like 'GENDER//%'
    group by subject_id
),

year_offsets as (
    select subject_id, max(numeric_value) as year_offset
    from told
    where event_kind = 'static' and code = 'CALENDAR_YEAR_OFFSET'
    group by subject_id
),

changes as (
    select
        subject_id,
        first_time as time,
        cast(-1 as integer) as event_index,
        cast(0 as integer) as from_event_index,
        cast(null as text) as marital_status,
        cast(null as text) as race,
        cast(null as double) as bmi
    from first_times

    union all

    -- What is registered at an admission makes no tokens of its own and may stand before that admission's window.
    select
        events.subject_id,
        events.time,
        events.event_index,
        case when events.time <= first_times.first_time then 0 else events.event_index end,
        case when events.code like 'MARITAL_STATUS//%' then split_part(events.code, '//', 2) end,
        case when events.code like 'RACE//%' then split_part(events.code, '//', 2) end,
        null
    from told as events
    inner join first_times on events.subject_id = first_times.subject_id
    where events.event_kind = 'demographic'

    union all

    -- A measured body mass index is an event with tokens: only windows that begin after it may know it.
    select events.subject_id, events.time, events.event_index, events.event_index + 1, null, null, events.numeric_value
    from told as events
    inner join first_times on events.subject_id = first_times.subject_id
    where events.event_kind = 'omr'
),

carried as (
    select
        subject_id,
        time,
        from_event_index,
        last_value(marital_status ignore nulls) over so_far as marital_status,
        last_value(race ignore nulls) over so_far as race,
        last_value(bmi ignore nulls) over so_far as bmi,
        row_number() over (partition by subject_id, from_event_index order by event_index desc nulls last) as from_last
    from changes
    window so_far as (
        partition by subject_id
        order by from_event_index asc nulls last, event_index asc nulls last
        rows between unbounded preceding and current row
    )
),

versions as (
    select
        carried.subject_id,
        carried.from_event_index,
        carried.marital_status,
        carried.race,
        carried.bmi,
        sexes.sex,
        date_part('year', carried.time) - date_part('year', patients.born_at) as age,
        date_part('year', first_times.first_time) + year_offsets.year_offset as start_year
    from carried
    inner join first_times on carried.subject_id = first_times.subject_id
    inner join {{ ref('patients') }} as patients on carried.subject_id = patients.subject_id
    left join sexes on carried.subject_id = sexes.subject_id
    left join year_offsets on carried.subject_id = year_offsets.subject_id
    where carried.from_last = 1
),

as_tokens as (
    select
        versions.subject_id,
        versions.from_event_index,
        'SEX//' || coalesce(nullif(versions.sex, 'UNK'), 'UNKNOWN') as sex,
        'MARITAL_STATUS//' || coalesce(nullif(versions.marital_status, 'UNK'), 'UNKNOWN') as marital_status,
        'RACE//' || coalesce(nullif(versions.race, 'UNK'), 'UNKNOWN') as race,
        case
            when versions.bmi is null or bmi_breaks.code is null then 'BMI//UNKNOWN'
            else
                'BMI//Q' || (
                    1
                    {%- for i in range(1, var('n_bins')) %}
                    + case when versions.bmi > bmi_breaks.break_{{ i }} then 1 else 0 end
                    {%- endfor %}
                )
        end as bmi,
        case
            when versions.age is null then 'AGE//UNKNOWN'
            -- Ages over 89 are not told apart in the raw data.
            when versions.age >= 90 then 'AGE//90+'
            else 'AGE//' || cast(floor(versions.age / 5) * 5 as integer) || '-' || cast(floor(versions.age / 5) * 5 + 4 as integer)
        end as age,
        case
            when versions.start_year is null then 'START_YEAR//UNKNOWN'
            -- The bins of three years are those of anchor_year_group, in which alone real time is known.
            else 'START_YEAR//' || cast(floor((versions.start_year - 2008) / 3) * 3 + 2008 as integer)
        end as start_year
    from versions
    cross join bmi_breaks
)

{% for slot in slots %}
select subject_id, from_event_index, cast({{ loop.index0 }} as integer) as slot, {{ slot }} as token
from as_tokens
{% if not loop.last %}union all{% endif %}
{% endfor %}
