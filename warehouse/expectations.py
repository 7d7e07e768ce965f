"""The expectations that a sound warehouse meets: keys, order, clock, splits (here), codes (expectations_codes.py),
tokens and static prefix (expectations_tokens.py) and conservation of rows (expectations_rows.py).

In: the dbt vars as Settings. Out: `expectations(settings)`, all of them as data for judgement.py, grouped in suites.
Neighbours are found along event_number, one sort of rows that lie in order already; that the numbers follow the order of
patients and events is itself expected.
What can go wrong: nothing here runs; SQL that a warehouse of another version cannot answer is told by validate.py.
"""

from collections.abc import Iterable

from warehouse.expectations_codes import code_expectations
from warehouse.expectations_rows import row_expectations
from warehouse.expectations_tokens import TOKEN_EXPECTATIONS
from warehouse.judgement import NONE, Expectation, Limit, Scan, Settings, at_least, none_of
from warehouse.paths import EVENT_KINDS
from warehouse.shard_format import SPLITS
from warehouse.table import Table

# A share may lie this many standard errors from what the hash should give; chance alone does so once in 15,000.
STANDARD_ERRORS = 4

# The ranks are taken from the seed, not from the warehouse that is judged.
_RANKED_CODES = f"""
    ranks as (
        select event_kind, cast(tie_rank as integer) as tie_rank
        from read_csv('{str(EVENT_KINDS).replace("'", "''")}', header = true, all_varchar = true)
    ),
    ranked_codes as (
        select codes.code_id, codes.event_kind, codes.code, codes.unit, codes.source_table, ranks.tie_rank
        from timelines.codes as codes
        left join ranks on codes.event_kind = ranks.event_kind
    )
"""

