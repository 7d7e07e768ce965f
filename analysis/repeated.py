"""Repeated data (Muennighoff 2023): how much a further epoch, or a further parameter, is still worth.

In: points with unique tokens U. Out: a Fit with E, A, B, alpha, beta (from single-epoch runs alone) and R_D, R_N.
L = E + A/N'^alpha + B/D'^beta, D' = U + U R_D (1 - exp(-(D/U - 1)/R_D)), N' likewise about U_N = min(N, N_opt(U)).
The base constants are fitted first and held; R_D and R_N follow on a grid over the whole plane (the objective has several
minima: the published R_D 15.4, R_N 5.3 is a local one), then by a polish. R_D is often unbounded above: an interval whose
end reaches the grid's is open, and said to be. Intervals: bootstrap over configurations; beside it profile likelihood.
The form falls with every epoch and every parameter; loss that rises with them is what rising.py describes.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats
from scipy.ndimage import minimum_filter
from scipy.optimize import minimize

from analysis.intervals import objective_unit
from analysis.points import Points, configuration_weights, subset
from analysis.results import CONFIDENCE, UNKNOWN, Fit, Note, Search, percentile_interval, refused
from analysis.surface import fit_surfaces
from analysis.surface_solver import descend, huber, huber_rows
from analysis.terms import BASIN, CHINCHILLA_DELTA, robust_sigma

METHOD = "repeated_data"
BASE = ("E", "A", "B", "alpha", "beta")
NAMES = (*BASE, "R_D", "R_N")
# R far under 1 means that repeats are worth nothing, over 1,000 that they are as good as new; no data tell beyond.
R_GRID = np.geomspace(0.02, 5000, 90)
# A run that repeats less than this share of its data counts as single-epoch (the last batch runs over).
SINGLE_EPOCH = 1.01
MIN_REPEATED = 4
# A step of the numerical derivative in log R.
STEP = 1e-6
# Local minima of the plane that are polished; more are ripples of the grid.
MINIMA = 8
# Every R whose best objective lies within 1% of the optimum fits about as well.
NEAR = 0.01


@dataclass(frozen=True)
class Base:
    """The constants of L = E + A/N^alpha + B/D^beta for fresh data; arrays where there are several laws at once."""

    E: float | np.ndarray
    A: float | np.ndarray
    B: float | np.ndarray
    alpha: float | np.ndarray
    beta: float | np.ndarray

    def fresh(self, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Loss at n and d where every token is seen once."""
        return self.E + self.A / n**self.alpha + self.B / d**self.beta

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
    return base.fresh(size, tokens)


