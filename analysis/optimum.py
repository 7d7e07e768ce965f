"""The best size and tokens that a fitted law of loss gives for a stated compute, also where data are limited.

In: a law (parameters E, A, B, alpha, beta as arrays, one entry a draw, and how repeated tokens count), the rule that turns
compute and size into tokens, a compute. Out: log N, D and loss at the optimum, one entry a draw. Pure; nothing is printed.
Compute is counted as the runs count it: C = k(N) N D, where k is read off the runs (6 for 6ND, more where attention and a
small width weigh), smooth in N, and held at its end values outside the sizes tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from analysis.points import MANY_EPOCHS, Points
from analysis.repeated import BASE, Base, predict

# The optimum is looked for this far (in N, either way) around where 6ND puts it and around where the data limit puts it.
REACH = np.log(30.0)
GRID_STEPS = 400
# Steps at which k(N) is told between the smallest and the largest size.
RULE_STEPS = 100
# Compute is searched down to this share of what was given when asking what less would have done.
LEAST_SHARE = 1e-8
BISECTIONS = 50
ROOT_MARGIN = 1e-6


@dataclass(frozen=True)
class ComputeRule:
    """FLOPs per parameter and token, k(N) = C / (N D): log k, float[steps], at log N, float[steps], ascending."""

    log_n: np.ndarray
    log_k: np.ndarray

    def tokens(self, compute: float, log_n: np.ndarray) -> np.ndarray:
        """D that `compute` pays for at size exp(log_n)."""
        return compute / np.exp(log_n + np.interp(log_n, self.log_n, self.log_k))

    def log_size(self, compute: float, tokens: float) -> float:
        """log N of the size for which `compute` pays exactly `tokens`: the root of log N + log k(N) = log(C / D)."""
        wanted = np.log(compute / tokens)
        # log k lies between its least and its largest, so the root lies between these; a little more for rounding.
        ends = (wanted - self.log_k.max() - ROOT_MARGIN, wanted - self.log_k.min() + ROOT_MARGIN)
        return float(brentq(lambda log_n: log_n + np.interp(log_n, self.log_n, self.log_k) - wanted, *ends))


@dataclass(frozen=True)
class Law:
    """L = E + A/N^alpha + B/D^beta, float[draws] each, for `unique` tokens (infinite: never repeated).

    `repeats`: `fresh` (every token counts in full), `bound` (tokens beyond 4 epochs count for nothing), or `decay`
    (Muennighoff 2023, with r_d and r_n, float[draws]).
    """

    E: np.ndarray
    A: np.ndarray
    B: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    unique: float = np.inf
    repeats: str = "fresh"
    r_d: np.ndarray | None = None
    r_n: np.ndarray | None = None

    def loss(self, log_n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Loss, float[draws, ...], at log N and D of that shape (or one that broadcasts against draws)."""
        shape = (-1,) + (1,) * (np.ndim(log_n) - 1)
        base = Base(*(np.reshape(getattr(self, name), shape) for name in BASE))
        n = np.exp(log_n)
        if self.repeats == "decay":
            u = np.full_like(d, self.unique)
            return predict(base, np.reshape(self.r_d, shape), np.reshape(self.r_n, shape), n, d, u)
        if self.repeats == "bound":
            d = np.minimum(d, MANY_EPOCHS * self.unique)
        return base.fresh(n, d)

    def draw(self, index: int) -> "Law":
        """One draw as a law of its own."""
        names = (*BASE, "r_d", "r_n")
        parts = {name: getattr(self, name) for name in names}
        cut = {name: None if part is None else part[index : index + 1] for name, part in parts.items()}
        return Law(**cut, unique=self.unique, repeats=self.repeats)


@dataclass(frozen=True)
class Optimum:
    """log N, D and loss at the optimum, float[draws]."""

    log_n: np.ndarray
    d: np.ndarray
    loss: np.ndarray


def compute_rule(points: Points) -> ComputeRule:
    """k(N) from the runs: the median of C / (N D) at each size, then a parabola in log N through those.

    Neighbouring sizes differ in depth and heads as well as width; taken as it is, their ragged k would make N* jump.
    """
    logs = np.round(np.log(points.n), 3)
    ratio = np.log(points.flops / (points.n * points.d))
    sizes = np.unique(logs)
    medians = np.array([np.median(ratio[logs == size]) for size in sizes])
    centre = sizes.mean()
    smooth = np.polynomial.polynomial.polyfit(sizes - centre, medians, min(2, len(sizes) - 1))
    steps = np.linspace(sizes[0], sizes[-1], RULE_STEPS)
    return ComputeRule(steps, np.polynomial.polynomial.polyval(steps - centre, smooth))


