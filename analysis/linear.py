"""Straight lines with honest intervals: ordinary least squares, Student's t, draws from its distribution. Pure.

In: arrays with one entry a configuration. Out: estimates, covariance, draws; a line as a Fit whose status says whether its
slope's 95% interval leaves 0 out.
"""

import numpy as np
from scipy import stats

from analysis.results import Fit, Note


def fit_line(method: str, x: np.ndarray, y: np.ndarray, draws: int, rng: np.random.Generator) -> Fit:
    """y = level + slope x by least squares with t intervals; draws are from the t distribution of both."""
    estimate, covariance, freedom = least_squares(np.column_stack([np.ones_like(x), x]), y)
    drawn = t_draws(estimate, covariance, freedom, draws, rng)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(np.diag(covariance))
    intervals = {
        name: (float(e - r), float(e + r)) for name, e, r in zip(("level", "slope"), estimate, reach, strict=True)
    }
    rss = float(((y - estimate[0] - estimate[1] * x) ** 2).sum())
    estimates = {"level": float(estimate[0]), "slope": float(estimate[1])}
    status, notes = trend_status(intervals["slope"])
    return Fit(method, estimates, intervals, rss, status, notes, {"level": drawn[:, 0], "slope": drawn[:, 1]})


def trend_status(slope: tuple[float, float]) -> tuple[str, tuple[Note, ...]]:
    """converged where the slope's interval leaves 0 out, else not_identified with the note that says why."""
    low, high = slope
    if low > 0 or high < 0:
        return "converged", ()
    text = f"No predictable trend: the 95% interval of the slope, [{low:.3g}, {high:.3g}], contains 0."
    return "not_identified", (Note("no_predictable_trend", "warning", text),)


def least_squares(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Estimates, their covariance and the residual degrees of freedom of ordinary least squares."""
    estimate = np.linalg.lstsq(design, y, rcond=None)[0]
    freedom = len(y) - design.shape[1]
    variance = float(((y - design @ estimate) ** 2).sum()) / freedom
    return estimate, variance * np.linalg.pinv(design.T @ design), freedom


def t_draws(
    estimate: np.ndarray, covariance: np.ndarray, freedom: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """float[draws, parameters] from the multivariate t distribution about the estimate."""
    shape = stats.multivariate_t(estimate, covariance, df=freedom, allow_singular=True, seed=rng)
    return shape.rvs(size=draws).reshape(draws, len(estimate))
