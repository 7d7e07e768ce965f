"""Residuals of the surfaces and of the local parabolas in log loss, and what is tested on them. Pure; nothing is drawn.

In: points and their fits. Out: `Residual` rows, one a method and run that the method fits, and `Check` rows.
Standardised: divided by s sqrt(1 - h), s^2 = sum r^2 / (runs - parameters), h the run's leverage (its configuration's, shared
by its seeds): about 95% lie within -2 .. 2 where the fit is right and the noise Gaussian.
Checks are on the means of configurations, so that seeds do not count as evidence twice:
- lack_of_fit: F of those means against the scatter between seeds, or, for a surface without seeds, against a quadratic.
- slope, spearman: of a surface's residuals against log N, log D, log C, as they are seen on a plot. The fit has already taken
  out most of any slope, so their p are on the safe side.
- curvature: t of x^2 as one more term of the surface beside its own five derivatives, x the centred log N, log D or log C.
- skew: t of z^3 as one more term of every budget's parabola, z = log N - centre: profiles that are no parabolas.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis import surface_solver as solver
from analysis.isoflop import METHOD as PARABOLA
from analysis.parabola import MIN_SIZES
from analysis.points import SEED_FREEDOM, Points, budget_profiles
from analysis.results import Fit
from analysis.surface import METHODS as SURFACES
from analysis.surface import misfit

# Leverage above this leaves a run no residual of its own (three points under a parabola).
FULL_LEVERAGE = 1 - 1e-6
# Residuals below this are rounding.
EXACT = 1e-12
AXES = ("log_n", "log_d", "log_c")
# Configurations below which a rank correlation can reach no small p.
FEWEST = 5


@dataclass(frozen=True)
class Residual:
    """Log loss of run `run` (its place among the points) minus the method's; `compute` as the runs count it."""

    method: str
    run: int
    n: float
    d: float
    compute: float
    fitted_loss: float
    residual: float
    standardised: float


@dataclass(frozen=True)
class Check:
    """One test on a method's residuals (see the module).

    `against`: seeds, quadratic, log_n, log_d, log_c or log_n_from_centre. `value`: root mean square of the means (lack_of_fit),
    slope, rank correlation, or the term's coefficient, all in log loss. `statistic`: F or t. `p`: two-sided for t.
    """

    method: str
    test: str
    against: str
    value: float
    statistic: float
    freedom_top: int | None
    freedom: int | None
    p: float
    configurations: int


@dataclass(frozen=True)
class _Fitted:
    """What a method left of the runs it fits: their places, residuals, derivatives by its parameters, float[runs, p]."""

    runs: np.ndarray
    residual: np.ndarray
    jacobian: np.ndarray
    codes: np.ndarray


def residual_rows(points: Points, fits: dict[str, Fit]) -> tuple[Residual, ...]:
    """Every surface on every run, then the parabolas on the runs inside their windows."""
    rows = []
    for name, left in _all_fitted(points, fits).items():
        scaled = _standardised(left)
        for run, off, unit in zip(left.runs, left.residual, scaled, strict=True):
            facts = (points.n[run], points.d[run], points.flops[run], points.loss[run] * math.exp(-off), off, unit)
            rows.append(Residual(name, int(run), *map(float, facts)))
    return tuple(rows)


def check_rows(points: Points, fits: dict[str, Fit]) -> tuple[Check, ...]:
    """The checks of every method that has residuals; a test for which too little is there has a row without numbers."""
    rows: list[Check] = []
    for name, left in _all_fitted(points, fits).items():
        groups = len(np.unique(left.codes))
        rows.append(_seed_test(name, left, points, groups))
        if name == PARABOLA:
            rows.append(_skew(left, points, groups))
            continue
        axes = {axis: np.log(x)[left.runs] for axis, x in zip(AXES, (points.n, points.d, points.flops), strict=True)}
        for axis, x in axes.items():
            rows += _along(name, axis, _means(left.codes, x), left, groups)
    return tuple(rows)


