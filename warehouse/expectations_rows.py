"""The expectations on conservation of rows: no table is empty, and no row is lost, made up or counted twice.

Out: `row_expectations(tables, reads_meds)`, as data for judgement.py, where `tables` are the raw ones that the warehouse was built
from.
Whether two large tables hold the same is told by a sum of row hashes, which needs no join and no memory; a query beside
it finds the rows that differ.
"""

from collections.abc import Iterable, Sequence

from warehouse.expectations_tokens import WRITTEN_GROUPS
from warehouse.judgement import Expectation, Scan, at_least, none_of
from warehouse.meds.layout import MEDS_DATA
from warehouse.table import Table

# Every table that must hold something, beside the raw ones, the token stream and the candidates. Quarantine and the code mappings may
# rightly be empty.
FLOORS = (
    *("timelines.patients", "timelines.codes", "timelines.timeline_events", "timelines.ledger"),
    *("tokens.code_counts", "tokens.code_tokens", "tokens.quantile_breaks", "tokens.token_ids", "tokens.vocabulary"),
    *("tokens.static_prefix", "tokens.token_ledger"),
)


def _staged(table: Table) -> str:
    return f"scratch.staging.{table.staging_model}"


def ledger_scan(tables: Sequence[Table]) -> Scan:
    """The ledger's entries of each raw table beside the rows that were landed of it."""
    landed = " union all ".join(
        f"select '{table.full_name}' as source_table, count(*) as n_staged from {_staged(table)}" for table in tables
    )
    select = f"""
    with entries as (
        select
            source_table,
            coalesce(sum(n_rows) filter (where outcome = 'read'), 0) as n_read,
            coalesce(sum(n_rows) filter (where outcome in ('used', 'set_aside', 'dictionary')), 0) as n_accounted,
            count(*) filter (
                where coalesce(outcome not in ('read', 'used', 'set_aside', 'dictionary', 'not_read'), true)
            ) as n_other
        from timelines.ledger
        group by source_table
    ),
    staged as ({landed})
    select
        coalesce(entries.source_table, staged.source_table) as source_table,
        entries.n_read, entries.n_accounted, entries.n_other, coalesce(staged.n_staged, 0) as n_staged
    from entries
    full join staged on entries.source_table = staged.source_table
    """
    return Scan("ledger", ("timelines.ledger", *map(_staged, tables)), select)


def set_aside_scan(reads_meds: bool) -> Scan:
    """What the ledger calls set aside beside what quarantine holds; the rows of a MEDS dataset are entered under its own name."""
    source_table = f"'{MEDS_DATA.full_name}'" if reads_meds else "source_table"
    select = f"""
    with kept as (
        select {source_table} as source_table, set_aside_reason as reason, count(*) as n_kept
        from timelines.quarantine
        where is_row_event
        group by 1, 2
    ),
    entered as (
        select source_table, reason, sum(n_rows) as n_entered
        from timelines.ledger
        where outcome = 'set_aside'
        group by source_table, reason
    )
    select
        coalesce(entered.source_table, kept.source_table) as source_table,
        coalesce(entered.reason, kept.reason) as reason,
        coalesce(n_entered, 0) as n_entered,
        coalesce(n_kept, 0) as n_kept
    from entered
    full join kept on entered.source_table = kept.source_table and entered.reason = kept.reason
    """
    return Scan("set_aside", ("timelines.ledger", "timelines.quarantine"), select)


_EVENT = "subject_id, time, code, source_table, source_key, numeric_value, text_value"
CANDIDATES = Scan(
    "candidates",
    ("timelines.timeline_events", "timelines.quarantine", "scratch.events.event_candidates"),
    f"""
    select 1 as side, count(*) as n, sum(hash({_EVENT})) as content from scratch.events.event_candidates
    union all
    select -1, count(*), sum(hash({_EVENT})) from timelines.timeline_events
    union all
    select -1, count(*), sum(hash({_EVENT})) from timelines.quarantine
    """,
)

TOKENISED = Scan(
    "tokenised",
    (
        "timelines.ordered_events",
        "timelines.codes",
        "tokens.written_events",
        "tokens.code_counts",
        "tokens.token_ledger",
    ),
    """
    with streamed as (
        select coalesce(sum(n_events), 0) as n, sum(content) as content
        from written_groups
    ),
    tokenised as (
        select distinct codes.code_id
        from timelines.codes as codes
        inner join tokens.code_counts as counted on codes.event_kind = counted.event_kind and codes.code = counted.code
        where counted.untokenised_reason is null
    ),
    timeline as (
        select
            count(*) as n_events,
            count(*) filter (where tokenised.code_id is not null) as n,
            sum(hash(events.subject_id, events.event_index, events.time)) filter (where tokenised.code_id is not null)
                as content
        from timelines.ordered_events as events
        left join tokenised on events.code_id = tokenised.code_id
    ),
    ledger as (
        select sum(n_events) as n_events, sum(n_events) filter (where outcome = 'tokenised') as n_tokenised
        from tokens.token_ledger
    )
    select
        streamed.n as n_streamed, streamed.content as streamed_content,
        timeline.n_events, timeline.n as n_tokenised, timeline.content as tokenised_content,
        ledger.n_events as n_ledger, ledger.n_tokenised as n_ledger_tokenised
    from streamed cross join timeline cross join ledger
    """,
    reads=WRITTEN_GROUPS,
)


