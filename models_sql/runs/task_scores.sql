-- Scores on clinical tasks: one row per run or baseline, task, method and subgroup, beside the run's size, length and loss.
{% set columns = {
    'task': 'varchar', 'method': 'varchar', 'split': 'varchar', 'subgroup': 'varchar', 'label_type': 'varchar',
    'n_rows': 'bigint', 'n_patients': 'bigint', 'n_events': 'bigint', 'prevalence': 'double',
    'auroc': 'double', 'auroc_low': 'double', 'auroc_high': 'double', 'auroc_boot_low': 'double', 'auroc_boot_high': 'double',
    'auprc': 'double', 'auprc_low': 'double', 'auprc_high': 'double', 'brier': 'double',
    'log_loss': 'double', 'log_loss_low': 'double', 'log_loss_high': 'double',
    'calibration_intercept': 'double', 'calibration_slope': 'double', 'ici': 'double',
    'mae': 'double', 'mae_low': 'double', 'mae_high': 'double', 'r2': 'double', 'r2_low': 'double', 'r2_high': 'double',
    'accuracy': 'double', 'accuracy_low': 'double', 'accuracy_high': 'double',
    'top_5_accuracy': 'double', 'top_5_accuracy_low': 'double', 'top_5_accuracy_high': 'double',
    'undecided_share': 'double', 'rollouts': 'integer', 'note': 'varchar'
} %}

with of_runs as (
    {{ read_run_files('evaluation/scores.jsonl', columns) }}
),

of_baselines as (
    {{ read_run_files('scores.jsonl', columns, root='baselines') }}
),

-- Only a finished run's weights stay as they were when they were scored.
finished as (
    select
        {% for name in columns %}of_runs.{{ name }},
        {% endfor -%}
        of_runs.run_id,
        left(runs.shard_fingerprint, 12) as shard_fingerprint,
        runs.configuration,
        runs.seed,
        runs.flops_budget,
        runs.n_with_head,
        runs.tokens_seen,
        runs.flops,
        runs.held_out_loss
    from of_runs
    inner join {{ ref('runs') }} as runs
        on of_runs.run_id = runs.run_id
    where runs.status = 'done'
),

-- A baseline belongs to the shards and to no run; its folder is named after them.
final as (
    select
        {% for name in columns %}{{ name }},
        {% endfor -%}
        run_id,
        shard_fingerprint,
        configuration,
        seed,
        flops_budget,
        n_with_head,
        tokens_seen,
        flops,
        held_out_loss
    from finished
    union all
    select
        {% for name in columns %}{{ name }},
        {% endfor -%}
        cast(null as varchar) as run_id,
        run_id as shard_fingerprint,
        cast(null as varchar) as configuration,
        cast(null as integer) as seed,
        cast(null as double) as flops_budget,
        cast(null as bigint) as n_with_head,
        cast(null as bigint) as tokens_seen,
        cast(null as double) as flops,
        cast(null as double) as held_out_loss
    from of_baselines
)

select * from final
where task is not null and method is not null
order by shard_fingerprint nulls last, run_id nulls last, task nulls last, method nulls last, subgroup nulls last
