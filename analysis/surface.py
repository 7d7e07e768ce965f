"""Approach 3: the parametric surface L = E + A/N^alpha + B/D^beta, under four objectives side by side.

In: points. Out: per method a Fit with E, A, B, alpha, beta and a = beta/(alpha+beta), b = alpha/(alpha+beta).
surface_least_squares, surface_huber (delta 1.345 robust sigma), surface_huber_1e3 (delta 1e-3, Hoffmann 2022) and
surface_lad differ in delta alone (terms.py). Intervals: pairs bootstrap over configurations; beside it the delta method
with Student's t, and profile likelihood (intervals.py).
Not identified: too few sizes or token counts, or all runs on one line in (log N, log D), as with one D/N ratio.
The objective reported is sum w huber(r), r^2/2 inside delta; for surface_lad it is sum w |r|; w = 1 / seeds.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis import surface_solver as solver
from analysis.points import Points
from analysis.results import Fit, Note, refused
from analysis.terms import OBJECTIVES, SIGMA_FLOOR, Terms, fit_terms, renamed

METHODS = tuple(f"surface_{name}" for name in OBJECTIVES)
LAW = Terms(
    coefficients=("A", "B"),
    exponents=("alpha", "beta"),
    derived=(
        ("a", lambda found: found["beta"] / (found["alpha"] + found["beta"])),
        ("b", lambda found: found["alpha"] / (found["alpha"] + found["beta"])),
    ),
)
NAMES = LAW.names
# Five parameters need at least one configuration more for any residual.
MIN_CONFIGURATIONS = 6
MIN_LEVELS = 3
# log D within 5% of a line in log N: one D/N ratio or a single budget, whatever the rounding.
LINE_TOLERANCE = 0.05
LACK_OF_FIT_LEVEL = 0.01


def fit_surfaces(
    points: Points, methods: tuple[str, ...], bootstrap: int, seed: int, others: bool = True
) -> tuple[Fit, ...]:
    """The named surface methods on one set of points, in the order given; `others`: with the other intervals too."""
    barred = identifiability(points)
    if barred:
        return tuple(refused(method, NAMES, "not_identified", barred) for method in methods)
    problem = solver.make_problem(points.loss, points.n, points.d)
    codes = np.unique(points.configuration, return_inverse=True)[1].reshape(-1)
    objectives = tuple(method.removeprefix("surface_") for method in methods)
    found = fit_terms(LAW, problem, codes, objectives, bootstrap, seed, others)
    fits = zip(methods, (found[name] for name in objectives), strict=True)
    return tuple(renamed(fit, method, lack_of_fit(codes, fit.details["residual"], problem)) for method, fit in fits)


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


@dataclass(frozen=True)
class Misfit:
    """F test of the residuals of configuration means `against` seed noise or a quadratic; its degrees of freedom, its p."""

    against: str
    ratio: float
    top: int
    bottom: int
    p: float


def lack_of_fit(codes: np.ndarray, residual: np.ndarray, problem: solver.Problem) -> tuple[Note, ...]:
    """A note where the residuals are more than noise."""
    found = misfit(codes, residual, problem)
    if found is None or found.p > LACK_OF_FIT_LEVEL:
        return ()
    text = f"The surface does not fit (F {found.ratio:.1f} against {found.against}, p {found.p:.1g})."
    return (Note("lack_of_fit", "warning", text),)


def misfit(codes: np.ndarray, residual: np.ndarray, problem: solver.Problem) -> Misfit | None:
    """F test of residuals of configuration means: against seed noise where there is any, else against a quadratic.

    None where too few degrees of freedom, or no noise at all, leave nothing to test.
    """
    counts = np.bincount(codes)
    mean = np.bincount(codes, residual) / counts
    groups, seeds_free = len(counts), len(residual) - len(counts)
    parameters = 1 + 2 * problem.terms
    if seeds_free >= 3:
        numerator, top = float((counts * mean**2).sum()), groups - parameters
        denominator, bottom, against = float(((residual - mean[codes]) ** 2).sum()), seeds_free, "seeds"
    else:
        x = np.stack([np.bincount(codes, column) / counts for column in problem.x])
        squares = [x[i] * x[j] for i in range(len(x)) for j in range(i, len(x))]
        design = np.column_stack([np.ones(groups), *x, *squares])
        rest = mean - design @ np.linalg.lstsq(design, mean, rcond=None)[0]
        top = design.shape[1]
        denominator, bottom, against = float((rest**2).sum()), groups - parameters - top, "a quadratic in the residuals"
        numerator = float((mean**2).sum()) - denominator
    if top < 1 or bottom < 3 or denominator <= solver.ROUNDING or np.abs(residual).max() < SIGMA_FLOOR:
        return None
    ratio = (numerator / top) / (denominator / bottom)
    return Misfit(against, ratio, top, bottom, float(stats.f.sf(ratio, top, bottom)))
