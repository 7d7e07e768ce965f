"""Do nominal 95% intervals hold the truth? Simulated sweeps with a known law, refitted with every method.

`coverage` counts; the fast test does it for few sweeps and the two methods that lead, the slow one for 200 and all.
"""

import math
from collections import Counter

import numpy as np
import pytest

from analysis.methods import AKIMA, LOSS_COMPUTE, PARABOLA, SURFACES, fit_methods
from analysis.points import make_points
from tests.analysis.conftest import TRUE_A, TRUTH, simulate, true_loss, true_optimum

# The shapes tried: seven sizes at five budgets; the unequal grid that costs less; three seeds of some configurations.
SHAPES = {
    "35 runs": {"noise": 0.003},
    "36 runs, more at small budgets": {"noise": 0.003, "sizes": [15, 9, 5, 4, 3]},
    "15 runs at 3 budgets": {"noise": 0.004, "budgets": (1e11, 3e11, 1e12), "sizes": [6, 5, 4], "span": 20.0},
}
EXPONENT = TRUTH["alpha"] * TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
METHODS_HERE = (PARABOLA, AKIMA, *SURFACES, LOSS_COMPUTE)


def truth_of(method: str) -> dict[str, float]:
    """The true value of each estimate that a method gives once per sweep."""
    exponents = {"a": TRUE_A, "b": 1 - TRUE_A}
    if method.startswith("surface"):
        return TRUTH | exponents
    if method == "loss_compute":
        best = true_optimum(1e12)
        floor = true_loss(best, 1e12 / 6 / best) - TRUTH["E"]
        return {"E": TRUTH["E"], "A": floor * 1e12**EXPONENT, "g": EXPONENT}
    return exponents


def held(fit) -> dict[tuple[str, str], bool]:
    """Whether each interval of a fit holds the truth, by (kind, estimate); what is unknown is left out."""
    kinds = {"quoted": fit.intervals} | dict(fit.other_intervals)
    found = {}
    for kind, intervals in kinds.items():
        for name, value in truth_of(fit.method).items():
            low, high = intervals.get(name, (math.nan, math.nan))
            if not (math.isnan(low) and math.isnan(high)):
                found[kind, name] = low <= value <= high
    if "n_opt" in fit.intervals:
        per_budget = [low <= true_optimum(float(key)) <= high for key, (low, high) in fit.intervals["n_opt"].items()]
        found["quoted", "n_opt"] = float(np.mean(per_budget))
    return found


def coverage(shape: dict, sweeps: int, methods: tuple[str, ...], draws: int) -> dict[tuple[str, str, str], tuple]:
    """(share of sweeps whose interval holds the truth, sweeps with an interval) by method, kind and estimate."""
    hits, seen = Counter(), Counter()
    for seed in range(sweeps):
        columns = simulate(seed=1000 + seed, **shape)
        columns.pop("seed")
        for fit in fit_methods(make_points(**columns), methods, draws, seed).values():
            for (kind, name), inside in held(fit).items():
                hits[fit.method, kind, name] += inside
                seen[fit.method, kind, name] += 1
    return {key: (hits[key] / seen[key], seen[key]) for key in seen}


def test_intervals_hold_the_truth_in_a_few_sweeps():
    """24 sweeps: of a true 95%, fewer than 19 is a chance of one in two thousand, for each of these intervals."""
    found = coverage(SHAPES["35 runs"], 24, ("isoflop_parabola", "surface_least_squares"), 200)
    assert {kind for _, kind, _ in found} == {"quoted", "delta", "profile"}
    assert not {key: share for key, (share, _) in found.items() if share < 19 / 24}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_hold_the_truth_in_nine_of_ten_sweeps(shape):
    found = coverage(SHAPES[shape], 200, METHODS_HERE, 200)
    assert not {key: share for key, (share, seen) in found.items() if share < 0.90 and seen >= 100}
