"""Great Expectations as the judge of figures, and its Data Docs as static HTML.

In: expectations, their figures, and a folder. Out: a verdict for each expectation, and the folder written whole or not at
all; it holds figures and queries, never a patient's row.
Great Expectations' pages take their scripts and icons from the network, and where patient data lie there often is none:
its index is then empty. So the index also gets a plain table of every figure and verdict, which needs nothing.
What can go wrong: the folder holds something other than Data Docs, or cannot be written. Great Expectations takes seconds
to import, so it is imported only when it judges.
"""

import html
import logging
import os
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from warehouse.errors import UserError
from warehouse.judgement import Expectation, Figures

# What stands for a figure that could not be computed: Great Expectations passes over nulls, and every limit is from 0 up.
MISSING = -1


def check_folder(folder: Path) -> None:
    """Raise UserError where `folder` holds something that is no Data Docs, which writing would delete."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "validations").is_dir())):
        raise UserError(f"{folder} exists and holds no Data Docs; name another folder with --docs")


def run_checkpoint(
    expectations: Sequence[Expectation], figures: Figures, folder: Path, run_name: str
) -> dict[str, bool]:
    """Judge the figures with a checkpoint and write its Data Docs to `folder`; returns the verdict by name of expectation.

    `run_name` says in the docs what was judged. Raises UserError where the folder cannot be written or holds other things.
    """
    check_folder(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        verdicts = _run(expectations, figures, partial, run_name)
        index = partial / "index.html"
        # What stands behind </body> still belongs to the page.
        index.write_text(index.read_text() + figures_table(expectations, figures, verdicts))
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write Data Docs to {folder}: {error.strerror or error}", exit_status=1) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    return verdicts


def figures_table(expectations: Sequence[Expectation], figures: Figures, verdicts: dict[str, bool]) -> str:
    """Every expectation with its figure, its limit and its verdict as an HTML table, failures first."""
    rows = []
    for expectation in sorted(expectations, key=lambda expectation: verdicts[expectation.name]):
        passed = verdicts[expectation.name]
        figure = figures[expectation.name]
        cells = (
            "passed" if passed else "FAILED",
            expectation.suite,
            expectation.name,
            expectation.description,
            "none" if figure is None else f"{figure:.6g}" if isinstance(figure, float) else f"{figure:,}",
            str(expectation.limit),
        )
        style = "" if passed else ' style="background: #fdd"'
        rows.append(f"<tr{style}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    names = ("verdict", "suite", "expectation", "what holds", "observed", "expected")
    header = "".join(f'<th style="text-align: left">{name}</th>' for name in names)
    return (
        '\n<section style="margin: 2em; font: 14px sans-serif"><h2>Figures</h2>'
        f'<table cellpadding="4"><thead><tr>{header}</tr></thead><tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></section>\n"
    )


def _run(expectations: Sequence[Expectation], figures: Figures, site: Path, run_name: str) -> dict[str, bool]:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    warnings.filterwarnings("ignore", module="great_expectations")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    import pandas as pd

    context = _context(gx, site)
    # One row holds every figure, and every suite looks at its own columns of it.
    values = {name: [MISSING if value is None else value] for name, value in figures.items()}
    batch = (
        context.data_sources.add_pandas("warehouse")
        .add_dataframe_asset("figures")
        .add_batch_definition_whole_dataframe("all")
    )
    definitions = []
    for suite in dict.fromkeys(expectation.suite for expectation in expectations):
        judged = [_judged(gx, expectation) for expectation in expectations if expectation.suite == suite]
        suite_added = context.suites.add(gx.ExpectationSuite(name=suite, expectations=judged))
        definitions.append(
            context.validation_definitions.add(gx.ValidationDefinition(name=suite, data=batch, suite=suite_added))
        )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="warehouse",
            validation_definitions=definitions,
            actions=[gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["docs"])],
            result_format={"result_format": "SUMMARY"},
        )
    )
    run_id = gx.RunIdentifier(run_name=run_name)
    outcome = checkpoint.run(batch_parameters={"dataframe": pd.DataFrame(values)}, run_id=run_id)
    return {
        result.expectation_config.kwargs["column"]: bool(result.success)
        for run in outcome.run_results.values()
        for result in run.results
    }


def _context(gx: Any, site: Path) -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site(
        site_name="docs",
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site.resolve())},
        },
    )
    return context


def _judged(gx: Any, expectation: Expectation) -> Any:
    # Over one row the maximum is the figure, and Data Docs show it as the observed value.
    return gx.expectations.ExpectColumnMaxToBeBetween(
        column=expectation.name,
        min_value=expectation.limit.low,
        max_value=expectation.limit.high,
        description=expectation.description,
        notes=f"Rows: `{expectation.query}`",
    )