def _all_fitted(points: Points, fits: dict[str, Fit]) -> dict[str, _Fitted]:
    """By method, in the order of surfaces and then parabolas, of those that left residuals."""
    found = {}
    for name in SURFACES:
        if name in fits and "residual" in fits[name].details:
            found[name] = _of_surface(points, fits[name])
    left = _of_parabolas(points, fits[PARABOLA]) if PARABOLA in fits else None
    return found if left is None else found | {PARABOLA: left}


def _of_surface(points: Points, fit: Fit) -> _Fitted:
    """A surface's residuals and its derivatives at the estimate."""
    problem = solver.make_problem(points.loss, points.n, points.d)
    value = fit.estimates
    exponents = np.array([value["alpha"], value["beta"]])
    scales = np.log([value["A"], value["B"]]) - exponents * problem.centres
    _, jacobian = problem.model(np.array([[math.log(value["E"]), *scales, *exponents]]))
    codes = np.unique(points.configuration, return_inverse=True)[1].reshape(-1)
    return _Fitted(np.arange(len(points)), fit.details["residual"], jacobian[0], codes)


def _of_parabolas(points: Points, fit: Fit) -> _Fitted | None:
    """Residuals of the runs in the windows, a column of derivatives for each coefficient of each budget.

    Where a size has several configurations, the profile holds the best alone, and only its runs have a residual.
    """
    vertices = fit.details.get("vertices", ())
    profiles = [p for p in budget_profiles(points)[0] if len(p.n) >= MIN_SIZES]
    runs, residual, blocks = [], [], []
    for place, (profile, vertex) in enumerate(zip(profiles, vertices, strict=False)):
        mine = np.flatnonzero(points.budget == profile.budget)
        inside = {
            n: math.log(loss) for n, loss in zip(profile.n[vertex.window], profile.loss[vertex.window], strict=True)
        }
        for code in np.unique(points.configuration[mine]):
            seeds = mine[points.configuration[mine] == code]
            logs = np.log(points.loss[seeds])
            if not math.isclose(inside.get(points.n[seeds[0]], math.nan), logs.mean(), rel_tol=1e-12):
                continue
            z = math.log(points.n[seeds[0]]) - vertex.centre
            row = np.zeros(3 * len(vertices))
            row[3 * place : 3 * place + 3] = 1.0, z, z * z
            runs += seeds.tolist()
            residual += (logs - vertex.coefficients @ row[3 * place : 3 * place + 3]).tolist()
            blocks += [row] * len(seeds)
    if not runs:
        return None
    codes = np.unique(points.configuration[runs], return_inverse=True)[1].reshape(-1)
    return _Fitted(np.array(runs), np.array(residual), np.array(blocks), codes)


def _standardised(left: _Fitted) -> np.ndarray:
    """r / (s sqrt(1 - h)), float[runs]; NaN where the fit runs through the run, or leaves no degree of freedom."""
    freedom = len(left.residual) - np.linalg.matrix_rank(left.jacobian)
    if freedom < 1:
        return np.full(len(left.residual), math.nan)
    scale = math.sqrt(float((left.residual**2).sum()) / freedom)
    weights = 1 / np.bincount(left.codes)[left.codes]
    root = np.sqrt(weights)[:, None] * left.jacobian
    # Rows of an orthonormal basis: their squared length is the leverage of a row of the weighted fit.
    basis, values, _ = np.linalg.svd(root, full_matrices=False)
    leverage = (basis[:, values > values[0] * 1e-10] ** 2).sum(axis=1)
    known = (leverage < FULL_LEVERAGE) & (scale > EXACT)
    return np.where(known, left.residual / (scale * np.sqrt(np.where(known, 1 - leverage, 1.0))), math.nan)


