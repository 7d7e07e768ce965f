"""The design of an IsoFLOP sweep: which sizes for which budget, and how well they will fix the exponent.

In: budgets in FLOPs, vocabulary size, context, losses so far. Out: sizes a budget, as `--size` of ml/train.py;
the expected standard error of the exponent a of N* ~ C^a. The sizes of a budget span x8 in N with head, evenly in log N,
around where its optimum is expected: the optimum of the budget before, moved by the root of the budgets' ratio; before there
are results, CENTRE * sqrt(C / 1e11). The small budgets, where runs are cheap and noise is larger, have more sizes.
Around a budget's lowest loss stand at least two sizes on each side, which is what a parabola through five needs; where they
are missing, `sizes_missing` names them. Wrong: nothing here; sizes below what ml/ladder.py can shape are left out.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ml.ladder import LARGEST, SMALLEST, shape, size_name
from ml.model import parameter_counts

CENTRE, CENTRE_BUDGET, CENTRE_POWER = 15_000, 1e11, 0.5  # N with head, measured on synthetic timelines
SPAN = 8.0
MOST, FEWEST = 7, 5  # sizes of the smallest budget, and of the third and larger ones
DISTINCT = 1.08  # sizes that are nearer to each other in N than this are one
SIDE = 2  # sizes on each side of the lowest loss, and of the window that a vertex is taken from
# What is expected before there are results: the second derivative of the loss in log N, in nats, and the standard deviation of the
# loss between seeds. Of 20 sizes with two seeds each at 1e11 .. 3e12 FLOPs on the synthetic cohort (warehouse/synth/README.md).
CURVATURE, SEED_NOISE = 0.13, 0.04
# FLOP/s of one core of a 2024 server by width (counted as in ml/flops.py); small widths are bound by memory and by calls.
CPU_FLOPS = {8: 6.5e9, 16: 14e9, 24: 20e9, 32: 26e9, 48: 36e9, 64: 45e9, 96: 56e9, 128: 65e9, 256: 75e9}
STARTUP_SECONDS = 8.0


def with_head(size: int, vocabulary_size: int, context: int) -> int:
    """N with head of the shape of a size."""
    return parameter_counts(shape(size, vocabulary_size, context)).with_head


def size_for(n_with_head: float, vocabulary_size: int, context: int) -> int:
    """Block parameters of the shape whose N with head is nearest to `n_with_head`, to two figures; by bisection."""
    low, high = float(SMALLEST), float(LARGEST)
    for _ in range(50):
        middle = math.sqrt(low * high)
        smaller = with_head(round(middle), vocabulary_size, context) < n_with_head
        low, high = (middle, high) if smaller else (low, middle)
    digits = 1 - math.floor(math.log10(low))
    return max(SMALLEST, round(low, digits) if digits > 0 else round(low / 10**-digits) * 10**-digits)


def expected_centre(budget: float) -> float:
    """N with head at which a budget's optimum is expected before there are results."""
    return CENTRE * (budget / CENTRE_BUDGET) ** CENTRE_POWER


def sizes_around(centre: float, how_many: int, vocabulary_size: int, context: int) -> list[str]:
    """`how_many` sizes around an N with head, smallest first; fewer where some all but coincide, as at the smallest widths."""
    steps = [i / (how_many - 1) - 0.5 if how_many > 1 else 0.0 for i in range(how_many)]
    kept: dict[str, int] = {}
    for size in sorted({size_for(centre * SPAN**step, vocabulary_size, context) for step in steps}):
        found = with_head(size, vocabulary_size, context)
        if not kept or found > DISTINCT * max(kept.values()):
            kept[size_name(size)] = found
    return list(kept)


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


def sizes_missing(losses: Mapping[int, float], vocabulary_size: int, context: int) -> list[str]:
    """Sizes beyond the edge nearest to the lowest loss, so that two lie on that side of it; none below three sizes.

    `losses`: {N with head: loss} of one budget. The steps are as wide as that between the two sizes at the edge; sizes that
    no shape has, or that are there already, are left out.
    """
    sizes = sorted(losses)
    if len(sizes) < 3:
        return []
    best = min(range(len(sizes)), key=lambda i: losses[sizes[i]])
    below, above = SIDE - best, SIDE - (len(sizes) - 1 - best)
    if below > 0 and below >= above:
        edge, step, count = sizes[0], sizes[0] / sizes[1], below
    elif above > 0:
        edge, step, count = sizes[-1], sizes[-1] / sizes[-2], above
    else:
        return []
    wanted = [size_for(edge * step ** (i + 1), vocabulary_size, context) for i in range(count)]
    found = {size: with_head(size, vocabulary_size, context) for size in wanted}
    return [size_name(s) for s in sorted(found) if not sizes[0] * 0.9 < found[s] < sizes[-1] * 1.1]


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


def cpu_seconds(flops: float, d_model: int) -> float:
    """Seconds one core needs for a run, start-up and scoring included."""
    widths = sorted(CPU_FLOPS)
    speed = float(np.interp(d_model, widths, [CPU_FLOPS[width] for width in widths]))
    return STARTUP_SECONDS + flops / speed
