"""The study's report from the warehouse alone: `python -m analysis.report --out data/report`.

In: data/warehouse.duckdb (tables runs.runs, runs.curves, runs.isoflop_points and, once tasks are scored, runs.task_scores).
Out: a folder with index.html (one page that works offline), figures/ (SVG and PNG), tables/ (every table as CSV, and as Parquet
that `dbt run --select analysis` takes into the warehouse) and fits.json; and the main tables on standard output.
The folder is built beside its place and then moved there, so a reader never sees half a report.
Wrong: no warehouse, no table, no finished run, an --out that is not a report: one line and exit status 2.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from tqdm import tqdm

from analysis.charts import VEGA_LITE, page_spec, save
from analysis.fit import to_json
from analysis.methods import DRAWS, fit_methods
from analysis.options import add_bootstrap_options, check_bootstrap_options
from analysis.outlook import look_ahead
from analysis.page import page_colours, page_context
from analysis.result_tables import result_tables, run_table, write_tables
from analysis.results import Fit
from analysis.study import Study, read_study
from analysis.tables import BUDGET_HEADER, EXPONENT_HEADER, budget_rows, exponent_rows, text_table
from analysis.task_scores import read_task_scores, scores_by_task
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir, warehouse_path
from warehouse.provenance import git_commit

EPILOG = """examples:
  python -m analysis.report
  python -m analysis.report --out data/report --warehouse data/warehouse.duckdb
  python -m analysis.report --bootstrap 4000 --seed 7
"""
TEMPLATE = "report.html.j2"
# What a folder must hold to be taken for a report, and replaced.
PARTS = ("index.html", "fits.json", "figures", "tables")
PACKAGES = ("numpy", "scipy", "duckdb", "vl-convert-python", "torch")


def main(arguments: list[str] | None = None) -> int:
    """Read, fit, draw, write, print."""
    options = _parse(arguments)
    _check_out(options.out)
    with _steps(5) as step:
        step("reading the runs")
        study = read_study(options.warehouse)
        scores = read_task_scores(options.warehouse, study)
        step("fitting")
        fits = fit_methods(study.points, bootstrap=options.bootstrap, seed=options.seed)
        step("forecasting")
        outlook = look_ahead(study, fits, scores_by_task(scores[0], study), options.bootstrap, options.seed)
        step("composing")
        settings = {"bootstrap draws": str(options.bootstrap), "seed": str(options.seed)}
        results = result_tables(study, fits, outlook, settings)
        context = page_context(study, fits, outlook, scores, {**settings, **provenance(options.warehouse)})
        step("drawing")
        write_report(options.out, study, fits, context, results)
    print(f"report: {options.out / 'index.html'}\n")
    if fits["isoflop_parabola"].details:
        print(text_table(BUDGET_HEADER, budget_rows(fits["isoflop_parabola"])) + "\n")
    print(text_table(EXPONENT_HEADER, exponent_rows(fits)))
    return 0


def write_report(
    out: Path, study: Study, fits: dict[str, Fit], context: dict[str, Any], results: dict[str, pa.Table]
) -> None:
    """Build the report's folder beside `out` and move it there, whole."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        (part / "figures").mkdir(parents=True)
        (part / "tables").mkdir()
        for section in context["sections"]:
            for chart in section.charts:
                save(chart, part / "figures", page_colours(study))
        write_tables(part / "tables", {**results, "runs": run_table(study)})
        text = json.dumps(to_json(fits, study.points), allow_nan=False, indent=1)
        (part / "fits.json").write_text(text + "\n", encoding="utf-8")
        (part / "index.html").write_text(render(context), encoding="utf-8")
        if out.exists():
            os.replace(out, old)
        os.replace(part, out)
    finally:
        # Between the two moves the old report has no place of its own: it goes back there.
        if old.exists() and not out.exists():
            os.replace(old, out)
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def provenance(warehouse: Path) -> dict[str, str]:
    """Where the report comes from: when, from what, by which code and versions."""
    facts = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "warehouse": warehouse.name,
        "analysis code": git_commit() or "unknown (not a git checkout)",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def render(context: dict[str, Any]) -> str:
    """The page with styles, scripts and figures in it; every value is escaped, and a name that the context lacks is an error."""
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    charts = [chart for section in context["sections"] for chart in section.charts]
    specs = json.dumps({chart.name: page_spec(chart) for chart in charts}, allow_nan=False, separators=(",", ":"))
    parts = {
        "css": Markup((here / "report.css").read_text(encoding="utf-8")),
        "js": Markup((here / "report.js").read_text(encoding="utf-8")),
        "vega": Markup(_vega()),
        # No text of a run can end the script that the specifications lie in.
        "specs": Markup(specs.replace("<", "\\u003c")),
    }
    return environment.get_template(TEMPLATE).render({**context, **parts})


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that fetches nothing; bundled once a process."""
    return vl_convert.javascript_bundle(vl_version=VEGA_LITE)


def _check_out(out: Path) -> None:
    """Only a report, an empty folder or nothing may be replaced."""
    if out.is_dir():
        if any(out.iterdir()) and not all((out / name).exists() for name in PARTS):
            raise UserError(f"{out}: holds something else than a report; empty it, or name another folder with --out")
    elif out.exists():
        raise UserError(f"{out}: is a file; name a folder with --out")


@contextmanager
def _steps(total: int) -> Iterator:
    """A progress bar over the stages on a terminal, one line per stage otherwise."""
    if not sys.stderr.isatty():
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    with tqdm(total=total, leave=False, bar_format="{desc:<18} {bar} {n}/{total} {elapsed}") as bar:
        yield lambda text: (bar.update(), bar.set_description_str(text))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = ArgumentParser(
        prog="python -m analysis.report",
        description="Fit the study's runs and write its report: one HTML page, figures and tables.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    parser.add_argument("--out", type=Path, default=data_dir() / "report", help="folder of the report (data/report)")
    parser.add_argument("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (data/warehouse.duckdb)")
    add_bootstrap_options(parser, DRAWS)
    options = parser.parse_args(arguments)
    check_bootstrap_options(options)
    return options


if __name__ == "__main__":
    run_main(main)
