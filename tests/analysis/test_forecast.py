"""Forecasts on sweeps with a known truth, and the largest budgets left out."""

import math

import numpy as np
import pytest

from analysis.forecast import CARRY_FORWARD, SPREAD, forecast, leave_largest_out, observed_optima, run_noise
from analysis.methods import fit_methods
from analysis.optimum import compute_for_loss, compute_rule, law_of, optimum
from analysis.recommendation import recommend
from analysis.results import LEAST_COUNT, percentile_interval
from tests.analysis.conftest import TRUTH, simulate, true_loss, true_optimum

METHODS = ("isoflop_parabola", "surface_least_squares", "surface_huber", "loss_compute")
BUDGETS = (3e11, 1e12, 3e12, 1e13, 3e13, 1e14)


@pytest.fixture(scope="module")
def noisy(points_of):
    """Points of a sweep with 0.3% noise and its fits."""
    points = points_of(simulate(budgets=BUDGETS, noise=0.003, seeds=2, seed=1))
    return points, fit_methods(points, METHODS, 200)


def best_loss(budget: float) -> float:
    n = true_optimum(budget)
    return float(true_loss(n, budget / 6 / n))


def row(rows, **wanted):
    """The one row that has these values."""
    found = [r for r in rows if all(getattr(r, name) == value for name, value in wanted.items())]
    assert len(found) == 1, wanted
    return found[0]


def test_optimum_of_the_true_law_is_the_closed_form(points_of):
    rule = compute_rule(points_of(simulate()))
    best = optimum(law_of(TRUTH), rule, 1e15)
    assert math.exp(best.log_n[0]) == pytest.approx(true_optimum(1e15), rel=2e-3)
    assert best.loss[0] == pytest.approx(best_loss(1e15), rel=1e-7)
    assert compute_for_loss(law_of(TRUTH), rule, 1e15, best_loss(2e14)) == pytest.approx(2e14, rel=1e-3)


def test_compute_is_counted_as_the_runs_count_it(points_of):
    """Where small models cost more than 6ND, the optimum has fewer tokens and all of the compute is spent."""
    columns = simulate()
    factor = 6 * (1 + 1e4 / columns["n"])
    columns["d"] = columns["budget"] / factor / columns["n"]
    columns["flops"] = columns["budget"].copy()
    rule = compute_rule(points_of(columns))
    best = optimum(law_of(TRUTH), rule, 3e11)
    n, d = math.exp(best.log_n[0]), best.d[0]
    assert 6 * (1 + 1e4 / n) * n * d == pytest.approx(3e11, rel=0.02)
    assert n > 1.05 * true_optimum(3e11)


def test_forecast_covers_the_truth_and_keeps_three_bands_apart(noisy):
    points, fits = noisy
    rows = forecast(points, fits, 1e15)
    for method in ("surface_least_squares", "surface_huber", "loss_compute"):
        loss = row(rows, quantity="loss", method=method)
        assert loss.factor == pytest.approx(10)
        assert loss.low < best_loss(1e15) < loss.high
        assert loss.run_low < loss.low < loss.value < loss.high < loss.run_high
    for method in ("isoflop_parabola", "surface_huber"):
        size = row(rows, quantity="n_opt", method=method)
        assert size.low < true_optimum(1e15) < size.high and math.isnan(size.run_low)
    spread = row(rows, quantity="n_opt", method=SPREAD)
    values = [r.value for r in rows if r.quantity == "n_opt" and r.method != SPREAD]
    assert (spread.low, spread.high) == (min(values), max(values))


def test_bands_of_a_surface_are_stretched_for_few_degrees_of_freedom(points_of):
    """Nine configurations and five parameters: Student's t with 4 degrees of freedom is 1.42 times the normal's 1.96."""
    points = points_of(simulate(budgets=(1e12, 1e13, 1e14), sizes=3, noise=0.003, seed=1))
    fits = fit_methods(points, ("surface_least_squares",), 200)
    fit = fits["surface_least_squares"]
    assert fit.details["freedom"] == 4
    draws = optimum(law_of(fit.draws), compute_rule(points), 1e15)
    loss = row(forecast(points, fits, 1e15), quantity="loss", method=fit.method)
    low, high = np.log(percentile_interval(draws.loss, log=True))
    assert math.log(loss.high / loss.low) == pytest.approx(1.4165 * (high - low), rel=1e-3)
    size = row(forecast(points, fits, 1e15), quantity="n_opt", method=fit.method)
    assert (size.low, size.high) == percentile_interval(np.exp(draws.log_n), 4, log=True)
    noise, rng = run_noise(points, fits), np.random.default_rng(0)
    runs = draws.loss * np.exp(noise * rng.standard_normal(200))
    ends = percentile_interval(runs, 4, log=True)
    assert (loss.run_low, loss.run_high) == (min(ends[0], loss.low), max(ends[1], loss.high))
    answer = recommend(points, fits, 1e15)
    for name, seen in (("loss", loss), ("n", size)):
        assert (answer.ranges[name].low, answer.ranges[name].high) == (seen.low, seen.high), name
    assert (answer.run_low, answer.run_high) == (loss.run_low, loss.run_high)


