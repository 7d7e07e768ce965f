-- The optimum of every budget by each IsoFLOP method, and whether it enters the power laws.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, budget nulls last
