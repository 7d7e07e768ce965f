"""Fits of L = E + sum of A_k / x_k^alpha_k: search, bootstrap, status. The surface and the joint law are made of it.

In: loss, the scales x_k, configuration codes, `Terms` (names). Out: per method a Fit with E, A_k, alpha_k.
The methods differ in the delta of the Huber objective alone (least squares, 1.345 robust sigma, 1e-3, least absolute); all
are on log loss, so one scale of error holds from small to large losses, and summed, never averaged.
Every configuration counts once: its seeds share its weight and move together in the bootstrap.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis import surface_solver as solver
from analysis.intervals import Spread, delta_intervals, profile_intervals, spread
from analysis.points import configuration_weights
from analysis.results import Fit, Note, Search, percentile_interval

OBJECTIVES = ("least_squares", "huber", "huber_1e3", "lad")
STARTS = 24
# 95% efficiency under Gaussian noise (Huber 1964).
HUBER_SIGMAS = 1.345
# Chinchilla's delta: in effect least absolute deviations for noise above it.
CHINCHILLA_DELTA = 1e-3
# Under this share of sigma the Huber objective is the sum of absolute residuals to four digits.
LAD_SIGMAS = 1e-3
# Noise below this is rounding; delta must not vanish with it.
SIGMA_FLOOR = 1e-9
# Objectives within this share of the best are in its basin.
BASIN = 1e-4
# Scaled gradient above this after polishing means that the optimiser did not arrive.
GRADIENT_LIMIT = 1e-2
# A parameter that ends within this of its start (a cell of a grid) has not been fitted.
STILL = 1e-9
# Nearer to a bound than this share of the bounds' distance is on it.
AT_BOUND = 1e-6


@dataclass(frozen=True)
class Terms:
    """Names of a law: its coefficients and exponents per term, and what derives from the exponents (arrays to arrays)."""

    coefficients: tuple[str, ...]
    exponents: tuple[str, ...]
    derived: tuple[tuple[str, Callable[[dict[str, np.ndarray]], np.ndarray]], ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The fitted ones, in the order of theta."""
        return ("E", *self.coefficients, *self.exponents)

    @property
    def names(self) -> tuple[str, ...]:
        """All estimates."""
        return (*self.parameters, *(name for name, _ in self.derived))

    def natural(self, theta: np.ndarray, problem: solver.Problem) -> dict[str, np.ndarray]:
        """Estimates by name, float[problems], from theta, float[problems, parameters]."""
        terms = problem.terms
        exponents = theta[:, 1 + terms :]
        found = {"E": np.exp(theta[:, 0])}
        found |= dict(
            zip(self.coefficients, np.exp(theta[:, 1 : 1 + terms] + exponents * problem.centres).T, strict=True)
        )
        found |= dict(zip(self.exponents, exponents.T, strict=True))
        return found | {name: rule(found) for name, rule in self.derived}


@dataclass(frozen=True)
class Best:
    """The best of many starts: parameters, objective, how it was found."""

    theta: np.ndarray
    objective: float
    search: Search


def fit_terms(
    law: Terms,
    problem: solver.Problem,
    codes: np.ndarray,
    objectives: tuple[str, ...],
    bootstrap: int,
    seed: int,
    others: bool = True,
) -> dict[str, Fit]:
    """A Fit per objective, its `method` being the objective's name; `codes`: int[rows], the configuration of each row.

    `others`: whether to work out the other intervals too (delta method, profile likelihood), which take the most time.
    """
    weights = 1 / np.bincount(codes)[codes]
    starts = solver.projected_starts(problem, weights, STARTS)
    squares = minimise(law, starts, problem, weights, math.inf).theta
    sigma = robust_sigma(residual_of(squares, problem), codes, len(squares))
    drawn = configuration_weights(codes, bootstrap, np.random.default_rng(seed)) * weights
    deltas = dict(zip(OBJECTIVES, (math.inf, HUBER_SIGMAS * sigma, CHINCHILLA_DELTA, LAD_SIGMAS * sigma), strict=True))
    fits = {}
    for name in objectives:
        best = minimise(law, starts, problem, weights, deltas[name], sigma)
        draws = law.natural(resampled(best.theta, problem, drawn, deltas[name], sigma), problem)
        about = spread(best.theta, problem, deltas[name], codes, sigma)
        beside = _other_intervals(law, best.theta, problem, weights, deltas[name], about) if others else {}
        fits[name] = _assemble(law, name, best, deltas[name], problem, codes, draws, about, beside)
    return fits


