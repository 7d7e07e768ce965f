"""Raw MIMIC-IV tables by hand: rows as dictionaries in, csv files with the registry's headers out."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from warehouse.mimic import SOURCES

Rows = Mapping[str, Sequence[Mapping[str, object]]]


def write_raw_tables(root: Path, rows: Rows) -> Path:
    """Write every table that dbt reads under `root`; `rows` has some by name, the others hold their header alone."""
    unknown = set(rows) - {table.name for table in SOURCES}
    assert not unknown, f"no such tables: {unknown}"
    for table in SOURCES:
        folder = root / table.module
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{table.name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, table.column_names, restval="")
            writer.writeheader()
            writer.writerows(
                {name: "" if value is None else value for name, value in row.items()}
                for row in rows.get(table.name, ())
            )
    return root