# Kinds and ranks are looked up for the number of a code once the neighbours are found: a window is dear by what it carries along.
TIMELINE = Scan(
    "timeline",
    ("timelines.ordered_events", "timelines.codes", "timelines.patients"),
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
        previous_codes.event_kind as previous_event_kind,
        previous_codes.tie_rank as previous_tie_rank,
        patients.subject_id as known_subject_id,
        patients.born_at,
        patients.died_at
    from events
    left join ranked_codes as codes on events.code_id = codes.code_id
    left join ranked_codes as previous_codes on events.previous_code_id = previous_codes.code_id
    left join timelines.patients as patients on events.subject_id = patients.subject_id
    """,
)

CODE_NUMBERS = Scan(
    "code_numbers",
    ("timelines.codes",),
    f"""
    with {_RANKED_CODES}
    select
        code_id, event_kind, code, unit, source_table, tie_rank,
        row_number() over (
            order by tie_rank asc nulls last, code asc nulls last, source_table asc nulls last, event_kind asc nulls last,
                unit asc nulls last
        ) - 1 as expected_id
    from ranked_codes
    """,
)

PATIENTS = Scan(
    "patients",
    ("timelines.patients",),
    """
    select subject_id, split, count(*) over (partition by subject_id) as n_rows
    from timelines.patients
    """,
)

PATIENT_SPLITS = Scan(
    "patient_splits",
    ("timelines.patients",),
    "select subject_id, count(distinct split) as n_splits from timelines.patients group by subject_id",
)

CODED = Scan(
    "coded",
    ("timelines.timeline_events", "scratch.events.event_candidates"),
    """
    with stays as (
        select
            hadm_id,
            min(time) filter (where event_kind = 'hospital_admission') as admitted_at,
            max(time) filter (where event_kind = 'hospital_discharge') as discharged_at
        from scratch.events.event_candidates
        where event_kind in ('hospital_admission', 'hospital_discharge')
        group by hadm_id
    )
    select
        events.subject_id, events.event_index, events.event_kind, events.time, events.hadm_id,
        stays.admitted_at, stays.discharged_at
    from timelines.timeline_events as events
    left join stays on events.hadm_id = stays.hadm_id
    where events.event_kind in ('diagnosis', 'procedure', 'drg')
    """,
)

LABS = Scan(
    "labs",
    ("timelines.timeline_events",),
    """
    with results as (
        select subject_id, source_table, source_key, event_index, time
        from timelines.timeline_events
        where event_kind = 'lab_result'
    ),
    specimens as (
        select subject_id, source_table, source_key, event_index, time
        from timelines.timeline_events
        where event_kind = 'lab_specimen'
    )
    select
        results.subject_id, results.source_table, results.source_key, results.event_index, results.time,
        specimens.event_index as specimen_index, specimens.time as specimen_time
    from results
    left join specimens
        on
            results.subject_id = specimens.subject_id
            and results.source_table = specimens.source_table
            and results.source_key = specimens.source_key
    """,
)


def expectations(settings: Settings) -> tuple[Expectation, ...]:
    """Every expectation, suite by suite; names are unique and serve as names of figures."""
    return (
        *_raw_keys(settings.tables),
        *_KEYS,
        *_ORDER,
        *_clock(settings),
        *_splits(settings),
        *code_expectations(settings),
        *TOKEN_EXPECTATIONS,
        *row_expectations(settings.tables, settings.reads_meds),
    )


def _raw_keys(tables: Iterable[Table]) -> list[Expectation]:
    """Keys of the raw tables as the registry declares them; rows that could not be read are set aside and not asked."""
    result = []
    for table in tables:
        if not table.key:
            continue
        key = ", ".join(table.key)
        staged = f"scratch.staging.{table.staging_model}"
        name = f"raw_key_{table.module}_{table.name}"
        select = f"select {key}, count(*) as n_rows from {staged} where unreadable_columns is null group by {key}"
        description = f"In {table.module}.{table.name} no two rows share ({key})."
        result += none_of("keys", Scan(name, (staged,), select), None, (name, description, "n_rows > 1"))
    return result


_KEYS = [
    *none_of(
        "keys",
        PATIENTS,
        "split",
        ("patients_unique", "timelines.patients has one row per patient.", "n_rows > 1 or subject_id is null"),
    ),
    *none_of(
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
    ),
]

_ORDER = none_of(
    "order",
    TIMELINE,
    "event_kind",
    (
        "event_number_in_order",
        "event_number rises in order of (subject_id, event_index), and by one within a patient.",
        "event_number is null or subject_id < previous_subject_id"
        " or (is_same_patient and (event_index < previous_event_index or event_number <> previous_event_number + 1))",
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
)

_CLOCK = none_of(
    "clock",
    TIMELINE,
    "event_kind",
    (
        "time_present",
        "Every event but a static one has a time, and no static one has.",
        "(time is null) is distinct from (event_kind = 'static')",
    ),
    ("known_after_occurred", "No event is known before it occurred.", "time < occurred_at"),
    ("nothing_before_birth", "Nothing is known of a patient before birth.", "time < born_at"),
    ("nothing_after_death", "Nothing stands after the patient's death.", "time > died_at"),
    ("death_last", "Death is the patient's last event.", "is_same_patient and previous_event_kind = 'death'"),
    (
        "death_at_died_at",
        "The death event stands at the patient's time of death.",
        "event_kind = 'death' and time is distinct from died_at",
    ),
)


def _clock(settings: Settings) -> list[Expectation]:
    # Built with icd_at = admission, diagnoses and DRGs are known too early on purpose, and a MEDS dataset has a clock of its own
    # and need not tell which stay a fact belongs to: both are told, and not refused.
    told = at_least(0)
    return [
        *_CLOCK,
        Expectation(
            "clock",
            "coded_at_discharge",
            "Diagnoses, procedures and DRGs are never known before the discharge event of their admission.",
            CODED,
            breach="discharged_at is null or time < discharged_at",
            limit=told if settings.icd_at == "admission" or settings.reads_meds else NONE,
            reason="event_kind",
        ),
        Expectation(
            "clock",
            "coded_after_admission",
            "Diagnoses, procedures and DRGs are never known before the admission that they belong to.",
            CODED,
            breach="admitted_at is null or time < admitted_at",
            limit=told if settings.reads_meds else NONE,
            reason="event_kind",
        ),
        Expectation(
            "clock",
            "result_after_specimen",
            "A laboratory result stands after the specimen that it was measured in.",
            LABS,
            breach="specimen_index is null or specimen_index > event_index or specimen_time > time",
            limit=told if settings.reads_meds else NONE,
            reason="case when specimen_index is null then 'no specimen' else 'specimen later' end",
        ),
    ]


def _splits(settings: Settings) -> list[Expectation]:
    shares = {
        "train": round(1 - settings.tuning_share - settings.held_out_share, 6),
        "tuning": settings.tuning_share,
        "held_out": settings.held_out_share,
    }
    names = ", ".join(f"'{split}'" for split in SPLITS)
    result = [
        *none_of(
            "splits",
            PATIENTS,
            "split",
            (
                "split_known",
                "Every patient is in train, tuning or held_out.",
                f"coalesce(split not in ({names}), true)",
            ),
        ),
        *none_of(
            "splits",
            PATIENT_SPLITS,
            None,
            ("patient_in_one_split", "No patient is in two splits.", "n_splits > 1"),
        ),
    ]
    for split, share in shares.items():
        result.append(
            Expectation(
                "splits",
                f"{split}_has_patients",
                f"Split {split} has a patient; where it has none, take more patients.",
                PATIENTS,
                figure=f"count(*) filter (where split = '{split}')",
                limit=at_least(1),
            )
        )
        result.append(
            Expectation(
                "splits",
                f"{split}_share",
                f"The share of patients in {split} is {share:.1%}; the figure is how many standard errors it is off.",
                PATIENTS,
                figure=f"abs(avg((split is not distinct from '{split}')::integer) - {share})"
                f" / sqrt({share * (1 - share)} / count(*))",
                # A MEDS dataset may give the splits of its own study: their shares are told, and not refused.
                limit=at_least(0) if settings.reads_meds else Limit(0, STANDARD_ERRORS),
            )
        )
    return result
