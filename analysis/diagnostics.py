"""What stands behind the fits: noise between seeds, correlations of the surfaces' parameters, how each optimum was found.

In: points and their fits. Out: rows: `SeedNoise`, `Correlation`, `SearchLog`. Pure; nothing is drawn.
Residuals and what is tested on them are in residuals.py.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.points import Points, seed_noise
from analysis.results import CONFIDENCE, UNKNOWN, Fit
from analysis.surface import METHODS as SURFACES

# E, A and B enter by their logs: in these the surface's likelihood is nearest to a Gaussian's, and A moves by e^20 with alpha.
PARAMETERS = ("log E", "log A", "log B", "alpha", "beta")
# What a spread must exceed, as a share of the value, to be one: a parameter that sits on a bound in every draw has none.
NO_SPREAD = 1e-9


@dataclass(frozen=True)
class SeedNoise:
    """One configuration with several seeds; or `configuration` None: all of them pooled, where n, d, budget are NaN.

    `seeds`: its runs; for all, those of configurations that have several (0 where none has).
    `sd`: standard deviation of log loss between seeds, its 95% interval by chi-squared; `freedom`: of the sd.
    """

    configuration: int | None
    n: float
    d: float
    budget: float
    seeds: int
    mean_loss: float
    sd: float
    low: float
    high: float
    freedom: int


@dataclass(frozen=True)
class Correlation:
    """Correlation of two parameters of a surface, by its covariance (delta method) or by the bootstrap draws."""

    method: str
    source: str
    parameter: str
    other: str
    value: float


@dataclass(frozen=True)
class SearchLog:
    """How one method's optimum was found; None where the method searches none (see results.Search).

    `delta`: of the Huber objective, infinite for least squares; `drawn`, `finite`: bootstrap draws, and those with numbers.
    """

    method: str
    status: str
    objective: float
    delta: float
    starts: int | None
    basin: int | None
    gradient: float
    moved: float
    unmoved: str
    on_bound: str
    drawn: int
    finite: int


def noise_rows(points: Points) -> tuple[SeedNoise, ...]:
    """A row a configuration that has several seeds, by budget and size, then one of all: with no seeds its sd is unknown."""
    rows = []
    for code in np.unique(points.configuration):
        mine = points.configuration == code
        seeds = int(mine.sum())
        if seeds > 1:
            logs = np.log(points.loss[mine])
            sd = float(logs.std(ddof=1))
            facts = (float(points.n[mine][0]), float(points.d[mine].mean()), float(points.budget[mine][0]))
            mean = float(np.exp(logs.mean()))
            rows.append(SeedNoise(int(code), *facts, seeds, mean, sd, *sd_interval(sd, seeds - 1), seeds - 1))
    rows.sort(key=lambda row: (row.budget, row.n, row.d))
    sd, freedom = seed_noise(points)
    runs = sum(row.seeds for row in rows)
    every = SeedNoise(None, math.nan, math.nan, math.nan, runs, math.nan, sd, *sd_interval(sd, freedom), freedom)
    return (*rows, every)


def parabola_noise(fit: Fit) -> SeedNoise:
    """Scatter of log loss about the local parabolas, pooled over the budgets whose minimum lies inside; `seeds`: the sizes
    in their windows, each the mean over its seeds."""
    inside = [v for v in fit.details.get("vertices", ()) if not {"vertex_at_edge", "concave"} & set(v.flags)]
    sizes = sum(int(v.window.sum()) for v in inside)
    sd, freedom = (fit.details["noise"], int(fit.details["freedom"])) if inside else (math.nan, 0)
    return SeedNoise(None, math.nan, math.nan, math.nan, sizes, math.nan, sd, *sd_interval(sd, freedom), freedom)


def sd_interval(sd: float, freedom: int) -> tuple[float, float]:
    """95% of a Gaussian's standard deviation: freedom sd^2 / sigma^2 is chi-squared."""
    if freedom < 1 or not math.isfinite(sd):
        return UNKNOWN
    tail = (1 - CONFIDENCE) / 2
    return tuple(sd * math.sqrt(freedom / float(stats.chi2.ppf(p, freedom))) for p in (1 - tail, tail))


def correlation_rows(points: Points, fits: dict[str, Fit]) -> tuple[Correlation, ...]:
    """Every pair of PARAMETERS, in either order and with itself, for each surface that was fitted and both sources."""
    rows = []
    for name in SURFACES:
        fit = fits.get(name)
        if fit is not None and "covariance" in fit.details:
            matrices = {
                "covariance": _scaled(_covariance(points, fit)),
                "draws": _scaled(_drawn_covariance(fit)),
            }
            for source, matrix in matrices.items():
                rows += [
                    Correlation(name, source, one, other, float(matrix[i, j]))
                    for i, one in enumerate(PARAMETERS)
                    for j, other in enumerate(PARAMETERS)
                ]
    return tuple(rows)


def _covariance(points: Points, fit: Fit) -> np.ndarray:
    """Of PARAMETERS, float[5, 5]: the fit's is of log A' = log A - alpha * mean log N, and likewise for B, NaN on a bound."""
    transform = np.eye(len(PARAMETERS))
    transform[1, 3], transform[2, 4] = np.log(points.n).mean(), np.log(points.d).mean()
    covariance = fit.details["covariance"]
    bad = ~np.isfinite(np.diag(covariance))
    # A parameter on a bound has no spread; log A has none of its own where A' or alpha is there.
    found = transform @ np.where(np.isfinite(covariance), covariance, 0.0) @ transform.T
    bad = bad | np.array([False, bad[3], bad[4], False, False])
    found[bad], found[:, bad] = math.nan, math.nan
    return found


def _drawn_covariance(fit: Fit) -> np.ndarray:
    """Of PARAMETERS over the finite draws, float[5, 5]; NaN for what does not vary."""
    names = [name.removeprefix("log ") for name in PARAMETERS]
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.stack([np.log(fit.draws[n]) if n in "EAB" else fit.draws[n] for n in names])
    drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
    if drawn.shape[1] < 2:
        return np.full((len(names), len(names)), math.nan)
    found = np.cov(drawn)
    still = drawn.std(axis=1) <= NO_SPREAD * np.abs(drawn).mean(axis=1)
    found[still], found[:, still] = math.nan, math.nan
    return found


def _scaled(covariance: np.ndarray) -> np.ndarray:
    """Correlations from covariances; NaN where a variance is nil or unknown."""
    variance = np.diag(covariance)
    known = np.isfinite(variance) & (variance > 0)
    spread = np.sqrt(np.where(known, variance, np.nan))
    return np.clip(covariance / spread[:, None] / spread[None, :], -1.0, 1.0)


def search_rows(fits: dict[str, Fit]) -> tuple[SearchLog, ...]:
    """A row a method, in the order of the fits."""
    rows = []
    for name, fit in fits.items():
        search = fit.search
        columns = [fit.draws[key] for key in fit.draws if key in fit.estimates]
        drawn = len(columns[0]) if columns else 0
        good = np.ones(drawn, dtype=bool)
        for column in columns:
            good &= np.isfinite(column.reshape(drawn, -1)).all(axis=1)
        found = (None, None, math.nan, math.nan, "", "")
        if search is not None:
            bounds = (" ".join(search.unmoved), " ".join(search.on_bound))
            found = (search.starts, search.basin, search.gradient, search.moved, *bounds)
        delta = float(fit.details.get("delta", math.nan))
        rows.append(SearchLog(name, fit.status, fit.objective, delta, *found, drawn, int(good.sum())))
    return tuple(rows)
