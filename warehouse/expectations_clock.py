"""The expectations on the clock: nothing is known before it happened, nor a stay before it began or was over.

In: the dbt vars as Settings. Out: `clock_expectations(settings)`, as data for judgement.py.
"""

from warehouse.expectations_timeline import TIMELINE
from warehouse.judgement import NONE, Expectation, Scan, Settings, at_least, none_of

# What is told of a stay as a whole, and where it may stand: admission, discharge, and departure from the emergency department. Where
# the stays there are switched off, no departure is told.
OF_STAYS = Scan(
    "of_stays",
    ("timelines.ordered_events", "timelines.codes", "scratch.events.event_candidates"),
    """
    with boundaries as (
        select event_kind, hadm_id, stay_id, time
        from scratch.events.event_candidates
        where event_kind in ('hospital_admission', 'hospital_discharge', 'ed_departure')
    ),
    admissions as (
        select
            hadm_id,
            min(time) filter (where event_kind = 'hospital_admission') as admitted_at,
            max(time) filter (where event_kind = 'hospital_discharge') as discharged_at
        from boundaries
        group by hadm_id
    ),
    departures as (
        select stay_id, max(time) as departed_at
        from boundaries
        where event_kind = 'ed_departure'
        group by stay_id
    )
    select
        events.subject_id, events.event_index, codes.event_kind, events.time, events.hadm_id, events.stay_id,
        codes.event_kind in ('diagnosis', 'procedure', 'drg') as is_coded,
        codes.event_kind in ('hcpcs', 'ed_diagnosis') as is_billed,
        admissions.admitted_at,
        admissions.discharged_at,
        case when codes.event_kind = 'ed_diagnosis' then departures.departed_at else admissions.discharged_at end as ended_at,
        codes.event_kind = 'ed_diagnosis' and not exists (select 1 from departures) as has_no_end
    from timelines.ordered_events as events
    inner join timelines.codes as codes on events.code_id = codes.code_id
    left join admissions on events.hadm_id = admissions.hadm_id
    left join departures on events.stay_id = departures.stay_id
    where
        codes.event_kind in ('diagnosis', 'procedure', 'drg', 'hcpcs', 'ed_diagnosis')
        or codes.event_kind in ('ed_registration', 'ed_out', 'demographic', 'service', 'drug_order')
        or (codes.event_kind = 'transfer' and codes.code not like 'TRANSFER_TO//ED//%')
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


def clock_expectations(settings: Settings) -> list[Expectation]:
    """Suite `clock`."""
    # Built with icd_at = admission, diagnoses and DRGs are known too early on purpose, and a MEDS dataset has a clock of its own
    # and need not tell which stay a fact belongs to: both are told, and not refused.
    told = at_least(0)
    return [
        *_CLOCK,
        Expectation(
            "clock",
            "coded_at_discharge",
            "Diagnoses, procedures and DRGs are never known before the discharge event of their admission.",
            OF_STAYS,
            breach="is_coded and (discharged_at is null or time < discharged_at)",
            limit=told if settings.icd_at == "admission" or settings.reads_meds else NONE,
            reason="event_kind",
        ),
        Expectation(
            "clock",
            "billed_at_the_end",
            "Billed services are never known before discharge, diagnoses of the emergency department not before departure.",
            OF_STAYS,
            breach="is_billed and not has_no_end and (ended_at is null or time < ended_at)",
            limit=told if settings.reads_meds else NONE,
            reason="event_kind",
        ),
        Expectation(
            "clock",
            "coded_after_admission",
            "Diagnoses, procedures and DRGs are never known before the admission that they belong to.",
            OF_STAYS,
            breach="is_coded and (admitted_at is null or time < admitted_at)",
            limit=told if settings.reads_meds else NONE,
            reason="event_kind",
        ),
        Expectation(
            "clock",
            "admission_not_announced",
            "What is told of admitted patients alone (registration, units, services, orders) is never known before the admission.",
            OF_STAYS,
            breach="not is_coded and not is_billed and time < admitted_at",
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
