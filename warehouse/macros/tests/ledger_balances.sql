{# Every row of a raw table is used, set aside or a dictionary's: what came in is what went out. #}
{% test ledger_balances(model) %}
with balances as (
    select
        source_table,
        sum(case when outcome = 'read' then n_rows else 0 end) as n_read,
        sum(case when outcome <> 'read' then n_rows else 0 end) as n_accounted
    from {{ model }}
    group by source_table
)

select source_table, n_read, n_accounted
from balances
where n_read <> n_accounted
{% endtest %}
