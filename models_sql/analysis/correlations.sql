-- Correlations of each surface's parameters, by its covariance and by its bootstrap draws.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, source nulls last, parameter nulls last, other nulls last
