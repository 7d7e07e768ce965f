-- What training a size at an end of N*'s 95% interval costs at the same compute, per budget and at 10 times the largest.
with final as (
    {{ read_report_table() }}
)

select * from final
order by compute nulls last, method nulls last, interval_of nulls last, side nulls last
