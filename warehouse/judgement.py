"""What an expectation is, how DuckDB computes its figure, and which figures pass.

In: expectations as data. Each names a scan (SQL that gives rows) and either the condition of a row in breach or an
aggregate over the rows; its figure is one number, and all figures over one scan come out of one pass. Sums over such a pass
by some key (groups) serve further scans, which then need not make its rows again.
Out: figures by name, and for a breach the query that shows the rows. Only numbers and event kinds,
splits or reasons leave this module, never a patient's row.
What can go wrong: an aggregate over no rows gives no figure, and no figure is a breach.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import duckdb

from warehouse.errors import UserError
from warehouse.meds.layout import MEDS_DATA
from warehouse.mimic import SOURCES
from warehouse.table import Table

Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Settings:
    """The dbt vars that the expectations depend on, as the warehouse was built with them; `tables` are the raw ones it read."""

    tuning_share: float
    held_out_share: float
    icd_at: str
    n_bins: int
    min_values_for_breaks: int
    split_salt: str
    tables: tuple[Table, ...] = SOURCES

    @property
    def reads_meds(self) -> bool:
        """Whether the warehouse was built from a MEDS dataset, whose clock and splits are its own."""
        return MEDS_DATA in self.tables


@dataclass(frozen=True)
class Limit:
    """The figures that pass: from `low` to `high`, both included; `high` None is no upper limit."""

    low: float
    high: float | None

    def __post_init__(self) -> None:
        # A missing figure stands as -1 in what Great Expectations judges: it must lie outside every limit.
        if self.low < 0:
            raise ValueError("figures are counts and shares: their limits are from 0 up")

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {self.low:g}"
        return f"{self.low:g}" if self.low == self.high else f"between {self.low:g} and {self.high:g}"


NONE = Limit(0, 0)


def at_least(low: float) -> Limit:
    """The limit of a floor."""
    return Limit(low, None)


@dataclass(frozen=True)
class Groups:
    """Sums over the rows of a select by a key: a temporary table that scans read by its name.

    The table has the columns `key` and the `sums`, given as (name, aggregate).
    """

    name: str
    select: str
    key: str
    sums: tuple[tuple[str, str], ...]

    def query(self, figures: Iterable[tuple[str, str]] = ()) -> str:
        """The select of the table; `figures` are further aggregates, which have to add up."""
        aggregates = ", ".join(f"{aggregate} as {name}" for name, aggregate in (*self.sums, *figures))
        return f"select {self.key}, {aggregates} from ({self.select}) as scanned group by {self.key}"


@dataclass(frozen=True)
class Scan:
    """Rows to count over: one select, and the tables it needs (`scratch.` before those of the scratch database).

    `groups` are made of the very rows of this scan, and its breaches are counted as they are made; `reads` are groups that the
    select reads.
    """

    name: str
    tables: tuple[str, ...]
    select: str
    groups: Groups | None = None
    reads: Groups | None = None

    @property
    def opening(self) -> str:
        """What stands before a query over this scan that is to run by itself."""
        return f"with {self.reads.name} as ({self.reads.query()}) " if self.reads else ""


@dataclass(frozen=True)
class Expectation:
    """One thing that holds of a sound warehouse.

    `breach` is the condition of a row that breaks it (the figure is then the number of such rows); `figure` is an
    aggregate, for what no single row breaks. `reason` is an expression that rows in breach are counted by.
    """

    suite: str
    name: str
    description: str
    scan: Scan
    breach: str | None = None
    figure: str | None = None
    limit: Limit = NONE
    reason: str | None = None
    look: str | None = None

    def __post_init__(self) -> None:
        if (self.breach is None) == (self.figure is None):
            raise ValueError(f"{self.name}: give either the condition of a breach or an aggregate")
        if self.scan.groups and not self.breach:
            raise ValueError(f"{self.name}: what is counted as groups are made is the rows in breach")

    @property
    def aggregate(self) -> str:
        return self.figure or f"count(*) filter (where {self.breach})"

    @property
    def query(self) -> str:
        """A query over the warehouse (scratch attached) that shows what the figure is made of."""
        if self.look:
            return _one_line(self.look)
        if self.breach:
            return _one_line(
                f"{self.scan.opening}select * from ({self.scan.select}) as scanned where {self.breach} limit 20"
            )
        return _one_line(f"{self.scan.opening}select {self.figure} as {self.name} from ({self.scan.select}) as scanned")


def none_of(suite: str, scan: Scan, reason: str | None, *rows: tuple[str, str, str]) -> list[Expectation]:
    """Expectations over one scan that no row is in breach of, each given as (name, description, breach)."""
    return [
        Expectation(suite, name, description, scan, breach=breach, reason=reason) for name, description, breach in rows
    ]


def read_settings(connection: duckdb.DuckDBPyConnection) -> Settings:
    """The vars that a warehouse was built with, by its own account, and the raw tables that it read.

    Raises UserError where the warehouse has no such account.
    """
    try:
        rows = connection.execute("select name, value from timelines.settings").fetchall()
        off = connection.execute("select source_table from timelines.ledger where reason = 'switched off'").fetchall()
        values = {name: json.loads(value) for name, value in rows}
        return Settings(
            tuning_share=values["tuning_per_mille"] / 1000,
            held_out_share=values["held_out_per_mille"] / 1000,
            icd_at=values["icd_at"],
            n_bins=values["n_bins"],
            min_values_for_breaks=values["min_values_for_breaks"],
            split_salt=values["split_salt"],
            tables=(MEDS_DATA,)
            if values["preset"] == "meds"
            else tuple(table for table in SOURCES if (table.full_name,) not in off),
        )
    except (duckdb.CatalogException, duckdb.BinderException, KeyError) as error:
        raise UserError(
            f"the warehouse does not say how it was built ({str(error).splitlines()[0]}); run `dbt build`"
        ) from error


def scans_of(expectations: Iterable[Expectation]) -> list[Scan]:
    """The scans that the expectations need, each once, in order of first use."""
    return list(dict.fromkeys(expectation.scan for expectation in expectations))


def measure(
    connection: duckdb.DuckDBPyConnection,
    expectations: Iterable[Expectation],
    after_scan: Callable[[Scan], object] = lambda scan: None,
) -> Figures:
    """The figure of each expectation, by name; `after_scan` is called as each scan is done."""
    expectations = list(expectations)
    figures: Figures = {}
    made: set[str] = set()
    for scan in scans_of(expectations):
        names = {expectation.name: expectation.aggregate for expectation in expectations if expectation.scan == scan}
        groups = scan.groups or scan.reads
        if groups and groups.name not in made:
            counted = [
                (expectation.name, expectation.aggregate)
                for expectation in expectations
                if expectation.scan.groups == groups
            ]
            connection.execute(f"create or replace temporary table {groups.name} as {groups.query(counted)}")
            made.add(groups.name)
        rows = scan.select
        if scan.groups:
            names = {name: f"coalesce(sum({name}), 0)" for name in names}
            rows = f"from {scan.groups.name}"
        columns = ", ".join(f"{aggregate} as {name}" for name, aggregate in names.items())
        row = connection.execute(f"select {columns} from ({rows}) as scanned").fetchone()
        figures.update(zip(names, row, strict=True))
        after_scan(scan)
    return {expectation.name: figures[expectation.name] for expectation in expectations}


def count_by_reason(connection: duckdb.DuckDBPyConnection, expectation: Expectation) -> dict[str, int]:
    """Rows in breach by the expectation's `reason`, most first; empty where it has none."""
    if not (expectation.reason and expectation.breach):
        return {}
    rows = connection.execute(
        f"{expectation.scan.opening}select coalesce(cast({expectation.reason} as text), 'NULL'), count(*) "
        f"from ({expectation.scan.select}) as scanned where {expectation.breach} group by 1 order by 2 desc, 1 limit 10"
    ).fetchall()
    return dict(rows)


def _one_line(query: str) -> str:
    return " ".join(query.split())