def law_of(parameters: Mapping[str, np.ndarray | float], unique: float = np.inf, repeats: str = "fresh") -> Law:
    """A Law from estimates or draws by name; R_D and R_N where repeats decay."""
    values = {name: np.atleast_1d(np.asarray(parameters[name], dtype=float)) for name in BASE}
    if repeats == "decay":
        r_d, r_n = (np.atleast_1d(np.asarray(parameters[name], dtype=float)) for name in ("R_D", "R_N"))
        values = {name: np.broadcast_to(part, r_d.shape) for name, part in values.items()}
        return Law(**values, unique=unique, repeats=repeats, r_d=r_d, r_n=r_n)
    return Law(**values, unique=unique, repeats=repeats)


def optimum(law: Law, rule: ComputeRule, compute: float) -> Optimum:
    """The size with the lowest loss at `compute`, on a grid in log N refined by a parabola; tokens follow from the rule."""
    total = law.alpha + law.beta
    ratio = np.log(law.alpha * law.A) - np.log(law.beta * law.B)
    near = ratio / total + law.beta / total * np.log(compute / 6)
    ends = np.stack([near - REACH, near + REACH])
    if np.isfinite(law.unique) and law.repeats != "fresh":
        capped = np.log(compute / (6 * MANY_EPOCHS * law.unique))
        ends = np.stack([np.minimum(ends[0], capped - REACH), np.maximum(ends[1], capped + REACH)])
    # A draw with a wild exponent puts its optimum where nothing is: no model has less than a parameter, no run less than a token.
    ends = np.clip(ends, 0.0, max(np.log(compute / 6), 0.0))
    grid = ends[0][:, None] + (ends[1] - ends[0])[:, None] * np.linspace(0, 1, GRID_STEPS + 1)
    loss = law.loss(grid, rule.tokens(compute, grid))
    rows = np.arange(len(grid))
    at = np.clip(loss.argmin(axis=1), 1, GRID_STEPS - 1)
    left, middle, right = (loss[rows, at + k] for k in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    log_n = grid[rows, at] + np.clip(shift, -1, 1) * (ends[1] - ends[0]) / GRID_STEPS
    d = rule.tokens(compute, log_n)
    loss = law.loss(log_n, d)
    if law.repeats == "bound" and np.isfinite(law.unique):
        # The bound makes a corner, which no parabola finds: the size that spends the compute on exactly 4 epochs.
        at_corner = np.full_like(log_n, rule.log_size(compute, MANY_EPOCHS * law.unique))
        d_corner = rule.tokens(compute, at_corner)
        loss_corner = law.loss(at_corner, d_corner)
        better = loss_corner <= loss
        log_n, d, loss = (np.where(better, *pair) for pair in ((at_corner, log_n), (d_corner, d), (loss_corner, loss)))
    return Optimum(log_n, d, loss)


def compute_for_loss(law: Law, rule: ComputeRule, compute: float, loss: float) -> float:
    """The least compute, at most `compute`, whose optimum under the (single) law reaches `loss`; by bisection."""
    low, high = np.log(compute * LEAST_SHARE), np.log(compute)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        reached = float(optimum(law, rule, float(np.exp(middle))).loss[0]) <= loss
        low, high = (low, middle) if reached else (middle, high)
    return float(np.exp(high))


def cost_of_size(
    law: Law, rule: ComputeRule, compute: float, n: float, best: float
) -> tuple[float, float, float, float]:
    """What size `n` costs at `compute` under the (single) law, whose lowest loss there is `best`.

    (loss of that size, excess over the best, compute whose best size reaches the same loss, 1 - that over what was given).
    """
    log_n = np.array([np.log(n)])
    loss = float(law.loss(log_n, rule.tokens(compute, log_n))[0])
    needed = compute_for_loss(law, rule, compute, loss)
    return loss, loss - best, needed, max(0.0, 1 - needed / compute)
