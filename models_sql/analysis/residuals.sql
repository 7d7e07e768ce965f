-- Log loss of each run less what a surface gives for it.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, run_id nulls last
