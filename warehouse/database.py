"""How a finished warehouse is opened: read-only, within the memory and threads that the user allows.

EHR_MEMORY_LIMIT (default 3GB) and EHR_THREADS bound DuckDB, which spills to tmp/ beside the warehouse. Wrong: no such file, one
in use by another process or written by another version (UserError).
"""

import os
from pathlib import Path

import duckdb

from warehouse.errors import UserError

DEFAULT_MEMORY_LIMIT = "3GB"


def open_read_only(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A connection that cannot write; raises UserError where the warehouse cannot be opened."""
    if not warehouse.is_file():
        raise UserError(f"no warehouse at {warehouse}; run `dbt build` first")
    config = {
        "memory_limit": os.environ.get("EHR_MEMORY_LIMIT", DEFAULT_MEMORY_LIMIT),
        "temp_directory": str(warehouse.parent / "tmp"),
    }
    if os.environ.get("EHR_THREADS"):
        config["threads"] = os.environ["EHR_THREADS"]
    try:
        connection = duckdb.connect(str(warehouse), read_only=True, config=config)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ParserException, duckdb.SyntaxException) as error:
        raise UserError(f"cannot open {warehouse}: {str(error).splitlines()[0]}") from error
    connection.execute("set enable_progress_bar = false")
    return connection
