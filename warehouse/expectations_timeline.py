"""The expectations on the timelines as rows in order: keys, total order, ties.

Out: `TIMELINE`, the scan over all events beside their neighbours, and `KEY_EXPECTATIONS` and `ORDER_EXPECTATIONS`, as data for
judgement.py.
Neighbours are found along event_number, one sort of rows that lie in order already; that the numbers follow the order of
events, and that a patient's lie together, is itself expected.
"""

from warehouse.judgement import Scan, none_of
from warehouse.paths import EVENT_KINDS

# The ranks are taken from the seed, not from the warehouse that is judged.
_RANKED_CODES = f"""
    ranks as (
        select event_kind, cast(tie_rank as integer) as tie_rank
        from read_csv('{str(EVENT_KINDS).replace("'", "''")}', header = true, all_varchar = true)
    ),
    ranked_codes as (
        select codes.code_id, codes.tie_order, codes.event_kind, codes.code, codes.unit, codes.source_table, ranks.tie_rank
        from timelines.codes as codes
        left join ranks on codes.event_kind = ranks.event_kind
    )
"""

# Kinds and ranks are looked up for the number of a code once the neighbours are found: a window is dear by what it carries along.
TIMELINE = Scan(
    "timeline",
    ("timelines.ordered_events", "timelines.timeline_spans", "timelines.codes", "timelines.patients"),
    f"""
    with {_RANKED_CODES},
    events as (
        select
            event_number, subject_id, event_index, time, occurred_at, code_id, source_key,
            lag(event_number) over in_order as previous_event_number,
            lag(subject_id) over in_order as previous_subject_id,
            lag(event_index) over in_order as previous_event_index,
            lag(time) over in_order as previous_time,
            lag(code_id) over in_order as previous_code_id,
            lag(source_key) over in_order as previous_source_key
        from timelines.ordered_events
        window in_order as (order by event_number)
    )
    select
        events.*,
        coalesce(events.subject_id = events.previous_subject_id, false) as is_same_patient,
        codes.event_kind,
        codes.source_table,
        codes.tie_rank,
        codes.tie_order,
        previous_codes.event_kind as previous_event_kind,
        previous_codes.tie_rank as previous_tie_rank,
        previous_codes.tie_order as previous_tie_order,
        spans.first_event_number,
        patients.subject_id as known_subject_id,
        patients.born_at,
        patients.died_at
    from events
    left join ranked_codes as codes on events.code_id = codes.code_id
    left join ranked_codes as previous_codes on events.previous_code_id = previous_codes.code_id
    left join timelines.timeline_spans as spans on events.subject_id = spans.subject_id
    left join timelines.patients as patients on events.subject_id = patients.subject_id
    """,
)

CODE_ORDER = Scan(
    "code_order",
    ("timelines.codes",),
    f"""
    with {_RANKED_CODES}
    select
        code_id, tie_order, event_kind, code, unit, source_table, tie_rank,
        count(*) over (partition by code_id) as n_with_number,
        row_number() over (
            order by tie_rank asc nulls last, code asc nulls last, source_table asc nulls last, event_kind asc nulls last,
                unit asc nulls last
        ) - 1 as expected_order
    from ranked_codes
    """,
)

KEY_EXPECTATIONS = none_of(
    "keys",
    TIMELINE,
    "event_kind",
    (
        "event_key_unique",
        "No two events share (subject_id, event_index).",
        "is_same_patient and event_index = previous_event_index",
    ),
    (
        "event_key_present",
        "Every event has a patient, an index and a kind.",
        "subject_id is null or event_index is null or event_kind is null",
    ),
    (
        "event_source_named",
        "Every event names the raw row that it came from.",
        "source_table is null or source_key is null",
    ),
    ("event_patient_known", "Every event's patient is in timelines.patients.", "known_subject_id is null"),
)

ORDER_EXPECTATIONS = none_of(
    "order",
    TIMELINE,
    "event_kind",
    (
        "event_number_in_order",
        "event_number rises by one along a timeline, and a patient has one timeline.",
        "event_number is null"
        " or (is_same_patient and (event_index < previous_event_index or event_number <> previous_event_number + 1))"
        " or (not is_same_patient and event_number is distinct from first_event_number)",
    ),
    (
        "event_index_contiguous",
        "event_index counts a patient's events from 0 without a gap.",
        "event_index is distinct from case when is_same_patient then previous_event_index + 1 else 0 end",
    ),
    ("time_non_decreasing", "Along a timeline, time never goes back.", "is_same_patient and time < previous_time"),
    (
        "statics_first",
        "Events without a time come before all others of the patient.",
        "is_same_patient and time is null and previous_time is not null",
    ),
    ("tie_rank_known", "Every kind of event has a tie rank.", "tie_rank is null"),
    (
        "tie_rank_non_decreasing",
        "Events of one time stand in order of their tie rank.",
        "is_same_patient and time is not distinct from previous_time and tie_rank < previous_tie_rank",
    ),
    (
        "ties_in_order",
        "Events of one time stand in the order of ties, those of one code in order of the raw rows' keys.",
        "is_same_patient and time is not distinct from previous_time and (tie_order < previous_tie_order"
        " or (code_id = previous_code_id and source_key < previous_source_key))",
    ),
)
ORDER_EXPECTATIONS += none_of(
    "order",
    CODE_ORDER,
    "event_kind",
    (
        "codes_in_order",
        "Each code has a number of its own and its place in the order of tie rank, code and source.",
        "code_id is null or n_with_number > 1 or tie_order is distinct from expected_order",
    ),
)
