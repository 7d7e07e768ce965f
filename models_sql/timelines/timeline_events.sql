-- The order is total: time, then the reasoned rank among events of one time, then the code and the raw row. The values come
-- last, for raw tables in which a key occurs twice.
with kept as (
    select
        subject_id,
        row_number() over (
            partition by subject_id
            order by
                time asc nulls first,
                tie_rank asc nulls last,
                code asc nulls last,
                source_table asc nulls last,
                source_key asc nulls last,
                occurred_at asc nulls last,
                numeric_value asc nulls last,
                text_value asc nulls last
        ) - 1 as event_index,
        time,
        occurred_at,
        code,
        numeric_value,
        text_value,
        unit,
        hadm_id,
        stay_id,
        event_kind,
        source_table,
        source_key
    from {{ ref('event_candidates') }}
    where set_aside_reason is null
)

select
    subject_id,
    cast(event_index as integer) as event_index,
    time,
    occurred_at,
    code,
    numeric_value,
    text_value,
    unit,
    hadm_id,
    stay_id,
    event_kind,
    source_table,
    source_key
from kept
order by subject_id asc nulls last, event_index asc nulls last