def _seed_test(name: str, left: _Fitted, points: Points, groups: int) -> Check:
    """Lack of fit of the means of configurations."""
    means = _means(left.codes, left.residual)
    size = math.sqrt(float((means**2).mean()))
    if name in SURFACES:
        found = misfit(left.codes, left.residual, solver.make_problem(points.loss, points.n, points.d))
        if found is None:
            return Check(name, "lack_of_fit", "seeds", size, math.nan, None, None, math.nan, groups)
        against = "seeds" if found.against == "seeds" else "quadratic"
        return Check(name, "lack_of_fit", against, size, found.ratio, found.top, found.bottom, found.p, groups)
    top = groups - int(np.linalg.matrix_rank(left.jacobian))
    bottom = len(left.residual) - groups
    between = float(((left.residual - means[left.codes]) ** 2).sum())
    if top < 1 or bottom < SEED_FREEDOM or between <= EXACT**2:
        return Check(name, "lack_of_fit", "seeds", size, math.nan, None, None, math.nan, groups)
    ratio = float((np.bincount(left.codes) * means**2).sum()) / top / (between / bottom)
    return Check(name, "lack_of_fit", "seeds", size, ratio, top, bottom, float(stats.f.sf(ratio, top, bottom)), groups)


def _along(name: str, axis: str, x: np.ndarray, left: _Fitted, groups: int) -> list[Check]:
    """Slope, rank correlation and curvature of a surface's mean residuals along one axis, float[configurations]."""
    means = _means(left.codes, left.residual)
    if groups < FEWEST or np.ptp(x) <= EXACT or np.abs(means).max() <= EXACT:
        blank = (math.nan, math.nan, None, None, math.nan, groups)
        return [Check(name, test, axis, *blank) for test in ("slope", "spearman", "curvature")]
    away = x - x.mean()
    rank = stats.spearmanr(x, means)
    derivatives = np.stack([_means(left.codes, column) for column in left.jacobian.T], axis=1)
    return [
        _added(name, "slope", axis, np.ones((groups, 1)), away, means),
        Check(name, "spearman", axis, float(rank.statistic), math.nan, None, groups - 2, float(rank.pvalue), groups),
        _added(name, "curvature", axis, derivatives, away**2, means),
    ]


def _skew(left: _Fitted, points: Points, groups: int) -> Check:
    """The parabolas' missing cubic term, one coefficient for all budgets."""
    first = np.unique(left.codes, return_index=True)[1]
    jacobian = left.jacobian[first]
    z = jacobian[:, 1::3].sum(axis=1)
    return _added(PARABOLA, "skew", "log_n_from_centre", jacobian, z**3, _means(left.codes, left.residual))


def _added(name: str, test: str, axis: str, others: np.ndarray, extra: np.ndarray, means: np.ndarray) -> Check:
    """t test of one more column, float[configurations], beside the others, in a linear fit to the mean residuals.

    Frisch and Waugh: the coefficient is that of the residuals on what the others leave of the column.
    """
    basis, values, _ = np.linalg.svd(others, full_matrices=False)
    basis = basis[:, values > values[0] * 1e-10]
    rest, y = (column - basis @ (basis.T @ column) for column in (extra, means))
    freedom = len(means) - basis.shape[1] - 1
    length = float(rest @ rest)
    if freedom < 1 or length <= (EXACT * float(np.abs(extra).max())) ** 2:
        return Check(name, test, axis, math.nan, math.nan, None, None, math.nan, len(means))
    slope = float(rest @ y) / length
    variance = float(((y - slope * rest) ** 2).sum()) / freedom
    if variance <= EXACT**2:
        return Check(name, test, axis, slope, math.nan, None, freedom, math.nan, len(means))
    t = slope / math.sqrt(variance / length)
    return Check(name, test, axis, slope, t, None, freedom, 2 * float(stats.t.sf(abs(t), freedom)), len(means))


def _means(codes: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Means by configuration, float[configurations]."""
    return np.bincount(codes, column) / np.bincount(codes)
