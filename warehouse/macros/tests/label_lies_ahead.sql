{#
    What a label is made of lies behind the prompt: an event of the outcome where it came about, or the end of what is measured, within
    the horizon where there is one. Outcomes that meta tells by tokens are not looked for.
#}
{% test label_lies_ahead(model) %}
{%- set task = task_of(model) %}
{%- set outcome = task.outcome or {} %}
{%- set is_until_stop = outcome.kind in ['duration', 'time_to_stop'] %}
with telling_codes as (
    select code_id
    from {{ ref('codes') }}
    where {{ begins_with_any('code', task.stop if is_until_stop else outcome.codes, outcome.except) }}
),

telling_events as (
    select events.subject_id, events.event_index, events.time
    from {{ ref('ordered_events') }} as events
    inner join telling_codes on events.code_id = telling_codes.code_id
)

select tasks.subject_id, tasks.prediction_time, tasks.prompt_event_index, tasks.label
from {{ model }} as tasks
where
    tasks.label is null
    {%- if is_until_stop or outcome.codes %}
    or (
        {{ 'tasks.label' if outcome.kind in ['event', 'result'] else 'true' }}
        and not exists (
            select 1
            from telling_events
            where
                telling_events.subject_id = tasks.subject_id
                and telling_events.event_index > tasks.prompt_event_index
                {%- if task.horizon_days %}
                and telling_events.time <= tasks.prediction_time + interval '{{ (task.horizon_days * 86400) | int }} seconds'
                {%- endif %}
        )
    )
    {%- endif %}
{% endtest %}
