"""Approach 3: the parametric surface L = E + A/N^alpha + B/D^beta, under four objectives side by side.

In: points. Out: per method a Fit with E, A, B, alpha, beta and a = beta/(alpha+beta), b = alpha/(alpha+beta).
surface_least_squares, surface_huber (delta 1.345 robust sigma), surface_huber_1e3 (delta 1e-3, Hoffmann 2022) and
surface_lad differ in delta alone; all are on log loss, so one scale of error holds from small to large losses.
Every configuration counts once: its seeds share its weight. Intervals: pairs bootstrap over configurations.
Not identified: too few sizes or token counts, or all runs on one line in (log N, log D), as with one D/N ratio.
The objective reported is sum w huber(r), r^2/2 inside delta; for surface_lad it is sum w |r|.
"""

import math

import numpy as np
from scipy import stats

from analysis import surface_solver as solver
from analysis.points import Points
from analysis.results import Fit, Note, percentile_interval, refused

# Every method's delta is in fit_surfaces, by this order.
METHODS = ("surface_least_squares", "surface_huber", "surface_huber_1e3", "surface_lad")
NAMES = ("E", "A", "B", "alpha", "beta", "a", "b")
STARTS = 24
# 95% efficiency under Gaussian noise (Huber 1964).
HUBER_SIGMAS = 1.345
# Chinchilla's delta: in effect least absolute deviations for noise above it.
CHINCHILLA_DELTA = 1e-3
# Under this share of sigma the Huber objective is the sum of absolute residuals to four digits.
LAD_SIGMAS = 1e-3
# Noise below this is rounding; delta must not vanish with it.
SIGMA_FLOOR = 1e-9
# Five parameters need at least one configuration more for any residual.
MIN_CONFIGURATIONS = 6
MIN_LEVELS = 3
# log D within 5% of a line in log N: one D/N ratio or a single budget, whatever the rounding.
LINE_TOLERANCE = 0.05
# Objectives within this share of the best are in its basin.
BASIN = 1e-4
# Scaled gradient above this after polishing means that the optimiser did not arrive.
GRADIENT_LIMIT = 1e-2
LACK_OF_FIT_LEVEL = 0.01


def fit_surfaces(points: Points, methods: tuple[str, ...], bootstrap: int, seed: int) -> tuple[Fit, ...]:
    """The named surface methods on one set of points, in the order given; 95% percentile intervals."""
    barred = identifiability(points)
    if barred:
        return tuple(refused(method, NAMES, "not_identified", barred) for method in methods)
    problem = solver.make_problem(points.n, points.d, points.loss)
    codes = np.unique(points.configuration, return_inverse=True)[1].reshape(-1)
    weights = 1 / np.bincount(codes)[codes]
    starts = solver.projected_starts(problem, weights, STARTS)
    squares = _minimise(starts, problem, weights, math.inf)
    sigma = _robust_sigma(squares[0], problem, codes)
    rng = np.random.default_rng(seed)
    count = int(codes.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=bootstrap)[:, codes] * weights
    deltas = dict(zip(METHODS, (math.inf, HUBER_SIGMAS * sigma, CHINCHILLA_DELTA, LAD_SIGMAS * sigma), strict=True))
    fits = []
    for method in methods:
        delta = deltas[method]
        theta, start, reached, objective, slope = _minimise(starts, problem, weights, delta, sigma)
        draws = _bootstrap(theta, problem, drawn, delta, sigma)
        notes = [_search_note(reached, objective, slope, theta - start, delta)]
        fits.append(_assemble(method, theta, slope, delta, problem, points, weights, draws, notes))
    return tuple(fits)


