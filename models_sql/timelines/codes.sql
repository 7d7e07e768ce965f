-- The dictionary of the timelines: events hold a number in place of a code's text. Numbers follow the order of ties, so that
-- ordering events of one time by them orders by rank, then by code.
with found as (
    select event_kind, code, unit, source_table
    from {{ ref('all_events') }}
    group by event_kind, code, unit, source_table
),

ranked as (
    select
        found.event_kind,
        found.code,
        found.unit,
        found.source_table,
        event_kinds.tie_rank
    from found
    left join {{ ref('event_kinds') }} as event_kinds on found.event_kind = event_kinds.event_kind
),

numbered as (
    select
        event_kind,
        code,
        unit,
        source_table,
        tie_rank,
        row_number() over (
            order by
                tie_rank asc nulls last, code asc nulls last, source_table asc nulls last, event_kind asc nulls last,
                unit asc nulls last
        ) - 1 as code_id
    from ranked
)

select
    cast(code_id as integer) as code_id,
    event_kind,
    code,
    unit,
    source_table,
    tie_rank
from numbered
order by code_id asc nulls last