def test_an_interval_of_a_size_ends_at_one_parameter(points_of):
    """Sizes drawn over many decades and stretched for one degree of freedom would reach far below one."""
    draws = np.geomspace(2.0, 2e12, 201)
    assert percentile_interval(draws, 1, log=True)[0] < 1e-20
    assert percentile_interval(draws, 1, log=True, least=LEAST_COUNT)[0] == 1
    # Two sizes on each of three close budgets leave one degree of freedom, and draws of N* over many decades.
    points = points_of(simulate(budgets=(1e12, 2e12, 3e12), sizes=2, noise=0.02, seed=1))
    fits = fit_methods(points, METHODS, 100)
    size = row(forecast(points, fits, 1e15), quantity="n_opt", method="surface_least_squares")
    assert size.low == 1 < size.value
    assert recommend(points, fits, 1e15, anyway=True).ranges["n"].low == 1


def test_one_new_run_is_never_surer_than_the_law(points_of):
    """Far out and with few draws, what is drawn for the noise often draws an end in: there the run's end is the law's."""
    points = points_of(simulate(budgets=(1e11, 1e12, 1e13, 1e14), sizes=5, noise=0.001, seed=1))
    fits = fit_methods(points, ("surface_least_squares", "loss_compute"), 100)
    held = 0
    for seed in range(20):
        rows = [r for r in forecast(points, fits, 1e16, seed) if r.quantity == "loss" and r.method != SPREAD]
        assert len(rows) == 2 and all(r.run_low <= r.low < r.high <= r.run_high for r in rows)
        held += sum(r.run_low == r.low or r.run_high == r.high for r in rows)
        answer = recommend(points, fits, 1e16, 1e7, seed)
        assert answer.repeats == "bound"
        assert answer.run_low <= answer.ranges["loss"].low < answer.ranges["loss"].high <= answer.run_high
    assert held > 3, "else nothing is shown"


def test_largest_budgets_left_out_are_foreseen_and_the_baseline_is_not(noisy):
    points, fits = noisy
    rows = leave_largest_out(points, fits, most=2, bootstrap=100)
    assert {(r.left_out, r.budget) for r in rows} == {(1, 1e14), (2, 1e14), (2, 3e13)}
    for left_out, last in ((1, 3e13), (2, 1e13)):
        carried = row(rows, left_out=left_out, budget=1e14, quantity="loss", method=CARRY_FORWARD)
        assert carried.predicted == pytest.approx(best_loss(last), rel=2e-3)
        assert carried.error == pytest.approx(best_loss(last) / best_loss(1e14) - 1, abs=3e-3)
        for method in ("surface_huber", "loss_compute"):
            told = row(rows, left_out=left_out, budget=1e14, quantity="loss", method=method)
            assert abs(told.error) < 0.005 < abs(carried.error)
            assert told.low < told.observed < told.high
        runs = row(rows, left_out=left_out, budget=1e14, quantity="runs", method="surface_huber")
        assert runs.error == pytest.approx(0.003, abs=0.0025)


def test_what_is_left_out_has_no_part_in_what_is_foreseen(noisy, points_of):
    points, fits = noisy
    columns = simulate(budgets=BUDGETS, noise=0.003, seeds=2, seed=1)
    columns["loss"] = np.where(columns["budget"] == 1e14, columns["loss"] * 1.2, columns["loss"])
    changed = leave_largest_out(points_of(columns), fits, most=1, bootstrap=100)
    as_it_was = leave_largest_out(points, fits, most=1, bootstrap=100)
    foreseen = [[r.predicted for r in rows if r.quantity == "loss"] for rows in (as_it_was, changed)]
    assert foreseen[0] == foreseen[1]
    assert row(changed, quantity="loss", method="surface_huber").error == pytest.approx(1 / 1.2 - 1, abs=0.01)


def test_too_few_budgets_leave_nothing_to_leave_out(points_of):
    points = points_of(simulate(budgets=(1e12, 1e13), sizes=6))
    assert leave_largest_out(points, fit_methods(points, ("isoflop_parabola",), 100)) == ()
    assert observed_optima(points)[1e12][1] == pytest.approx(true_optimum(1e12), rel=0.05)
