{% set intervals = var('time_intervals') %}

-- One row per event that becomes tokens, with its value and the gap before it already written as tokens. Apart from the token
-- stream because the vocabulary is counted on it before any token has an id, and a table because counting, checking and exporting
-- would each look for the neighbours of all events again.
with kept as (
    select
        events.event_number,
        events.subject_id,
        events.event_index,
        events.time,
        events.code_id,
        events.numeric_value,
        codes.takes_value,
        codes.upper_edges,
        case
            when codes.takes_value and events.numeric_value is null then nullif(upper(trim(events.text_value)), '')
        end as text_value
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('tokenised_codes') }} as codes on events.code_id = codes.code_id
),

-- Before the rows are put in order, so that no value is carried along.
valued as (
    select
        event_number,
        subject_id,
        event_index,
        time,
        code_id,
        case
            when not takes_value then null
            when numeric_value is not null and upper_edges is not null
                then {{ bin_of_value(1, var('n_bins')) }}
            -- Three underscores stand for text that was scrubbed.
            when text_value <> '___' then 'TEXT//' || text_value
            else 'Q//NONE'
        end as value_token
    from kept
),

in_order as (
    select event_number, subject_id, event_index, time, code_id, value_token
    from valued
    order by event_number asc nulls last
),

previous as (
    select
        subject_id,
        event_index,
        time,
        code_id,
        value_token,
        {{ previous_as_they_come('subject_id', 'event_number') }} as previous_subject_id,
        {{ previous_as_they_come('time', 'event_number') }} as previous_time
    from in_order
),

gaps as (
    select
        subject_id,
        event_index,
        time,
        code_id,
        value_token,
        case when subject_id = previous_subject_id then {{ seconds_between('previous_time', 'time') }} end as gap_seconds
    from previous
)

select
    subject_id,
    event_index,
    time,
    code_id,
    value_token,
    case
        -- Nearly all gaps are shorter than the shortest interval: asked first, it spares them the others.
        when gap_seconds < {{ intervals[0].seconds }} then null
        {%- for interval in intervals | reverse %}
        when gap_seconds >= {{ interval.seconds }} then 'TIME//{{ interval.name }}'
        {%- endfor %}
    end as interval_token,
    cast(
        case
            when gap_seconds >= {{ intervals[-1].seconds }} then round(gap_seconds / {{ intervals[-1].seconds }})
            when gap_seconds >= {{ intervals[0].seconds }} then 1
            else 0
        end as integer
    ) as n_interval_tokens,
    gap_seconds
from gaps
