"""The study's results as typed tables: what dbt takes into schema `analysis` of the warehouse (models_sql/analysis).

In: the study, its fits, its outlook. Out: one Arrow table a name of SCHEMAS; `write_tables` puts them in a folder as Parquet.
A number that is not known is null. Same results, same bytes: no time of day is in them.
The tables are declared here; models_sql/analysis/_analysis.yml repeats their columns with descriptions, which a test compares.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from analysis.diagnostics import parabola_noise
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.results import Fit, plain
from analysis.study import Study

TEXT, NUMBER, WHOLE, TRUTH = pa.string(), pa.float64(), pa.int64(), pa.bool_()
QUANTILES = {"q025": 0.025, "q250": 0.25, "median": 0.5, "q750": 0.75, "q975": 0.975}
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "fits": {
        **dict.fromkeys(("method", "estimate"), TEXT),
        **dict.fromkeys(("budget", "value", "low", "high"), NUMBER),
        "status": TEXT,
        "objective": NUMBER,
    },
    "intervals": {
        **dict.fromkeys(("method", "estimate", "kind"), TEXT),
        **dict.fromkeys(("value", "low", "high"), NUMBER),
    },
    "draws": {
        **dict.fromkeys(("method", "estimate"), TEXT),
        "budget": NUMBER,
        "draws": WHOLE,
        **dict.fromkeys(("mean", "sd", *QUANTILES), NUMBER),
    },
    "optima": {
        "method": TEXT,
        **dict.fromkeys(("budget", "n_opt", "d_opt", "loss_opt"), NUMBER),
        "used": TRUTH,
        "flags": TEXT,
    },
    "points": {
        "run_id": TEXT,
        "configuration": TEXT,
        **dict.fromkeys(("n", "d", "loss", "flops", "budget", "unique_tokens"), NUMBER),
    },
    "residuals": {
        **dict.fromkeys(("method", "run_id"), TEXT),
        **dict.fromkeys(("n", "d", "compute", "fitted_loss", "residual", "standardised"), NUMBER),
    },
    "residual_checks": {
        **dict.fromkeys(("method", "test", "against"), TEXT),
        **dict.fromkeys(("value", "statistic"), NUMBER),
        **dict.fromkeys(("freedom_top", "freedom"), WHOLE),
        "p": NUMBER,
        "configurations": WHOLE,
    },
    "seed_noise": {
        "configuration": TEXT,
        **dict.fromkeys(("n", "d", "budget"), NUMBER),
        "seeds": WHOLE,
        **dict.fromkeys(("mean_loss", "sd", "low", "high"), NUMBER),
        "freedom": WHOLE,
    },
    "correlations": {**dict.fromkeys(("method", "source", "parameter", "other"), TEXT), "value": NUMBER},
    "searches": {
        **dict.fromkeys(("method", "status"), TEXT),
        **dict.fromkeys(("objective", "delta"), NUMBER),
        **dict.fromkeys(("starts", "basin"), WHOLE),
        **dict.fromkeys(("gradient", "moved"), NUMBER),
        **dict.fromkeys(("unmoved", "on_bound"), TEXT),
        **dict.fromkeys(("drawn", "finite"), WHOLE),
    },
    "sensitivity": {
        **dict.fromkeys(("aspect", "choice", "method"), TEXT),
        "runs": WHOLE,
        "changed": TRUTH,
        **dict.fromkeys(("a", "a_low", "a_high", "b", "b_low", "b_high", "n_opt", "n_low", "n_high"), NUMBER),
        **dict.fromkeys(("status", "remark"), TEXT),
    },
    "cost_of_wrong": {
        **dict.fromkeys(("compute", "factor"), NUMBER),
        **dict.fromkeys(("method", "interval_of", "side"), TEXT),
        **dict.fromkeys(("n", "n_opt", "loss", "loss_opt", "excess", "needed", "wasted"), NUMBER),
        **dict.fromkeys(("status", "remark"), TEXT),
    },
    "forecasts": {
        "quantity": TEXT,
        **dict.fromkeys(("compute", "factor"), NUMBER),
        "method": TEXT,
        **dict.fromkeys(("value", "low", "high", "run_low", "run_high"), NUMBER),
        "status": TEXT,
    },
    "left_out": {
        "left_out": WHOLE,
        "budget": NUMBER,
        **dict.fromkeys(("quantity", "method"), TEXT),
        **dict.fromkeys(("predicted", "low", "high", "observed", "error"), NUMBER),
    },
    "task_laws": {
        **dict.fromkeys(("task", "scored_by", "law", "estimate"), TEXT),
        **dict.fromkeys(("value", "low", "high"), NUMBER),
        "status": TEXT,
    },
    "task_trends": {
        **dict.fromkeys(("task", "scored_by", "status"), TEXT),
        "configurations": WHOLE,
        **dict.fromkeys(("tau_compute", "p_compute", "tau_loss", "p_loss", "p_adjusted"), NUMBER),
    },
    "task_errors": {
        **dict.fromkeys(("task", "scored_by"), TEXT),
        "left_out": WHOLE,
        "law": TEXT,
        "error": NUMBER,
        "configurations": WHOLE,
    },
    "set_aside": {"run_id": TEXT, "seed": WHOLE, "status": TEXT, "why": TEXT},
    "notes": dict.fromkeys(("source", "code", "severity", "text"), TEXT),
    "report_settings": dict.fromkeys(("name", "value"), TEXT),
}


def result_tables(
    study: Study, fits: dict[str, Fit], outlook: Outlook, settings: dict[str, str]
) -> dict[str, pa.Table]:
    """Every table of SCHEMAS; `settings`: what the results depend on besides the runs (draws, seed)."""
    facts = {"shard_fingerprint": study.shard_fingerprint, "vocabulary_sha256": study.vocabulary_sha256, **settings}
    rows = {
        "fits": [row for name, fit in fits.items() for row in _fit_rows(name, fit)],
        "intervals": [row for name, fit in fits.items() for row in _interval_rows(name, fit)],
        "draws": [row for name, fit in fits.items() for row in _draw_rows(name, fit)],
        "optima": [
            (name, v.budget, v.n_opt, v.d_opt, v.loss_opt, v.used, " ".join(v.flags))
            for name, fit in fits.items()
            for v in fit.details.get("vertices", ())
        ],
        "points": list(_point_rows(study)),
        "residuals": list(_residual_rows(study, outlook)),
        "seed_noise": list(_noise_rows(study, fits, outlook)),
        **{name: [_values(row, SCHEMAS[name]) for row in rows] for name, rows in _plain_rows(outlook).items()},
        **_task_rows(outlook),
        "set_aside": [(run["run_id"], run.get("seed"), run.get("status"), run["why"]) for run in study.aside],
        "notes": [
            *(("points", note.code, note.severity, note.text) for note in study.points.notes),
            *((name, note.code, note.severity, note.text) for name, fit in fits.items() for note in fit.notes),
            *(
                (f"{trend.task} by {trend.method}: {law}", note.code, note.severity, note.text)
                for trend in outlook.trends
                for law, fit in trend.laws.items()
                for note in fit.notes
            ),
        ],
        "report_settings": list(facts.items()),
    }
    return {name: _table(columns, rows[name]) for name, columns in SCHEMAS.items()}


def write_tables(folder: Path, tables: dict[str, pa.Table]) -> None:
    """Each table as Parquet, and as CSV for who has no reader of it; null is an empty cell."""
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
        pa_csv.write_csv(table, folder / f"{name}.csv", pa_csv.WriteOptions(quoting_style="needed"))


def run_table(study: Study) -> pa.Table:
    """The fitted runs with every column that the warehouse has of them (schema runs has them too)."""
    rows = [tuple(run.get(name) for name in study.columns) for run in study.used]
    return pa.table(dict(zip(study.columns, map(list, zip(*rows, strict=True)), strict=True)))


def _fit_rows(name: str, fit: Fit) -> Iterable[tuple]:
    """A row an estimate, and one a budget where it has one per budget."""
    for estimate, value in fit.estimates.items():
        ends = fit.intervals.get(estimate, (math.nan, math.nan))
        if isinstance(value, dict):
            for budget, part in value.items():
                yield name, estimate, float(budget), part, *ends[budget], fit.status, fit.objective
        else:
            yield name, estimate, None, value, *ends, fit.status, fit.objective


def _interval_rows(name: str, fit: Fit) -> Iterable[tuple]:
    """A row an estimate and kind of interval, of the estimates that have several kinds."""
    for estimate, ends in fit.intervals.items():
        others = {kind: found[estimate] for kind, found in fit.other_intervals.items() if estimate in found}
        if others:
            for kind, (low, high) in {"bootstrap": ends, **others}.items():
                yield name, estimate, kind, fit.estimates[estimate], low, high


def _draw_rows(name: str, fit: Fit) -> Iterable[tuple]:
    """Mean, spread and quantiles of the finite draws of each estimate, per budget where it has one per budget."""
    for estimate, draws in fit.draws.items():
        if estimate not in fit.estimates:
            continue
        columns = draws.reshape(len(draws), -1).T
        of_budgets = fit.estimates[estimate] if isinstance(fit.estimates[estimate], dict) else {None: 0.0}
        for budget, column in zip(of_budgets, columns, strict=True):
            finite = column[np.isfinite(column)]
            if finite.size:
                ends = np.quantile(finite, list(QUANTILES.values()))
                where = None if budget is None else float(budget)
                yield name, estimate, where, finite.size, finite.mean(), finite.std(), *ends


def _point_rows(study: Study) -> Iterable[tuple]:
    """The runs that are fitted, as the fits see them."""
    points = study.points
    numbers = (points.n, points.d, points.loss, points.flops, points.budget, points.unique_tokens)
    for run, *values in zip(study.used, *numbers, strict=True):
        yield run["run_id"], run.get("configuration"), *values


def _plain_rows(outlook: Outlook) -> dict[str, tuple]:
    """The tables whose columns are the fields of a row's own class."""
    return {
        "forecasts": outlook.forecasts,
        "left_out": outlook.foreseen,
        "residual_checks": outlook.checks,
        "correlations": outlook.correlations,
        "searches": outlook.searches,
        "sensitivity": outlook.sensitivity,
        "cost_of_wrong": outlook.costs,
    }


