-- Loss curves: one row per logged step of each run.
{% set columns = {
    'step': 'bigint', 'tokens_seen': 'bigint', 'flops': 'double', 'train_loss': 'double', 'learning_rate': 'double',
    'grad_norm': 'double', 'epochs': 'double', 'data_wait_share': 'double', 'data_order': 'varchar',
    'tuning_loss': 'double', 'tokens_per_second': 'double', 'elapsed_seconds': 'double'
} %}

with progress as (
    {{ read_run_files('progress.jsonl', columns) }}
),

-- A folder whose config.json is missing or damaged is no run, and its curve would hang in the air.
final as (
    select
        {% for name in columns %}progress.{{ name }},
        {% endfor -%}
        progress.run_id
    from progress
    inner join {{ ref('runs') }} as runs
        on progress.run_id = runs.run_id
)

select * from final
order by run_id nulls last, step nulls last
