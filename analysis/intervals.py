"""Intervals of L = E + sum of A_k / x_k^alpha_k without resampling: delta method with Student's t, profile likelihood.

In: the optimum, its problem and delta. Out: 95% intervals by name; an end that the data leave open is 0 or infinite.
Both treat a configuration as one observation (its seeds share one mean residual). Scale of the noise, for a Huber
objective of derivative psi (Huber 1981): tau^2 = mean(psi^2) / mean(psi')^2 G/(G-p); for least squares that is the usual
residual variance. Covariance = tau^2 (J'J)^-1, J over configurations. Where delta is so small that hardly any residual
lies inside, mean(psi') = delta times the density of residuals at 0, by a window of Bofinger's width.
Profile: 2 (Q(p) - Q) mean(psi') / mean(psi^2) (G-p)/G <= t^2, Q(p) the least objective with one parameter held at p
(for least squares: RSS(p) <= RSS (1 + t^2/(G-p)), Bates and Watts 1988).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from analysis import surface_solver as solver
from analysis.results import CONFIDENCE, UNKNOWN

if TYPE_CHECKING:
    from analysis.terms import Terms

# A step of the numerical derivative of what derives from the exponents (a = beta / (alpha + beta)).
STEP = 1e-6
# Profile points per side, from a tenth of a standard error to this many and beyond; from bound to bound, so many in all.
WHOLE = 60
REACH = np.concatenate([np.geomspace(0.1, 6, 16), np.geomspace(8, 60, 8)])


@dataclass(frozen=True)
class Spread:
    """Noise about an optimum: covariance of theta (NaN rows for what sits on a bound), degrees of freedom, and the unit
    of the objective: 2 (Q(p) - Q) / unit is compared with t^2."""

    covariance: np.ndarray
    freedom: int
    unit: float


def spread(theta: np.ndarray, problem: solver.Problem, delta: float, codes: np.ndarray, sigma: float) -> Spread:
    """Covariance of theta by the delta method, a configuration being one observation."""
    value, jacobian = problem.model(theta[None, :])
    counts = np.bincount(codes)
    freedom, size = len(counts) - len(theta), len(theta)
    covariance = np.full((size, size), math.nan)
    if freedom <= 0:
        return Spread(covariance, freedom, math.nan)
    square, slope = _noise(problem.target - value[0], codes, delta, sigma, size)
    rows = np.stack([np.bincount(codes, column) / counts for column in jacobian[0].T], axis=1)
    free = (theta > problem.lower + 1e-9) & (theta < problem.upper - 1e-9)
    inverse = np.linalg.pinv(rows[:, free].T @ rows[:, free], hermitian=True, rcond=1e-14)
    covariance[np.ix_(free, free)] = square / slope**2 * inverse
    return Spread(covariance, freedom, square / slope)


def objective_unit(residual: np.ndarray, codes: np.ndarray, delta: float, sigma: float, parameters: int) -> float:
    """What twice a rise of the objective is divided by before it is compared with t^2."""
    square, slope = _noise(residual, codes, delta, sigma, parameters)
    return square / slope


def _noise(residual: np.ndarray, codes: np.ndarray, delta: float, sigma: float, parameters: int) -> tuple[float, float]:
    """mean(psi^2) G/(G-p) and mean(psi') over configurations."""
    counts = np.bincount(codes)
    groups = len(counts)
    clipped = residual if math.isinf(delta) else np.clip(residual, -delta, delta)
    psi = np.bincount(codes, clipped) / counts
    slope = 1.0 if math.isinf(delta) else _share_inside(np.bincount(codes, residual) / counts, delta, sigma)
    return float((psi**2).mean()) * groups / (groups - parameters), slope


def _share_inside(residual: np.ndarray, delta: float, sigma: float) -> float:
    """mean(psi'): the share of residuals inside delta; from a wider window's density where delta is under its width."""
    # Bofinger 1975: the window on the scale of quantiles that is best for the density at a Gaussian's middle.
    share = len(residual) ** -0.2 * (4.5 * stats.norm.pdf(0) ** 4) ** 0.2
    width = max(delta, sigma * float(stats.norm.ppf(0.5 + min(share, 0.45))))
    return max(float((np.abs(residual) <= width).mean()), 1 / len(residual)) * delta / width


def delta_intervals(
    law: Terms, theta: np.ndarray, problem: solver.Problem, about: Spread
) -> dict[str, tuple[float, float]]:
    """Estimate -+ t SE; on the log scale for E and the coefficients, which are positive."""
    if about.freedom <= 0:
        return dict.fromkeys(law.names, UNKNOWN)
    logged = {"E", *law.coefficients}
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, about.freedom))
    moved = np.concatenate([theta[None, :], theta + STEP * np.eye(len(theta)), theta - STEP * np.eye(len(theta))])
    found = {}
    for name, values in law.natural(moved, problem).items():
        values = np.log(values) if name in logged else values
        gradient = (values[1 : 1 + len(theta)] - values[1 + len(theta) :]) / (2 * STEP)
        involved = np.abs(gradient) > 0
        se = math.sqrt(gradient[involved] @ about.covariance[np.ix_(involved, involved)] @ gradient[involved])
        ends = np.array([values[0] - t * se, values[0] + t * se])
        found[name] = tuple((np.exp(np.minimum(ends, 700)) if name in logged else ends).tolist())
    return found


