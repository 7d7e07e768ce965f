"""Extrapolation: what the fits foresee at a stated compute, and how well they foresaw the largest budgets left out.

In: points and their fits (methods.fit_methods). Out: `Forecast` rows (loss, N*, D* at a compute, with three bands kept
apart) and `Foreseen` rows (leave the largest budgets out). Pure; one seed.
Three bands: parameters (95% of the draws of one method), method (lowest to highest estimate over the methods, in the rows
of method `spread`), and a new run (parameters and the noise of one run together).
Baselines: `carry_forward` takes the last budget's minimum for the next; E + A C^-g alone is the method loss_compute.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.compute_law import curve_band
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import law_band
from analysis.methods import fit_methods
from analysis.optimum import compute_rule, law_of, optimum
from analysis.points import SEED_FREEDOM, Points, budget_profiles, seed_noise, subset
from analysis.results import LEAST_COUNT, UNKNOWN, Fit, percentile_interval
from analysis.surface import METHODS as SURFACES

QUANTITIES = ("loss", "n_opt", "d_opt")
SPREAD = "spread"
CARRY_FORWARD = "carry_forward"
USABLE = ("converged", "bound_hit")
SURFACE_PARAMETERS = 5
# Refits with budgets left out need intervals, not the last digit of them.
HELD_OUT_DRAWS = 200
# Two budgets are the least that a power law can be drawn through.
LEAST_BUDGETS = 2


@dataclass(frozen=True)
class Forecast:
    """One method's answer for one quantity at one compute; `factor` is compute over the largest budget fitted.

    `low`, `high`: 95% from the method's parameters (for method `spread`: lowest and highest estimate of all methods);
    `run_low`, `run_high`: 95% for the loss of one new run, its noise included.
    """

    quantity: str
    compute: float
    factor: float
    method: str
    value: float
    low: float
    high: float
    run_low: float
    run_high: float
    status: str


@dataclass(frozen=True)
class Foreseen:
    """What a method, fitted without the `left_out` largest budgets, foresaw for `budget`.

    quantity `loss` or `n_opt` (of the budget's optimum; error = predicted / observed - 1), or `runs` (error = root mean
    square of the relative error over the budget's runs; predicted, low, high and observed are then unknown).
    """

    left_out: int
    budget: float
    quantity: str
    method: str
    predicted: float
    low: float
    high: float
    observed: float
    error: float


def forecast(points: Points, fits: dict[str, Fit], compute: float, seed: int = 0) -> tuple[Forecast, ...]:
    """Loss, N* and D* at `compute` by every method that identifies them, then the spread over methods per quantity."""
    rule, noise = compute_rule(points), run_noise(points, fits)
    factor = compute / float(points.budget.max())
    rng = np.random.default_rng(seed)
    rows = []
    for name, fit in fits.items():
        for quantity, (value, low, high, draws) in method_answers(fit, rule, compute).items():
            band = new_run(draws, noise, rng, freedom_of(fit), (low, high)) if quantity == "loss" else UNKNOWN
            rows.append(Forecast(quantity, compute, factor, name, value, low, high, *band, fit.status))
    spreads = []
    for quantity in QUANTITIES:
        values = [row.value for row in rows if row.quantity == quantity and math.isfinite(row.value)]
        if len(values) > 1:
            middle = float(np.median(values))
            cells = (quantity, compute, factor, SPREAD, middle, min(values), max(values), *UNKNOWN, "converged")
            spreads.append(Forecast(*cells))
    return (*rows, *spreads)


def method_answers(fit: Fit, rule, compute: float) -> dict[str, tuple[float, float, float, np.ndarray]]:
    """By quantity: estimate, 95% ends and draws at `compute`, of what this fit tells; empty where it is not usable."""
    if fit.status not in USABLE:
        return {}
    if fit.method in SURFACES:
        best, drawn = (optimum(law_of(part), rule, compute) for part in (fit.estimates, fit.draws))
        parts = {
            "loss": (best.loss, drawn.loss),
            "n_opt": (np.exp(best.log_n), np.exp(drawn.log_n)),
            "d_opt": (best.d, drawn.d),
        }
        least = {"loss": 0.0, "n_opt": LEAST_COUNT, "d_opt": LEAST_COUNT}
        return {
            name: (float(value[0]), *percentile_interval(draws, freedom_of(fit), log=True, least=least[name]), draws)
            for name, (value, draws) in parts.items()
        }
    at = np.array([compute])
    if fit.method == LOSS_COMPUTE:
        value, low, high = (float(part[0]) for part in curve_band(fit, at))
        draws = fit.draws["E"] + fit.draws["A"] * compute ** -fit.draws["g"]
        return {"loss": (value, low, high, draws)}
    if not fit.details.get("law"):
        return {}
    found = {}
    for exponent, quantity in (("a", "n_opt"), ("b", "d_opt")):
        value, low, high = (float(part[0]) for part in law_band(fit, exponent, at))
        found[quantity] = (value, low, high, np.empty(0))
    return found


def run_noise(points: Points, fits: dict[str, Fit]) -> float:
    """Standard deviation of log loss of one run about the law: between seeds or about the surface, whichever is larger."""
    between, freedom = seed_noise(points)
    known = [between] if freedom >= SEED_FREEDOM else []
    for name in SURFACES:
        if name in fits and fits[name].status in USABLE:
            residual = fits[name].details["residual"]
            free = len(residual) - SURFACE_PARAMETERS
            if free > 0:
                known.append(math.sqrt(float((residual**2).sum()) / free))
            break
    return max(known) if known else math.nan


def freedom_of(fit: Fit) -> float:
    """Residual degrees of freedom that the fit's own intervals are stretched for; infinite where it stretches none."""
    return fit.details.get("freedom", math.inf)


def new_run(
    draws: np.ndarray, noise: float, rng: np.random.Generator, freedom: float, law: tuple[float, float]
) -> tuple[float, float]:
    """95% for the loss of one run: the draws of the law, each with the noise of a run on log loss; stretched by Student's t
    with the `freedom` of the fit, from whose residuals draws and noise both come; never inside `law`, the law's own 95%."""
    if not math.isfinite(noise) or not draws.size:
        return UNKNOWN
    low, high = percentile_interval(draws * np.exp(noise * rng.standard_normal(len(draws))), freedom, log=True)
    # Drawn noise may by chance draw the ends in; an end that is not known stays so.
    return min(low, law[0]), max(high, law[1])


def leave_largest_out(
    points: Points, fits: dict[str, Fit], most: int = 2, bootstrap: int = HELD_OUT_DRAWS, seed: int = 0
) -> tuple[Foreseen, ...]:
    """For 1 .. `most` of the largest budgets left out: the methods of `fits` refitted to the rest, against what was found.

    Observed optima are those of the local parabola on all points, where its minimum lies inside the sizes tried; elsewhere
    the loss is the lowest of the budget's configurations and N* is not compared.
    """
    budgets = np.unique(points.budget)
    seen = observed_optima(points)
    whole = compute_rule(points)
    telling = tuple(name for name, fit in fits.items() if method_answers(fit, whole, float(budgets[-1])))
    rows: list[Foreseen] = []
    for left_out in range(1, min(most, len(budgets) - LEAST_BUDGETS) + 1):
        held = budgets[-left_out:]
        rest = subset(points, points.budget < held[0])
        rule = compute_rule(rest)
        refits = fit_methods(rest, telling, bootstrap, seed, others=False)
        last = observed_optima(rest)[float(budgets[-left_out - 1])]
        for budget in map(float, held):
            loss, n_opt = seen[budget]
            answers = {name: method_answers(fit, rule, budget) for name, fit in refits.items()}
            answers[CARRY_FORWARD] = {"loss": (last[0], *UNKNOWN, None), "n_opt": (last[1], *UNKNOWN, None)}
            for name, found in answers.items():
                for quantity, truth in (("loss", loss), ("n_opt", n_opt)):
                    if quantity in found and math.isfinite(found[quantity][0]) and math.isfinite(truth):
                        value, low, high, _ = found[quantity]
                        cells = (name, value, low, high, truth, value / truth - 1)
                        rows.append(Foreseen(left_out, budget, quantity, *cells))
            mine = subset(points, points.budget == budget)
            for name, error in _run_errors(mine, refits, last[0]).items():
                rows.append(Foreseen(left_out, budget, "runs", name, math.nan, *UNKNOWN, math.nan, error))
    return tuple(rows)


def observed_optima(points: Points) -> dict[float, tuple[float, float]]:
    """(lowest loss, N*) per budget: of the local parabola where its minimum is inside, else the lowest configuration's
    loss and no N*."""
    profiles, _ = budget_profiles(points)
    found = {p.budget: (float(p.loss.min()), math.nan) for p in profiles}
    parabola = fit_methods(points, (PARABOLA,), 0)[PARABOLA]
    for vertex in parabola.details.get("vertices", ()):
        if not {"vertex_at_edge", "concave"} & set(vertex.flags):
            found[vertex.budget] = (vertex.loss_opt, vertex.n_opt)
    return found


def _run_errors(runs: Points, refits: dict[str, Fit], last_loss: float) -> dict[str, float]:
    """Root mean square relative error over `runs` of the methods that foresee a single run, and of the baselines."""
    foreseen = {CARRY_FORWARD: np.full(len(runs), last_loss)}
    for name, fit in refits.items():
        if fit.status in USABLE and name in SURFACES:
            foreseen[name] = law_of(fit.estimates).loss(np.log(runs.n), runs.d)
        elif fit.status in USABLE and name == LOSS_COMPUTE:
            foreseen[name] = curve_band(fit, runs.flops)[0]
    return {name: math.sqrt(float(((loss / runs.loss - 1) ** 2).mean())) for name, loss in foreseen.items()}
