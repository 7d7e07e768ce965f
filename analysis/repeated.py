"""Repeated data (Muennighoff 2023): how much a further epoch, or a further parameter, is still worth.

In: points with unique tokens U. Out: a Fit with E, A, B, alpha, beta (from single-epoch runs alone) and R_D, R_N.
L = E + A/N'^alpha + B/D'^beta, D' = U + U R_D (1 - exp(-(D/U - 1)/R_D)), N' likewise about U_N = min(N, N_opt(U)).
The base constants are fitted first and held; R_D and R_N follow on a grid over the whole plane (the objective has several
minima: the published R_D 15.4, R_N 5.3 is a local one), then by a polish. R_D is often unbounded above: an interval whose
end reaches the grid's is open, and said to be.
The form falls with every epoch and every parameter; loss that rises with them shows as lack of fit, not as an estimate.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from analysis.points import Points, subset
from analysis.results import UNKNOWN, Fit, Note, percentile_interval, refused
from analysis.surface import CHINCHILLA_DELTA, fit_surfaces
from analysis.surface_solver import huber

METHOD = "repeated_data"
BASE = ("E", "A", "B", "alpha", "beta")
NAMES = (*BASE, "R_D", "R_N")
# R far under 1 means that repeats are worth nothing, over 1,000 that they are as good as new; no data tell beyond.
R_GRID = np.geomspace(0.02, 5000, 90)
# A run that repeats less than this share of its data counts as single-epoch (the last batch runs over).
SINGLE_EPOCH = 1.01
MIN_REPEATED = 4
# Every R whose best objective lies within 1% of the optimum fits about as well.
NEAR = 0.01


@dataclass(frozen=True)
class Base:
    """The constants of L = E + A/N^alpha + B/D^beta for fresh data."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def best_size(self, tokens: np.ndarray) -> np.ndarray:
        """The compute-optimal N for which `tokens` are the compute-optimal D."""
        total = self.alpha + self.beta
        g = (self.alpha * self.A / (self.beta * self.B)) ** (1 / total)
        return g * (tokens * g) ** (self.beta / self.alpha)


def predict(base: Base, r_d, r_n, n: np.ndarray, d: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Loss at n, d, u (float[rows]) for r_d and r_n that broadcast against rows."""
    unique = np.minimum(d, u)
    tokens = unique * (1 - r_d * np.expm1(-(d / unique - 1) / r_d))
    needed = np.minimum(n, base.best_size(unique))
    size = needed * (1 - r_n * np.expm1(-(n / needed - 1) / r_n))
    return base.E + base.A / size**base.alpha + base.B / tokens**base.beta


def fit_repeated(points: Points, bootstrap: int, seed: int) -> Fit:
    """Base constants from single-epoch runs, then R_D and R_N from all runs, with 95% intervals."""
    known = np.isfinite(points.unique_tokens) & (points.unique_tokens > 0)
    single = known & (points.d <= points.unique_tokens * SINGLE_EPOCH)
    repeated = len(np.unique(points.configuration[known & ~single]))
    if repeated < MIN_REPEATED:
        text = f"{repeated} configurations repeat their data: at least {MIN_REPEATED} are needed to tell its worth."
        return refused(METHOD, NAMES, "not_identified", (Note("no_repeats", "error", text),))
    (fresh,) = fit_surfaces(subset(points, single), ("surface_huber_1e3",), bootstrap, seed)
    if fresh.status != "converged":
        why = "; ".join(note.text for note in fresh.notes if note.severity == "error")
        text = f"The {single.sum()} single-epoch runs do not identify the base constants: {why}"
        return refused(METHOD, NAMES, "not_identified", (Note("no_base", "error", text),))
    base = Base(**{name: fresh.estimates[name] for name in BASE})
    fit = fit_decay(subset(points, known), base, bootstrap, seed)
    intervals = fit.intervals | {name: fresh.intervals[name] for name in BASE}
    text = f"Base constants from {single.sum()} single-epoch runs, held while R_D and R_N are fitted to {known.sum()} runs."
    notes = (Note("base_fixed", "info", text), *fit.notes)
    draws = fit.draws | {name: fresh.draws[name] for name in BASE}
    return Fit(METHOD, fit.estimates, intervals, fit.objective, fit.status, notes, draws, fit.details)


def fit_decay(points: Points, base: Base, bootstrap: int, seed: int) -> Fit:
    """R_D and R_N for given base constants: Huber 1e-3 on log loss, summed over rows, least over the whole plane."""
    target = np.log(points.loss)
    r_d, r_n = (part.reshape(-1, 1) for part in np.meshgrid(R_GRID, R_GRID, indexing="ij"))
    rows = (points.n, points.d, points.unique_tokens)
    residual = target - np.log(predict(base, r_d, r_n, *rows))
    size = np.abs(residual)
    cost = np.where(size <= CHINCHILLA_DELTA, 0.5 * size**2, CHINCHILLA_DELTA * (size - 0.5 * CHINCHILLA_DELTA))
    plane = cost.sum(axis=1)

    def objective(logs: np.ndarray) -> float:
        bounded = np.clip(np.exp(logs), R_GRID[0], R_GRID[-1])
        value = huber(target - np.log(predict(base, *bounded, *rows)), np.ones(len(target)), CHINCHILLA_DELTA)
        return float(value) / plane.min()

    at = int(plane.argmin())
    start = np.log([r_d[at, 0], r_n[at, 0]])
    polished = minimize(objective, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
    best = np.clip(np.exp(polished.x), R_GRID[0], R_GRID[-1])
    least = float(polished.fun) * float(plane.min())
    draws = _bootstrap(cost, points.configuration, bootstrap, np.random.default_rng(seed))
    intervals, notes = dict.fromkeys(NAMES, UNKNOWN), []
    table = plane.reshape(len(R_GRID), len(R_GRID))
    for i, name in enumerate(("R_D", "R_N")):
        near = R_GRID[table.min(axis=1 - i) <= least * (1 + NEAR)]
        low, high = percentile_interval(draws[name])
        ends = [float(f"{end:.3g}") for end in (near.min(), near.max())] if len(near) else [best[i], best[i]]
        unbounded = ends[1] >= R_GRID[-1] * 0.99 or high >= R_GRID[-1] * 0.99
        intervals[name] = (low, math.inf if unbounded else high)
        text = f"{name} from {ends[0]:g} to {ends[1]:g} lies within 1% of the best objective"
        notes.append(Note("flat", "info", text + "."))
        if unbounded:
            notes.append(Note("unbounded_above", "warning", f"{text}: it is unbounded above, its interval is open."))
    hit = [name for name, value in zip(("R_D", "R_N"), best, strict=True) if not R_GRID[0] < value < R_GRID[-1]]
    if hit:
        notes.append(
            Note("bound_hit", "error", f"On a bound: {', '.join(hit)}; its value is the bound's, not the data's.")
        )
    estimates = {name: getattr(base, name) for name in BASE} | {"R_D": float(best[0]), "R_N": float(best[1])}
    status = "bound_hit" if hit else "converged"
    return Fit(METHOD, estimates, intervals, least, status, tuple(notes), draws, {"base": base})


def _bootstrap(cost: np.ndarray, groups: np.ndarray, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """R_D and R_N, float[draws], of the best grid cell under resampled configurations; cost: float[cells, rows]."""
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    count = int(codes.max()) + 1
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws)[:, codes]
    best = (cost @ weights.T).argmin(axis=0)
    return {"R_D": R_GRID[best // len(R_GRID)], "R_N": R_GRID[best % len(R_GRID)]}
