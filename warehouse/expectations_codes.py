"""The expectations on code coverage: codes, their counts, their tokens, their quantile breaks and their mappings.

In: the dbt vars as Settings. Out: `code_expectations(settings)`, as data for judgement.py.
A code is looked at once, however often it occurs: the timeline is grouped by the code's number in one pass, and the groups are
judged against code counts, code tokens and quantile breaks.
"""

import csv

from warehouse.judgement import NONE, Expectation, Limit, Scan, Settings, at_least, none_of
from warehouse.paths import EVENT_KINDS

with EVENT_KINDS.open(newline="") as _seed:
    _KINDS = tuple(csv.DictReader(_seed))
# What the codes of each kind of event begin with; measurements of the outpatient record are named freely.
CODE_PREFIXES = {row["event_kind"]: tuple(row["code_prefixes"].split("|")) for row in _KINDS}
_TAKING_VALUES = ", ".join(f"'{row['event_kind']}'" for row in _KINDS if row["takes_value"] == "true")
_DRUG_KINDS = "'drug_order', 'drug_administration', 'home_drug', 'ed_dispensing'"


def _known_codes(reads_meds: bool) -> str:
    """A pattern of a kind of event and the codes that it may have; what is static in a MEDS dataset is named freely."""
    free = {"static": ("",)} if reads_meds else {}
    return "^(" + "|".join(f"{kind} ({'|'.join(codes)})" for kind, codes in (CODE_PREFIXES | free).items()) + ")"


CODES = Scan(
    "codes",
    (
        "timelines.ordered_events",
        "timelines.codes",
        "timelines.patients",
        "tokens.code_counts",
        "tokens.code_tokens",
        "tokens.quantile_breaks",
    ),
    """
    with by_number as (
        select
            events.code_id,
            count(*) as n_events,
            count(*) filter (where patients.split = 'train') as n_train_events,
            count(events.numeric_value) filter (where patients.split = 'train') as n_train_values,
            min(events.numeric_value) filter (where patients.split = 'train') as min_train_value,
            max(events.numeric_value) filter (where patients.split = 'train') as max_train_value
        from timelines.ordered_events as events
        left join timelines.patients as patients on events.subject_id = patients.subject_id
        group by events.code_id
    ),
    used as (
        select
            codes.event_kind,
            codes.code,
            sum(by_number.n_events) as n_events,
            sum(by_number.n_train_events) as n_train_events,
            sum(by_number.n_train_values) as n_train_values,
            min(by_number.min_train_value) as min_train_value,
            max(by_number.max_train_value) as max_train_value,
            count(distinct coalesce(codes.unit, '')) filter (where by_number.n_train_values > 0) as n_train_units
        from by_number
        inner join timelines.codes as codes on by_number.code_id = codes.code_id
        group by codes.event_kind, codes.code
    ),
    written as (
        select event_kind, code, count(*) as n_tokens
        from tokens.code_tokens
        group by event_kind, code
    ),
    edges as (
        select
            code, break_index, upper_edge, n_values,
            lag(upper_edge) over (partition by code order by break_index) as previous_edge
        from tokens.quantile_breaks
    ),
    breaks as (
        select
            code,
            count(*) as n_breaks,
            count(distinct break_index) as n_break_indexes,
            min(break_index) as first_index,
            max(break_index) as last_index,
            count(*) filter (where upper_edge is null or upper_edge < previous_edge) as n_falling,
            min(n_values) as min_values,
            max(n_values) as max_values,
            min(upper_edge) as first_edge,
            max(upper_edge) as last_edge
        from edges
        group by code
    )
    select
        coalesce(used.event_kind, counted.event_kind) as event_kind,
        coalesce(used.code, counted.code, breaks.code) as code,
        used.n_events as n_used_events,
        used.n_train_events as n_used_train_events,
        used.n_train_values as n_used_train_values,
        used.min_train_value,
        used.max_train_value,
        used.n_train_units,
        counted.n_events,
        counted.n_train_events,
        counted.n_train_values,
        counted.untokenised_reason,
        counted.code is not null and counted.untokenised_reason is null as is_tokenised,
        coalesce(written.n_tokens, 0) as n_tokens,
        breaks.code as code_of_breaks,
        breaks.n_breaks,
        breaks.n_break_indexes,
        breaks.first_index,
        breaks.last_index,
        breaks.n_falling,
        breaks.min_values,
        breaks.max_values,
        breaks.first_edge,
        breaks.last_edge
    from used
    full join tokens.code_counts as counted on used.event_kind = counted.event_kind and used.code = counted.code
    left join written on counted.event_kind = written.event_kind and counted.code = written.code
    full join breaks on case when counted.event_kind in ({kinds}) then counted.code end = breaks.code
    """.replace("{kinds}", _TAKING_VALUES),
)

DRUGS = Scan(
    "drugs",
    ("tokens.code_counts", "tokens.drug_mapping"),
    f"""
    with used as (
        select
            lower(trim(split_part(code, '//', case when event_kind = 'drug_order' then 3 else 2 end))) as drug,
            sum(n_events) as n_events
        from tokens.code_counts
        where event_kind in ({_DRUG_KINDS})
        group by drug
    )
    select coalesce(used.drug, mapping.drug) as drug, used.n_events as n_used_events, mapping.n_events, mapping.atc_code
    from used
    full join tokens.drug_mapping as mapping on used.drug = mapping.drug
    """,
)

