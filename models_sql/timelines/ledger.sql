-- Double entry for rows: what each raw table held against where its rows went. A raw row goes where its row event goes.
{% set dictionaries = ['d_labitems', 'd_icd_diagnoses', 'd_icd_procedures', 'd_hcpcs'] %}
{% set sources = [
    'patients', 'admissions', 'transfers', 'services', 'labevents', 'prescriptions', 'emar', 'diagnoses_icd', 'procedures_icd',
    'drgcodes', 'omr'
] %}

with read_rows as (
    {% for name in sources + dictionaries %}
    select 'hosp.{{ name }}' as source_table, count(*) as n_rows from {{ ref('stg_hosp__' ~ name) }}
    union all
    {% endfor %}
    select 'icu.icustays', count(*) from {{ ref('stg_icu__icustays') }}
    union all
    select 'icu.d_items', count(*) from {{ ref('stg_icu__d_items') }}
),

row_events as (
    select
        source_table,
        case when set_aside_reason is null then 'used' else 'set_aside' end as outcome,
        coalesce(set_aside_reason, 'in the timeline') as reason,
        count(*) as n_rows
    from {{ ref('event_candidates') }}
    where is_row_event
    group by source_table, outcome, reason
),

entries as (
    select source_table, 'read' as outcome, 'in the raw table' as reason, n_rows
    from read_rows

    union all

    select source_table, 'dictionary', 'names codes, makes no events', n_rows
    from read_rows
    where
        source_table in (
            'icu.d_items'
            {%- for name in dictionaries %},
            'hosp.{{ name }}'
            {%- endfor %}
        )

    union all

    select source_table, outcome, reason, n_rows
    from row_events
)

select
    source_table,
    outcome,
    reason,
    cast(n_rows as bigint) as n_rows
from entries
order by source_table asc nulls last, outcome asc nulls last, reason asc nulls last
