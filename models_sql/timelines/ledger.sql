-- Double entry for rows: what each raw table held against where its rows went. A raw row goes where its row event goes.
{% set reads_meds = makes_events('meds.data') %}
{% set dictionaries = ['hosp.d_labitems', 'hosp.d_icd_diagnoses', 'hosp.d_icd_procedures', 'hosp.d_hcpcs', 'icu.d_items'] %}
{% if reads_meds %}{% set dictionaries = [] %}{% endif %}
{% set landed, for_others, off = [], {}, [] %}
{# The score has no raw table of its own. #}
{% for source in event_sources() if source != 'sofa' %}
{% if makes_events(source) %}{% do landed.append(source) %}
{% elif gives_times(source) %}{% do for_others.update({source: 'for the times of another table'}) %}
{% elif is_landed(source) %}{% do for_others.update({source: 'for the score of the first ICU day'}) %}
{% else %}{% do off.append(source) %}
{% endif %}
{% endfor %}

with read_rows as (
    {% for source in landed + for_others.keys() | list + dictionaries %}
    select '{{ source }}' as source_table, count(*) as n_rows from {{ ref(staging_model(source)) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

used_codes as (
    select code_id, count(*) as n_rows
    from {{ ref('ordered_events') }}
    where is_row_event
    group by code_id
),

-- A MEDS dataset is one raw table, whatever tables it was itself made of.
{% set used_table = "'meds.data'" if reads_meds else 'codes.source_table' %}
{% set aside_table = "'meds.data'" if reads_meds else 'source_table' %}
row_events as (
    select {{ used_table }} as source_table, 'used' as outcome, 'in the timeline' as reason, sum(used_codes.n_rows) as n_rows
    from used_codes
    inner join {{ ref('codes') }} as codes on used_codes.code_id = codes.code_id
    group by {{ used_table }}

    union all

    select {{ aside_table }}, 'set_aside', set_aside_reason, count(*)
    from {{ ref('quarantine') }}
    where is_row_event
    group by {{ aside_table }}, set_aside_reason
),

absent as (
    select source_table
    from {{ source('registry', 'tables') }}
    where not is_present
),

entries as (
    select source_table, 'read' as outcome, 'in the raw table' as reason, n_rows
    from read_rows
    where source_table not in (select absent.source_table from absent)

    union all

    select source_table, 'dictionary', 'names codes, makes no events', n_rows
    from read_rows
    where source_table in ('{{ dictionaries | join("', '") }}')

    union all

    select source_table, outcome, reason, n_rows
    from row_events
    {% for source, reason in for_others.items() %}
    union all

    select source_table, 'used', '{{ reason }}', n_rows
    from read_rows
    where source_table = '{{ source }}' and source_table not in (select absent.source_table from absent)
    {% endfor %}
    union all

    select source_table, 'not_read', 'no such file', 0
    from read_rows
    where source_table in (select absent.source_table from absent)
    {% for source in off %}
    union all

    select '{{ source }}', 'not_read', 'switched off', 0
    {% endfor %}
)

select
    source_table,
    outcome,
    reason,
    cast(n_rows as bigint) as n_rows
from entries
order by source_table asc nulls last, outcome asc nulls last, reason asc nulls last
