"""Import: any MEDS 0.4 dataset into the timelines of a warehouse, by dbt under the preset meds.

In: the root of a dataset. Out: the warehouse in EHR_DATA, as any other, and a report of what came into it. A dataset of ours
comes back as it was; of another one, codes that begin as ours do are of our kinds of event, all others of the kind `meds`.
What can go wrong: the dataset (dataset.py), vars that do not fit, dbt itself.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as parquet
import yaml

from warehouse.errors import UserError
from warehouse.meds import dataset
from warehouse.paths import REPOSITORY, data_dir, warehouse_path
from warehouse.validate import open_warehouse


def read_vars(text: str | None) -> dict[str, Any]:
    """dbt vars as given on the command line; the preset is ours. Raises UserError where they cannot be read."""
    try:
        given = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        raise UserError(f"--vars {text!r} cannot be read; write it as for dbt: '{{n_bins: 20}}'") from error
    if not isinstance(given, dict) or {"preset", "sources"} & given.keys():
        raise UserError(
            f"--vars {text!r} cannot be used; give a mapping without preset and sources, which an import sets itself"
        )
    return given | {"preset": "meds"}


def import_dataset(root: Path, given_vars: str | None) -> str:
    """Check the dataset, build the warehouse and return the report; raises UserError where one of them fails."""
    settings = yaml.safe_dump(read_vars(given_vars), default_flow_style=True, width=10_000).strip()
    found = dataset.check(root)
    environment = {"MEDS_ROOT": str(root.resolve()), "EHR_DATA": str(data_dir().resolve())}
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--exclude", "path:models_sql/runs", "--vars", settings]
    # Our own output is the report; dbt's lines tell of progress.
    done = subprocess.run(command, cwd=REPOSITORY, env=os.environ | environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UserError(f"dbt could not build timelines from {root}; its messages stand above", exit_status=1)
    with open_warehouse(warehouse_path()) as connection:
        return report(connection, found, settings)


def report(connection: duckdb.DuckDBPyConnection, found: dataset.Dataset, settings: str) -> str:
    """Subjects, events and codes by split, what was set aside, and what to run next."""
    rows = connection.execute(
        "select patients.split, count(distinct patients.subject_id), count(events.subject_id), count(distinct events.code) "
        "from timelines.patients as patients left join timelines.timeline_events as events "
        "on patients.subject_id = events.subject_id group by grouping sets ((patients.split), ()) "
        "order by list_position(['train', 'tuning', 'held_out'], patients.split) nulls last"
    ).fetchall()
    lines = [f"MEDS dataset {found.name or found.root}: {len(found.files)} files", ""]
    lines += [f"{'split':<10}{'subjects':>12}{'events':>16}{'codes':>12}"]
    lines += [
        f"{split or 'all':<10}{subjects:>12,}{events:>16,}{codes:>12,}" for split, subjects, events, codes in rows
    ]
    aside = connection.execute(
        "select reason, n_rows from timelines.ledger where outcome = 'set_aside' order by n_rows desc, reason"
    ).fetchall()
    lines += [f"set aside  {n_rows:,} rows: {reason}" for reason, n_rows in aside]
    lines += _notes(connection, found)
    extra = "" if settings == "{preset: meds}" else f" --vars '{settings}'"
    lines += ["", f"warehouse in {warehouse_path()}; next:", f"  python -m warehouse.validate{extra}"]
    lines.append(f"  python -m warehouse.shards --out {data_dir() / 'shards'}")
    return "\n".join(lines)


def _notes(connection: duckdb.DuckDBPyConnection, found: dataset.Dataset) -> list[str]:
    notes = []
    unnamed = connection.execute(
        "select count(distinct code), count(*) from timelines.timeline_events where event_kind = 'meds'"
    ).fetchone()
    if unnamed[0]:
        notes.append(f"{unnamed[0]:,} codes ({unnamed[1]:,} events) are of no kind of ours: each is a token of its own")
    if found.codes is None:
        notes.append("the dataset has no metadata/codes.parquet")
    else:
        listed = parquet.read_table(found.codes, columns=["code"])  # noqa: F841 - DuckDB finds it by its name
        n, example = connection.execute(
            "select count(distinct code), min(code) from scratch.events.meds_codes where code not in "
            "(select code from listed where code is not null)"
        ).fetchone()
        if n:
            notes.append(f"{n:,} codes of the data are not in metadata/codes.parquet, {example!r} for one")
    if found.splits is None:
        notes.append("the dataset gives no splits: patients are split by a hash of their id")
    if found.unread:
        notes.append(f"columns not read: {', '.join(found.unread)}")
    return [f"note       {note}" for note in notes]
