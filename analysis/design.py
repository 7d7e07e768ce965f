"""How well a planned sweep will fix the exponents, and the cheapest sweep that does: `python -m analysis.design`.

In: runs (the warehouse's by default), and either a plan (--budgets, --sizes-per-budget, --seeds) or a wanted precision
(--precision, a standard error of a). Out: expected standard errors, from Fisher information at the current fit, of the runs
so far, of the plan, and of both together; the plan's compute; with --write a file that `ml/sweep.py --plan` takes up.
Before there are runs, the curvature and noise that ml/grid_formulas.py expects stand in, and that is said.
Wrong: options, files (exit 2); a precision that no sweep up to --largest reaches (exit 1).
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.forecast import USABLE, method_answers
from analysis.information import (
    SPACINGS,
    Measured,
    Plan,
    cheapest,
    joined,
    measured,
    profiles_of,
    surface_errors,
    windowed,
)
from analysis.methods import fit_methods
from analysis.optimum import ComputeRule, compute_rule
from analysis.options import add_bootstrap_options, check_bootstrap_options
from analysis.points import Points, seed_noise
from analysis.readers import read_points
from analysis.results import Fit, plain
from analysis.tables import fixed, flops, text_table
from ml.grid_formulas import CURVATURE, SEED_NOISE, expected_centre, exponent_error, sizes_per_budget
from ml.sweep_plan import FORMAT
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.options import numbers
from warehouse.paths import warehouse_path

# Draws enough for the bootstrap's own standard error, which is shown beside the expected one.
DRAWS = 200
# A sweep is planned up to this many times the largest budget so far, where --largest does not say otherwise.
LARGEST_FACTOR = 10.0
PRECISION = 0.03
# A bootstrap error beyond this times the expected one says that more than noise is at work.
OPTIMISTIC = 1.5
METHODS = ("isoflop_parabola", "isoflop_akima", "surface_huber")
SURFACE = METHODS[-1]
EPILOG = """examples:
  python -m analysis.design --precision 0.02
  python -m analysis.design --precision 0.02 --largest 1e17 --write plan.json
  python -m analysis.design --budgets 1e15,3e15,1e16 --sizes-per-budget 7,6,5 --seeds 3
