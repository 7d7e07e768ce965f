"""The expectations on the token stream, the range of token ids and the static prefix.

Out: `TOKEN_EXPECTATIONS`, as data for judgement.py.
What is judged is tokens.written_events, the very rows that shards are made from, one for each event with the list of its token ids.
One pass over the events in order finds those in breach and sums them by patient; what is judged against the timeline or the static
prefix is judged on those sums. A second pass counts token ids, whose order does not matter.
"""

import csv

from warehouse.judgement import Expectation, Groups, Limit, Scan, none_of
from warehouse.paths import EVENT_KINDS

with EVENT_KINDS.open(newline="") as _seed:
    _SEEDED = {row["family"] for row in csv.DictReader(_seed)} - {""}
# Families of tokens that belong to no kind of event, and those of the kinds.
FAMILIES = ("special", "static", "time", "quantile", "text_value", *sorted(_SEEDED))
N_STATIC = 6
# Token ids are written as uint16.
MAX_TOKENS = 65_535

_WRITTEN_ROWS = """
    with written as (
        select
            subject_id, split, event_index, time, n_interval_tokens,
            len(token_ids) as n_tokens,
            lag(subject_id) over in_order as previous_subject_id,
            lag(event_index) over in_order as previous_event_index,
            lag(time) over in_order as previous_time
        from tokens.written_events
        window in_order as (order by subject_id, event_index)
    )
    select *, coalesce(subject_id = previous_subject_id, false) as is_same_patient
    from written
"""

WRITTEN_GROUPS = Groups(
    "written_groups",
    _WRITTEN_ROWS,
    key="subject_id",
    sums=(
        ("first_split", "min(coalesce(split, ''))"),
        ("last_split", "max(coalesce(split, ''))"),
        ("n_events", "count(*)"),
        ("content", "sum(hash(subject_id, event_index, time))"),
    ),
)

STREAM = Scan("stream", ("tokens.written_events",), _WRITTEN_ROWS, groups=WRITTEN_GROUPS)

STREAM_SPLITS = Scan(
    "stream_splits",
    ("tokens.written_events", "timelines.patients"),
    """
    select written.subject_id, written.first_split, written.last_split, patients.split as split_of_patient
    from written_groups as written
    left join timelines.patients as patients on written.subject_id = patients.subject_id
    """,
    reads=WRITTEN_GROUPS,
)

TOKEN_COUNTS = Scan(
    "token_counts",
    ("tokens.written_events", "tokens.static_prefix", "tokens.vocabulary"),
    """
    with stream as (
        select split, unnest(token_ids) as token_id
        from tokens.written_events
    ),
    occurrences as (
        select token_id, false as is_static, count(*) as n, count(*) filter (where split = 'train') as n_train
        from stream
        group by token_id
        union all
        select token_id, true, count(*), count(*) filter (where split = 'train')
        from tokens.static_prefix
        group by token_id
    ),
    used as (
        select
            token_id,
            sum(case when is_static then n else 0 end) as n_static,
            sum(case when is_static then 0 else n end) as n_stream,
            sum(n_train) as n_train
        from occurrences
        group by token_id
    )
    select
        coalesce(used.token_id, vocabulary.token_id) as token_id,
        vocabulary.token,
        vocabulary.family,
        vocabulary.count_train,
        vocabulary.token_id is not null as is_in_vocabulary,
        coalesce(used.n_static, 0) as n_static,
        coalesce(used.n_stream, 0) as n_stream,
        coalesce(used.n_train, 0) as n_train
    from used
    full join tokens.vocabulary as vocabulary on used.token_id = vocabulary.token_id
    """,
)

VOCABULARY = Scan(
    "vocabulary",
    ("tokens.vocabulary",),
    """
    select
        token_id, token, family,
        row_number() over (order by token_id) - 1 as expected_id,
        count(*) over (partition by token) as n_same_token
    from tokens.vocabulary
    """,
)

PREFIX = Scan(
    "static_prefix",
    ("tokens.static_prefix", "tokens.written_events", "timelines.patients"),
    """
    with versions as (
        select
            subject_id,
            from_event_index,
            count(*) as n_slots,
            count(distinct slot) as n_distinct_slots,
            min(slot) as first_slot,
            max(slot) as last_slot,
            count(distinct split) as n_splits,
            min(split) as split
        from tokens.static_prefix
        group by subject_id, from_event_index
    ),
    prefixes as (
        select
            subject_id,
            min(from_event_index) as first_event_index,
            count(*) filter (
                where n_slots <> {n} or n_distinct_slots <> {n} or first_slot <> 0 or last_slot <> {n} - 1
            ) as n_incomplete,
            max(n_splits) + count(distinct split) - 2 as n_other_splits,
            min(split) as split
        from versions
        group by subject_id
    ),
    streams as (select subject_id from written_groups)
    select
        coalesce(streams.subject_id, prefixes.subject_id) as subject_id,
        streams.subject_id is not null as has_tokens,
        prefixes.subject_id is not null as has_prefix,
        prefixes.first_event_index,
        prefixes.n_incomplete,
        prefixes.n_other_splits,
        prefixes.split,
        patients.split as split_of_patient
    from streams
    full join prefixes on streams.subject_id = prefixes.subject_id
    left join timelines.patients as patients on prefixes.subject_id = patients.subject_id
    """.replace("{n}", str(N_STATIC)),
    reads=WRITTEN_GROUPS,
)

