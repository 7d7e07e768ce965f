"""Registry of the raw MIMIC-IV tables: the only list of their columns, types, keys and foreign keys.

The synthetic generator writes these headers, the loader checks files against them, dbt lands and describes its
staging models from them, and the expectations read their keys. Columns, types and keys follow MIMIC-IV v3.1; v2.2 and
3.0 have the same headers. Codes, ordinals and ids that are not plain numbers stay text (an NDC keeps its zeros). Names are
spelt as the files do: two columns of icu.procedureevents are upper case.

The tables themselves stand in tables_hosp.py and its neighbours. `python -m warehouse.mimic` writes
models_sql/staging/_staging.yml from those that the dbt project reads.
"""

import json
from pathlib import Path

from warehouse.paths import REPOSITORY
from warehouse.table import Column, Reference, Table
from warehouse.tables_ed import ED_TABLES
from warehouse.tables_hosp import HOSP_TABLES
from warehouse.tables_hosp_billing import HOSP_BILLING_TABLES
from warehouse.tables_hosp_orders import HOSP_ORDER_TABLES
from warehouse.tables_icu import ICU_TABLES

__all__ = ["SOURCES", "TABLES", "Column", "Reference", "Table", "staging_yml", "table"]

# Every table of MIMIC-IV and MIMIC-IV-ED, dictionaries last.
TABLES: tuple[Table, ...] = tuple(
    sorted(
        (*HOSP_TABLES, *HOSP_ORDER_TABLES, *HOSP_BILLING_TABLES, *ICU_TABLES, *ED_TABLES),
        key=lambda entry: entry.is_dictionary,
    )
)
# Those that the dbt project reads; a folder of raw tables must hold them and may hold the others.
SOURCES: tuple[Table, ...] = tuple(entry for entry in TABLES if entry.is_source)


def table(module: str, name: str) -> Table:
    """The table `module.name`; KeyError where the registry has none."""
    for candidate in TABLES:
        if (candidate.module, candidate.name) == (module, name):
            return candidate
    raise KeyError(f"{module}.{name}")


def staging_yml() -> str:
    """The dbt properties of every staging model: descriptions, keys and NOT NULLs, as the registry has them."""
    lines = [
        "# Written by `python -m warehouse.mimic` from warehouse/mimic.py: edit that, not this.",
        "version: 2",
        "",
        "models:",
    ]
    for entry in SOURCES:
        description = (
            f"Raw table {entry.full_name}, as far as models read it, typed and otherwise untouched; {entry.grain}."
        )
        lines += [
            f"  - name: {entry.staging_model}",
            f"    description: {json.dumps(description)}",
            "    columns:",
        ]
        for column in (column for column in entry.columns if column.is_landed):
            lines += [f"      - name: {column.name}", f"        data_type: {column.type}"]
            lines.append(f"        description: {json.dumps(column.description)}")
        lines += [
            "      - name: unreadable_columns",
            "        data_type: text",
            "        description: Columns whose raw text could not be read as their type, comma-separated; NULL where all could.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    path = Path(REPOSITORY, "models_sql", "staging", "_staging.yml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(staging_yml())
    print(path)


if __name__ == "__main__":
    main()