then: python ml/sweep.py --shards data/shards --plan plan.json
"""


@dataclass(frozen=True)
class Known:
    """What the runs so far tell a plan; `loss`: their geometric mean, which turns relative errors into nats."""

    points: Points | None
    fits: dict[str, Fit]
    rule: ComputeRule | None
    shown: Measured
    loss: float

    def centre(self, budget: float) -> float:
        """N* expected at a budget: by the first method that has one, else what the sweep expects before results."""
        for fit in self.fits.values():
            answer = method_answers(fit, self.rule, budget).get("n_opt")
            if answer is not None and math.isfinite(answer[0]):
                return answer[0]
        return expected_centre(budget)


def main(arguments: list[str] | None = None) -> int:
    """Read, fit, plan, print."""
    options = _parse(arguments)
    known = read_known(options.points, options.bootstrap, options.seed)
    had = {} if known.points is None or options.alone else profiles_of(known.points)
    reached = True
    if options.budgets:
        plan = Plan(tuple(options.budgets), tuple(options.sizes), options.seeds)
    else:
        plan, reached = _propose(options, known, had)
    content = describe(plan, known, had, options.precision)
    if options.write:
        _write(options.write, plan_file(plan, known, content))
    print(json.dumps(content, allow_nan=False, indent=2) if options.json else as_text(plan, known, content, options))
    if not reached:
        raise UserError(
            f"no sweep between {options.smallest:.3g} and {options.largest:.3g} FLOPs a run reaches a standard error of "
            f"{options.precision:g}; the sharpest is shown: raise --largest, or take more --seeds",
            exit_status=1,
        )
    return 0


def read_known(source: str | None, bootstrap: int, seed: int) -> Known:
    """The runs and what they show; without a source and without a warehouse, what ml/grid_formulas.py expects."""
    assumed = Measured(CURVATURE, SEED_NOISE, "expected before there are results (ml/grid_formulas.py)")
    if source is None and not warehouse_path().exists():
        return Known(None, {}, None, assumed, 1.0)
    points = read_points(source or str(warehouse_path()))
    fits = fit_methods(points, METHODS, bootstrap, seed, others=False)
    loss = float(np.exp(np.log(points.loss).mean()))
    shown = measured(fits["isoflop_parabola"], seed_noise(points))
    if shown is None:
        shown = Measured(
            CURVATURE / loss, SEED_NOISE / loss, "expected (ml/grid_formulas.py): these runs have no clean minimum"
        )
    return Known(points, fits, compute_rule(points), shown, loss)


def _propose(options: argparse.Namespace, known: Known, had: dict) -> tuple[Plan, bool]:
    """The cheapest plan of the wanted precision, or the sharpest there is and False."""
    budgets = None if known.points is None else known.points.budget
    options.smallest = options.smallest or (1e11 if budgets is None else float(budgets.min()))
    options.largest = options.largest or (1e13 if budgets is None else float(budgets.max()) * LARGEST_FACTOR)
    if options.largest < options.smallest * SPACINGS[0] ** 2:
        raise UserError(
            f"--largest {options.largest:.3g} leaves no room for three budgets above {options.smallest:.3g}; raise it, or lower --smallest"
        )
    centres: dict[float, float] = {budget: known.centre(budget) for budget in had}

    def error_of(plan: Plan) -> float:
        for budget in plan.budgets:
            if budget not in centres:
                centres[budget] = known.centre(budget)
        seeded = Plan(plan.budgets, plan.sizes, options.seeds)
        return expected(joined(had, seeded.profiles(centres)), known, centres)

    best, sharpest = cheapest(options.smallest, options.largest, options.precision, error_of)
    chosen = best or sharpest
    return Plan(chosen.budgets, chosen.sizes, options.seeds), best is not None


def expected(profiles: dict, known: Known, centres: dict[float, float]) -> float:
    """Expected standard error of a of sweeps like these, by the local parabolas (ml.grid_formulas.exponent_error)."""
    return exponent_error(windowed(profiles, centres), known.shown.curvature, known.shown.noise)


def describe(plan: Plan, known: Known, had: dict, wanted: float) -> dict[str, Any]:
    """The answer as plain values: the plan, its compute, expected standard errors of runs so far, plan and both."""
    centres = {budget: known.centre(budget) for budget in plan.budgets}
    profiles = plan.profiles(centres)
    everywhere = centres | {budget: known.centre(budget) for budget in had}
    sets = {"so_far": had, "plan": profiles, "together": joined(had, profiles)}
    errors = {name: {"a": plain(expected(runs, known, everywhere)) if runs else None} for name, runs in sets.items()}
    surface = known.fits.get(SURFACE)
    if surface is not None and surface.status in USABLE:
        planned = _runs(profiles, known.rule)
        there = np.column_stack([known.points.n, known.points.d]) if had else np.empty((0, 2))
        for name, rows in (("so_far", there), ("plan", planned), ("together", np.vstack([there, planned]))):
            found = surface_errors(surface.estimates, *rows.T, known.shown.noise) if len(rows) > 5 else {}
            errors[name] |= {f"surface_{key}": plain(value) for key, value in found.items()}
    return {
        "budgets": list(plan.budgets),
        "sizes_per_budget": list(plan.sizes),
        "seeds": plan.seeds,
        "centres": list(centres.values()),
        "runs": plan.seeds * sum(plan.sizes),
        "flops": plan.flops,
        "wanted": wanted,
        "curvature": known.shown.curvature,
        "noise": known.shown.noise,
        "source": known.shown.source,
        "expected_standard_errors": errors,
        "bootstrap_standard_error_so_far": _bootstrap_error(known),
    }


def _runs(profiles: dict, rule: ComputeRule) -> np.ndarray:
    """float[runs, 2]: N and D of every planned run."""
    rows = []
    for budget, sizes in profiles.items():
        for n, runs in sizes.items():
            d = float(rule.tokens(budget, np.array([math.log(n)]))[0])
            rows += [(n, d)] * runs
    return np.array(rows)


def _bootstrap_error(known: Known) -> float | None:
    """Standard deviation of a over the parabola's refits: what the runs so far have in fact; None where a has no refits."""
    fit = known.fits.get("isoflop_parabola")
    draws = np.empty(0) if fit is None else fit.draws.get("a", np.empty(0))
    return float(np.nanstd(draws)) if np.isfinite(draws).any() else None


