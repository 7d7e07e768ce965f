"""The floor under the loading of raw tables: what DuckDB needs merely to read them.

Of each table that the preset reads, the columns that are landed are read as text and counted, as the build itself reads them: nothing
is cast, joined, sorted or written. No build from the same files can take less.
"""

import argparse
import os
from pathlib import Path

import duckdb
import yaml

from warehouse import raw
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import mimic_root
from warehouse.switches import landed_tables, project_vars


def cpu_seconds() -> float:
    """CPU seconds of this process so far."""
    times = os.times()
    return times.user + times.system


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.floor",
        description=__doc__,
        epilog="examples:\n  python -m tests.benchmarks.floor --raw data/mimic-iv\n"
        "  python -m tests.benchmarks.floor --raw data/mimic-iv --vars '{preset: full}'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--raw", type=Path, default=mimic_root(), help="folder of raw tables (default %(default)s)")
    parser.add_argument("--vars", default="{}", help="dbt vars, as for dbt --vars")
    arguments = parser.parse_args()
    if not arguments.raw.is_dir():
        raise UserError(f"--raw {arguments.raw}: no such folder")
    try:
        overrides = yaml.safe_load(arguments.vars)
    except yaml.YAMLError:
        overrides = None
    if not isinstance(overrides, dict):
        raise UserError(f"--vars {arguments.vars}: give vars as for dbt, such as '{{preset: full}}'")
    files = raw.locate(arguments.raw, landed_tables(project_vars(overrides)))
    total = 0.0
    print(f"{'table':<26}{'rows':>14}{'CPU s':>9}")
    with duckdb.connect(config={"threads": int(os.environ.get("EHR_THREADS", "2"))}) as connection:
        for file in files:
            columns = [column.name.lower() for column in file.table.columns if column.is_landed]
            counts = ", ".join(f"count({raw.quote_identifier(name)})" for name in columns)
            before = cpu_seconds()
            n_rows = connection.execute(f"select count(*), {counts} from ({raw.select_as_text(file)})").fetchone()[0]
            seconds = cpu_seconds() - before
            total += seconds
            print(f"{file.table.full_name:<26}{n_rows:>14,}{seconds:>9.1f}", flush=True)
    print(f"{'all':<26}{'':>14}{total:>9.1f}")


if __name__ == "__main__":
    run_main(main)