def _residual_rows(study: Study, outlook: Outlook) -> Iterable[tuple]:
    """The residuals, each under its run's name."""
    for row in outlook.residuals:
        facts = (row.n, row.d, row.compute, row.fitted_loss, row.residual, row.standardised)
        yield row.method, study.used[row.run]["run_id"], *facts


def _noise_rows(study: Study, fits: dict[str, Fit], outlook: Outlook) -> Iterable[tuple]:
    """Noise between seeds, each configuration under its name, `all` for the row of all of them; then that about the parabolas."""
    codes = study.points.configuration
    names = {int(code): run.get("configuration") for code, run in zip(codes, study.used, strict=True)}
    named = [("all" if row.configuration is None else names[row.configuration], row) for row in outlook.noise]
    if PARABOLA in fits:
        named.append(("parabolas", parabola_noise(fits[PARABOLA])))
    for name, row in named:
        facts = (row.n, row.d, row.budget, row.seeds, row.mean_loss, row.sd, row.low, row.high, row.freedom)
        yield name, *facts


def _task_rows(outlook: Outlook) -> dict[str, list[tuple]]:
    """The three tables of tasks."""
    laws, trends, errors = [], [], []
    for trend in outlook.trends:
        key = (trend.task, trend.method)
        tests = {test.against: (test.tau, test.p) for test in trend.monotone}
        facts = (trend.status, trend.configurations, *tests["compute"], *tests["loss"], trend.p_adjusted)
        trends.append((*key, *facts))
        errors += [(*key, row.left_out, row.law, row.error, row.configurations) for row in trend.errors]
        for law, fit in trend.laws.items():
            laws += [
                (*key, law, name, value, *fit.intervals[name], fit.status) for name, value in fit.estimates.items()
            ]
    return {"task_laws": laws, "task_trends": trends, "task_errors": errors}


def _values(row: Any, columns: Iterable[str]) -> tuple:
    return tuple(getattr(row, name) for name in columns)


def _table(columns: dict[str, pa.DataType], rows: list[tuple]) -> pa.Table:
    """Rows as an Arrow table; what is not finite is null."""
    parts = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [pa.array(plain(part), kind) for part, kind in zip(parts, columns.values(), strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(list(columns.items())))