def identifiability(points: Points) -> tuple[Note, ...]:
    """Why the five parameters cannot be told from these runs; empty where they can."""
    notes = []
    configurations = len(np.unique(points.configuration))
    levels = {name: len(np.unique(np.round(np.log(getattr(points, name)), 2))) for name in ("n", "d")}
    if configurations < MIN_CONFIGURATIONS:
        text = f"{configurations} configurations: 5 parameters need at least {MIN_CONFIGURATIONS}."
        notes.append(Note("few_configurations", "error", text))
    for name, count in levels.items():
        if count < MIN_LEVELS:
            text = f"Only {count} different values of {name}: its term cannot be told from E."
            notes.append(Note("few_levels", "error", text))
    if not notes:
        x, y = np.log(points.n), np.log(points.d)
        slope, level = np.polyfit(x - x.mean(), y, 1)
        if np.std(y - level - slope * (x - x.mean())) < LINE_TOLERANCE:
            kind = "one D/N ratio" if slope > 0 else "a single budget"
            text = f"All runs lie on one line in (log N, log D), as with {kind}: N and D cannot be told apart."
            notes.append(Note("one_line", "error", text))
    return tuple(notes)


def _minimise(starts: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, sigma: float = math.nan):
    """(theta, its start, starts that reached the best basin, objective, scaled gradient norm) of the best start."""
    many = np.repeat(weights[None, :], len(starts), axis=0)
    theta, objective = _continued(starts.copy(), problem, many, delta, sigma)
    best = int(objective.argmin())
    reached = int((objective <= objective[best] * (1 + BASIN) + solver.ROUNDING).sum())
    if objective[best] <= solver.ROUNDING:
        return theta[best], starts[best], reached, float(objective[best]), 0.0
    polished, value, slope = solver.polish(theta[best], problem, weights, delta)
    return polished, starts[best], reached, value, slope


def _continued(theta: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, sigma: float):
    """Descend, by way of ever smaller deltas where delta is far under sigma (its kinks trap a direct start)."""
    step = HUBER_SIGMAS * sigma
    while math.isfinite(step) and step > delta * 1.01:
        theta, _ = solver.descend(theta, problem, weights, step)
        step = max(step / 10, delta)
    return solver.descend(theta, problem, weights, delta)


def _robust_sigma(theta: np.ndarray, problem: solver.Problem, codes: np.ndarray) -> float:
    """Robust standard deviation of log loss: 1.4826 median |r|, a configuration counting once, for 5 parameters."""
    residual = problem.target - solver.model(theta[None, :], problem)[0][0]
    sizes = np.bincount(codes, np.abs(residual)) / np.bincount(codes)
    return max(1.4826 * float(np.median(sizes)) * math.sqrt(len(sizes) / max(len(sizes) - 5, 1)), SIGMA_FLOOR)


def _bootstrap(theta: np.ndarray, problem: solver.Problem, drawn: np.ndarray, delta: float, sigma: float):
    """Estimates by name, float[draws], from refits that start at the fit and at two points on either side of it."""
    best, least = None, None
    for factor in (1.0, 0.7, 1.4):
        start = np.repeat(theta[None, :], len(drawn), axis=0)
        start[:, 3:] *= factor
        found, value = _continued(start, problem, drawn, delta, sigma)
        if best is None:
            best, least = found, value
        else:
            better = value < least
            best[better], least[better] = found[better], value[better]
    return natural(best, problem)


def natural(theta: np.ndarray, problem: solver.Problem) -> dict[str, np.ndarray]:
    """E, A, B, alpha, beta, a, b as arrays from theta, float[problems, 5]."""
    log_e, log_a, log_b, alpha, beta = theta.T
    return {
        "E": np.exp(log_e),
        "A": np.exp(log_a + alpha * problem.centre_n),
        "B": np.exp(log_b + beta * problem.centre_d),
        "alpha": alpha,
        "beta": beta,
        "a": beta / (alpha + beta),
        "b": alpha / (alpha + beta),
    }


def _search_note(reached: int, objective: float, slope: float, moved: np.ndarray, delta: float) -> Note:
    """The convergence log in one line."""
    kind = "least squares" if math.isinf(delta) else f"delta {delta:.2g}"
    text = (
        f"{STARTS} starts, {reached} reached the best basin; objective {objective:.6g} ({kind}), "
        f"scaled gradient {slope:.1e}, moved {np.linalg.norm(moved):.2g} from its start."
    )
    return Note("search", "info", text)


