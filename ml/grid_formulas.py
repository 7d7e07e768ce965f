"""How well an IsoFLOP sweep will fix the exponent a of N* ~ C^a, and where each budget's optimum is expected: arithmetic alone.

In: budgets in FLOPs; losses so far, {budget: {N with head: loss}}, or runs, {budget: {N with head: runs}}. Out: N with head,
numbers of sizes, standard errors. The optimum of the budget before is moved by the root of the budgets' ratio; before there are
results it is CENTRE * sqrt(C / 1e11). Wrong: nothing here; what cannot be told is infinite or None.
Without torch, so that a plan is made in a second; what needs a model's shape is in ml/grid.py.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

CENTRE, CENTRE_BUDGET, CENTRE_POWER = 15_000, 1e11, 0.5  # N with head, measured on synthetic timelines
SPAN = 8.0  # of a budget's sizes in N with head, evenly in log N
MOST, FEWEST = 7, 5  # sizes of the smallest budget, and of the third and larger ones
SIDE = 2  # sizes on each side of the lowest loss, and of the window that a vertex is taken from
# What is expected before there are results: the second derivative of the loss in log N, in nats, and the standard deviation of the
# loss between seeds. Of 20 sizes with two seeds each at 1e11 .. 3e12 FLOPs on the synthetic cohort (warehouse/synth/README.md).
CURVATURE, SEED_NOISE = 0.13, 0.04


def expected_centre(budget: float) -> float:
    """N with head at which a budget's optimum is expected before there are results."""
    return CENTRE * (budget / CENTRE_BUDGET) ** CENTRE_POWER


def sizes_per_budget(n_budgets: int) -> list[int]:
    """7, 6, 5, 5, ... from the smallest budget to the largest."""
    return [max(FEWEST, MOST - i) for i in range(n_budgets)]


def vertex(losses: Mapping[int, float]) -> float | None:
    """N with head at the lowest point of the parabola in log N through the lowest loss and two sizes on each side.

    `losses`: {N with head: loss} of one budget. Held within the sizes that were tried; None below three sizes and where
    the parabola has no lowest point.
    """
    sizes = sorted(losses)
    if len(sizes) < 3:
        return None
    best = min(range(len(sizes)), key=lambda i: losses[sizes[i]])
    first = max(0, min(best - SIDE, len(sizes) - 3))
    near = sizes[first : max(best + SIDE, 2) + 1]
    logs = np.log(near)
    square, line, _ = np.polyfit(logs - logs.mean(), [losses[n] for n in near], 2)
    if square <= 0:
        return None
    return float(np.exp(np.clip(logs.mean() - line / (2 * square), logs[0], logs[-1])))


def centre_for(budget: float, profiles: Mapping[float, Mapping[int, float]]) -> tuple[float, float | None]:
    """N with head to lay a budget's sizes around, and the budget it was taken from, None where it is the expectation.

    `profiles`: {budget: {N with head: loss}} of the smaller budgets; the largest one that has a vertex counts.
    """
    for smaller in sorted((b for b in profiles if b < budget), reverse=True):
        found = vertex(profiles[smaller])
        if found is not None:
            return found * (budget / smaller) ** CENTRE_POWER, smaller
    return expected_centre(budget), None


def vertex_variance(sizes: Mapping[float, int], curvature: float, noise: float, offset: float = 0.0) -> float:
    """Variance of the vertex, in log N, of a parabola fitted to one budget's losses by least squares.

    `sizes`: {N with head: runs}; `curvature`: second derivative of the loss in log N, nats; `noise`: standard deviation of a
    run's loss, nats; `offset`: vertex minus the mean of log N. Infinite below three sizes.

    With loss = p0 + p1 z + p2 z^2, z = log N less its mean, and X the rows (1, z, z^2), one a run, the Fisher information of p
    under Gaussian noise is X'X / noise^2. The vertex is v = -p1 / (2 p2), whose gradient g is (0, -1 / (2 p2), -v / p2), so
    that by the delta method (Casella and Berger 2002, section 5.5.4) var(v) = noise^2 g' (X'X)^-1 g, with p2 = curvature / 2.
    """
    if len(sizes) < 3:
        return math.inf
    logs, runs = np.log(list(sizes)), np.array(list(sizes.values()), dtype=float)
    z = logs - logs.mean()
    rows = np.stack((np.ones_like(z), z, z**2), axis=1)
    covariance = noise**2 * np.linalg.inv(rows.T @ (rows * runs[:, None]))
    gradient = np.array([0.0, -1 / curvature, -2 * offset / curvature])
    return float(gradient @ covariance @ gradient)


def exponent_error(profiles: Mapping[float, Mapping[float, int]], curvature: float, noise: float) -> float:
    """Expected standard error of the exponent a of N* ~ C^a. `profiles`: {budget: {N with head: runs}}.

    The vertices v_i, each with the variance w_i^-1 of `vertex_variance`, lie about a line in log C; weighted least
    squares gives its slope the variance 1 / sum_i w_i (log C_i - mean)^2, the mean weighted too (Draper and Smith 1998, chapter 9).
    Counted is the noise between seeds and no lack of fit: the parabola is taken to be true over the sizes, and to have its vertex
    at their middle. Infinite below two budgets that have three sizes.
    """
    variances = {budget: vertex_variance(sizes, curvature, noise) for budget, sizes in profiles.items()}
    finite = {budget: 1 / v for budget, v in variances.items() if math.isfinite(v)}
    if len(finite) < 2:
        return math.inf
    logs, weights = np.log(list(finite)), np.array(list(finite.values()))
    centred = logs - np.average(logs, weights=weights)
    return float((weights * centred**2).sum() ** -0.5)


def noise_of(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Standard deviation of the loss between seeds of one configuration, pooled, and its degrees of freedom; (SEED_NOISE, 0)
    where no configuration has two seeds."""
    several = [np.array(losses) for losses in groups if len(losses) > 1]
    freedom = sum(len(losses) - 1 for losses in several)
    if not freedom:
        return SEED_NOISE, 0
    return math.sqrt(sum(float(((x - x.mean()) ** 2).sum()) for x in several) / freedom), freedom


def curvature_of(profiles: Mapping[float, Mapping[int, float]]) -> tuple[float, int]:
    """Mean second derivative of the loss in log N over the budgets with four sizes or more, and their number;
    (CURVATURE, 0) where there is none."""
    found = []
    for losses in profiles.values():
        if len(losses) > 3:
            logs = np.log(list(losses))
            found.append(2 * np.polyfit(logs - logs.mean(), list(losses.values()), 2)[0])
    mean = float(np.mean(found)) if found else 0.0
    return (mean, len(found)) if mean > 0 else (CURVATURE, 0)
