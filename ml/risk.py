"""Risk from rollouts: what happened in them, and what was likely to happen at each of their steps.

In: of one task, for n prompts and r rollouts each, `Rollouts`' hit, decided, average and against, [n, r]. Out: a risk, or
an expected number, for each prompt.

Rollouts that reached the cap undecided are left out: nothing is known of their end, and they are taken to end like the
others. Their share is reported with every score, since with many of them the risk is that of short futures. A prompt
without a decided rollout has risk NaN.

`by_hits` is the share of decided rollouts that hit. `by_average` uses what SCOPE/REACH (arXiv 2602.03730) sum up, the
probability of the outcome at each next token. Alone that sum is unbiased, and much sharper than hits for rare outcomes, but
for common ones it can be worse: it adds up without limit where the outcome was likely many times and did not come. So it
serves as a control variate (Glasserman, Monte Carlo Methods in Financial Engineering, 2003, section 4.1): hit minus its sum
has mean zero whatever the model, and so has "decided against" minus the sum of its probabilities; what is taken is hit - c1
(hit - average) - c2 (missed - against), with the c that make the spread among rollouts of a prompt least. They are
estimated over all prompts of a task; at c = (1, 0) it is the plain sum, at (0, 0) the share of hits, so it is no worse than
either, but for the error of c, which goes with 1 / (n r). Wrong: nothing a user can cause.
"""

import numpy as np


def by_hits(hit: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Mean of hit over decided rollouts that have one, float64 [n]."""
    counted = decided & np.isfinite(hit)
    return _divided(np.where(counted, hit, 0).sum(1, dtype=float), counted.sum(1))


def by_average(hit: np.ndarray, decided: np.ndarray, average: np.ndarray, against: np.ndarray) -> np.ndarray:
    """Risk in [0, 1], float64 [n]; see the top of this file."""
    sharper = controlled(hit, decided, average, against).mean(1)
    return np.clip(_divided(sharper, decided.mean(1)), 0, 1)


def number_by_average(hit: np.ndarray, decided: np.ndarray, average: np.ndarray) -> np.ndarray:
    """Expected number, float64 [n], over decided rollouts that have one, with hit - average as the control variate."""
    counted = decided & np.isfinite(hit)
    hit, control = np.where(counted, hit, 0).astype(float), np.where(counted, hit - average, 0).astype(float)
    numbers = counted.sum(1)
    within = np.where(counted, hit - _divided(hit.sum(1), np.maximum(numbers, 1))[:, None], 0)
    spread = (control * control).sum()
    weight = (within * control).sum() / spread if spread > 0 else 0.0
    return _divided((hit - weight * control).sum(1), numbers)


def controlled(hit: np.ndarray, decided: np.ndarray, average: np.ndarray, against: np.ndarray) -> np.ndarray:
    """hit - c1 (hit - average) - c2 (missed - against), float64 [n, r]: the same mean as hit, less spread among a prompt's
    rollouts."""
    hit = hit.astype(float)
    controls = np.stack((hit - average, np.where(decided, 1 - hit, 0) - against), -1)
    within = hit - hit.mean(1, keepdims=True)
    rows = controls.reshape(-1, 2)
    weights = np.linalg.lstsq(rows, within.ravel(), rcond=1e-9)[0] if len(rows) else np.zeros(2)
    return hit - controls @ weights


def rollouts_needed(estimate: np.ndarray, hit: np.ndarray) -> float:
    """Rollouts that an estimate of its mean [n, r] needs for the error that one rollout's hit has: the ratio of their
    spreads within prompts."""
    spreads = [(x - x.mean(1, keepdims=True)).var() for x in (estimate.astype(float), hit.astype(float))]
    return float(spreads[0] / spreads[1]) if spreads[1] > 0 else np.nan


def _divided(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """sums / counts, NaN where nothing was counted."""
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