def minimise(
    law: Terms, starts: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, sigma: float = math.nan
) -> Best:
    """Descend from every start, float[starts, parameters], and polish the best."""
    many = np.repeat(weights[None, :], len(starts), axis=0)
    theta, objective = _continued(starts.copy(), problem, many, delta, sigma)
    best = int(objective.argmin())
    reached = int((objective <= objective[best] * (1 + BASIN) + solver.ROUNDING).sum())
    found, value, slope = theta[best], float(objective[best]), 0.0
    if value > solver.ROUNDING:
        found, value, slope = solver.polish(found, problem, weights, delta)
    span = problem.upper - problem.lower
    edge = np.minimum(found - problem.lower, problem.upper - found) < AT_BOUND * span
    still = (np.abs(found - starts[best]) < STILL) & ~edge & (value > solver.ROUNDING)
    named = np.array(law.parameters)
    moved = float(np.linalg.norm(found - starts[best]))
    search = Search(len(starts), reached, slope, moved, tuple(named[still].tolist()), tuple(named[edge].tolist()))
    return Best(found, value, search)


def _continued(theta: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, sigma: float):
    """Descend, by way of ever smaller deltas where delta is far under sigma (its kinks trap a direct start)."""
    step = HUBER_SIGMAS * sigma
    while math.isfinite(step) and step > delta * 1.01:
        theta, _ = solver.descend(theta, problem, weights, step)
        step = max(step / 10, delta)
    return solver.descend(theta, problem, weights, delta)


def residual_of(theta: np.ndarray, problem: solver.Problem) -> np.ndarray:
    """Log loss less the model's, float[rows], at theta, float[parameters]."""
    return problem.target - problem.model(theta[None, :])[0][0]


def robust_sigma(residual: np.ndarray, codes: np.ndarray, parameters: int) -> float:
    """Robust standard deviation of log loss from the residuals of a fit with so many parameters: 1.4826 median |r|, a
    configuration counting once."""
    sizes = np.bincount(codes, np.abs(residual)) / np.bincount(codes)
    freedom = max(len(sizes) - parameters, 1)
    return max(1.4826 * float(np.median(sizes)) * math.sqrt(len(sizes) / freedom), SIGMA_FLOOR)


def resampled(theta: np.ndarray, problem: solver.Problem, drawn: np.ndarray, delta: float, sigma: float) -> np.ndarray:
    """Theta of every refit, float[draws, parameters], from the fit and from two points on either side of it.

    `drawn`: float[draws, rows], the weight of each row in each resample. The best of the three is chosen where the
    objective is smooth, and followed to `delta` from there.
    """
    coarse = max(delta, HUBER_SIGMAS * sigma) if math.isfinite(delta) else delta
    best, least = None, None
    for factor in (1.0, 0.7, 1.4):
        start = np.repeat(theta[None, :], len(drawn), axis=0)
        start[:, 1 + problem.terms :] *= factor
        found, value = solver.descend(start, problem, drawn, coarse)
        if best is None:
            best, least = found, value
        else:
            better = value < least
            best[better], least[better] = found[better], value[better]
    return best if coarse == delta else _continued(best, problem, drawn, delta, sigma)[0]


def quoted_intervals(law: Terms, draws: dict[str, np.ndarray], freedom: int) -> dict[str, tuple[float, float]]:
    """Bootstrap percentiles, stretched for few degrees of freedom; none of the estimates can be negative."""
    found = {}
    for name in law.names:
        low, high = percentile_interval(draws[name], freedom, log=name in law.coefficients)
        found[name] = (max(low, 0.0), high)
    return found


