-- What the fits read: one row per finished run that was given a budget of FLOPs. N is counted with the head.
with final as (
    select
        run_id,
        configuration,
        seed,
        flops_budget as budget,
        flops,
        flops_6nd,
        cast(n_with_head as double) as n,
        cast(n_total as double) as n_total,
        cast(n_non_embedding as double) as n_non_embedding,
        cast(tokens_seen as double) as d,
        cast(unique_tokens as double) as unique_tokens,
        cast(unique_patients as double) as unique_patients,
        epochs,
        held_out_loss as loss,
        tuning_loss,
        shard_fingerprint,
        vocabulary_sha256,
        d_model,
        n_layers,
        learning_rate
    from {{ ref('runs') }}
    where
        status = 'done'
        and flops_budget is not null
        -- Without a held_out patient there is no loss to fit.
        and held_out_loss is not null
)

select * from final
order by budget nulls last, n nulls last, seed nulls last, run_id nulls last
