"""Schema `analysis`: the report's tables as the report wrote them, empty and typed before the first report."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import yaml

from analysis import compute_law, isoflop, joint, overtrained, repeated, rising, surface
from analysis.report import main
from analysis.result_tables import SCHEMAS
from tests.analysis.conftest import add_task_scores, simulate, write_warehouse
from tests.conftest import REPOSITORY, RunDbt

FOLDER = REPOSITORY / "models_sql" / "analysis"
TYPES = {"string": "string", "double": "double", "int64": "bigint", "bool": "boolean"}


def build(run_dbt: RunDbt, data: Path) -> duckdb.DuckDBPyConnection:
    ended = run_dbt("build", "--select", "analysis", env={"EHR_DATA": data})
    assert ended.returncode == 0, ended.stdout
    return duckdb.connect(str(data / "warehouse.duckdb"), read_only=True)


def test_each_table_of_the_report_is_a_model_with_its_columns_and_descriptions():
    models = {model["name"]: model for model in yaml.safe_load((FOLDER / "_analysis.yml").read_text())["models"]}
    assert set(models) == set(SCHEMAS) == {path.stem for path in FOLDER.glob("*.sql")}
    for name, columns in SCHEMAS.items():
        declared = {column["name"]: column["data_type"] for column in models[name]["columns"]}
        assert declared == {column: TYPES[str(kind)] for column, kind in columns.items()}, name
        assert models[name]["description"] and all(column["description"] for column in models[name]["columns"])
        assert models[name]["config"]["contract"]["enforced"]


def test_every_estimate_of_every_method_is_named():
    models = {model["name"]: model for model in yaml.safe_load((FOLDER / "_analysis.yml").read_text())["models"]}
    described = next(column["description"] for column in models["fits"]["columns"] if column["name"] == "estimate")
    named = described.removeprefix("Name of the estimate: ").removesuffix(".").split(", ")
    modules = (compute_law, joint, overtrained, repeated, rising, surface)
    known = {name for module in modules for name in module.NAMES} | {*isoflop.LAW_NAMES, *isoflop.BUDGET_NAMES}
    assert len(named) == len(set(named)) and set(named) == known


def test_every_row_of_the_report_is_had_by_sql(run_dbt, tmp_path):
    sweep = simulate(budgets=(1e11, 3e11, 1e12), sizes=5, noise=0.003)
    warehouse = write_warehouse(tmp_path / "warehouse.duckdb", sweep, (("x1", "failed", "disk full"),))
    add_task_scores(warehouse, sweep)
    main(["--warehouse", str(tmp_path / "warehouse.duckdb"), "--out", str(tmp_path / "report"), "--bootstrap", "100"])
    # A report of an earlier version, whose table lacked a column.
    notes = tmp_path / "report" / "tables" / "notes.parquet"
    pq.write_table(pq.read_table(notes).drop_columns(["code"]).slice(0, 0), notes)
    with build(run_dbt, tmp_path) as warehouse:
        for name, columns in SCHEMAS.items():
            written = pq.read_table(tmp_path / "report" / "tables" / f"{name}.parquet")
            found = warehouse.sql(f"select * from analysis.{name}").fetchall()
            if name != "notes":
                assert written.column_names == list(columns)
                rows = list(zip(*(written.column(column).to_pylist() for column in columns), strict=True))
                assert sorted(map(repr, found)) == sorted(map(repr, rows)), name
                assert rows, name
        exponent = warehouse.sql(
            "select value, low, high from analysis.fits where method = 'isoflop_parabola' and estimate = 'a'"
        ).fetchone()
        points = warehouse.sql("select count(*) from analysis.points").fetchone()
    assert exponent[1] < exponent[0] < exponent[2] and points == (15,)


def test_before_the_first_report_the_tables_are_empty_and_typed(run_dbt, tmp_path):
    with build(run_dbt, tmp_path) as warehouse:
        for name, columns in SCHEMAS.items():
            assert warehouse.sql(f"select count(*) from analysis.{name}").fetchone() == (0,)
            found = [column for column, *_ in warehouse.sql(f"describe analysis.{name}").fetchall()]
            assert found == list(columns)
