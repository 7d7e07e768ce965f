"""Gadre's law of over-training: L = E + A/N^eta + B/D^eta, one exponent for both, so that loss at every tokens-per-parameter
ratio M = D/N is the same power of compute (Gadre 2024; theirs is E + (a M^(eta/2) + b M^(-eta/2)) C^(-eta/2), C = 6ND).

In: N, D, loss (float[runs]). Out: `Overtrained`, the law of least squares of the loss itself, as published.
One exponent fewer to tell apart than in the surface: five runs suffice, where one of them has another M. For each
eta E, A, B follow in closed form; eta is least over a grid, then refined: no start values, no local minima.
Wrong: fewer than 5 runs, or all of one M (A and B cannot be told apart): ValueError.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

MIN_RUNS = 5
# Published exponents lie near .27; outside these bounds nothing is a scaling law.
ETA_GRID = np.geomspace(0.01, 2.0, 200)
# log M that spreads less than this is one ratio, whatever the rounding.
LEAST_SPREAD = 0.05


@dataclass(frozen=True)
class Overtrained:
    """The law's constants (loss in nats per token) and its residual sum of squares."""

    E: float
    A: float
    B: float
    eta: float
    rss: float

    def loss(self, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Loss at N and D."""
        return self.E + self.A / n**self.eta + self.B / d**self.eta


def fit_overtrained(n: np.ndarray, d: np.ndarray, loss: np.ndarray) -> Overtrained:
    """Least squares of the loss over E, A, B and eta."""
    if len(loss) < MIN_RUNS:
        raise ValueError(f"{len(loss)} runs: 4 parameters need at least {MIN_RUNS}")
    if np.std(np.log(d / n)) < LEAST_SPREAD:
        raise ValueError("all runs have one ratio of tokens to parameters: A and B cannot be told apart")
    unit_n, unit_d = (float(np.exp(np.log(scale).mean())) for scale in (n, d))

    def solve(eta: float) -> tuple[float, np.ndarray]:
        design = np.column_stack([np.ones(len(n)), (n / unit_n) ** -eta, (d / unit_d) ** -eta])
        found = np.linalg.lstsq(design, loss, rcond=None)[0]
        return float(((loss - design @ found) ** 2).sum()), found

    best = int(np.argmin([solve(eta)[0] for eta in ETA_GRID]))
    inner = ETA_GRID[max(best - 1, 0)], ETA_GRID[min(best + 1, len(ETA_GRID) - 1)]
    eta = float(
        minimize_scalar(lambda value: solve(value)[0], bounds=inner, method="bounded", options={"xatol": 1e-10}).x
    )
    rss, (floor, of_n, of_d) = solve(eta)
    return Overtrained(float(floor), float(of_n * unit_n**eta), float(of_d * unit_d**eta), eta, rss)