_STREAM_DIFFERENCE = """
    with kept as (
        select events.subject_id, events.event_index, events.time
        from timelines.timeline_events as events
        inner join tokens.code_counts as counted
            on events.event_kind = counted.event_kind and events.code = counted.code
        where counted.untokenised_reason is null
    ),
    streamed as (select subject_id, event_index, time from tokens.written_events)
    select * from ((from kept except from streamed) union all (from streamed except from kept)) limit 20
"""

_CANDIDATES_DIFFERENCE = f"""
    (
        select {_EVENT} from scratch.events.event_candidates
        except all
        (select {_EVENT} from timelines.timeline_events union all select {_EVENT} from timelines.quarantine)
    )
    limit 20
"""


def _floor(name: str, description: str, table: str, also: str = "") -> Expectation:
    return Expectation(
        "rows",
        f"has_rows_{name.replace('.', '_')}",
        description,
        Scan(
            f"has_rows_{table}",
            (table, "timelines.ledger"),
            f"select count(*){also} as n_rows from (select 1 from {table} limit 1) as first_row",
        ),
        figure="max(n_rows)",
        limit=at_least(1),
    )


def _floors(tables: Iterable[Table], reads_meds: bool) -> list[Expectation]:
    # A MEDS dataset need not hold a single number, and then there is nothing to take quantiles of.
    needed = [table for table in FLOORS if not (reads_meds and table == "tokens.quantile_breaks")]
    floors = [_floor(table.removeprefix("scratch."), f"{table} holds at least one row.", table) for table in needed]
    floors += [
        Expectation(
            "rows",
            "has_rows_tokens_written_events",
            "tokens.written_events holds at least one row.",
            TOKENISED,
            figure="max(n_streamed)",
            limit=at_least(1),
        ),
        Expectation(
            "rows",
            "has_rows_events_event_candidates",
            "events.event_candidates holds at least one row.",
            CANDIDATES,
            figure="coalesce(sum(n) filter (where side = 1), 0)",
            limit=at_least(1),
        ),
    ]
    for table in tables:
        name, staged = f"staging.{table.staging_model}", _staged(table)
        if table.is_required:
            floors.append(_floor(name, f"{staged} holds at least one row.", staged))
        else:
            absent = (
                " + (select count(*) from timelines.ledger"
                f" where source_table = '{table.full_name}' and outcome = 'not_read')"
            )
            floors.append(_floor(name, f"{staged} holds at least one row, or its file is not there.", staged, absent))
    return floors


_CONSERVED = [
    Expectation(
        "rows",
        "candidates_conserved",
        "Timeline and quarantine together have as many events as there were candidates.",
        CANDIDATES,
        figure="abs(sum(side * n))",
        look=_CANDIDATES_DIFFERENCE,
    ),
    Expectation(
        "rows",
        "candidates_unchanged",
        "Timeline and quarantine together hold the very events that were candidates.",
        CANDIDATES,
        figure="(coalesce(sum(side * content), 0) <> 0)::integer",
        look=_CANDIDATES_DIFFERENCE,
    ),
    Expectation(
        "rows",
        "token_ledger_balances",
        "The token ledger accounts for every event of the timeline.",
        TOKENISED,
        figure="max(abs(n_ledger - n_events))",
    ),
    Expectation(
        "rows",
        "tokenised_events_streamed",
        "The token stream has as many events as the token ledger calls tokenised.",
        TOKENISED,
        figure="max(abs(n_streamed - n_ledger_tokenised))",
    ),
    Expectation(
        "rows",
        "stream_is_the_timeline",
        "The token stream holds the very events of the timeline whose codes become tokens, each at its time.",
        TOKENISED,
        figure="max((streamed_content is distinct from tokenised_content)::integer)",
        look=_STREAM_DIFFERENCE,
    ),
]


def row_expectations(tables: Sequence[Table], reads_meds: bool) -> list[Expectation]:
    """Suite `rows`."""
    return [
        *_floors(tables, reads_meds),
        *_ledger(ledger_scan(tables)),
        *_set_aside(set_aside_scan(reads_meds)),
        *_CONSERVED,
    ]


def _ledger(scan: Scan) -> list[Expectation]:
    return none_of(
        "rows",
        scan,
        "source_table",
        (
            "raw_rows_balance",
            "Of every raw table, rows read = rows used + rows set aside + rows of a dictionary.",
            "n_read is distinct from n_accounted or n_other > 0",
        ),
        (
            "raw_rows_read",
            "The ledger has every raw table, with as many rows read as were landed.",
            "n_read is distinct from n_staged",
        ),
    )


def _set_aside(scan: Scan) -> list[Expectation]:
    return none_of(
        "rows",
        scan,
        "source_table || ': ' || scanned.reason",
        (
            "set_aside_rows_kept",
            "Every row that the ledger calls set aside is in quarantine, by table and reason.",
            "n_entered <> n_kept",
        ),
    )
