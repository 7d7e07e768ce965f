"""The study's report from the warehouse alone: `python -m analysis.report --out data/report`.

In: data/warehouse.duckdb (tables runs.runs, runs.curves, runs.isoflop_points). Out: a folder with index.html (one page,
works offline), figures/ (SVG and PNG), tables/ (CSV, and Parquet that `dbt run --select analysis` takes into the warehouse) and
fits.json; and the main table on standard output.
The folder is built beside its place and then moved there, so a reader never sees half a report.
Wrong: no warehouse, no table, no finished run, an --out that is not a report: one line and exit status 2.
"""

import argparse
import base64
import csv
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tqdm import tqdm

from analysis.context import page_context, report_tables
from analysis.figures import Drawing, draw_all, save
from analysis.fit import to_json
from analysis.methods import DRAWS, fit_methods
from analysis.outlook import look_ahead
from analysis.result_tables import result_tables, write_tables
from analysis.results import Fit
from analysis.study import Study, read_study
from analysis.tables import BUDGET_HEADER, EXPONENT_HEADER, budget_rows, exponent_rows, text_table
from analysis.task_scores import read_task_scores
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir, warehouse_path
from warehouse.provenance import git_commit

EPILOG = """examples:
  python -m analysis.report
  python -m analysis.report --out data/report --warehouse data/warehouse.duckdb
  python -m analysis.report --bootstrap 4000 --seed 7
"""
TEMPLATE = "report.html.j2"
PACKAGES = ("numpy", "scipy", "matplotlib", "duckdb", "torch")


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
        outlook = look_ahead(study, fits, scores, options.bootstrap, options.seed)
        step("drawing")
        drawings = draw_all(study.points, fits, study.curves, study.used)
        step("writing")
        settings = {"bootstrap draws": str(options.bootstrap), "seed": str(options.seed)}
        results = result_tables(study, fits, outlook, settings)
        facts = {**settings, **provenance(options.warehouse)}
        write_report(options.out, study, fits, drawings, results, facts)
    print(f"report: {options.out / 'index.html'}\n")
    if fits["isoflop_parabola"].details:
        print(text_table(BUDGET_HEADER, budget_rows(fits["isoflop_parabola"])) + "\n")
    print(text_table(EXPONENT_HEADER, exponent_rows(fits)))
    return 0


def write_report(
    out: Path,
    study: Study,
    fits: dict[str, Fit],
    drawings: list[Drawing],
    results: dict[str, pa.Table],
    facts: dict[str, str],
) -> None:
    """Build the report's folder beside `out` and move it there, whole."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        (part / "figures").mkdir(parents=True)
        (part / "tables").mkdir()
        images = {drawing.name: _embedded(save(drawing, part / "figures")) for drawing in drawings}
        for name, (header, rows) in report_tables(study, fits).items():
            with (part / "tables" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows])
        write_tables(part / "tables", results)
        text = json.dumps(to_json(fits, study.points), allow_nan=False, indent=1)
        (part / "fits.json").write_text(text + "\n", encoding="utf-8")
        context = page_context(study, fits, drawings, images, facts)
        (part / "index.html").write_text(_render(context), encoding="utf-8")
        if out.exists():
            os.replace(out, old)
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def provenance(warehouse: Path) -> dict[str, str]:
    """Where the report comes from: when, from what, by which code and versions."""
    facts = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "warehouse": str(warehouse),
        "analysis code": git_commit() or "unknown (not a git checkout)",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def _embedded(svg: str) -> str:
    """An SVG as a data address, so that the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _render(context: dict) -> str:
    """The page; every value is escaped, and a name that the context lacks is an error."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(TEMPLATE).render(context)


def _check_out(out: Path) -> None:
    """Only a report, an empty folder or nothing may be replaced."""
    if out.is_dir():
        if any(out.iterdir()) and not (out / "fits.json").exists():
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
    parser.add_argument("--bootstrap", type=int, default=DRAWS, metavar="DRAWS", help=f"bootstrap draws ({DRAWS})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (0)")
    options = parser.parse_args(arguments)
    if options.bootstrap < 100:
        raise UserError(f"--bootstrap {options.bootstrap}: a 95% interval needs at least 100 draws")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: a seed is 0 or more")
    return options


if __name__ == "__main__":
    run_main(main)