ICD = Scan(
    "icd",
    ("tokens.code_counts", "tokens.icd_mapping"),
    """
    with used as (
        select
            case when event_kind = 'procedure' then 'pcs' else 'cm' end as kind,
            split_part(code, '//', 4) as icd_9,
            sum(n_events) as n_events
        from tokens.code_counts
        where event_kind in ('diagnosis', 'ed_diagnosis', 'procedure') and split_part(code, '//', 3) = '9'
        group by kind, icd_9
    )
    select
        coalesce(used.kind, mapping.kind) as kind, coalesce(used.icd_9, mapping.icd_9) as icd_9,
        used.n_events as n_used_events, mapping.n_events, mapping.icd_10
    from used
    full join tokens.icd_mapping as mapping on used.kind = mapping.kind and used.icd_9 = mapping.icd_9
    """,
)


def code_expectations(settings: Settings) -> list[Expectation]:
    """Suite `codes`."""
    return [*_codes(settings), *_breaks(settings), *_MAPPINGS]


def _codes(settings: Settings) -> list[Expectation]:
    known = _known_codes(settings.reads_meds)
    return none_of(
        "codes",
        CODES,
        "event_kind",
        ("code_present", "No event has an empty code.", "code is null or trim(code) = ''"),
        (
            "code_prefix_known",
            "Every code begins as the codes of its kind of event do.",
            f"event_kind is not null and not coalesce(regexp_matches(event_kind || ' ' || code, '{known}'), false)",
        ),
        (
            "code_counts_agree",
            "tokens.code_counts has every code of the timeline, and counts its events and values rightly.",
            "event_kind is not null and (n_events is distinct from n_used_events"
            " or n_train_events is distinct from n_used_train_events"
            " or n_train_values is distinct from n_used_train_values)",
        ),
        ("code_has_tokens", "A code that becomes tokens is written as at least one.", "is_tokenised and n_tokens = 0"),
        (
            "code_without_tokens",
            "A code that does not become tokens is written as none.",
            "not is_tokenised and n_tokens > 0",
        ),
    )


def _breaks(settings: Settings) -> list[Expectation]:
    inner = settings.n_bins - 1
    has_enough = f"n_used_train_values >= {settings.min_values_for_breaks}"
    one_unit = Expectation(
        "codes",
        "breaks_of_one_unit",
        "The values that the quantile breaks of a code are taken of are in one unit.",
        CODES,
        breach="code_of_breaks is not null and n_train_units <> 1",
        # What a MEDS dataset calls one code is its own affair: told, and not refused.
        limit=at_least(0) if settings.reads_meds else NONE,
        reason="event_kind",
    )
    return [
        one_unit,
        *none_of(
            "codes",
            CODES,
            "event_kind",
            (
                "breaks_where_due",
                "A code has quantile breaks if, and only if, it takes a value and train has enough of them.",
                f"coalesce(is_tokenised and event_kind in ({_TAKING_VALUES}) and {has_enough}, false)"
                " is distinct from (code_of_breaks is not null)",
            ),
            (
                "breaks_complete",
                f"A code with quantile breaks has {inner} of them, numbered from 1.",
                f"n_breaks <> {inner} or n_break_indexes <> {inner} or first_index <> 1 or last_index <> {inner}",
            ),
            ("breaks_monotone", "The quantile breaks of a code never fall.", "n_falling > 0"),
            (
                "breaks_from_train",
                "Quantile breaks are of as many values as train has of the code.",
                "code_of_breaks is not null and (min_values is distinct from n_used_train_values"
                " or max_values is distinct from n_used_train_values)",
            ),
            (
                "breaks_within_train",
                "Quantile breaks lie within the values that train has of the code.",
                "first_edge < min_train_value or last_edge > max_train_value",
            ),
        ),
    ]


def _share(code: str) -> str:
    # Where nothing is there to be mapped, all of it is.
    mapped = f"sum(case when {code} is null then 0 else n_events end)"
    return f"case when count(*) = 0 then 1 else {mapped} / sum(n_events) end"


_MISCOUNTED = "n_events is distinct from n_used_events"
_MAPPINGS = [
    *none_of(
        "codes",
        DRUGS,
        None,
        ("drug_mapping_complete", "tokens.drug_mapping has every drug name in use, with its events.", _MISCOUNTED),
    ),
    *none_of(
        "codes",
        ICD,
        "kind",
        ("icd_mapping_complete", "tokens.icd_mapping has every ICD-9 code in use, with its events.", _MISCOUNTED),
    ),
    Expectation(
        "codes",
        "drug_share_mapped",
        "The share of drug events with an ATC code: told, and refused only where it is no share.",
        DRUGS,
        figure=_share("atc_code"),
        limit=Limit(0, 1),
    ),
    Expectation(
        "codes",
        "icd_share_mapped",
        "The share of ICD-9 events with an ICD-10 code: told, and refused only where it is no share.",
        ICD,
        figure=_share("icd_10"),
        limit=Limit(0, 1),
    ),
]
