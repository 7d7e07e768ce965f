"""What every test shares: where the shared data lie, dbt without a trace in the repository, and the models run in memory.

Tests that need data which cannot be part of the project find it by EHR_SHARED, and say so where it is not set.

`build` runs each model's own compiled SQL in dbt's order over raw tables given as rows: a fraction of a second in place of
dbt's ten. What is tested is the SQL that dbt runs, not a copy of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import pytest

from tests.raw_tables import Rows, write_raw_tables
from tests.task_tables import gather_flows, make_task
from warehouse import mappings, raw
from warehouse.dbt_plugin import lay_sources
from warehouse.mimic import SOURCES

REPOSITORY = Path(__file__).resolve().parent.parent
# Tests run side by side, one process a core: more threads each would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["GX_ANALYTICS_ENABLED"] = "False"
# What the developer has set for real data must not leak into the tests.
for _name in ("EHR_DATA", "MIMIC_IV_ROOT", "MEDS_ROOT", "MAPPING_ROOT"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data: the MIMIC-IV demo, code mappings, public scaling-law tables."""
    shared = os.environ.get("EHR_SHARED")
    if not shared:
        pytest.skip("EHR_SHARED is not set: it names the folder that holds data/mimic-iv-demo and data/scaling")
    return Path(shared) / "data"


RunDbt = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run_dbt(tmp_path_factory: pytest.TempPathFactory) -> RunDbt:
    """Run dbt in the repository with its own target and log folder: run_dbt("build", env={...})."""
    produced = tmp_path_factory.mktemp("dbt")

    def run(*arguments: str | Path, env: Mapping[str, str | Path]) -> subprocess.CompletedProcess[str]:
        own = {"DBT_TARGET_PATH": produced / "target", "DBT_LOG_PATH": produced / "logs", "DBT_USE_COLORS": "false"}
        return subprocess.run(
            [Path(sys.executable).with_name("dbt"), *arguments],
            cwd=REPOSITORY,
            env=os.environ | {name: str(value) for name, value in (own | dict(env)).items()},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def compiled(run_dbt: RunDbt, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The manifest's nodes, models and data tests with their compiled SQL, for all sources."""
    folder = tmp_path_factory.mktemp("compiled")
    target = folder / "target"
    done = run_dbt(
        "compile",
        "--vars",
        "{preset: full}",
        "--target-path",
        target,
        env={"EHR_DATA": folder / "data", "MIMIC_IV_ROOT": folder / "none"},
    )
    assert done.returncode == 0, done.stdout
    return json.loads((target / "manifest.json").read_text())["nodes"]


@pytest.fixture(scope="session")
def models(compiled: dict[str, dict]) -> list[dict]:
    """The nodes of all models over raw tables, in the order in which dbt would build them."""
    of_runs = ("runs",)
    nodes = {
        key: node
        for key, node in compiled.items()
        if node["resource_type"] == "model" and node["schema"] not in of_runs
    }
    order = TopologicalSorter(
        {key: [d for d in node["depends_on"]["nodes"] if d in nodes] for key, node in nodes.items()}
    )
    return [nodes[key] for key in order.static_order()]


Build = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def build(models: list[dict], tmp_path: Path) -> Build:
    """Build every model over raw tables; returns a connection whose default database is the warehouse.

    build(rows) takes tables as rows, build(root) a folder of files; with `data` the databases are the files data/*.duckdb. The clinical
    tasks, which take as long as all else on a few rows, are made with `tasks` alone.
    """
    count = 0

    def build_models(rows: Rows | Path, data: Path | None = None, tasks: bool = False) -> duckdb.DuckDBPyConnection:
        nonlocal count
        count += 1
        root = rows if isinstance(rows, Path) else write_raw_tables(tmp_path / f"raw{count}", rows)
        connection = duckdb.connect()
        connection.execute("set enable_progress_bar = false; set TimeZone = 'UTC'; set threads = 1")
        lay_sources(connection, raw.check(root, SOURCES), mappings.find(None))
        for database in sorted({node["database"] for node in models}):
            path = ":memory:" if data is None else data / f"{database}.duckdb"
            connection.execute(f"attach '{path}' as {database}")
        connection.execute("use warehouse")
        chosen = [node for node in models if tasks or node["schema"] != "tasks"]
        for node in chosen:
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create schema if not exists {node['database']}.{node['schema']}")
            if node["config"]["materialized"] == "task":
                make_task(connection, node)
                continue
            connection.execute(f"create {kind} {node['relation_name']} as {node['compiled_code']}")
        if tasks:
            gather_flows(connection, [node["name"] for node in chosen if node["config"]["materialized"] == "task"])
        return connection

    return build_models
