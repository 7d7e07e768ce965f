-- The runs that the fits rest on, as the fits see them.
with final as (
    {{ read_report_table() }}
)

select * from final
order by budget nulls last, n nulls last, run_id nulls last
