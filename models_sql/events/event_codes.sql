-- The codes of all events, for the dictionary of the timelines: each source's as its events have them, but for the laboratory's. Its
-- events are most of all, and of few items: these are found first, and written as codes once for each and not once for each event.
{% set labs = 'hosp.labevents' %}
{% set others = [] %}
{% for source, model in event_sources().items() if source != labs and makes_events(source) %}{% do others.append(model) %}{% endfor %}

{%- if makes_events(labs) %}
with lab_items as (
    select itemid, {{ lab_unit('valueuom') }} as unit
    from {{ ref('stg_hosp__labevents') }}
    group by itemid, {{ lab_unit('valueuom') }}
)

select
    cast(null as bigint) as subject_id,
    'lab_specimen' as event_kind,
    {{ lab_specimen_code('itemid') }} as code,
    cast(null as text) as unit,
    '{{ labs }}' as source_table
from lab_items

union all

select cast(null as bigint), 'lab_result', {{ lab_result_code('itemid', 'unit') }}, unit, '{{ labs }}'
from lab_items
{%- endif %}
{% for model in others %}
{% if makes_events(labs) or not loop.first %}
union all
{% endif %}
select subject_id, event_kind, code, unit, source_table
from {{ ref(model) }}
{% endfor %}
