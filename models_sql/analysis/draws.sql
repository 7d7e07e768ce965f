-- The bootstrap draws of every estimate, summarised.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, budget nulls last, estimate nulls last
