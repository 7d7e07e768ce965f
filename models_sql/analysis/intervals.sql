-- 95% intervals by every kind that a method has: bootstrap, delta method, profile likelihood.
with final as (
    {{ read_report_table() }}
)

select * from final
order by method nulls last, estimate nulls last, kind nulls last