def plan_file(plan: Plan, known: Known, content: dict[str, Any]) -> dict[str, Any]:
    """What ml/sweep.py --plan reads (ml/sweep_plan.py); curvature and noise in nats."""
    return {
        "format": FORMAT,
        "budgets": [float(f"{budget:.4g}") for budget in plan.budgets],
        "sizes_per_budget": list(plan.sizes),
        "centres": [round(centre) for centre in content["centres"]],
        "seeds": list(range(plan.seeds)),
        "curvature": known.shown.curvature * known.loss,
        "seed_noise": known.shown.noise * known.loss,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--write {path}: {error.strerror}") from error


def as_text(plan: Plan, known: Known, content: dict[str, Any], options: argparse.Namespace) -> str:
    """The plan, what it costs and what it will tell."""
    rows = [
        (flops(budget), str(count), f"{centre:,.0f}", flops(plan.seeds * budget * count))
        for budget, count, centre in zip(plan.budgets, plan.sizes, content["centres"], strict=True)
    ]
    parts = [
        text_table(("budget", "sizes", "around N", "compute"), rows)
        + f"\n{content['runs']} runs, {plan.seeds} seed{'s' * (plan.seeds > 1)} a size, sizes over x8 in N: {flops(plan.flops)} FLOPs"
    ]
    labels = {"so_far": "runs so far", "plan": "the plan alone", "together": "both together"}
    errors = content["expected_standard_errors"]
    shown = ("a", "surface_a", "surface_alpha", "surface_beta", "surface_E")
    header = ("expected standard error of", "a, parabolas", "a, surface", "alpha", "beta", "E")
    table = [
        (labels[name], *(fixed(math.nan if found.get(key) is None else found[key]) for key in shown))
        for name, found in errors.items()
    ]
    parts.append(text_table(header, table))
    found = content["bootstrap_standard_error_so_far"]
    lines = [
        f"curvature {content['curvature']:.3g}, noise {content['noise']:.2g} per run of log loss: {content['source']}",
        "b has the error of a. Counted is the noise of runs, no lack of fit: the errors are the least to be had.",
    ]
    if found is not None:
        lines.insert(1, f"the bootstrap of the runs so far gives a standard error of a of {found:.3f}")
        so_far = errors["so_far"]["a"]
        if so_far is not None and so_far <= content["wanted"]:
            lines.insert(0, f"the runs so far are expected to reach {content['wanted']:g} without a further sweep")
        if so_far is not None and found > OPTIMISTIC * so_far:
            lines.append(
                f"That is x{found / so_far:.1f} of what was expected of them: take the table for lower bounds, and aim lower."
            )
    parts.append("\n".join(lines))
    command = f"--plan {options.write}" if options.write else (
        f"--budgets {','.join(f'{b:.4g}' for b in plan.budgets)} --sizes-per-budget {','.join(map(str, plan.sizes))}"
        + (f" --seeds {','.join(map(str, range(plan.seeds)))}" if plan.seeds > 1 else "")
    )  # fmt: skip
    parts.append(f"python ml/sweep.py --shards data/shards {command.replace('+', '')}")
    return "\n\n".join(parts)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(
        prog="python -m analysis.design",
        description="Expected standard errors of a planned sweep, and the cheapest sweep of a wanted precision.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    add = parser.add_argument
    add("points", metavar="POINTS", nargs="?", help="runs so far: any table of `analysis.fit` (the warehouse's)")
    add("--precision", type=float, default=PRECISION, help=f"wanted standard error of a ({PRECISION})")
    add("--budgets", type=numbers(float), help="a plan of your own, as in 1e15,3e15,1e16")
    add("--sizes-per-budget", dest="sizes", type=numbers(int), help="of that plan, one number or one a budget")
    add("--seeds", type=int, default=1, help="seeds of every size (1)")
    add("--smallest", type=float, help="smallest budget to propose (the smallest so far)")
    add("--largest", type=float, help=f"largest budget to propose ({LARGEST_FACTOR:g} times the largest so far)")
    add("--alone", action="store_true", help="leave the runs so far out of the count")
    add("--write", type=Path, metavar="FILE", help="write the plan for `ml/sweep.py --plan FILE`")
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add_bootstrap_options(parser, DRAWS)
    options = parser.parse_args(arguments)
    check_bootstrap_options(options)
    for name in ("precision", "smallest", "largest", "seeds"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"--{name} {value:g}: give a number above 0")
    if options.sizes and not options.budgets:
        raise UserError("--sizes-per-budget goes with --budgets")
    if options.budgets:
        if min(options.budgets) <= 0 or len(set(options.budgets)) != len(options.budgets):
            raise UserError("--budgets: give different FLOPs above 0, as in 1e15,3e15,1e16")
        options.budgets = sorted(options.budgets)
        options.sizes = options.sizes or sizes_per_budget(len(options.budgets))
        options.sizes *= len(options.budgets) if len(options.sizes) == 1 else 1
        if len(options.sizes) != len(options.budgets) or min(options.sizes) < 1:
            raise UserError("--sizes-per-budget: give one number from 1 up, or one a budget")
    return options


if __name__ == "__main__":
    run_main(main)
