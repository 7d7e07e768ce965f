-- What each method, fitted without the largest budgets, foresaw for them, and the baseline that carries the last minimum forward.
with final as (
    {{ read_report_table() }}
)

select * from final
order by left_out nulls last, budget nulls last, quantity nulls last, method nulls last
