"""The numerical heart of the surface fits: L = E + A/N^alpha + B/D^beta, many problems at once.

In: centred log N and log D, log loss, weights float[problems, rows]. Out: parameters float[problems, 5] and objectives.
Parameters are (log E, log A', log B', alpha, beta) at the centre of the data, A' = A / N0^alpha: in these the problem
is well scaled, where log A itself moves by 20 with alpha.
Objective: sum of w * huber_delta(log loss - log-sum-exp model), summed and never averaged. Descent is iteratively
re-weighted Levenberg-Marquardt, batched over problems, so 1,000 bootstrap refits cost seconds. delta = inf is least
squares; a tiny delta is least absolute deviations.
Starts: variable projection, non-negative least squares for E, A, B at each (alpha, beta) (Czech 2026).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, nnls

# Exponents outside are never seen; at a bound the fit says so. Published ones lie between .1 and 1.2.
EXPONENT_BOUNDS = (0.01, 3.0)
# E, and A and B at the data's centre, may fall to e^-12 of the smallest loss: nil for every purpose, yet finite.
LOG_DEPTH = 12.0
LOG_HEIGHT = 1.0
GRID = np.geomspace(0.05, 2.5, 16)
MAX_ITERATIONS = 400
# A step that gains less than this share of the objective, four times over, ends the descent.
RELATIVE_GAIN = 1e-10
PATIENCE = 4
DAMPING_START, DAMPING_LIMIT = 1e-3, 1e10
# Objectives below this are rounding: a perfect fit.
ROUNDING = 1e-26


@dataclass(frozen=True)
class Problem:
    """Data of a surface fit, arrays float[rows]: centred log N and log D, log loss; the centres; parameter bounds."""

    x: np.ndarray
    y: np.ndarray
    target: np.ndarray
    centre_n: float
    centre_d: float
    lower: np.ndarray
    upper: np.ndarray


def make_problem(n: np.ndarray, d: np.ndarray, loss: np.ndarray) -> Problem:
    """Centre log N and log D and set the bounds of (log E, log A', log B', alpha, beta)."""
    log_n, log_d, target = np.log(n), np.log(d), np.log(loss)
    low, high = EXPONENT_BOUNDS
    floor, top = target.min() - LOG_DEPTH, target.max() + LOG_HEIGHT
    return Problem(
        x=log_n - log_n.mean(),
        y=log_d - log_d.mean(),
        target=target,
        centre_n=float(log_n.mean()),
        centre_d=float(log_d.mean()),
        lower=np.array([floor, floor, floor, low, low]),
        upper=np.array([top, top, top, high, high]),
    )


def model(theta: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Log loss, float[problems, rows], and its Jacobian, float[problems, rows, 5], at theta, float[problems, 5]."""
    x, y = problem.x, problem.y
    terms = np.stack(
        [
            np.broadcast_to(theta[:, :1], (len(theta), len(x))),
            theta[:, 1:2] - theta[:, 3:4] * x,
            theta[:, 2:3] - theta[:, 4:5] * y,
        ],
        axis=2,
    )
    peak = terms.max(axis=2, keepdims=True)
    parts = np.exp(terms - peak)
    total = parts.sum(axis=2, keepdims=True)
    share = parts / total
    value = (peak + np.log(total))[:, :, 0]
    jacobian = np.concatenate([share, -share[:, :, 1:2] * x[:, None], -share[:, :, 2:3] * y[:, None]], axis=2)
    return value, jacobian


def huber(residual: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
    """Sum over the last axis of w * huber_delta(residual); least squares (w r^2 / 2) at delta = inf."""
    size = np.abs(residual)
    if np.isinf(delta):
        return 0.5 * (weights * size**2).sum(axis=-1)
    return (weights * np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))).sum(axis=-1)


def descend(theta: np.ndarray, problem: Problem, weights: np.ndarray, delta: float) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the Huber objective from each row of theta, float[problems, 5]; returns parameters and objectives."""
    theta = np.clip(theta, problem.lower, problem.upper)
    value, jacobian = model(theta, problem)
    residual = problem.target - value
    best = huber(residual, weights, delta)
    damping = np.full(len(theta), DAMPING_START)
    idle = np.zeros(len(theta), dtype=int)
    for _ in range(MAX_ITERATIONS):
        live = np.flatnonzero((idle < PATIENCE) & (best > ROUNDING) & (damping < DAMPING_LIMIT))
        if not len(live):
            break
        step = _step(theta[live], residual[live], jacobian[live], weights[live], delta, damping[live], problem)
        trial = np.clip(theta[live] + step, problem.lower, problem.upper)
        new_value, new_jacobian = model(trial, problem)
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


def _step(theta, residual, jacobian, weights, delta, damping, problem: Problem) -> np.ndarray:
    """Damped Gauss-Newton step, float[problems, 5]; parameters pushed against a bound stay where they are."""
    size = np.abs(residual)
    influence = weights if np.isinf(delta) else weights * np.minimum(1.0, delta / np.maximum(size, 1e-300))
    weighted = jacobian * influence[:, :, None]
    hessian = np.matmul(weighted.transpose(0, 2, 1), jacobian)
    gradient = np.matmul(weighted.transpose(0, 2, 1), residual[:, :, None])[:, :, 0]
    held = ((theta <= problem.lower) & (gradient < 0)) | ((theta >= problem.upper) & (gradient > 0))
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
    """The `count` best cells of a 16 x 16 grid of (alpha, beta), each with its non-negative E, A, B, float[count, 5].

    Rows are divided by the loss, so that the linear problem weighs relative errors as the log objective does.
    """
    scale = np.sqrt(weights) / np.exp(problem.target)
    answer = np.sqrt(weights)
    found = []
    for alpha in GRID:
        of_n = np.exp(-alpha * problem.x) * scale
        for beta in GRID:
            design = np.column_stack([scale, of_n, np.exp(-beta * problem.y) * scale])
            linear, norm = nnls(design, answer)
            found.append((norm, *np.log(np.maximum(linear, np.exp(problem.lower[:3]))), alpha, beta))
    table = np.array(found)
    return np.clip(table[np.argsort(table[:, 0], kind="stable")[:count], 1:], problem.lower, problem.upper)


def polish(theta: np.ndarray, problem: Problem, weights: np.ndarray, delta: float) -> tuple[np.ndarray, float, float]:
    """L-BFGS-B on the objective scaled to 1 at the start: parameters, objective, scaled gradient inside the bounds."""

    def scaled(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, jacobian = model(parameters[None, :], problem)
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
