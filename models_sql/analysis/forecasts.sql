-- Loss, N* and D* at 1 to 100 times the largest budget, by each method, and the spread over methods.
with final as (
    {{ read_report_table() }}
)

select * from final
order by quantity nulls last, compute nulls last, method nulls last
