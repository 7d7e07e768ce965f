-- Log loss of each run less what a surface gives for it, or the local parabola of its budget, inside its window.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, run_id nulls last
