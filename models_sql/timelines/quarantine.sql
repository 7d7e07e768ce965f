select
    subject_id,
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
    source_key,
    is_row_event,
    set_aside_reason
from {{ ref('event_candidates') }}
where set_aside_reason is not null
order by
    source_table asc nulls last, set_aside_reason asc nulls last, subject_id asc nulls last,
    time asc nulls last, code asc nulls last, source_key asc nulls last
