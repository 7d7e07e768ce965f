"""The compiled models, run in memory: a build of a few rows takes a fraction of a second instead of dbt's ten.

dbt compiles the project once per test process; `build` then runs each model's own compiled SQL in dbt's order over raw tables
given as rows. What is tested is the SQL that dbt runs, not a copy of it.
"""

import json
import os
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import pytest

from tests.raw_tables import Rows, write_raw_tables
from warehouse import mappings, raw
from warehouse.dbt_plugin import lay_sources

Build = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="session")
def models(run_dbt, tmp_path_factory) -> list[dict]:
    """The manifest's nodes of all models over raw tables, in the order in which dbt would build them."""
    folder = tmp_path_factory.mktemp("compiled")
    target = folder / "target"
    done = run_dbt(
        "compile", "--target-path", target, env={"EHR_DATA": folder / "data", "MIMIC_IV_ROOT": folder / "none"}
    )
    assert done.returncode == 0, done.stdout
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    nodes = {key: node for key, node in nodes.items() if node["resource_type"] == "model" and node["schema"] != "runs"}
    order = TopologicalSorter(
        {key: [d for d in node["depends_on"]["nodes"] if d in nodes] for key, node in nodes.items()}
    )
    return [nodes[key] for key in order.static_order()]


@pytest.fixture
def build(models, tmp_path) -> Build:
    """Build every model over raw tables given as rows; returns a connection whose default database is the warehouse."""
    count = 0

    def build_rows(rows: Rows | Path) -> duckdb.DuckDBPyConnection:
        nonlocal count
        count += 1
        root = rows if isinstance(rows, Path) else write_raw_tables(tmp_path / f"raw{count}", rows)
        connection = duckdb.connect()
        connection.execute("set enable_progress_bar = false; set TimeZone = 'UTC'; set threads = 1")
        lay_sources(connection, raw.check(root), mappings.find(None))
        for database in sorted({node["database"] for node in models}):
            connection.execute(f"attach ':memory:' as {database}")
        for node in models:
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create schema if not exists {node['database']}.{node['schema']}")
            connection.execute(f"create {kind} {node['relation_name']} as {node['compiled_code']}")
        connection.execute("use warehouse")
        return connection

    return build_rows


@pytest.fixture(autouse=True)
def _no_mappings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of mappings that the developer happens to have set would change tokens."""
    monkeypatch.delenv("MAPPING_ROOT", raising=False)
    os.environ.pop("MAPPING_ROOT", None)
