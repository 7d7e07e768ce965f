"""What to train, given compute and a cohort: `python -m analysis.recommend --flops 1e19 --unique-tokens 3e8`.

In: compute (FLOPs, or GPU-hours with a device), unique tokens of the cohort, and runs: the warehouse's by default, else any
table that `analysis.fit` reads. Out: size, tokens, epochs, loss and, where tasks are scored, AUROC to expect, with intervals,
what each method says, and the cost of being wrong; tables, or one JSON object with --json.
Exit status 1 where the runs are too few or the compute too far beyond them for an answer. Wrong: options, files (exit 2).
"""

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from analysis.forecast import Forecast
from analysis.methods import DRAWS, fit_methods
from analysis.options import add_bootstrap_options, check_bootstrap_options
from analysis.points import MANY_EPOCHS, Points
from analysis.readers import read_points
from analysis.recommendation import Recommendation, is_refused, recommend
from analysis.results import Note, plain
from analysis.study import read_study
from analysis.tables import LABELS, count, fixed, flops, interval, text_table
from analysis.task_scores import read_task_scores, scores_by_task
from analysis.utility import Scores, TaskTrend, adjusted, predict, task_trend
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import warehouse_path

# Share of the data sheet's peak that a well-fed trainer of this kind reaches on one GPU; measure yours (runs.peak_share).
SHARE = 0.35
SECONDS_PER_HOUR = 3600
EPILOG = """examples:
  python -m analysis.recommend --flops 1e19 --unique-tokens 3e8
  python -m analysis.recommend --gpu-hours 100 --device H100 --share 0.4 --unique-tokens 3e8
  python -m analysis.recommend sweep.csv --flops 3e20 --json
runs are those of the warehouse; POINTS may be any table that `python -m analysis.fit` reads (no clinical scores then).
without --unique-tokens data are taken to be unlimited. beyond x10,000 of the largest budget no numbers are given, but with --anyway.
"""
REPEATS = {
    "fresh": "at most one epoch",
    "decay": "repeated tokens count by the repeated-data law",
    "bound": f"up to {MANY_EPOCHS:g} epochs count as fresh, further ones for nothing",
}
AUROC_HEADER = ("task", "scored by", "law", "AUROC to expect", "95%", "highest so far", "remark")


def main(arguments: list[str] | None = None) -> int:
    """Read, fit, answer, print."""
    options = _parse(arguments)
    points, scores = _read(options)
    # What is refused needs no fit.
    refused = is_refused(points, options.flops) and not options.anyway
    fits = {} if refused else fit_methods(points, bootstrap=options.bootstrap, seed=options.seed, others=False)
    asked = {} if refused else scores
    trends = adjusted(tuple(task_trend(*key, value, options.bootstrap, options.seed) for key, value in asked.items()))
    best = {key: float(value.auroc.max()) for key, value in scores.items()}
    answer = recommend(points, fits, options.flops, options.unique_tokens, options.seed, options.anyway)
    rows = _score_rows(answer, trends, best)
    if options.json:
        print(json.dumps(to_json(answer, rows, points), allow_nan=False, indent=2))
    else:
        print(as_text(answer, rows, points, options.compute_text))
    given = math.isfinite(answer.ranges["n"].value)
    return 0 if given else 1


def _read(options: argparse.Namespace) -> tuple[Points, dict[tuple[str, str], Scores]]:
    """Points; where they are the warehouse's, also the scores of each task and method of scoring."""
    if options.points is not None:
        return read_points(options.points), {}
    study = read_study(options.warehouse)
    return study.points, scores_by_task(read_task_scores(options.warehouse, study)[0], study)


