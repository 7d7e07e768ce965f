"""`python -m warehouse.validate`: is the warehouse sound?

In: a warehouse and the scratch database beside it, both opened read-only. DuckDB computes every figure, one pass over a
table where it can; Great Expectations judges them.
Out: Data Docs as static HTML, validation/validation.json beside the warehouse (with the fingerprint that export asks
for), a table on the terminal. Exit status 0, 1 where an expectation fails, 2 on bad usage.
What can go wrong: no warehouse or scratch database, one in use by another process, a missing table, too little memory.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from tqdm import tqdm

from warehouse.data_docs import check_folder, run_checkpoint
from warehouse.database import open_read_only
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.expectations import expectations
from warehouse.fingerprint import file_stamp, validation_file, warehouse_fingerprint
from warehouse.judgement import Expectation, Figures, count_by_reason, measure, read_settings, scans_of
from warehouse.paths import warehouse_path

EPILOG = """examples:
  python -m warehouse.validate
  python -m warehouse.validate --warehouse /fast/disk/warehouse.duckdb --docs /tmp/docs

EHR_MEMORY_LIMIT (default 3GB) and EHR_THREADS bound what DuckDB takes."""


@dataclass(frozen=True)
class Failure:
    """An expectation that failed, with what was found and the query that shows the rows."""

    name: str
    description: str
    observed: float | int | None
    expected: str
    by_reason: dict[str, int]
    query: str


@dataclass(frozen=True)
class Outcome:
    """What validating one warehouse found."""

    fingerprint: str
    stamp: list[int]
    expectations: tuple[Expectation, ...]
    figures: Figures
    failures: list[Failure]

    @property
    def success(self) -> bool:
        return not self.failures


def scratch_beside(warehouse: Path) -> Path:
    """The database of staging and events that belongs to a warehouse."""
    return warehouse.with_name("scratch.duckdb")


def open_warehouse(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open a warehouse read-only with its scratch database attached; raises UserError where that cannot be done."""
    scratch = scratch_beside(warehouse)
    connection = open_read_only(warehouse)
    if not scratch.is_file():
        connection.close()
        raise UserError(f"no scratch database at {scratch}, which holds staging and events; run `dbt build`")
    try:
        connection.execute("attach '{}' as scratch (read_only)".format(str(scratch).replace("'", "''")))
    except duckdb.IOException as error:
        connection.close()
        raise UserError(f"cannot open {scratch}: {str(error).splitlines()[0]}") from error
    return connection


def check_tables(connection: duckdb.DuckDBPyConnection, judged: Sequence[Expectation]) -> None:
    """Raise UserError that names every table which the expectations need and the databases lack."""
    rows = connection.execute(
        "select case when table_catalog = 'scratch' then 'scratch.' else '' end || table_schema || '.' || table_name "
        "from information_schema.tables"
    ).fetchall()
    present = {name for (name,) in rows}
    missing = sorted({table for scan in scans_of(judged) for table in scan.tables} - present)
    if missing:
        raise UserError(f"the warehouse has no table {', '.join(missing)}; run `dbt build`")


def validate(warehouse: Path, docs: Path) -> Outcome:
    """Compute and judge every figure; write Data Docs to `docs` and the outcome to validation.json."""
    check_folder(docs)
    with open_warehouse(warehouse) as connection:
        stamp = file_stamp(warehouse)
        judged = expectations(read_settings(connection))
        check_tables(connection, judged)
        try:
            fingerprint = warehouse_fingerprint(connection)
            with tqdm(total=len(scans_of(judged)), desc="validate", unit="scan", disable=None) as progress:
                figures = measure(connection, judged, after_scan=lambda scan: progress.update())
            verdicts = run_checkpoint(judged, figures, docs, run_name=f"warehouse {fingerprint[:12]}")
            failures = [
                Failure(
                    name=expectation.name,
                    description=expectation.description,
                    observed=figures[expectation.name],
                    expected=str(expectation.limit),
                    by_reason=count_by_reason(connection, expectation),
                    query=expectation.query,
                )
                for expectation in judged
                if not verdicts[expectation.name]
            ]
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            # The message goes on with the whole query; its first line names the column.
            raise UserError(
                f"{warehouse} was built by another version ({str(error).splitlines()[0]}); run `dbt build`"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise UserError(
                f"DuckDB ran out of memory ({str(error).splitlines()[0]}); raise EHR_MEMORY_LIMIT", exit_status=1
            ) from error
    outcome = Outcome(fingerprint, stamp, judged, figures, failures)
    _write(validation_file(warehouse), outcome)
    return outcome


def _write(path: Path, outcome: Outcome) -> None:
    content = {
        "success": outcome.success,
        "warehouse_fingerprint": outcome.fingerprint,
        "warehouse_file": outcome.stamp,
        "n_expectations": len(outcome.expectations),
        "failed": [vars(failure) for failure in outcome.failures],
        "figures": outcome.figures,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(partial, path)


def report(outcome: Outcome, warehouse: Path, docs: Path, seconds: float) -> str:
    """The outcome as text: a line per suite, and for each failure what was found and the query that shows the rows."""
    failed = {failure.name for failure in outcome.failures}
    lines = []
    for suite in dict.fromkeys(expectation.suite for expectation in outcome.expectations):
        names = [expectation.name for expectation in outcome.expectations if expectation.suite == suite]
        n_passed = sum(name not in failed for name in names)
        lines.append(
            f"{suite:<15}{n_passed:>4} of {len(names):<4}{'passed' if n_passed == len(names) else 'passed, see below'}"
        )
    for failure in outcome.failures:
        lines += ["", f"FAILED {failure.name}: observed {_text(failure.observed)}, expected {failure.expected}"]
        lines.append(f"  {failure.description}")
        if failure.by_reason:
            lines.append("  " + ", ".join(f"{reason} {count:,}" for reason, count in failure.by_reason.items()))
        lines.append(f"  rows: {failure.query};")
    if failed:
        opening = f"duckdb -readonly {warehouse} -cmd \"attach '{scratch_beside(warehouse)}' as scratch (read_only)\""
        lines += ["", f"to look at rows, with DuckDB's command line: {opening}"]
    verdict = (
        f"{len(failed)} of {len(outcome.expectations)} expectations failed" if failed else "the warehouse is sound"
    )
    lines += [
        "",
        f"{verdict} ({seconds:.1f} s), fingerprint {outcome.fingerprint[:12]}",
        f"Data Docs: {docs / 'index.html'}",
    ]
    return "\n".join(lines)


def _text(figure: float | int | None) -> str:
    return "no figure" if figure is None else f"{figure:,}" if isinstance(figure, int) else f"{figure:.4g}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(
        prog="python -m warehouse.validate",
        description="Check keys, order, clock, splits, codes, tokens and conservation of rows of a warehouse.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (default %(default)s)")
    parser.add_argument(
        "--docs", type=Path, help="folder of the Data Docs (default validation/docs beside the warehouse)"
    )
    given = parser.parse_args(arguments)
    started = time.monotonic()
    docs = given.docs or validation_file(given.warehouse).parent / "docs"
    outcome = validate(given.warehouse, docs)
    print(report(outcome, given.warehouse, docs, time.monotonic() - started))
    return 0 if outcome.success else 1


if __name__ == "__main__":
    run_main(main)
