{{ config(database='scratch', schema='events') }}

{% set inputs = tables_beneath('event_candidates') %}

-- One number per patient that changes with any row that the patient's candidates are made from, and, for all patients alike, with the
-- models' own SQL and with the tables that tell of no patient. It rests on each patient's candidates being made from rows of that
-- patient alone: where two patients share a key, such as the number of an admission, only the patient whose rows changed is seen.
-- depends_on: {{ ref('event_candidates') }}
with rules as (
    select cast({{ row_hash(['rules']) }} as decimal(38, 0)) as content
    from (select {{ text_of_views('scratch', 'events') }} || version() || '{{ sorting_rules() }}' as rules) as texts
    {% for table in inputs if not table.tells_of_patients %}
    union all

    select coalesce(sum({{ row_hash(['rows', "'" ~ loop.index ~ "'"]) }}), 0)
    from {{ table.relation }} as rows -- noqa: AL05
    {% endfor %}
),

contents as (
    {% for table in inputs if table.tells_of_patients %}
    select subject_id, sum({{ row_hash(['rows', "'" ~ table.name ~ "'"]) }}) as content
    from {{ table.relation }} as rows -- noqa: AL05
    where subject_id is not null
    group by subject_id
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    subject_id,
    cast((sum(content) + (select sum(rules.content) from rules)) % 9223372036854775807 as bigint) as fingerprint
from contents
group by subject_id