def _score_rows(
    answer: Recommendation, trends: tuple[TaskTrend, ...], best: dict[tuple[str, str], float]
) -> list[dict[str, Any]]:
    """Per task and method of scoring: the AUROC that the first law with a trend foresees (two-step, one-step, loss)."""
    n, d, loss = (answer.ranges[name] for name in ("n", "d", "loss"))
    rows = []
    for trend in trends:
        row = {
            "task": trend.task,
            "method": trend.method,
            "law": None,
            "auroc": math.nan,
            "low": math.nan,
            "high": math.nan,
        }
        row |= {"best": best[trend.task, trend.method], "status": trend.status}
        # Compute alone says nothing of a cohort that is too small for it, and no law answers for a loss that is not known.
        unfit = {"one_step": answer.repeats != "fresh", "loss_error": not math.isfinite(loss.value)}
        order = [name for name in ("two_step", "one_step", "loss_error") if not unfit.get(name)]
        law = next((name for name in order if trend.laws[name].status == "converged"), None)
        if trend.status == "trend" and law is not None and math.isfinite(n.value):
            drawn = np.array([loss.value])
            auroc, low, high = predict(trend.laws[law], answer.compute, n.value, d.value, drawn)
            row |= {"law": law, "auroc": auroc, "low": low, "high": high}
        elif trend.status == "trend" and math.isfinite(n.value):
            row["status"] = "not_foreseen"
        rows.append(row)
    return rows


def to_json(answer: Recommendation, scores: list[dict[str, Any]], points: Points) -> dict[str, Any]:
    """The object of --json; what is not finite is null."""
    content = asdict(answer) | {"scores": scores, "points": len(points)}
    content["notes"] = [asdict(note) for note in (*points.notes, *answer.notes)]
    return plain(content)


