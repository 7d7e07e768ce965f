"""The dbt-duckdb plugin (profiles.yml) that lays the inputs of dbt before it.

In memory, attached as the database `raw`, it makes: a schema per module (hosp, icu, ed) with one view per raw table, all
columns as text, empty where the file is absent or its source switched off; `registry`, the columns of those tables that staging
casts, which of them are there, and what tells their files from others; `meds`, the MEDS dataset at MEDS_ROOT, which the preset meds
reads in place of MIMIC-IV and every other leaves empty; and `reference`, the kinds of event, plausible ranges and the code mappings.
Nothing of it is written to disk.

Before dbt opens the warehouse for a command that reads raw tables, every raw file is checked; a problem stops dbt with
one line and exit status 2, and no file has been touched.
"""

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from warehouse import mappings, raw
from warehouse.errors import UserError
from warehouse.meds import dataset
from warehouse.mimic import SOURCES
from warehouse.paths import EVENT_KINDS, PLAUSIBLE_RANGES, data_dir, mapping_root, meds_root, mimic_root
from warehouse.switches import landed_tables, project_vars, reads_meds

# Commands that build models, and the selectors that leave every model over raw tables alone.
BUILDING_COMMANDS = ("run", "build")
SELECTORS_WITHOUT_RAW = ("runs", "path:models_sql/runs", "analysis", "path:models_sql/analysis")


class Plugin(BasePlugin):
    """Raw tables, registry and reference tables as sources for dbt."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        root = mimic_root()
        try:
            self.mappings = mappings.find(mapping_root())
            settings = project_vars(getattr(get_flags(), "VARS", None))
            tables = landed_tables(settings)
            self.meds: dataset.Dataset | None = None
            if reads_meds(settings):
                self.files: list[raw.RawFile] = []
                if _reads_raw_tables(get_flags()):
                    self.meds = _check_meds(meds_root())
            elif _reads_raw_tables(get_flags()):
                self.files = raw.check(root, tables, memory=data_dir() / "raw_checked.json")
            else:
                self.files = raw.locate(root, tables) if root.is_dir() else []
        except UserError as error:
            raise DbtRuntimeError(str(error)) from None
        # DuckDB opens a file but does not make its folder.
        data_dir().mkdir(parents=True, exist_ok=True)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        lay_sources(conn, self.files, self.mappings, self.meds)


def lay_sources(
    connection: DuckDBPyConnection,
    files: list[raw.RawFile],
    code_mappings: mappings.Mappings,
    meds: dataset.Dataset | None = None,
) -> None:
    """Attach the in-memory database `raw` with everything that models_sql/staging/_sources.yml declares."""
    connection.execute("attach ':memory:' as raw")
    for module in sorted({table.module for table in SOURCES}):
        connection.execute(f"create schema raw.{module}")
    selects = {file.table: raw.select_as_text(file) for file in files}
    for table in SOURCES:
        connection.execute(f"create view raw.{table.full_name} as {selects.get(table) or raw.select_nothing(table)}")
    _create_registry(connection, files)
    connection.execute("create schema raw.meds")
    connection.execute(f"create view raw.meds.data as {dataset.select_data(meds)}")
    connection.execute(f"create view raw.meds.subject_splits as {dataset.select_splits(meds)}")
    connection.execute("create schema raw.reference")
    seeds = {"event_kinds": EVENT_KINDS, "plausible_ranges": PLAUSIBLE_RANGES}
    views = mappings.selects(code_mappings) | {name: mappings.read_csv(path) for name, path in seeds.items()}
    for name, select in views.items():
        connection.execute(f"create view raw.reference.{name} as {select}")


def _check_meds(root: Path | None) -> dataset.Dataset:
    if root is None:
        raise UserError(
            "the preset meds reads the MEDS dataset that MEDS_ROOT names, which is not set; "
            "run `python -m warehouse.meds import --root DIR`"
        )
    return dataset.check(root)


def _reads_raw_tables(flags: Any) -> bool:
    if getattr(flags, "WHICH", None) not in BUILDING_COMMANDS:
        return False
    selected = getattr(flags, "SELECT", None) or ()
    return not selected or any(item not in SELECTORS_WITHOUT_RAW for item in selected)


def _create_registry(connection: DuckDBPyConnection, files: list[raw.RawFile]) -> None:
    connection.execute("create schema raw.registry")
    connection.execute(
        "create table raw.registry.columns (module text, table_name text, position integer, column_name text, data_type text)"
    )
    rows = [
        (table.module, table.name, position, column.name, column.type)
        for table in SOURCES
        for position, column in enumerate(table.columns)
        if column.is_landed
    ]
    connection.executemany("insert into raw.registry.columns values (?, ?, ?, ?, ?)", rows)
    connection.execute(
        "create table raw.registry.tables (source_table text, is_dictionary boolean, is_present boolean, file_stamp text)"
    )
    present = {file.table: f"{file.path.resolve()} {file.stamp}" for file in files}
    connection.executemany(
        "insert into raw.registry.tables values (?, ?, ?, ?)",
        [(table.full_name, table.is_dictionary, table in present, present.get(table, "absent")) for table in SOURCES],
    )