@dataclass(frozen=True)
class DecayProblem:
    """Muennighoff's law for the solver: theta = (log R_D, log R_N)."""

    target: np.ndarray
    points: Points
    base: Base
    lower: np.ndarray = field(default_factory=lambda: np.log(R_GRID[[0, 0]]))
    upper: np.ndarray = field(default_factory=lambda: np.log(R_GRID[[-1, -1]]))

    def model(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log loss and its Jacobian (forward differences), as the solver wants them."""
        rows = (self.points.n, self.points.d, self.points.unique_tokens)
        moves = np.array([[0.0, 0.0], [STEP, 0.0], [0.0, STEP]])
        r_d, r_n = np.exp(theta[:, None, :] + moves).transpose(2, 0, 1)[..., None]
        value = np.log(predict(self.base, r_d, r_n, *rows))
        return value[:, 0], ((value[:, 1:] - value[:, :1]) / STEP).transpose(0, 2, 1)


@dataclass(frozen=True)
class Fresh:
    """Base constants with intervals (unknown where they were given), draws, and a note on where they come from."""

    base: Base
    intervals: dict[str, tuple[float, float]]
    draws: dict[str, np.ndarray]
    note: Note

    def completed(self, fit: Fit) -> Fit:
        """A fit of the repeated part with the base's intervals, draws and note."""
        return replace(
            fit,
            intervals=fit.intervals | self.intervals,
            draws=fit.draws | self.draws,
            notes=(self.note, *fit.notes),
        )


def repeats_of(points: Points) -> Points:
    """The runs that tell their unique tokens."""
    return subset(points, np.isfinite(points.unique_tokens) & (points.unique_tokens > 0))


def base_of(points: Points, bootstrap: int, seed: int, given: Base | None) -> Fresh | tuple[Note, ...]:
    """The base constants, as given or from the single-epoch runs; or why repeats cannot be judged from these runs."""
    known = np.isfinite(points.unique_tokens) & (points.unique_tokens > 0)
    single = known & (points.d <= points.unique_tokens * SINGLE_EPOCH)
    repeated = len(np.unique(points.configuration[known & ~single]))
    if repeated < MIN_REPEATED:
        text = f"{repeated} configurations repeat their data: at least {MIN_REPEATED} are needed to tell its worth."
        return (Note("no_repeats", "error", text),)
    if given is not None:
        note = Note(
            "base_given", "info", f"Base constants as given, held while repeats are fitted to {known.sum()} runs."
        )
        same = {name: np.full(bootstrap, getattr(given, name)) for name in BASE}
        return Fresh(given, dict.fromkeys(BASE, UNKNOWN), same, note)
    (fresh,) = fit_surfaces(subset(points, single), ("surface_huber_1e3",), bootstrap, seed, others=False)
    if fresh.status != "converged":
        why = "; ".join(note.text for note in fresh.notes if note.severity == "error")
        text = f"The {single.sum()} single-epoch runs do not identify the base constants: {why}"
        return (Note("no_base", "error", text),)
    base = Base(**{name: fresh.estimates[name] for name in BASE})
    text = f"Base constants from {single.sum()} single-epoch runs, held while repeats are fitted to {known.sum()} runs."
    intervals, draws = ({name: kind[name] for name in BASE} for kind in (fresh.intervals, fresh.draws))
    return Fresh(base, intervals, draws, Note("base_fixed", "info", text))


def fit_repeated(points: Points, fresh: Fresh | tuple[Note, ...], bootstrap: int, seed: int) -> Fit:
    """R_D and R_N from all runs with the base constants of `base_of`, with 95% intervals; refused where it says why not."""
    if isinstance(fresh, tuple):
        return refused(METHOD, NAMES, "not_identified", fresh)
    return fresh.completed(fit_decay(repeats_of(points), fresh.base, bootstrap, seed))


def fit_decay(points: Points, base: Base, bootstrap: int, seed: int) -> Fit:
    """R_D and R_N for given base constants: Huber 1e-3 on log loss, summed over rows, least over the whole plane."""
    target = np.log(points.loss)
    r_d, r_n = (part.reshape(-1, 1) for part in np.meshgrid(R_GRID, R_GRID, indexing="ij"))
    rows = (points.n, points.d, points.unique_tokens)
    cost = huber_rows(target - np.log(predict(base, r_d, r_n, *rows)), CHINCHILLA_DELTA)
    plane = cost.sum(axis=1)

    def objective(logs: np.ndarray) -> float:
        bounded = np.clip(np.exp(logs), R_GRID[0], R_GRID[-1])
        value = huber(target - np.log(predict(base, *bounded, *rows)), np.ones(len(target)), CHINCHILLA_DELTA)
        return float(value) / plane.min()

    table = plane.reshape(len(R_GRID), len(R_GRID))
    minima = local_minima(table)
    options = {"xatol": 1e-6, "fatol": 1e-10}
    ends = [minimize(objective, np.log(R_GRID[list(cell)]), method="Nelder-Mead", options=options) for cell in minima]
    polished = min(ends, key=lambda end: end.fun)
    best = np.clip(np.exp(polished.x), R_GRID[0], R_GRID[-1])
    least = float(polished.fun) * float(plane.min())
    hit = tuple(n for n, value in zip(("R_D", "R_N"), best, strict=True) if not R_GRID[0] < value < R_GRID[-1])
    basin = int(sum(end.fun <= polished.fun * (1 + BASIN) for end in ends))
    search = Search(
        len(ends), basin, math.nan, float(np.abs(polished.x - np.log(R_GRID[list(minima[0])])).max()), (), hit
    )
    draws = _bootstrap(cost, points, base, bootstrap, np.random.default_rng(seed))
    residual = target - np.log(predict(base, *best, *rows))
    intervals, notes = _ranges(table, least, best, draws)
    notes.insert(0, Note("search", "info", f"{R_GRID.size**2} cells of a grid; {len(ends)} local minima polished."))
    if hit:
        text = f"On a bound: {', '.join(hit)}; its value is the bound's, not the data's."
        notes.append(Note("bound_hit", "error", text))
    estimates = {name: getattr(base, name) for name in BASE} | {"R_D": float(best[0]), "R_N": float(best[1])}
    profile = {"profile": _profile(table, least, residual, points.configuration)}
    details = {"base": base, "residual": residual}
    status = "bound_hit" if hit else "converged"
    return Fit(
        METHOD, estimates, intervals, least, status, tuple(notes), draws, details, search, other_intervals=profile
    )


def local_minima(table: np.ndarray) -> list[tuple[int, int]]:
    """Cells of the plane, least first, that no neighbour undercuts; at most MINIMA of them."""
    neighbours = minimum_filter(table, size=3, mode="nearest")
    cells = np.argwhere(table <= neighbours)
    order = np.argsort(table[tuple(cells.T)], kind="stable")[:MINIMA]
    return [(int(i), int(j)) for i, j in cells[order]]


def _ranges(
    table: np.ndarray, least: float, best: np.ndarray, draws: dict[str, np.ndarray]
) -> tuple[dict[str, tuple[float, float]], list[Note]]:
    """Bootstrap intervals, open where they reach the grid's end, and what lies within 1% of the best objective."""
    intervals, notes = dict.fromkeys(NAMES, UNKNOWN), []
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
    return intervals, notes


def _profile(
    table: np.ndarray, least: float, residual: np.ndarray, groups: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Profile-likelihood intervals of R_D and R_N on the grid; 0 and infinity where an end is open."""
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    freedom = int(codes.max()) + 1 - 2
    sigma = robust_sigma(residual, codes, 2)
    unit = objective_unit(residual, codes, CHINCHILLA_DELTA, sigma, 2)
    limit = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) ** 2
    found = {}
    for i, name in enumerate(("R_D", "R_N")):
        inside = np.flatnonzero(2 * (table.min(axis=1 - i) - least) / unit <= limit)
        if not len(inside):
            found[name] = UNKNOWN
            continue
        low = 0.0 if inside[0] == 0 else float(R_GRID[inside[0]])
        found[name] = (low, math.inf if inside[-1] == len(R_GRID) - 1 else float(R_GRID[inside[-1]]))
    return found


def _bootstrap(
    cost: np.ndarray, points: Points, base: Base, draws: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """R_D and R_N, float[draws], under resampled configurations: the best cell of the plane, then a descent from it."""
    weights = configuration_weights(points.configuration, draws, rng)
    best = (cost @ weights.T).argmin(axis=0)
    theta = np.log(np.column_stack([R_GRID[best // len(R_GRID)], R_GRID[best % len(R_GRID)]]))
    theta, _ = descend(theta, DecayProblem(np.log(points.loss), points, base), weights, CHINCHILLA_DELTA)
    return {"R_D": np.exp(theta[:, 0]), "R_N": np.exp(theta[:, 1])}
