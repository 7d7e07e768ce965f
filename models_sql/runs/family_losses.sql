-- Loss by token family: one row per finished run, split and family.
{% set columns = {
    'split': 'varchar', 'family': 'varchar', 'loss': 'double', 'loss_se': 'double', 'tokens': 'bigint'
} %}

with families as (
    {{ read_run_files('families.jsonl', columns) }}
),

-- A run that failed after it was scored, or whose files are damaged, has no losses to compare.
final as (
    select
        {% for name in columns %}families.{{ name }},
        {% endfor -%}
        families.run_id
    from families
    inner join {{ ref('runs') }} as runs
        on families.run_id = runs.run_id
    where
        runs.status = 'done'
        and families.loss is not null
)

select * from final
order by run_id nulls last, split nulls last, family nulls last
