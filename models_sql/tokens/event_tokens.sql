{{ config(database='scratch') }}

{% set intervals = var('time_intervals') %}

-- One row per event that becomes tokens, with its value and the gap before it already written as tokens. Kept apart from the
-- token stream because the vocabulary is counted on it before any token has an id.
with breaks as (
    select
        code
        {%- for i in range(1, var('n_bins')) -%}
        ,
        min(case when break_index = {{ i }} then upper_edge end) as break_{{ i }}
        {%- endfor %}
    from {{ ref('quantile_breaks') }}
    group by code
),

tokenised_codes as (
    select event_kind, code
    from {{ ref('code_counts') }}
    where untokenised_reason is null
),

events as (
    select
        events.subject_id,
        patients.split,
        events.event_index,
        events.time,
        events.event_kind,
        events.code,
        events.numeric_value,
        events.event_kind in ('lab_result', 'omr') as has_value,
        nullif(upper(trim(events.text_value)), '') as text_value
    from {{ ref('timeline_events') }} as events
    inner join tokenised_codes on events.event_kind = tokenised_codes.event_kind and events.code = tokenised_codes.code
    inner join {{ ref('patients') }} as patients on events.subject_id = patients.subject_id
),

gaps as (
    select
        subject_id,
        split,
        event_index,
        time,
        event_kind,
        code,
        numeric_value,
        has_value,
        text_value,
        {{ seconds_between('lag(time) over (partition by subject_id order by event_index)', 'time') }} as gap_seconds
    from events
)

select
    gaps.subject_id,
    gaps.split,
    gaps.event_index,
    gaps.time,
    gaps.event_kind,
    gaps.code,
    case
        when not gaps.has_value then null
        when gaps.numeric_value is not null and breaks.code is not null
            then
                'Q//' || (
                    1
                    {%- for i in range(1, var('n_bins')) %}
                    + case when gaps.numeric_value > breaks.break_{{ i }} then 1 else 0 end
                    {%- endfor %}
                )
        -- Three underscores stand for text that was scrubbed.
        when gaps.numeric_value is null and gaps.text_value is not null and gaps.text_value <> '___'
            then 'TEXT//' || gaps.text_value
        else 'Q//NONE'
    end as value_token,
    case
        {%- for interval in intervals | reverse %}
        when gaps.gap_seconds >= {{ interval.seconds }} then 'TIME//{{ interval.name }}'
        {%- endfor %}
    end as interval_token,
    cast(
        case
            when gaps.gap_seconds >= {{ intervals[-1].seconds }} then round(gaps.gap_seconds / {{ intervals[-1].seconds }})
            when gaps.gap_seconds >= {{ intervals[0].seconds }} then 1
            else 0
        end as integer
    ) as n_interval_tokens
from gaps
left join breaks on gaps.code = breaks.code
