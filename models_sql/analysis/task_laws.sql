-- How each clinical task's AUROC follows compute, size, tokens and loss: estimates of every law.
with final as (
    {{ read_report_table() }}
)

select * from final
order by task nulls last, scored_by nulls last, law nulls last, estimate nulls last
