-- What the results depend on: shards, vocabulary, bootstrap draws, seed.
with final as (
    {{ read_report_table() }}
)

select * from final
order by name nulls last
