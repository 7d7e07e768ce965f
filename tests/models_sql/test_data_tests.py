"""dbt's own tests are seen to fail: each data test on data that break it, and a contract on a model that breaks it."""

import json
import shutil
from pathlib import Path

import duckdb

from tests.conftest import REPOSITORY, Build, RunDbt
from tests.models_sql.test_timelines import PATIENT, STAY
from tests.raw_tables import write_raw_tables

# Two rows that agree in all of their columns, with a word that no list of accepted values has, and one row of nothing.
_ODD = {"BIGINT": "1", "INTEGER": "1", "SMALLINT": "1", "DOUBLE": "1", "BOOLEAN": "true", "VARCHAR": "'odd'"}


def _spoil(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Put rows into a table that break whatever can be tested of a column; a view becomes a table first."""
    name = relation.replace('"', "")
    connection.execute(f"create or replace temporary table spoilt as from {name}")
    columns = connection.execute("describe spoilt").fetchall()
    odd = ", ".join(_ODD.get(kind, "null") for _, kind, *_ in columns)
    nothing = ", ".join("null" for _ in columns)
    connection.execute(f"insert into spoilt values ({odd}), ({odd}), ({nothing})")
    for kind in ("view", "table"):
        try:
            connection.execute(f"drop {kind} {name}")
        except duckdb.CatalogException:
            continue
    connection.execute(f"create table {name} as from spoilt")


def test_every_data_test_fails_on_data_that_break_it(build: Build, models: list[dict], run_dbt: RunDbt, tmp_path: Path):
    connection = build({"patients": [PATIENT], "admissions": [STAY]}, data=tmp_path, tasks=True)
    for node in models:
        _spoil(connection, node["relation_name"])
    connection.close()
    target = tmp_path / "target"
    done = run_dbt(
        *("test", "--vars", "{preset: full}", "--select", "test_type:data", "--exclude", "path:models_sql/runs"),
        *("--target-path", target),
        env={"EHR_DATA": tmp_path, "MIMIC_IV_ROOT": tmp_path / "none"},
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    names = {result["unique_id"].split(".")[2] for result in results}
    assert done.returncode == 1 and len(results) >= 50, done.stdout
    for kind in ("unique", "not_null", "accepted_values", "ledger_balances"):
        assert any(name.startswith(kind) for name in names)
    assert [result["unique_id"] for result in results if result["status"] != "fail"] == []


def test_a_model_that_breaks_its_contract_is_not_built(run_dbt: RunDbt, tmp_path: Path):
    project = tmp_path / "project"
    shutil.copytree(REPOSITORY / "models_sql", project / "models_sql")
    for name in ("dbt_project.yml", "profiles.yml", "selectors.yml", "warehouse"):
        (project / name).symlink_to(REPOSITORY / name)
    path = project / "models_sql" / "timelines" / "_timelines.yml"
    declared = path.read_text()
    assert declared.count("{name: value, data_type: string,") == 1
    path.write_text(declared.replace("{name: value, data_type: string,", "{name: value, data_type: bigint,"))
    done = run_dbt(
        *("run", "--select", "settings", "--project-dir", project),
        env={"EHR_DATA": tmp_path / "data", "MIMIC_IV_ROOT": write_raw_tables(tmp_path / "raw", {})},
    )
    assert done.returncode == 1
    assert "This model has an enforced contract that failed" in done.stdout and "value" in done.stdout
