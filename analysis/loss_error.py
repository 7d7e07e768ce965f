"""A score's error against the loss of the language model: error = eps - k exp(-gamma L) (Gadre 2024).

In: loss L and error, one entry a configuration. Out: a Fit with eps, k, gamma. Pure; one seed.
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from analysis.linear import fit_line
from analysis.results import Fit, Note, percentile_interval, refused

METHOD = "loss_error"
NAMES = ("eps", "k", "gamma")
MIN_CONFIGURATIONS = 4
# Published gamma are near 1; at the ends the curve is a straight line, or a step.
GAMMA_GRID = np.geomspace(0.02, 20.0, 160)


def fit_loss_error(loss: np.ndarray, error: np.ndarray, bootstrap: int, seed: int) -> Fit:
    """error = eps - k exp(-gamma L) by least squares (Gadre 2024); pairs bootstrap over configurations.

    For each gamma eps and k follow in closed form; gamma is least over a grid, then refined. There is a trend where the
    straight line of error on L has one: k's interval alone would not tell, since k and gamma trade off.
    """
    if len(loss) < MIN_CONFIGURATIONS or np.ptp(loss) == 0:
        note = Note("few_scores", "error", f"{len(loss)} configurations: the law has 3 parameters.")
        return refused(METHOD, NAMES, "not_identified", (note,))
    rng = np.random.default_rng(seed)
    line = fit_line(METHOD, loss, error, 1, rng)
    at = float(loss.mean())
    grid_cost, _ = _error_costs(loss - at, error, np.ones((1, len(loss))), GAMMA_GRID)
    best = int(grid_cost[0].argmin())
    inner = GAMMA_GRID[max(best - 1, 0)], GAMMA_GRID[min(best + 1, len(GAMMA_GRID) - 1)]
    ones = np.ones((1, len(loss)))
    found = minimize_scalar(
        lambda g: float(_error_costs(loss - at, error, ones, np.array([g]))[0][0, 0]), bounds=inner, method="bounded"
    )
    gamma = float(found.x)
    cost, linear = _error_costs(loss - at, error, ones, np.array([gamma]))
    counts = rng.multinomial(len(loss), np.full(len(loss), 1 / len(loss)), size=bootstrap).astype(float)
    counts = counts[(counts > 0).sum(axis=1) > 2]
    costs, lines = _error_costs(loss - at, error, counts, GAMMA_GRID)
    chosen = costs.argmin(axis=1)
    rows = np.arange(len(counts))
    gammas = GAMMA_GRID[chosen]
    draws = {"eps": lines[rows, chosen, 0], "k": lines[rows, chosen, 1] * np.exp(gammas * at), "gamma": gammas}
    estimates = {"eps": float(linear[0, 0, 0]), "k": float(linear[0, 0, 1] * math.exp(gamma * at)), "gamma": gamma}
    intervals = {name: percentile_interval(draws[name]) for name in NAMES}
    notes = list(line.notes)
    edge = float(((chosen == 0) | (chosen == len(GAMMA_GRID) - 1)).mean()) if len(counts) else 0.0
    if edge > 0.025:
        notes.append(
            Note("interval_on_bound", "warning", f"{edge:.0%} of the refits end on a bound of gamma: open there.")
        )
    status = "bound_hit" if best in (0, len(GAMMA_GRID) - 1) and line.status == "converged" else line.status
    if status == "bound_hit":
        notes.append(Note("bound_hit", "error", "gamma sits on a bound: the scores do not show a curve."))
    return Fit(
        METHOD,
        estimates,
        intervals,
        float(cost[0, 0]),
        status,
        tuple(notes),
        draws,
        {"freedom": len(loss) - len(NAMES)},
    )


def _error_costs(
    x: np.ndarray, error: np.ndarray, weights: np.ndarray, gamma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of squares float[draws, grid] and (eps, k') float[draws, grid, 2] of error = eps - k' exp(-gamma x)."""
    power = -np.exp(-np.multiply.outer(gamma, x))
    w = weights.sum(axis=1)[:, None]
    mean_p = weights @ power.T / w
    mean_y = (weights @ error)[:, None] / w
    spp = weights @ (power**2).T / w - mean_p**2
    spy = (weights * error) @ power.T / w - mean_p * mean_y
    syy = (weights @ error**2)[:, None] / w - mean_y**2
    safe = np.where(spp > 0, spp, 1.0)
    k = np.where(spp > 0, spy / safe, 0.0)
    return w * np.maximum(syy - k * spy, 0.0), np.stack([mean_y - k * mean_p, k], axis=-1)
