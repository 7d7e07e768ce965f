-- Mean absolute error of the AUROC foreseen for the largest budgets left out, by law and by two baselines.
with final as (
    {{ read_report_table() }}
)

select * from final
order by task nulls last, scored_by nulls last, left_out nulls last, law nulls last
