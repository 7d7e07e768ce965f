"""What a wrong size costs: against the law worked out by hand, against the recommendation, and by the parabola alone."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from analysis.being_wrong import costs_of_wrong
from analysis.methods import fit_methods
from analysis.recommendation import recommend
from analysis.results import Fit
from tests.analysis.conftest import TRUTH, simulate, true_loss, true_optimum

PARABOLA, SURFACE = "isoflop_parabola", "surface_huber"


def lowest(compute):
    """The truth's lowest loss at a compute."""
    n = true_optimum(compute)
    return true_loss(n, compute / 6 / n)


@pytest.fixture(scope="module")
def priced(points_of):
    """Rows by (compute, interval_of, side) under the truth, with draws of A that spread N*; and points and fits."""
    points = points_of(simulate(budgets=(1e12, 1e13), noise=0.002))
    rng = np.random.default_rng(0)
    draws = {name: np.full(400, value) for name, value in TRUTH.items()}
    draws["A"] = TRUTH["A"] * np.exp(0.5 * rng.standard_normal(400))
    fits = {
        PARABOLA: fit_methods(points, (PARABOLA,), 200)[PARABOLA],
        SURFACE: Fit(SURFACE, TRUTH, {}, 0.0, "converged", draws=draws, details={"residual": np.zeros(len(points))}),
    }
    return {(row.compute, row.interval_of, row.side): row for row in costs_of_wrong(points, fits)}, points, fits


def test_cost_is_that_of_the_law(priced):
    rows, _, fits = priced
    assert set(rows) == {(c, m, s) for c in (1e12, 1e13, 1e14) for m in (PARABOLA, SURFACE) for s in ("low", "high")}
    for (compute, _, _), row in rows.items():
        assert row.method == SURFACE and row.factor == pytest.approx(compute / 1e13)
        assert row.n_opt == pytest.approx(true_optimum(compute), rel=1e-3)
        assert row.loss == pytest.approx(true_loss(row.n, compute / 6 / row.n), rel=1e-9)
        assert row.excess == pytest.approx(row.loss - lowest(compute), abs=1e-7)
        log_c = brentq(
            lambda x, loss=row.loss: lowest(math.exp(x)) - loss, math.log(compute) - 9, math.log(compute) + 1
        )
        assert row.needed == pytest.approx(math.exp(log_c), rel=1e-4)
        assert row.wasted == pytest.approx(1 - row.needed / compute, abs=1e-12)
    assert rows[1e13, PARABOLA, "low"].n == fits[PARABOLA].intervals["n_opt"]["1e+13"][0]


def test_ends_enclose_the_best_size_and_cost_more_than_it(priced):
    rows, _, _ = priced
    for compute in (1e12, 1e13, 1e14):
        low, high = (rows[compute, SURFACE, side] for side in ("low", "high"))
        assert low.n < low.n_opt < high.n
        assert min(low.excess, high.excess) > 1e-3 and min(low.wasted, high.wasted) > 0.01
        assert low.needed < compute


def test_recommendation_has_the_same_cost(priced):
    rows, points, fits = priced
    told = {w.end: w for w in recommend(points, fits, 1e14).wrong}
    for side in ("low", "high"):
        row, other = rows[1e14, SURFACE, side], told[f"interval, {side} end"]
        assert (row.n, row.loss, row.needed) == pytest.approx((other.n, other.loss, other.needed), rel=1e-9)
        assert (row.excess, row.wasted) == pytest.approx((other.excess, other.wasted), abs=1e-9)


def test_parabola_gives_the_loss_where_no_surface_is_identified(points_of):
    points = points_of(simulate(budgets=(1e12,), sizes=7, noise=0.004, seed=2))
    fits = fit_methods(points, (PARABOLA, SURFACE), 200)
    low, high = costs_of_wrong(points, fits)
    vertex = fits[PARABOLA].details["vertices"][0]
    for row in (low, high):
        away = math.log(row.n / vertex.n_opt)
        expected = vertex.loss_opt * math.exp(vertex.coefficients[2] * away**2)
        assert (row.method, row.compute, row.factor) == (PARABOLA, 1e12, 1.0)
        assert row.loss == pytest.approx(expected, rel=1e-9) and row.excess == pytest.approx(expected - vertex.loss_opt)
        assert math.isnan(row.needed) and math.isnan(row.wasted)
    assert (low.n, high.n) == fits[PARABOLA].intervals["n_opt"]["1e+12"]


def test_parabola_says_nothing_outside_its_window(points_of):
    points = points_of(simulate(budgets=(1e12,), sizes=9, noise=0.05, seed=3))
    fits = fit_methods(points, (PARABOLA,), 200)
    inside = points.n[fits[PARABOLA].details["vertices"][0].window]
    rows = costs_of_wrong(points, fits)
    out = [row for row in rows if not inside.min() <= row.n <= inside.max()]
    assert out and all(math.isnan(row.loss) and "outside" in row.remark for row in out)


def test_nothing_to_price(points_of):
    assert costs_of_wrong(points_of(simulate(budgets=(1e12,), sizes=2)), {}) == ()
    points = points_of(simulate(budgets=(1e12,), sizes=2))
    assert costs_of_wrong(points, fit_methods(points, (PARABOLA, SURFACE), 100)) == ()
