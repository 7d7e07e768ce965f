-- How each method's optimum was found: starts, best basin, gradient, bounds, finite draws.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last
