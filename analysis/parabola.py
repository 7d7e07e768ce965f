"""Local parabolas through one budget's profile, for many weightings of its points at once.

In: log N, log loss (float[k], ascending in N) and weights float[draws, k] (a pairs bootstrap's counts; ones for the fit
itself). Out: `Vertices`, one row per draw. The point estimate and the bootstrap share this code.
Window: the best point +-2 points, widened to every size within x4 of width around it (dense grids); Hoffmann 2022
approach 2, made local as Porian 2024's data demand (a global parabola there gives 1.2 where .835 is right).
A vertex that is no minimum or lies outside its window is clamped to what the data say (best point, window's end) and
marked: the optimum is there or beyond.
"""

from dataclasses import dataclass

import numpy as np

HALF_WINDOW = 2
# Within x4 (SCALING: about x4 to x8) the profile is a parabola to good approximation.
WINDOW_SPAN = np.log(4.0)
MIN_SIZES = 3
# Sizes evenly spaced in log N may end on the window's edge; rounding must not decide whether they are in.
ROUNDING = 1e-9
# A vertex nearer to an end of its window than this share of the window's width counts as lying at the end.
END_SHARE = 1e-9


@dataclass(frozen=True)
class Window:
    """How far a local parabola reaches: `points` on each side of the best one, and every size within `span` (log N) of
    width around it."""

    points: int = HALF_WINDOW
    span: float = WINDOW_SPAN


LOCAL = Window()


@dataclass(frozen=True)
class Vertices:
    """Vertex per draw: arrays of length draws.

    `log_n`, `log_loss`: the vertex; `unit_variance`: variance of log_n per unit of noise variance of log loss;
    `loss_unit_variance`: the same for log_loss; `clamped`: no minimum inside the window; `concave`: no minimum at all;
    `left`, `right`: window points on each side of the vertex; `window`: bool[draws, k];
    `coefficients`: float[draws, 3] of 1, z, z^2 with z = log N - `centre`; `rss`, `freedom`: of the window's residuals.
    """

    log_n: np.ndarray
    log_loss: np.ndarray
    unit_variance: np.ndarray
    loss_unit_variance: np.ndarray
    clamped: np.ndarray
    concave: np.ndarray
    left: np.ndarray
    right: np.ndarray
    window: np.ndarray
    coefficients: np.ndarray
    centre: np.ndarray
    rss: np.ndarray
    freedom: np.ndarray


def local_vertices(x: np.ndarray, y: np.ndarray, weights: np.ndarray, reach: Window = LOCAL) -> Vertices:
    """Vertex of the local parabola of y on x, float[k] or float[draws, k], under each row of weights, float[draws, k].

    Each row needs at least 3 sizes of positive weight. `reach`: how far the window goes.
    """
    y = np.broadcast_to(y, weights.shape)
    present = weights > 0
    best = np.where(present, y, np.inf).argmin(axis=1)
    centre = x[best]
    inside = window(x, present, best, reach)
    z = np.where(inside, x[None, :] - centre[:, None], 0.0)
    w = np.where(inside, weights, 0.0)
    powers = np.stack([np.ones_like(z), z, z * z], axis=2)
    normal = np.einsum("bk,bki,bkj->bij", w, powers, powers)
    inverse = np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    # Residuals from the best point's loss keep the sums small: log losses differ in the third decimal.
    level = y[np.arange(len(best)), best]
    coefficients = np.einsum("bij,bkj,bk,bk->bi", inverse, powers, w, y - level[:, None], optimize=True)
    residual = np.where(inside, y - level[:, None] - np.einsum("bki,bi->bk", powers, coefficients), 0.0)
    coefficients[:, 0] += level
    c0, c1, c2 = coefficients.T
    concave = ~(c2 > 0)
    safe = np.where(concave, 1.0, c2)
    free = -c1 / (2 * safe)
    low, high = np.where(inside, z, np.inf).min(axis=1), np.where(inside, z, -np.inf).max(axis=1)
    margin = END_SHARE * (high - low)
    clamped = concave | (free <= low + margin) | (free >= high - margin)
    vertex = np.where(concave, 0.0, np.clip(free, low, high))
    slope = np.stack([np.zeros_like(c1), -1 / (2 * safe), c1 / (2 * safe**2)], axis=1)
    at = np.stack([np.ones_like(vertex), vertex, vertex**2], axis=1)
    return Vertices(
        log_n=centre + vertex,
        log_loss=np.where(concave, level, c0 + c1 * vertex + c2 * vertex**2),
        unit_variance=np.einsum("bi,bij,bj->b", slope, inverse, slope),
        loss_unit_variance=np.einsum("bi,bij,bj->b", at, inverse, at),
        clamped=clamped,
        concave=concave,
        left=(inside & (z < vertex[:, None])).sum(axis=1),
        right=(inside & (z > vertex[:, None])).sum(axis=1),
        window=inside,
        coefficients=coefficients,
        centre=centre,
        rss=(w * residual**2).sum(axis=1),
        freedom=inside.sum(axis=1) - 3,
    )


def window(x: np.ndarray, present: np.ndarray, best: np.ndarray, reach: Window = LOCAL) -> np.ndarray:
    """bool[draws, k]: the present sizes within the reach of the best one in ranks or in width around it."""
    rank = np.cumsum(present, axis=1)
    at_best = np.take_along_axis(rank, best[:, None], axis=1)
    near_rank = np.abs(rank - at_best) <= reach.points
    near_size = np.abs(x[None, :] - x[best][:, None]) <= reach.span / 2 + ROUNDING
    return present & (near_rank | near_size)


def draw_weights(sizes: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """float[draws, sizes]: how often each size's configuration is drawn, given that at least 3 sizes are drawn."""
    counts = rng.multinomial(sizes, np.full(sizes, 1 / sizes), size=draws)
    for _ in range(10_000):
        short = np.flatnonzero((counts > 0).sum(axis=1) < MIN_SIZES)
        if not len(short):
            break
        counts[short] = rng.multinomial(sizes, np.full(sizes, 1 / sizes), size=len(short))
    return counts.astype(float)
