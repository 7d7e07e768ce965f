"""The numerical heart of the surface fits: L = E + sum over terms of A_k / x_k^alpha_k, many problems at once.

In: centred log x per term (N and D; patients too in the joint law), log loss, weights float[problems, rows]. Out:
parameters float[problems, 1 + 2 terms] and objectives.
Parameters are (log E, log A'_k ..., alpha_k ...) at the centre of the data, A' = A / x0^alpha: in these the problem
is well scaled, where log A itself moves by 20 with alpha.
Objective: sum of w * huber_delta(log loss - log-sum-exp model), summed and never averaged. Descent is iteratively
re-weighted Levenberg-Marquardt, batched over problems, so 1,000 bootstrap refits cost seconds. delta = inf is least
squares; a tiny delta is least absolute deviations.
Starts: variable projection, non-negative least squares for E and A_k at each set of exponents (Czech 2026).
"""

import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize, nnls

# Exponents outside are never seen; at a bound the fit says so. Published ones lie between .1 and 1.2.
EXPONENT_BOUNDS = (0.01, 3.0)
# E, and A and B at the data's centre, may fall to e^-12 of the smallest loss: nil for every purpose, yet finite.
LOG_DEPTH = 12.0
LOG_HEIGHT = 1.0
# Values of each exponent that the search starts from, by the number of terms: 16 x 16 or 9 x 9 x 9 cells.
GRIDS = {1: np.geomspace(0.02, 2.5, 48), 2: np.geomspace(0.05, 2.5, 16), 3: np.geomspace(0.07, 2.2, 9)}
MAX_ITERATIONS = 400
# A step that gains less than this share of the objective, four times over, ends the descent.
RELATIVE_GAIN = 1e-10
PATIENCE = 4
DAMPING_START, DAMPING_LIMIT = 1e-3, 1e10
# Objectives below this are rounding: a perfect fit.
ROUNDING = 1e-26


