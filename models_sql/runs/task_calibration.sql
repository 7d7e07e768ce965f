-- Calibration of risks: one row per run or baseline, task, method and bin of risk.
{% set columns = {
    'task': 'varchar', 'method': 'varchar', 'bin': 'integer', 'n': 'bigint', 'mean_risk': 'double', 'observed': 'double'
} %}

with of_runs as (
    {{ read_run_files('evaluation/calibration.jsonl', columns) }}
),

of_baselines as (
    {{ read_run_files('calibration.jsonl', columns, root='baselines') }}
),

final as (
    select
        {% for name in columns %}of_runs.{{ name }},
        {% endfor -%}
        of_runs.run_id,
        left(runs.shard_fingerprint, 12) as shard_fingerprint
    from of_runs
    inner join {{ ref('runs') }} as runs
        on of_runs.run_id = runs.run_id
    where runs.status = 'done'
    union all
    select
        {% for name in columns %}{{ name }},
        {% endfor -%}
        cast(null as varchar) as run_id,
        run_id as shard_fingerprint
    from of_baselines
)

select * from final
where task is not null and method is not null
order by shard_fingerprint nulls last, run_id nulls last, task nulls last, method nulls last, bin nulls last
