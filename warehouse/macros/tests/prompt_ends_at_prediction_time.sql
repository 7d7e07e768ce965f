{#
    The prompt of a task holds all that is known by prediction time and nothing that is later. A task whose meta says `ends_with_event`
    is asked in the instant of its prompt's last event, before what else that instant brings.
#}
{% test prompt_ends_at_prediction_time(model) %}
with edges as (
    select subject_id, prompt_event_index as event_index from {{ model }}
    union
    select subject_id, prompt_event_index + 1 from {{ model }}
),

-- Apart, so that the few are joined to all events and not the other way round.
found as (
    select events.subject_id, events.event_index, events.time
    from {{ ref('ordered_events') }} as events
    inner join edges on events.subject_id = edges.subject_id and events.event_index = edges.event_index
),

prompts as (
    select
        tasks.subject_id,
        tasks.prediction_time,
        tasks.prompt_event_index,
        last_events.event_index as found_event_index,
        last_events.time as last_time,
        next_events.time as next_time
    from {{ model }} as tasks
    left join found as last_events
        on tasks.subject_id = last_events.subject_id and tasks.prompt_event_index = last_events.event_index
    left join found as next_events
        on tasks.subject_id = next_events.subject_id and tasks.prompt_event_index + 1 = next_events.event_index
)

select subject_id, prediction_time, prompt_event_index, last_time, next_time
from prompts
where
    prediction_time is null
    or prompt_event_index is null
    or (found_event_index is null and prompt_event_index <> -1)
    or last_time > prediction_time
    {%- if task_of(model).ends_with_event %}
    or last_time is distinct from prediction_time
    {%- else %}
    or next_time <= prediction_time
    {%- endif %}
{% endtest %}