def _other_intervals(
    law: Terms, theta: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, about: Spread
) -> dict[str, dict[str, tuple[float, float]]]:
    """What is set beside the bootstrap: the delta method and the profile likelihood."""
    return {
        "delta": delta_intervals(law, theta, problem, about),
        "profile": profile_intervals(law, theta, problem, weights, delta, about),
    }


def _assemble(
    law: Terms,
    name: str,
    best: Best,
    delta: float,
    problem: solver.Problem,
    codes: np.ndarray,
    draws: dict[str, np.ndarray],
    about: Spread,
    beside: dict[str, dict[str, tuple[float, float]]],
) -> Fit:
    """The Fit, with its status, bounds and intervals."""
    residual = residual_of(best.theta, problem)
    weights = 1 / np.bincount(codes)[codes]
    status, notes = judge(best.search, name != "lad")
    notes = [search_note(best, delta), *notes, *open_ends(law, draws, problem)]
    objective = float((weights * np.abs(residual)).sum()) if name == "lad" else best.objective
    return Fit(
        method=name,
        estimates={key: float(value[0]) for key, value in law.natural(best.theta[None, :], problem).items()},
        intervals=quoted_intervals(law, draws, about.freedom),
        objective=objective,
        status=status,
        notes=tuple(notes),
        draws=draws,
        details={"residual": residual, "delta": delta, "covariance": about.covariance, "freedom": about.freedom},
        search=best.search,
        other_intervals=beside,
    )


def search_note(best: Best, delta: float) -> Note:
    """The convergence log in one line."""
    kind = "least squares" if math.isinf(delta) else f"delta {delta:.2g}"
    search = best.search
    text = (
        f"{search.starts} starts, {search.basin} reached the best basin; objective {best.objective:.6g} ({kind}), "
        f"scaled gradient {search.gradient:.1e}, moved {search.moved:.2g} from its start."
    )
    return Note("search", "info", text)


def judge(search: Search, smooth: bool) -> tuple[str, list[Note]]:
    """Status and notes of a search; the gradient says nothing where the objective is not `smooth`."""
    status, notes = "converged", []
    if search.on_bound:
        text = f"On a bound: {', '.join(search.on_bound)}; its value is the bound's, not the data's."
        status = "bound_hit"
        notes.append(Note("bound_hit", "error", text))
    if search.unmoved:
        text = f"Did not move from its start: {', '.join(search.unmoved)}; its value is the start's, not the data's."
        status = "failed"
        notes.append(Note("not_moved", "error", text))
    if smooth and search.gradient > GRADIENT_LIMIT:
        status = "failed" if status == "converged" else status
        text = f"Scaled gradient {search.gradient:.1e} after polishing: no optimum."
        notes.append(Note("not_stationary", "error", text))
    return status, notes


def open_ends(law: Terms, draws: dict[str, np.ndarray], problem: solver.Problem) -> list[Note]:
    """A note where many refits end on a bound: that end of the interval is open."""
    low, high = solver.EXPONENT_BOUNDS
    least_e = math.exp(problem.lower[0])
    share = {
        name: float(np.mean((draws[name] <= low * 1.001) | (draws[name] >= high * 0.999))) for name in law.exponents
    }
    share["E"] = float(np.mean(draws["E"] <= least_e * 1.001))
    open_ended = [f"{name} ({part:.0%})" for name, part in share.items() if part > 0.025]
    if not open_ended:
        return []
    text = f"Refits that end on a bound: {', '.join(open_ended)}; that end of the interval is open."
    return [Note("interval_on_bound", "warning", text)]


def renamed(fit: Fit, method: str, notes: tuple[Note, ...] = ()) -> Fit:
    """The same fit under another method's name, with more notes."""
    return replace(fit, method=method, notes=(*fit.notes, *notes))