def _assemble(method, theta, slope, delta, problem, points: Points, weights, draws, notes: list[Note]) -> Fit:
    """The Fit, with its status, bounds and lack of fit looked into."""
    residual = problem.target - solver.model(theta[None, :], problem)[0][0]
    status = "converged"
    names = ("E", "A", "B", "alpha", "beta")
    span = problem.upper - problem.lower
    hit = [
        name
        for name, at, low, high, width in zip(names, theta, problem.lower, problem.upper, span, strict=True)
        if at - low < 1e-6 * width or high - at < 1e-6 * width
    ]
    if hit:
        status = "bound_hit"
        notes.append(
            Note("bound_hit", "error", f"On a bound: {', '.join(hit)}; its value is the bound's, not the data's.")
        )
    if slope > GRADIENT_LIMIT and method != "surface_lad":
        status = "failed" if status == "converged" else status
        notes.append(Note("not_stationary", "error", f"Scaled gradient {slope:.1e} after polishing: no optimum."))
    notes += _open_ends(draws, problem)
    notes += lack_of_fit(points, residual, problem)
    objective = (
        float((weights * np.abs(residual)).sum())
        if method == "surface_lad"
        else float(solver.huber(residual, weights, delta))
    )
    estimates = {name: float(value[0]) for name, value in natural(theta[None, :], problem).items()}
    intervals = {name: percentile_interval(draws[name]) for name in NAMES}
    details = {"residual": residual, "delta": delta}
    return Fit(method, estimates, intervals, objective, status, tuple(notes), draws, details)


def _open_ends(draws: dict[str, np.ndarray], problem: solver.Problem) -> list[Note]:
    """A note where many refits end on a bound: that end of the interval is open."""
    low, high = solver.EXPONENT_BOUNDS
    least_e = math.exp(problem.lower[0])
    share = {
        name: float(np.mean((draws[name] <= low * 1.001) | (draws[name] >= high * 0.999))) for name in ("alpha", "beta")
    }
    share["E"] = float(np.mean(draws["E"] <= least_e * 1.001))
    open_ended = [f"{name} ({part:.0%})" for name, part in share.items() if part > 0.025]
    if not open_ended:
        return []
    text = f"Refits that end on a bound: {', '.join(open_ended)}; that end of the interval is open."
    return [Note("interval_on_bound", "warning", text)]


def lack_of_fit(points: Points, residual: np.ndarray, problem: solver.Problem) -> list[Note]:
    """F test of residuals of configuration means: against seed noise where there is any, else against a quadratic."""
    codes = np.unique(points.configuration, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(codes)
    mean = np.bincount(codes, residual) / counts
    groups, seeds_free = len(counts), len(residual) - len(counts)
    if seeds_free >= 3:
        numerator, top = float((counts * mean**2).sum()), groups - 5
        denominator, bottom, against = float(((residual - mean[codes]) ** 2).sum()), seeds_free, "seeds"
    else:
        x, y = (np.bincount(codes, column) / counts for column in (problem.x, problem.y))
        design = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
        rest = mean - design @ np.linalg.lstsq(design, mean, rcond=None)[0]
        denominator, bottom, against = float((rest**2).sum()), groups - 5 - 6, "a quadratic in the residuals"
        numerator, top = float((mean**2).sum()) - denominator, 6
    if top < 1 or bottom < 3 or denominator <= solver.ROUNDING or np.abs(residual).max() < SIGMA_FLOOR:
        return []
    ratio = (numerator / top) / (denominator / bottom)
    level = float(stats.f.sf(ratio, top, bottom))
    if level > LACK_OF_FIT_LEVEL:
        return []
    return [
        Note("lack_of_fit", "warning", f"The surface does not fit (F {ratio:.1f} against {against}, p {level:.1g}).")
    ]