def profile_intervals(
    law: Terms, theta: np.ndarray, problem: solver.Problem, weights: np.ndarray, delta: float, about: Spread
) -> dict[str, tuple[float, float]]:
    """Profile-likelihood intervals of E, of every coefficient and of every exponent; 0 or infinity where an end is open."""
    if about.freedom <= 0 or not about.unit > solver.ROUNDING:
        return {}
    found = {}
    limit = float(stats.t.ppf((1 + CONFIDENCE) / 2, about.freedom)) ** 2
    for at, name in enumerate(law.parameters):
        coefficient = 1 <= at <= problem.terms
        shifted, start = (
            solver.uncentred(problem, theta[None, :], at - 1) if coefficient else (problem, theta[None, :].copy())
        )
        values, cost = _profile(start[0], shifted, at, weights, delta, _shift(theta, problem, at, about.covariance))
        ends = _crossings(values, 2 * (cost - cost.min()) / about.unit, limit)
        logged = at <= problem.terms
        found[name] = tuple(float(np.exp(min(end, 700))) if logged and math.isfinite(end) else end for end in ends)
        if logged and ends[0] == -math.inf:
            found[name] = (0.0, found[name][1])
    return found


def _shift(theta: np.ndarray, problem: solver.Problem, at: int, covariance: np.ndarray) -> np.ndarray:
    """How theta moves, to first order, when parameter `at` (log A itself for a coefficient) moves by one standard error."""
    transform = np.eye(len(theta))
    if 1 <= at <= problem.terms:
        transform[at, problem.terms + at] = problem.centres[at - 1]
    known = np.where(np.isfinite(covariance), covariance, 0.0)
    moved = transform @ known @ transform.T
    return moved[:, at] / math.sqrt(moved[at, at]) if moved[at, at] > 0 else np.zeros(len(theta))


def _profile(
    theta: np.ndarray, problem: solver.Problem, at: int, weights: np.ndarray, delta: float, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Values of parameter `at`, ascending, and the least objective at each.

    Steps follow its standard error; where it has none (it sits on a bound), they go from bound to bound.
    """
    steps = np.concatenate([-REACH[::-1], [0.0], REACH])
    values = theta[at] + steps * shift[at]
    if shift[at] == 0:
        values = np.append(np.linspace(problem.lower[at], problem.upper[at], WHOLE), theta[at])
        steps = np.zeros(len(values))
    starts = np.clip(theta + steps[:, None] * shift, problem.lower, problem.upper)
    starts[:, at] = np.clip(values, problem.lower[at], problem.upper[at])
    starts = starts[np.unique(starts[:, at], return_index=True)[1]]
    many = np.repeat(weights[None, :], len(starts), axis=0)
    best, cost = solver.descend(starts, problem, many, delta, pinned=at)
    # A point that stuck is bettered from its neighbours' ends.
    for order in (1, -1):
        other = best[np.clip(np.arange(len(best)) - order, 0, len(best) - 1)].copy()
        other[:, at] = best[:, at]
        again, value = solver.descend(other, problem, many, delta, pinned=at)
        better = value < cost
        best[better], cost[better] = again[better], value[better]
    return best[:, at], cost


def _crossings(values: np.ndarray, deviance: np.ndarray, limit: float) -> tuple[float, float]:
    """Where the deviance first exceeds the limit on either side of its least, linear in its root; open where it never does."""
    root, least, wanted = np.sqrt(deviance), int(deviance.argmin()), math.sqrt(limit)
    ends = []
    for step in (-1, 1):
        i = least
        while 0 <= i + step < len(values) and deviance[i + step] < limit:
            i += step
        j = i + step
        if not 0 <= j < len(values):
            ends.append(step * math.inf)
            continue
        share = (wanted - root[i]) / (root[j] - root[i])
        ends.append(float(values[i] + share * (values[j] - values[i])))
    return ends[0], ends[1]