class Model(Protocol):
    """What can be fitted: observed log loss, float[rows], bounds of the parameters, and the model of log loss."""

    target: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def model(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log loss, float[problems, rows], and its Jacobian, float[problems, rows, parameters], at theta."""
        ...


@dataclass(frozen=True)
class Problem:
    """Data of a surface fit: centred log x, float[terms, rows]; log loss, float[rows]; centres, float[terms]; bounds."""

    x: np.ndarray
    target: np.ndarray
    centres: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @property
    def terms(self) -> int:
        """How many terms there are beside E."""
        return len(self.x)

    def model(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log loss, float[problems, rows], and its Jacobian, float[problems, rows, parameters], at theta."""
        x, count = self.x, self.terms
        level = np.broadcast_to(theta[:, 0, None, None], (len(theta), 1, x.shape[1]))
        terms = np.concatenate([level, theta[:, 1 : 1 + count, None] - theta[:, 1 + count :, None] * x], axis=1)
        peak = terms.max(axis=1, keepdims=True)
        share = np.exp(terms - peak)
        total = share.sum(axis=1, keepdims=True)
        share /= total
        value = (peak + np.log(total))[:, 0]
        jacobian = np.concatenate([share, -share[:, 1:] * x], axis=1)
        return value, jacobian.transpose(0, 2, 1)


def make_problem(loss: np.ndarray, *scales: np.ndarray) -> Problem:
    """Centre the log of each scale (N, D, ...), float[rows], and set the bounds of (log E, log A' ..., alpha ...)."""
    logs, target, terms = np.log(np.stack(scales)), np.log(loss), len(scales)
    low, high = EXPONENT_BOUNDS
    floor, top = target.min() - LOG_DEPTH, target.max() + LOG_HEIGHT
    centres = logs.mean(axis=1)
    return Problem(
        x=logs - centres[:, None],
        target=target,
        centres=centres,
        lower=np.array([floor] * (1 + terms) + [low] * terms),
        upper=np.array([top] * (1 + terms) + [high] * terms),
    )


def uncentred(problem: Problem, theta: np.ndarray, term: int) -> tuple[Problem, np.ndarray]:
    """The problem and theta, float[problems, parameters], with log A itself, not A', as the parameter of one term."""
    x, centres = problem.x.copy(), problem.centres.copy()
    lower, upper = problem.lower.copy(), problem.upper.copy()
    moved, exponent = theta.copy(), 1 + problem.terms + term
    moved[:, 1 + term] += theta[:, exponent] * centres[term]
    shifts = np.array(EXPONENT_BOUNDS) * centres[term]
    lower[1 + term], upper[1 + term] = lower[1 + term] + shifts.min(), upper[1 + term] + shifts.max()
    x[term], centres[term] = x[term] + centres[term], 0.0
    return Problem(x, problem.target, centres, lower, upper), moved


def huber(residual: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
    """Sum over the last axis of w * huber_delta(residual)."""
    return (weights * huber_rows(residual, delta)).sum(axis=-1)


def huber_rows(residual: np.ndarray, delta: float) -> np.ndarray:
    """huber_delta of every residual (Huber 1964): r^2 / 2 up to delta, delta (|r| - delta / 2) beyond; r^2 / 2 at delta = inf."""
    size = np.abs(residual)
    if np.isinf(delta):
        return 0.5 * size**2
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


def descend(
    theta: np.ndarray, problem: Model, weights: np.ndarray, delta: float, pinned: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the Huber objective from each row of theta; returns parameters and objectives.

    The parameter `pinned` keeps its value in every row, as a profile wants it.
    """
    theta = np.clip(theta, problem.lower, problem.upper)
    value, jacobian = problem.model(theta)
    residual = problem.target - value
    best = huber(residual, weights, delta)
    damping = np.full(len(theta), DAMPING_START)
    idle = np.zeros(len(theta), dtype=int)
    for _ in range(MAX_ITERATIONS):
        live = np.flatnonzero((idle < PATIENCE) & (best > ROUNDING) & (damping < DAMPING_LIMIT))
        if not len(live):
            break
        step = _step(theta[live], residual[live], jacobian[live], weights[live], delta, damping[live], problem, pinned)
        trial = np.clip(theta[live] + step, problem.lower, problem.upper)
        new_value, new_jacobian = problem.model(trial)
        new_residual = problem.target - new_value
        new = huber(new_residual, weights[live], delta)
        better = new < best[live]
        gain = np.where(better, (best[live] - new) / best[live], 0.0)
        idle[live] = np.where(better & (gain < RELATIVE_GAIN), idle[live] + 1, np.where(better, 0, idle[live]))
        damping[live] = np.where(better, np.maximum(damping[live] / 5, 1e-12), damping[live] * 4)
        won = live[better]
        theta[won], residual[won], jacobian[won] = trial[better], new_residual[better], new_jacobian[better]
        best[won] = new[better]
    return theta, best


def _step(theta, residual, jacobian, weights, delta, damping, problem: Model, pinned: int | None) -> np.ndarray:
    """Damped Gauss-Newton step like theta; parameters pushed against a bound, and the pinned one, stay where they are."""
    size = np.abs(residual)
    influence = weights if np.isinf(delta) else weights * np.minimum(1.0, delta / np.maximum(size, 1e-300))
    weighted = jacobian * influence[:, :, None]
    hessian = np.matmul(weighted.transpose(0, 2, 1), jacobian)
    gradient = np.matmul(weighted.transpose(0, 2, 1), residual[:, :, None])[:, :, 0]
    held = ((theta <= problem.lower) & (gradient < 0)) | ((theta >= problem.upper) & (gradient > 0))
    if pinned is not None:
        held[:, pinned] = True
    gradient[held] = 0.0
    hessian = np.where(held[:, :, None] | held[:, None, :], 0.0, hessian)
    diagonal = np.einsum("bii->bi", hessian).copy()
    scale = diagonal.max(axis=1, keepdims=True)
    diagonal_index = np.arange(theta.shape[1])
    extra = damping[:, None] * np.maximum(diagonal, 1e-6 * scale) + 1e-14 * scale
    hessian[:, diagonal_index, diagonal_index] += np.where(held, np.maximum(scale, 1e-300), extra)
    # A row at which every residual is nil would be singular; such rows are at the optimum.
    hessian[:, diagonal_index, diagonal_index] += 1e-300
    return np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]


def projected_starts(problem: Problem, weights: np.ndarray, count: int) -> np.ndarray:
    """The `count` best cells of a grid of exponents, each with its non-negative E and A, float[count, parameters].

    Rows are divided by the loss, so that the linear problem weighs relative errors as the log objective does.
    """
    scale = np.sqrt(weights) / np.exp(problem.target)
    answer = np.sqrt(weights)
    linear_floor = np.exp(problem.lower[: 1 + problem.terms])
    found = []
    for exponents in itertools.product(GRIDS[problem.terms], repeat=problem.terms):
        powers = np.exp(-np.array(exponents)[:, None] * problem.x) * scale
        linear, norm = nnls(np.column_stack([scale, *powers]), answer)
        found.append((norm, *np.log(np.maximum(linear, linear_floor)), *exponents))
    table = np.array(found)
    return np.clip(table[np.argsort(table[:, 0], kind="stable")[:count], 1:], problem.lower, problem.upper)


def polish(theta: np.ndarray, problem: Model, weights: np.ndarray, delta: float) -> tuple[np.ndarray, float, float]:
    """L-BFGS-B on the objective scaled to 1 at the start: parameters, objective, scaled gradient inside the bounds."""

    def scaled(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, jacobian = problem.model(parameters[None, :])
        residual = problem.target - value[0]
        clipped = residual if np.isinf(delta) else np.clip(residual, -delta, delta)
        return float(huber(residual, weights, delta)) / scale, -(weights * clipped) @ jacobian[0] / scale

    scale = 1.0
    scale = max(scaled(theta)[0], ROUNDING)
    bounds = list(zip(problem.lower, problem.upper, strict=True))
    answer = minimize(scaled, theta, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9})
    best = answer.x if answer.fun <= 1.0 else theta
    value, gradient = scaled(best)
    inside = (best > problem.lower) & (best < problem.upper)
    return best, value * scale, float(np.linalg.norm(gradient[inside]))
