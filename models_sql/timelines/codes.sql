{% set earlier = earlier_candidates() %}

-- The dictionary of the timelines: events hold a number in place of a code's text. A later build keeps the numbers that stand in
-- timelines it leaves alone; tie_order tells the order of events of one time, by rank, then by code.
with kept as (
    {% if earlier %}
    select codes.code_id, codes.event_kind, codes.code, codes.unit, codes.source_table
    from {{ this }} as codes
    where codes.code_id in (
        select candidates.code_id
        from {{ earlier }} as candidates
        where not {{ is_sorted_now('candidates.subject_id') }}
    )
    {% else %}
    select
        cast(null as integer) as code_id,
        cast(null as text) as event_kind,
        cast(null as text) as code,
        cast(null as text) as unit,
        cast(null as text) as source_table
    where false
    {% endif %}
),

found as (
    select event_kind, code, unit, source_table
    from {{ ref('event_codes') }}
    {% if earlier %}
    where {{ is_sorted_now('subject_id') }}
    {% endif %}
    group by event_kind, code, unit, source_table
),

known as (
    select kept.code_id, found.event_kind, found.code, found.unit, found.source_table
    from found
    left join kept
        on
            found.event_kind = kept.event_kind
            and found.code = kept.code
            and found.source_table = kept.source_table
            and found.unit is not distinct from kept.unit

    union

    select code_id, event_kind, code, unit, source_table
    from kept
),

ranked as (
    select
        known.code_id,
        known.event_kind,
        known.code,
        known.unit,
        known.source_table,
        event_kinds.tie_rank,
        row_number() over (
            order by
                event_kinds.tie_rank asc nulls last, known.code asc nulls last, known.source_table asc nulls last,
                known.event_kind asc nulls last, known.unit asc nulls last
        ) - 1 as tie_order
    from known
    left join {{ ref('event_kinds') }} as event_kinds on known.event_kind = event_kinds.event_kind
),

-- New entries are numbered on from the highest number that is kept, in the order of ties.
numbered as (
    select
        event_kind,
        code,
        unit,
        source_table,
        tie_rank,
        tie_order,
        coalesce(
            code_id,
            (select coalesce(max(kept.code_id), -1) from kept)
            + row_number() over (partition by code_id is null order by tie_order asc nulls last)
        ) as code_id
    from ranked
)

select
    cast(code_id as integer) as code_id,
    event_kind,
    code,
    unit,
    source_table,
    tie_rank,
    cast(tie_order as integer) as tie_order
from numbered
order by code_id asc nulls last
-- depends_on: {{ ref('changed_patients') }}
