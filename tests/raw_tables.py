"""Raw MIMIC-IV tables by hand: rows as dictionaries in, csv files with the registry's headers out."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from warehouse.mimic import SOURCES

Rows = Mapping[str, Sequence[Mapping[str, object]]]

_TIMES_NAMED = Counter(table.name for table in SOURCES)


def write_raw_tables(root: Path, rows: Rows) -> Path:
    """Write every table that dbt can read under `root`: those in `rows` (`ed.triage`, or `triage` where there is one), else a header."""
    names = {table: table.name if _TIMES_NAMED[table.name] == 1 else table.full_name for table in SOURCES}
    unknown = set(rows) - set(names.values()) - {table.full_name for table in SOURCES}
    assert not unknown, f"no such tables: {unknown}"
    for table, name in names.items():
        folder = root / table.module
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{table.name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, table.column_names, restval="")
            writer.writeheader()
            writer.writerows(
                {column: "" if value is None else value for column, value in row.items()}
                for row in rows.get(name, rows.get(table.full_name, ()))
            )
    return root
