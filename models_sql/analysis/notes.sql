-- Remarks of the fits, the points and the tasks' laws, with codes and severity.
with final as (
    {{ read_report_table() }}
)

select * from final
order by source nulls last, severity nulls last, code nulls last, text nulls last