def as_text(answer: Recommendation, scores: list[dict[str, Any]], points: Points, compute_text: str) -> str:
    """The answer, what each method says, the cost of being wrong, AUROC, notes."""
    cohort = f", cohort of {count(answer.unique_tokens)} tokens" if math.isfinite(answer.unique_tokens) else ""
    largest = float(points.budget.max())
    parts = [
        f"{compute_text}{cohort}; {len(points)} runs, budgets {flops(float(points.budget.min()))} to {flops(largest)} "
        f"(x{answer.factor:.3g} of the largest)"
    ]
    if math.isfinite(answer.ranges["n"].value):
        parts.append(
            f"Train ({LABELS.get(answer.method, answer.method)}; {REPEATS[answer.repeats]})\n" + _answer_table(answer)
        )
        rows = _method_rows(answer.by_method)
        parts.append(
            "What each method says, on fresh data\n"
            + text_table(("method", "N*", "95%", "D*", "95%", "loss", "95%"), rows)
        )
        if answer.wrong:
            header = ("size trained instead", "N", "loss", "above the best", "compute that would do", "wasted")
            cells = [
                (w.end, count(w.n), fixed(w.loss, 4), f"{w.excess:+.4f}", flops(w.needed), f"{w.wasted:.0%}")
                for w in answer.wrong
            ]
            parts.append("The cost of being wrong, at the same compute\n" + text_table(header, cells))
        parts.append(_scores_text(scores))
    lines = [f"  {note.severity}: {note.text}" for note in _unique((*points.notes, *answer.notes))]
    if lines:
        parts.append("Notes\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _answer_table(answer: Recommendation) -> str:
    """Size, tokens, epochs, loss and compute that would do, each with its interval."""
    forms = {
        "n": ("size N (with head)", count),
        "d": ("tokens D", count),
        "epochs": ("epochs D/U", lambda v: fixed(v, 2)),
    }
    forms["loss"] = ("loss, nats a token", lambda v: fixed(v, 4))
    rows = []
    for name, (label, form) in forms.items():
        part = answer.ranges[name]
        if math.isfinite(part.value):
            rows.append((label, form(part.value), interval((part.low, part.high), form)))
    run = interval((answer.run_low, answer.run_high), forms["loss"][1])
    rows.append(("loss of one new run", "", run))
    if math.isfinite(answer.enough):
        rows.append(("compute within 1% of that loss", flops(answer.enough), ""))
    return text_table(("", "expect", "95%"), rows)


def _method_rows(forecasts: tuple[Forecast, ...]) -> list[tuple[str, ...]]:
    """A row a method: N*, D* and loss with 95%; the last row is the spread of the estimates."""
    table: dict[str, dict[str, Forecast]] = {}
    for row in forecasts:
        table.setdefault(row.method, {})[row.quantity] = row
    rows = []
    for method, found in table.items():
        cells = [LABELS.get(method, "median, lowest and highest" if method == "spread" else method)]
        for quantity, form in (("n_opt", count), ("d_opt", count), ("loss", lambda value: fixed(value, 4))):
            row = found.get(quantity)
            cells += [form(row.value), interval((row.low, row.high), form)] if row else [form(math.nan)] * 2
        rows.append(tuple(cells))
    return rows


def _scores_text(scores: list[dict[str, Any]]) -> str:
    """AUROC to expect per task, or why there is none."""
    if not scores:
        return "AUROC to expect: none; no run of the warehouse has its clinical tasks scored (`python ml/evaluate.py`)."
    remarks = {
        "trend": "",
        "not_foreseen": "no law counts repeated tokens",
        "no_predictable_trend": "no predictable trend",
        "worse": "gets worse as models get better",
        "too_few": "too few scored runs",
    }
    rows = [
        (
            *(row["task"], row["method"], (row["law"] or "").replace("_", "-"), fixed(row["auroc"])),
            *(interval((row["low"], row["high"]), fixed), fixed(row["best"]), remarks[row["status"]]),
        )
        for row in scores
    ]
    return "AUROC to expect\n" + text_table(AUROC_HEADER, rows)


def _unique(notes: tuple[Note, ...]) -> list[Note]:
    """Notes in order, the same words once."""
    return list({note.text: note for note in notes}.values())


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; `flops` is set whichever way compute was given, `compute_text` says how."""
    parser = ArgumentParser(
        prog="python -m analysis.recommend",
        description="What size to train, on how many tokens, with what loss and AUROC to expect.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    add = parser.add_argument
    add("points", metavar="POINTS", nargs="?", help="a table of runs in place of the warehouse's")
    add("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (data/warehouse.duckdb)")
    add("--flops", type=float, help="training compute in FLOPs, as in 1e19")
    add("--gpu-hours", type=float, help="training compute as GPU-hours; needs --device or --peak")
    add("--device", help="GPU by name, as in H100 or A100: dense bfloat16 peak of its data sheet")
    add("--peak", type=float, metavar="FLOP/S", help="peak of one GPU in FLOP/s, in place of --device")
    add("--share", type=float, help=f"share of the peak that training reaches ({SHARE})")
    add("--unique-tokens", type=float, metavar="U", help="tokens of the cohort's training patients")
    add("--anyway", action="store_true", help="numbers even where the compute lies too far beyond the runs")
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add_bootstrap_options(parser, DRAWS)
    options = parser.parse_args(arguments)
    if (options.flops is None) == (options.gpu_hours is None):
        raise UserError("give the compute one way: --flops 1e19, or --gpu-hours 100 --device H100")
    if options.flops is not None and (options.device or options.peak or options.share):
        raise UserError("--device, --peak and --share go with --gpu-hours, not with --flops")
    check_bootstrap_options(options)
    for name in ("flops", "gpu_hours", "peak", "share", "unique_tokens"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"--{name.replace('_', '-')} {value:g}: give a number above 0")
    options.compute_text = f"{flops(options.flops)} FLOPs" if options.flops else _from_hours(options)
    return options


def _from_hours(options: argparse.Namespace) -> str:
    """Set options.flops from GPU-hours, peak and share; how, in words."""
    share = SHARE if options.share is None else options.share
    if share > 1:
        raise UserError(f"--share {share:g}: a share of the peak is at most 1")
    peak = options.peak
    if peak is None:
        if options.device is None:
            raise UserError("--gpu-hours needs the GPU: --device H100, or --peak in FLOP/s")
        from ml.peak import data_sheet_peak  # here, as it brings torch along, which takes seconds to load

        peak = data_sheet_peak(options.device)
        if peak is None:
            raise UserError(f"--device {options.device}: not in the table of data sheets; give --peak in FLOP/s")
    options.flops = options.gpu_hours * SECONDS_PER_HOUR * peak * share
    return f"{options.gpu_hours:g} GPU-hours at {share:.0%} of {flops(peak)} FLOP/s = {flops(options.flops)} FLOPs"


if __name__ == "__main__":
    run_main(main)
