-- Runs that the report does not fit, each with its reason.
with final as (
    {{ read_report_table() }}
)

select * from final
order by run_id nulls last
