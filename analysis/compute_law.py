"""Loss against compute: L* = E + A C^-g through the per-budget minima.

In: the Fit of isoflop.fit_parabola (its vertices and their bootstrap draws). Out: a Fit with E, A, g.
For each g on a fine grid E and A follow by non-negative least squares in closed form, on relative errors, weighted by
the minima's own variances; the best g is then refined by a parabola. The same is done for every bootstrap draw at once.
Under four budgets there is no residual (three points, three parameters): not identified, and no numbers are given.
"""

import math

import numpy as np

from analysis.isoflop import Vertex
from analysis.results import Fit, Note, percentile_interval, refused

METHOD = "loss_compute"
NAMES = ("E", "A", "g")
MIN_BUDGETS = 4
# Published g lie between .05 and .2; outside these bounds nothing is a scaling law.
G_GRID = np.geomspace(0.005, 2.0, 400)


def fit_compute_law(isoflop: Fit) -> Fit:
    """E + A C^-g through the vertices used by the power laws, with 95% intervals from the vertices' draws."""
    vertices = [v for v in isoflop.details.get("vertices", ()) if v.used]
    if len(vertices) < MIN_BUDGETS:
        text = f"Usable minima: {len(vertices)}, for 3 parameters; at least {MIN_BUDGETS} budgets are needed."
        return refused(METHOD, NAMES, "not_identified", (Note("few_budgets", "error", text),))
    budgets = np.array([v.budget for v in vertices])
    centre = float(np.exp(np.log(budgets).mean()))
    weights = _weights(vertices)
    loss = np.array([[v.loss_opt for v in vertices]])
    (floor, scale, g), objective, at_bound = (part[0] for part in _solve(budgets / centre, loss, weights))
    used = np.array([v.used for v in isoflop.details["vertices"]])
    drawn = isoflop.draws["loss_opt"][:, used]
    known = np.isfinite(drawn).all(axis=1)
    draws = {name: np.full(len(drawn), math.nan) for name in NAMES}
    notes = []
    if known.any():
        parameters, _, stuck = _solve(budgets / centre, drawn[known], weights)
        draws["E"][known], draws["g"][known] = parameters[:, 0], parameters[:, 2]
        draws["A"][known] = parameters[:, 1] * centre ** parameters[:, 2]
        if stuck.mean() > 0.025:
            text = f"{stuck.mean():.0%} of the refits end without a floor or on a bound of g: intervals are open there."
            notes.append(Note("interval_on_bound", "warning", text))
    if at_bound:
        notes.append(
            Note("bound_hit", "error", "E is 0 or g sits on a bound: the minima do not show where loss levels off.")
        )
    estimates = {"E": float(floor), "A": float(scale * centre**g), "g": float(g)}
    freedom = isoflop.details["freedom"]
    intervals = {name: percentile_interval(draws[name], freedom, log=name == "A") for name in NAMES}
    details = {"weights": weights, "budgets": budgets, "centre": centre, "freedom": freedom}
    status = "bound_hit" if at_bound else "converged"
    return Fit(METHOD, estimates, intervals, float(objective), status, tuple(notes), draws, details)


def curve_band(fit: Fit, compute: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fitted loss at `compute`, float[points], and the ends of its pointwise 95% band."""
    line = fit.estimates["E"] + fit.estimates["A"] * compute ** -fit.estimates["g"]
    drawn = fit.draws["E"][:, None] + fit.draws["A"][:, None] * compute ** -fit.draws["g"][:, None]
    ends = np.array([percentile_interval(column, fit.details["freedom"], log=True) for column in drawn.T])
    return line, ends[:, 0], ends[:, 1]


def _weights(vertices: list[Vertex]) -> np.ndarray:
    """Inverse variances of the minima, scaled to mean 1; equal where they are unknown or nil."""
    se = np.array([v.log_loss_se for v in vertices])
    if not (np.isfinite(se).all() and (se > 0).all()):
        return np.ones(len(se))
    return (1 / se**2) / np.mean(1 / se**2)


def _solve(c: np.ndarray, loss: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(E, A, g) float[draws, 3], weighted sum of squared relative errors, and whether a bound was hit.

    `c`: float[budgets] compute over its centre; `loss`: float[draws, budgets].
    """
    _, coarse = _linear(c, loss, weights, np.broadcast_to(G_GRID, (len(loss), len(G_GRID))))
    at = coarse.argmin(axis=1)
    inner = np.clip(at, 1, len(G_GRID) - 2)
    rows = np.arange(len(loss))
    left, middle, right = (coarse[rows, inner + k] for k in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    ratio = math.log(G_GRID[1] / G_GRID[0])
    g = np.where(at == inner, G_GRID[inner] * np.exp(np.clip(shift, -1, 1) * ratio), G_GRID[at])
    linear, error = _linear(c, loss, weights, g[:, None])
    stuck = (at != inner) | (linear[:, 0, 0] <= 0) | (linear[:, 0, 1] <= 0)
    return np.column_stack([linear[:, 0], g]), error[:, 0], stuck


def _linear(c: np.ndarray, loss: np.ndarray, weights: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative E and A, float[draws, grid, 2], and errors, float[draws, grid], for g of that shape."""
    w = (weights / loss**2)[:, None, :]
    power = c ** -g[:, :, None]
    target = loss[:, None, :]
    s1, sp, spp = w.sum(-1), (w * power).sum(-1), (w * power**2).sum(-1)
    sy, spy = (w * target).sum(-1), (w * power * target).sum(-1)
    determinant = s1 * spp - sp**2
    safe = np.where(determinant > 0, determinant, 1.0)
    floor = np.where(determinant > 0, (spp * sy - sp * spy) / safe, 0.0)
    scale = np.where(determinant > 0, (s1 * spy - sp * sy) / safe, 0.0)
    no_floor, no_slope = floor < 0, scale < 0
    scale = np.where(no_floor, spy / spp, np.where(no_slope, 0.0, scale))
    floor = np.where(no_floor, 0.0, np.where(no_slope, sy / s1, floor))
    error = (w * (target - floor[..., None] - scale[..., None] * power) ** 2).sum(-1)
    return np.stack([floor, scale], axis=-1), error