_STREAM = none_of(
    "tokens",
    STREAM,
    "split",
    (
        "event_written_once",
        "The token stream has no two rows of one (subject_id, event_index).",
        "is_same_patient and event_index = previous_event_index",
    ),
    (
        "written_key_present",
        "Every row of the token stream has a patient and an event.",
        "subject_id is null or event_index is null",
    ),
    (
        "event_has_own_tokens",
        "Every event is written with at least one token of its own, behind those of the gap before it.",
        "coalesce(n_interval_tokens < 0 or n_interval_tokens >= n_tokens, true)",
    ),
    (
        "gap_tokens_after_a_gap",
        "Time-interval tokens stand only where time has passed since the patient's event before.",
        "n_interval_tokens > 0 and not coalesce(is_same_patient and time > previous_time, false)",
    ),
    ("token_time_present", "Every token has a time.", "time is null"),
    (
        "token_time_non_decreasing",
        "Along a patient's tokens, time never goes back.",
        "is_same_patient and time < previous_time",
    ),
)

_STREAM_SPLITS = none_of(
    "tokens",
    STREAM_SPLITS,
    "first_split",
    ("patient_tokens_in_one_split", "The tokens of one patient are in one split.", "first_split <> last_split"),
    (
        "token_split_agrees",
        "The tokens of a patient are in the patient's split.",
        "first_split is distinct from split_of_patient or last_split is distinct from split_of_patient",
    ),
)


def _occurrences(condition: str) -> str:
    stream = "select subject_id, event_index, unnest(token_ids) as token_id from tokens.written_events"
    return (
        f"(select 'stream' as part, subject_id, event_index, token_id from ({stream}) as stream where {condition} union all "
        f"select 'static prefix', subject_id, from_event_index, token_id from tokens.static_prefix where {condition}) limit 20"
    )


_RANGE = [
    Expectation(
        "tokens",
        "token_id_present",
        "No token is without an id.",
        TOKEN_COUNTS,
        figure="coalesce(sum(n_stream + n_static) filter (where token_id is null), 0)",
        look=_occurrences("token_id is null"),
    ),
    Expectation(
        "tokens",
        "pad_never_occurs",
        "PAD stands in no timeline and no static prefix.",
        TOKEN_COUNTS,
        figure="coalesce(sum(n_stream + n_static) filter (where token_id = 0 or token = 'PAD'), 0)",
        look=_occurrences("token_id = 0"),
    ),
    *none_of(
        "tokens",
        TOKEN_COUNTS,
        "family",
        ("token_id_known", "Every token id is in the vocabulary.", "token_id is not null and not is_in_vocabulary"),
        (
            "static_tokens_apart",
            "Static tokens stand in the static prefix and nowhere else, and nothing else stands there.",
            "(family = 'static' and n_stream > 0) or (family <> 'static' and n_static > 0)",
        ),
        (
            "train_counts_agree",
            "The vocabulary counts each token as often as it stands in the train split.",
            "is_in_vocabulary and count_train is distinct from n_train",
        ),
    ),
    *none_of(
        "tokens",
        VOCABULARY,
        "family",
        (
            "vocabulary_contiguous",
            "Token ids are 0, 1, 2 and so on, each once.",
            "token_id is distinct from expected_id",
        ),
        ("vocabulary_unique", "No token is twice in the vocabulary.", "token is null or n_same_token > 1"),
        (
            "family_known",
            "Every token is of a known family.",
            "coalesce(family not in (" + ", ".join(f"'{family}'" for family in FAMILIES) + "), true)",
        ),
    ),
    Expectation(
        "tokens",
        "pad_is_zero",
        "Token 0 is PAD.",
        VOCABULARY,
        figure="count(*) filter (where token_id = 0 and token = 'PAD' and family = 'special')",
        limit=Limit(1, 1),
    ),
    Expectation(
        "tokens",
        "vocabulary_size",
        "The vocabulary fits into uint16.",
        VOCABULARY,
        figure="count(*)",
        limit=Limit(2, MAX_TOKENS),
    ),
]

_PREFIX = none_of(
    "static_prefix",
    PREFIX,
    "split",
    ("prefix_where_tokens", "Patients with tokens have a static prefix, and only they.", "has_tokens <> has_prefix"),
    (
        "prefix_from_start",
        "The first version of a patient's static prefix holds from event 0.",
        "has_prefix and first_event_index is distinct from 0",
    ),
    ("prefix_complete", f"Every version of a static prefix has its {N_STATIC} slots, each once.", "n_incomplete > 0"),
    (
        "prefix_split_agrees",
        "A static prefix is in the split of its patient.",
        "has_prefix and (n_other_splits <> 0 or split is distinct from split_of_patient)",
    ),
)

TOKEN_EXPECTATIONS = (*_STREAM, *_STREAM_SPLITS, *_RANGE, *_PREFIX)
