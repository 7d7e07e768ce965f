-- The inner quantiles of each numeric code over the train split. A code carries its unit, so that units are never mixed.
with numeric_codes as (
    select codes.code_id, codes.code
    from {{ ref('codes') }} as codes
    inner join {{ ref('code_counts') }} as counted on codes.event_kind = counted.event_kind and codes.code = counted.code
    inner join {{ ref('event_kinds') }} as event_kinds on codes.event_kind = event_kinds.event_kind
    where
        counted.untokenised_reason is null
        and event_kinds.takes_value
        and counted.n_train_values >= {{ var('min_values_for_breaks') }}
),

train_values as (
    select numeric_codes.code, events.numeric_value
    from {{ ref('ordered_events') }} as events
    inner join numeric_codes on events.code_id = numeric_codes.code_id
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
