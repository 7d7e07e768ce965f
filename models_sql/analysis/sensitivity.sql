-- How the exponents and N* at the largest budget move with choices of the analyst, a row a choice and method.
with final as (
    {{ read_report_table() }}
)

select * from final
order by aspect nulls last, choice nulls last, method nulls last
