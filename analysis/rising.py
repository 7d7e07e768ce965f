"""Repeated data where loss can rise: L = E + A/N^alpha + B/D^beta + P R^delta (N/U)^kappa (2605.01640).

In: points with unique tokens U. Out: a Fit with the base constants and P, delta, kappa; R = D/U - 1, the repeats.
The last term grows with repeats and with parameters per unique token: over-fitting, which Muennighoff's law (repeated.py),
falling in every epoch and every parameter, cannot describe. Both share the base, from single-epoch runs, so that their
held-out errors compare the repeated part alone (repeat_choice.py).
Search: every cell of a grid of (level, delta, kappa), then a polish of the best; level is the term at the geometric means
of R and N/U, as a share of the median loss. P at nil means no rise: bound hit, and said so.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.points import Points, configuration_weights
from analysis.repeated import BASE, Base, Fresh, repeats_of
from analysis.results import UNKNOWN, Fit, Note, Search, percentile_interval, refused
from analysis.surface_solver import descend, huber_rows
from analysis.terms import AT_BOUND, BASIN, CHINCHILLA_DELTA

METHOD = "repeated_rising"
RISE = ("P", "delta", "kappa")
NAMES = (*BASE, *RISE)
# A rise of a ten-thousandth of the loss is under any noise; one of three times the loss was never seen.
LEVELS = np.concatenate([[0.0], np.geomspace(1e-4, 3.0, 28)])
DELTAS = np.geomspace(0.1, 4.0, 12)
KAPPAS = np.concatenate([[0.0], np.geomspace(0.1, 4.0, 11)])
# Cells that are polished: the best, and others that might lead elsewhere.
POLISHED = 8


@dataclass(frozen=True)
class Rise:
    """The repeated term: its level at the centres of log R and log N/U, its exponents, the centres."""

    level: float
    delta: float
    kappa: float
    centre_r: float
    centre_u: float

    @property
    def coefficient(self) -> float:
        """P, in nats per token."""
        return self.level * math.exp(-self.delta * self.centre_r - self.kappa * self.centre_u)


@dataclass(frozen=True)
class RiseProblem:
    """The rising law for the solver: theta = (log level, delta, kappa); `fresh` is the loss without repeats, the rest are
    centred logs of R (0 where nothing repeats, with `again` false) and of N/U. `unit`: the median loss."""

    target: np.ndarray
    fresh: np.ndarray
    log_r: np.ndarray
    log_u: np.ndarray
    again: np.ndarray
    centre_r: float
    centre_u: float
    unit: float

    @property
    def lower(self) -> np.ndarray:
        """A level of a thousandth of the least cell is nil."""
        return np.array([math.log(self.unit * LEVELS[1] * 1e-3), DELTAS[0], KAPPAS[0]])

    @property
    def upper(self) -> np.ndarray:
        """The grid's ends."""
        return np.array([math.log(self.unit * LEVELS[-1]), DELTAS[-1], KAPPAS[-1]])

    def model(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log loss and its Jacobian, as the solver wants them."""
        log_term = theta[:, :1] + theta[:, 1:2] * self.log_r + theta[:, 2:3] * self.log_u
        term = np.where(self.again, np.exp(log_term), 0.0)
        total = self.fresh + term
        share = term / total
        return np.log(total), np.stack([share, share * self.log_r, share * self.log_u], axis=2)


def make_rise_problem(points: Points, base: Base) -> RiseProblem:
    """The rising law on points that tell their unique tokens, some of which repeat."""
    repeats = np.maximum(points.d / points.unique_tokens - 1, 0)
    again = repeats > 0
    log_u = np.log(points.n / points.unique_tokens)
    log_r = np.log(np.where(again, repeats, 1.0))
    centre_r, centre_u = float(log_r[again].mean()), float(log_u[again].mean())
    return RiseProblem(
        target=np.log(points.loss),
        fresh=base.fresh(points.n, points.d),
        log_r=np.where(again, log_r - centre_r, 0.0),
        log_u=log_u - centre_u,
        again=again,
        centre_r=centre_r,
        centre_u=centre_u,
        unit=float(np.median(points.loss)),
    )


def predict_rising(base: Base, rise: Rise, n: np.ndarray, d: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Loss, float[rows]; a run that repeats nothing has no repeated term."""
    repeats = np.maximum(d / u - 1, 0)
    return base.fresh(n, d) + rise.coefficient * repeats**rise.delta * (n / u) ** rise.kappa


def fit_rising(points: Points, fresh: Fresh | tuple[Note, ...], bootstrap: int, seed: int) -> Fit:
    """P, delta and kappa from all runs with the base constants of `base_of`, with 95% intervals; refused where it says
    why not."""
    if isinstance(fresh, tuple):
        return refused(METHOD, NAMES, "not_identified", fresh)
    return fresh.completed(fit_rise(repeats_of(points), fresh.base, bootstrap, seed))


def fit_rise(points: Points, base: Base, bootstrap: int, seed: int) -> Fit:
    """P, delta and kappa for given base constants: Huber 1e-3 on log loss, summed over rows, least over the whole grid."""
    problem = make_rise_problem(points, base)
    rise, objective, search, cost = best_rise(problem)
    draws = _bootstrap(cost, points, bootstrap, np.random.default_rng(seed), problem)
    notes = [Note("search", "info", f"{len(cost)} cells of a grid; {search.basin} of {search.starts} polished agree.")]
    intervals = dict.fromkeys(NAMES, UNKNOWN)
    intervals |= {name: percentile_interval(draws[name]) for name in RISE}
    none = float((draws["P"] <= 0).mean()) if len(draws["P"]) else 0.0
    if none > 0.025:
        notes.append(Note("maybe_no_rise", "warning", f"{none:.0%} of the refits have no rising term at all."))
    if search.on_bound:
        text = f"On a bound: {', '.join(search.on_bound)}; its value is the bound's, not the data's."
        text += " Without P these runs show no rise." if "P" in search.on_bound else ""
        notes.append(Note("bound_hit", "error", text))
    estimates = {name: getattr(base, name) for name in BASE}
    estimates |= {"P": rise.coefficient, "delta": rise.delta, "kappa": rise.kappa}
    status = "bound_hit" if search.on_bound else "converged"
    residual = np.log(points.loss) - np.log(predict_rising(base, rise, points.n, points.d, points.unique_tokens))
    details = {"base": base, "rise": rise, "residual": residual}
    return Fit(METHOD, estimates, intervals, objective, status, tuple(notes), draws, details, search)


def best_rise(problem: RiseProblem) -> tuple[Rise, float, Search, np.ndarray]:
    """The best rise, its objective, the search, and the objective of each cell and row, float[cells, rows]."""
    cost = _grid_cost(problem)
    plane = cost.sum(axis=1)
    order = plane.argsort(kind="stable")
    cells = order[plane[order] < plane[0]][:POLISHED]
    if not len(cells):
        flat = Rise(0.0, DELTAS[0], KAPPAS[0], problem.centre_r, problem.centre_u)
        return flat, float(plane[0]), Search(1, 1, math.nan, 0.0, (), ("P",)), cost
    level, delta, kappa = np.array([_cell(cell) for cell in cells]).T
    starts = np.column_stack([np.log(problem.unit * level), delta, kappa])
    ends, values = descend(starts.copy(), problem, np.ones((len(cells), len(problem.target))), CHINCHILLA_DELTA)
    best = int(values.argmin())
    objective = float(values[best])
    found = ends[best]
    edge = np.minimum(found - problem.lower, problem.upper - found) < AT_BOUND * (problem.upper - problem.lower)
    on_bound = tuple(name for name, hit in zip(RISE, edge, strict=True) if hit)
    basin = int((values <= objective * (1 + BASIN)).sum())
    search = Search(len(cells), basin, math.nan, float(np.linalg.norm(found - starts[best])), (), on_bound)
    rise = Rise(math.exp(found[0]), float(found[1]), float(found[2]), problem.centre_r, problem.centre_u)
    return rise, objective, search, cost


def _cell(index: int) -> tuple[float, float, float]:
    """Level, delta and kappa of a cell of the grid."""
    level, rest = divmod(int(index), len(DELTAS) * len(KAPPAS))
    delta, kappa = divmod(rest, len(KAPPAS))
    return float(LEVELS[level]), float(DELTAS[delta]), float(KAPPAS[kappa])


def _grid_cost(problem: RiseProblem) -> np.ndarray:
    """Huber objective of every row at every cell, float[cells, rows]; the first cells have no rise."""
    grown = DELTAS[:, None, None] * problem.log_r + KAPPAS[None, :, None] * problem.log_u
    grown = np.where(problem.again, np.exp(grown), 0.0).reshape(-1, len(problem.target))
    residual = problem.target - np.log(problem.fresh + problem.unit * LEVELS[:, None, None] * grown)
    return huber_rows(residual, CHINCHILLA_DELTA).reshape(-1, len(problem.target))


def _bootstrap(
    cost: np.ndarray, points: Points, draws: int, rng: np.random.Generator, problem: RiseProblem
) -> dict[str, np.ndarray]:
    """P, delta and kappa, float[draws], under resampled configurations: the best cell, then a descent from it."""
    weights = configuration_weights(points.configuration, draws, rng)
    cells = (cost @ weights.T).argmin(axis=0)
    level, delta, kappa = np.array([_cell(cell) for cell in cells]).reshape(-1, 3).T
    rises = level > 0
    theta = np.column_stack([np.log(problem.unit * np.where(rises, level, 1.0)), delta, kappa])
    theta, _ = descend(theta, problem, weights, CHINCHILLA_DELTA)
    grown = np.exp(theta[:, 0] - theta[:, 1] * problem.centre_r - theta[:, 2] * problem.centre_u)
    return {
        "P": np.where(rises, grown, 0.0),
        "delta": np.where(rises, theta[:, 1], np.nan),
        "kappa": np.where(rises, theta[:, 2], np.nan),
    }
