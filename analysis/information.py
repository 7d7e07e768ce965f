"""How well a sweep that is planned will fix the exponents: Fisher information at the current fit. Pure.

In: the curvature and noise that the runs so far show, budgets and sizes of a plan. Out: expected standard errors of a
(N* ~ C^a; that of b is the same where D = C / (k N)) by the parabolas, and of E, A, B, alpha, beta, a by the surface.
The parabola's formula is that of ml/grid_formulas.py (`exponent_error`), which the sweep prints before it starts: one formula,
one place; this module hands it what the fit has measured and the sizes that the fit will use, and searches the plans.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.parabola import window
from analysis.points import Points
from analysis.results import Fit
from analysis.surface_solver import make_problem
from ml.grid_formulas import FEWEST, SPAN

# Spacings of budgets, counts of them, and sizes of the smallest budget that are tried; no budget has under
# FEWEST sizes, which is what a parabola through the lowest loss and two sizes on each side needs.
SPACINGS = (2.0, math.sqrt(10), 4.0, 6.0, 10.0)
BUDGETS = (3, 4, 5, 6, 7)
FIRST_SIZES = (5, 6, 7, 9, 12, 15, 20)
DROPS = (0, 1, 2, 3)
TOP_STEP = 10**0.25
Profiles = Mapping[float, Mapping[float, int]]


@dataclass(frozen=True)
class Measured:
    """What the runs so far show, per log loss: second derivative in ln N, noise of a run; where each comes from."""

    curvature: float
    noise: float
    source: str


@dataclass(frozen=True)
class Plan:
    """A sweep: budgets in FLOPs, sizes of each, seeds of each size; `flops` in all."""

    budgets: tuple[float, ...]
    sizes: tuple[int, ...]
    seeds: int = 1

    @property
    def flops(self) -> float:
        """Compute of all runs."""
        return self.seeds * sum(budget * count for budget, count in zip(self.budgets, self.sizes, strict=True))

    def profiles(
        self, centres: Mapping[float, float] | None = None, span: float = SPAN
    ) -> dict[float, dict[float, int]]:
        """{budget: {N: runs}}, sizes evenly in ln N over `span` around the centres (1 where not given)."""
        out = {}
        for budget, count in zip(self.budgets, self.sizes, strict=True):
            middle = 1.0 if centres is None else centres[budget]
            steps = np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)
            out[budget] = dict.fromkeys((middle * span**steps).tolist(), self.seeds)
        return out


def measured(isoflop: Fit, between_seeds: tuple[float, int]) -> Measured | None:
    """Curvature (mean over the minima inside) and noise (the larger of that about the parabolas and that between seeds)."""
    vertices = [v for v in isoflop.details.get("vertices", ()) if v.used and v.coefficients[2] > 0]
    about = float(isoflop.details.get("noise", math.nan))
    known = [x for x in (about, between_seeds[0]) if math.isfinite(x) and x > 0]
    if not vertices or not known:
        return None
    curvature = float(np.mean([2 * v.coefficients[2] for v in vertices]))
    source = f"about the parabolas {about:.2g}, between seeds {between_seeds[0]:.2g} of the loss"
    return Measured(curvature, max(known), source)


def profiles_of(points: Points) -> dict[float, dict[float, int]]:
    """{budget: {N: runs}} of runs that are there."""
    found: dict[float, dict[float, int]] = {}
    for budget, n in zip(points.budget, points.n, strict=True):
        sizes = found.setdefault(float(budget), {})
        sizes[float(n)] = sizes.get(float(n), 0) + 1
    return found


def joined(one: Profiles, other: Profiles) -> dict[float, dict[float, int]]:
    """Runs of both; sizes are counted apart unless they are the same."""
    out = {budget: dict(sizes) for budget, sizes in one.items()}
    for budget, sizes in other.items():
        mine = out.setdefault(budget, {})
        for n, runs in sizes.items():
            mine[n] = mine.get(n, 0) + runs
    return out


def windowed(profiles: Profiles, centres: Mapping[float, float]) -> dict[float, dict[float, int]]:
    """The sizes that the local parabola will be fitted to (parabola.py), with the lowest loss expected at the centres: two on
    either side of the nearest, and all within x4 of width. Sizes beyond tell the vertex nothing."""
    out = {}
    for budget, sizes in profiles.items():
        logs = np.log(sorted(sizes))
        nearest = np.abs(logs - math.log(centres[budget])).argmin(keepdims=True)
        (keep,) = window(logs, np.ones((1, len(logs)), dtype=bool), nearest)
        out[budget] = {n: sizes[n] for n, kept in zip(sorted(sizes), keep, strict=True) if kept}
    return out


def surface_errors(estimates: Mapping[str, float], n: np.ndarray, d: np.ndarray, noise: float) -> dict[str, float]:
    """Expected standard errors of E, A, B, alpha, beta, a, b from runs at n, d (one entry a run) with `noise` of log loss.

    Fisher information of theta = (ln E, ln A', ln B', alpha, beta), A' = A / N0^alpha at the centre of the runs, under
    Gaussian noise of log loss: J'J / noise^2, J the Jacobian of the model that is fitted; the rest by the delta method, with
    a = beta / (alpha + beta). Infinite where the runs do not identify the surface.
    """
    e, a, b, alpha, beta = (estimates[name] for name in ("E", "A", "B", "alpha", "beta"))
    problem = make_problem(e + a * n**-alpha + b * d**-beta, n, d)
    centre_n, centre_d = problem.centres
    theta = np.array([math.log(e), math.log(a) - alpha * centre_n, math.log(b) - beta * centre_d, alpha, beta])
    jacobian = problem.model(theta[None])[1][0]
    names = ("E", "A", "B", "alpha", "beta", "a", "b")
    information = jacobian.T @ jacobian / noise**2
    if np.linalg.cond(information) > 1 / np.finfo(float).eps:
        return dict.fromkeys(names, math.inf)
    covariance = np.linalg.inv(information)
    total = (alpha + beta) ** 2
    gradients = np.zeros((7, 5))
    gradients[0, 0] = e
    gradients[1, [1, 3]] = a * np.array([1.0, centre_n])
    gradients[2, [2, 4]] = b * np.array([1.0, centre_d])
    gradients[3, 3] = gradients[4, 4] = 1.0
    gradients[5, 3:] = -beta / total, alpha / total
    gradients[6, 3:] = beta / total, -alpha / total
    variances = np.einsum("ij,jk,ik->i", gradients, covariance, gradients)
    return {name: math.sqrt(max(value, 0.0)) for name, value in zip(names, variances, strict=True)}


def candidates(smallest: float, largest: float) -> Iterator[Plan]:
    """Plans between two budgets: tops from the largest downwards, even spacings, more sizes at the small budgets."""
    tops = [largest / TOP_STEP**i for i in range(60) if largest / TOP_STEP**i >= smallest * SPACINGS[0] ** 2]
    for top in tops:
        for spacing in SPACINGS:
            for count in BUDGETS:
                bottom = top / spacing ** (count - 1)
                if bottom < smallest * 0.999:
                    continue
                budgets = tuple(bottom * spacing**i for i in range(count))
                for first in FIRST_SIZES:
                    for drop in DROPS:
                        sizes = tuple(max(FEWEST, first - drop * i) for i in range(count))
                        yield Plan(budgets, sizes)


def cheapest(
    smallest: float, largest: float, wanted: float, error_of: Callable[[Plan], float]
) -> tuple[Plan | None, Plan]:
    """The plan of least compute whose error, error_of(plan), is at most `wanted` (None where there is none), and the plan
    with the least error."""
    best, sharpest, least = None, None, math.inf
    for plan in candidates(smallest, largest):
        if best is not None and plan.flops >= best.flops:
            continue
        error = error_of(plan)
        if error < least or sharpest is None:
            sharpest, least = plan, error
        if error <= wanted:
            best = plan
    if sharpest is None:
        raise ValueError("no plan lies between these budgets")
    return best, sharpest
