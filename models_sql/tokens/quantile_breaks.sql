-- The inner quantiles of each numeric code over the train split. A code carries its unit, so that units are never mixed.
with numeric_codes as (
    select code
    from {{ ref('code_counts') }}
    where
        untokenised_reason is null
        and event_kind in ('lab_result', 'omr')
        and n_train_values >= {{ var('min_values_for_breaks') }}
),

train_values as (
    select events.code, events.numeric_value
    from {{ ref('timeline_events') }} as events
    inner join numeric_codes on events.code = numeric_codes.code
    inner join {{ ref('patients') }} as patients on events.subject_id = patients.subject_id
    where patients.split = 'train' and events.numeric_value is not null
),

quantiles as (
    select
        code,
        count(*) as n_values,
        {{ inner_quantiles('numeric_value', var('n_bins')) }} as breaks
    from train_values
    group by code
)

{% for i in range(1, var('n_bins')) %}
select code, cast({{ i }} as integer) as break_index, {{ list_item('breaks', i) }} as upper_edge, n_values
from quantiles
{% if not loop.last %}union all{% endif %}
{% endfor %}
order by code asc nulls last, break_index asc nulls last
