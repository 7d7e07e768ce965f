-- Scatter of log loss between seeds, per configuration with several of them and of all together, and about the parabolas.
with final as (
    {{ read_report_table() }}
)

select * from final
order by budget nulls last, n nulls last, d nulls last, configuration nulls last
