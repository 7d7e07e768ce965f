-- Whether a clinical task's AUROC follows compute and loss at all.
with final as (
    {{ read_report_table() }}
)

select * from final
order by task nulls last, scored_by nulls last
