-- One row per run folder: what was planned, where it ran, and how it ended.
{% set plan_columns = {
    'configuration': 'varchar', 'seed': 'integer', 'size': 'varchar', 'shard_fingerprint': 'varchar', 'vocabulary_sha256': 'varchar',
    'vocabulary_size': 'integer', 'preset': 'varchar', 'unique_tokens': 'bigint', 'unique_patients': 'bigint',
    'd_model': 'integer', 'n_layers': 'integer', 'n_heads': 'integer', 'n_kv_heads': 'integer', 'd_ff': 'integer', 'context': 'integer',
    'tied': 'boolean', 'n_total': 'bigint', 'n_non_embedding': 'bigint', 'n_with_head': 'bigint', 'flops_budget': 'double',
    'flops_per_token': 'double', 'flops_planned': 'double', 'tokens_planned': 'bigint', 'steps': 'bigint', 'batch_tokens': 'bigint',
    'learning_rate': 'double', 'warmup_share': 'double', 'weight_decay': 'double', 'beta1': 'double', 'beta2': 'double',
    'gradient_clip': 'double', 'schedule': 'varchar', 'eval_tokens': 'bigint', 'init_sha256': 'varchar', 'look_up': 'boolean',
    'patients_share': 'double'
} %}
{% set start_columns = {
    'created_at': 'timestamp', 'device': 'varchar', 'hardware': 'varchar', 'dtype': 'varchar', 'git_commit': 'varchar',
    'versions': 'varchar', 'ranks': 'integer', 'sharded': 'boolean'
} %}
{% set result_columns = {
    'status': 'varchar', 'reason': 'varchar', 'tokens_seen': 'bigint', 'inputs_seen': 'bigint', 'scored_share': 'double',
    'epochs': 'double', 'flops': 'double', 'flops_6nd': 'double',
    'tuning_loss': 'double', 'tuning_loss_per_event': 'double', 'tuning_loss_per_patient_day': 'double', 'tuning_loss_se': 'double',
    'tuning_loss_per_event_se': 'double', 'tuning_loss_per_patient_day_se': 'double', 'tuning_tokens': 'bigint',
    'tuning_events': 'bigint', 'tuning_patient_days': 'bigint', 'tuning_patients': 'bigint',
    'held_out_loss': 'double', 'held_out_loss_per_event': 'double', 'held_out_loss_per_patient_day': 'double',
    'held_out_loss_se': 'double', 'held_out_loss_per_event_se': 'double', 'held_out_loss_per_patient_day_se': 'double',
    'held_out_tokens': 'bigint', 'held_out_events': 'bigint', 'held_out_patient_days': 'bigint', 'held_out_patients': 'bigint',
    'tokens_per_second': 'double', 'train_seconds': 'double', 'wall_seconds': 'double', 'cpu_seconds': 'double',
    'peak_share': 'double', 'peak_flops_per_second': 'double', 'peak_source': 'varchar', 'peak_memory_bytes': 'bigint',
    'finished_at': 'timestamp',
    'data_wait_share': 'double', 'data_order': 'varchar'
} %}

with plans as (
    {{ read_run_files('plan.json', plan_columns) }}
),

configs as (
    {% set config_columns = {} -%}
    {% do config_columns.update(plan_columns) -%}
    {% do config_columns.update(start_columns) -%}
    {{ read_run_files('config.json', config_columns) }}
),

results as (
    {{ read_run_files('result.json', result_columns) }}
),

-- A run started by hand has no plan.json; its config.json holds the same fields.
known as (
    select
        {% for name in plan_columns %}coalesce(configs.{{ name }}, plans.{{ name }}) as {{ name }},
        {% endfor -%}
        {% for name in start_columns %}configs.{{ name }},
        {% endfor -%}
        configs.run_id is not null as is_started,
        coalesce(configs.run_id, plans.run_id) as run_id
    from plans
    full outer join configs
        on plans.run_id = configs.run_id
),

final as (
    select
        {% for name in result_columns if name != 'status' %}results.{{ name }},
        {% endfor -%}
        {% for name in plan_columns %}known.{{ name }},
        {% endfor -%}
        {% for name in start_columns %}known.{{ name }},
        {% endfor -%}
        known.run_id,
        coalesce(results.status, case when known.is_started then 'running' else 'planned' end) as status
    from known
    left join results
        on known.run_id = results.run_id
)

select * from final
order by run_id nulls last
