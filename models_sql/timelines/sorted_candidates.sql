-- Every candidate in the one order of all timelines: time, then the reasoned rank among events of one time and the code (both are
-- told by code_id), then the raw row. The values come last, for raw tables in which a key occurs twice. What is set aside stands
-- behind all timelines, so that one sort serves both and the timelines are numbered without a gap.
-- Rows are numbered by where they stand in the table, from 0: a window that counts would cost a third of the sort again.
with coded as (
    select
        candidates.subject_id,
        candidates.time,
        candidates.occurred_at,
        codes.code_id,
        candidates.numeric_value,
        candidates.text_value,
        candidates.hadm_id,
        candidates.stay_id,
        candidates.source_key,
        candidates.is_row_event,
        candidates.set_aside_reason
    from {{ ref('event_candidates') }} as candidates
    inner join {{ ref('codes') }} as codes
        on
            candidates.event_kind = codes.event_kind
            and candidates.code = codes.code
            and candidates.source_table = codes.source_table
            and candidates.unit is not distinct from codes.unit
)

select
    subject_id,
    time,
    occurred_at,
    code_id,
    numeric_value,
    text_value,
    hadm_id,
    stay_id,
    source_key,
    is_row_event,
    set_aside_reason
from coded
order by
    set_aside_reason asc nulls first,
    subject_id asc nulls last,
    time asc nulls first,
    code_id asc nulls last,
    source_key asc nulls last,
    occurred_at asc nulls last,
    numeric_value asc nulls last,
    text_value asc nulls last
