-- Every event that any source that is switched on could make, in the common event shape.
{% set on = [] %}
{% for source, model in event_sources().items() if makes_events(source) %}{% do on.append(model) %}{% endfor %}

{% for model in on %}
select
    subject_id, time, occurred_at, code, numeric_value, text_value, unit, hadm_id, stay_id,
    source_table, source_key, event_kind, is_row_event, set_aside_reason
from {{ ref(model) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
