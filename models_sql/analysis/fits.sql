-- Estimates of every method with 95% intervals: a row an estimate, and one a budget for what a method estimates per budget.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, budget nulls last, estimate nulls last
