"""Noise between seeds, correlations of the surfaces' parameters, and the log of the searches."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.diagnostics import PARAMETERS, correlation_rows, noise_rows, sd_interval, search_rows
from analysis.methods import fit_methods
from analysis.points import seed_noise
from tests.analysis.conftest import TRUTH, simulate

LEAST = "surface_least_squares"


@pytest.fixture(scope="module")
def fitted(points_of):
    points = points_of(simulate(budgets=(1e11, 1e12, 1e13, 1e14), sizes=7, noise=0.003))
    return points, fit_methods(points, (LEAST, "surface_lad", "isoflop_parabola", "loss_compute"), 300)


def matrix(rows, method, source):
    found = {(row.parameter, row.other): row.value for row in rows if (row.method, row.source) == (method, source)}
    assert len(found) == len(PARAMETERS) ** 2
    return np.array([[found[one, other] for other in PARAMETERS] for one in PARAMETERS])


def test_noise_of_each_configuration_and_of_all(points_of):
    columns = simulate(budgets=(1e11, 1e12), sizes=4, noise=0.01, seeds=3)
    alone = {name: column[np.r_[0, 3:24]] for name, column in columns.items()}
    points = points_of(alone)
    *rows, every = noise_rows(points)
    assert [row.seeds for row in rows] == [3] * 7, "a single seed tells nothing"
    assert [(row.budget, row.n) for row in rows] == sorted((row.budget, row.n) for row in rows)
    logs = np.log(alone["loss"][1:4])
    assert rows[0].sd == pytest.approx(np.std(logs, ddof=1)) and rows[0].mean_loss == pytest.approx(np.exp(logs.mean()))
    assert rows[0].low < rows[0].sd < rows[0].high
    assert every.configuration is None and (every.sd, every.freedom) == seed_noise(points)
    assert every.seeds == 21, "the single seed has no part in it"
    assert every.sd == pytest.approx(math.sqrt(np.mean([row.sd**2 for row in rows])))
    assert every.high / every.low < rows[0].high / rows[0].low


def test_no_seeds_is_one_row_without_a_number(points_of):
    (every,) = noise_rows(points_of(simulate()))
    assert every.freedom == every.seeds == 0 and np.isnan([every.sd, every.low, every.high]).all()


def test_interval_of_the_noise_covers():
    drawn = np.random.default_rng(0).standard_normal((1000, 4)).std(axis=1, ddof=1)
    inside = [low <= 1 <= high for low, high in (sd_interval(sd, 3) for sd in drawn)]
    assert 0.93 < np.mean(inside) < 0.97


def test_correlations_are_those_of_the_information_matrix(fitted):
    """By numerical derivatives in log E, log A, log B, alpha, beta as they stand, not at the data's centre."""
    points, fits = fitted
    value = fits[LEAST].estimates
    at = np.array([math.log(value["E"]), math.log(value["A"]), math.log(value["B"]), value["alpha"], value["beta"]])

    def predicted(theta):
        e, a, b = np.exp(theta[:3])
        return np.log(e + a / points.n ** theta[3] + b / points.d ** theta[4])

    jacobian = np.stack([(predicted(at + h) - predicted(at - h)) / 2e-5 for h in 1e-5 * np.eye(5)], axis=1)
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    spread = np.sqrt(np.diag(covariance))
    rows = correlation_rows(points, fits)
    assert matrix(rows, LEAST, "covariance") == pytest.approx(covariance / np.outer(spread, spread), abs=1e-3)


def test_draws_and_covariance_agree_and_are_matrices_of_correlation(fitted):
    points, fits = fitted
    rows = correlation_rows(points, fits)
    assert {row.method for row in rows} == {LEAST, "surface_lad"}
    both = [matrix(rows, LEAST, source) for source in ("covariance", "draws")]
    for found in both:
        assert np.diag(found) == pytest.approx(1) and found == pytest.approx(found.T)
        assert found[1, 3] > 0.99, "A and alpha move together"
    assert both[0] == pytest.approx(both[1], abs=0.25)


def test_parameter_on_a_bound_has_no_correlation(fitted):
    points, fits = fitted
    fit = fits[LEAST]
    bound = fit.details["covariance"].copy()
    bound[0], bound[:, 0] = np.nan, np.nan
    stuck = replace(
        fit, details={**fit.details, "covariance": bound}, draws={**fit.draws, "E": np.full(300, TRUTH["E"])}
    )
    rows = correlation_rows(points, {LEAST: stuck})
    for source in ("covariance", "draws"):
        found = matrix(rows, LEAST, source)
        assert np.isnan(found[0]).all() and np.isnan(found[:, 0]).all() and np.isfinite(found[1:, 1:]).all()
    bound[3], bound[:, 3] = np.nan, np.nan
    found = matrix(correlation_rows(points, {LEAST: stuck}), LEAST, "covariance")
    assert np.isnan(found[1]).all(), "log A is that at the centre and alpha"


def test_searches(fitted):
    _, fits = fitted
    rows = {row.method: row for row in search_rows(fits)}
    assert list(rows) == list(fits)
    row, search = rows[LEAST], fits[LEAST].search
    assert (row.starts, row.basin, row.gradient, row.moved) == (
        search.starts,
        search.basin,
        search.gradient,
        search.moved,
    )
    assert (row.delta, row.status, row.objective) == (math.inf, "converged", fits[LEAST].objective)
    assert (row.drawn, row.finite) == (300, 300)
    assert rows["isoflop_parabola"].starts is None and rows["isoflop_parabola"].drawn == 300
    assert rows["surface_lad"].delta < 1e-4


def test_draws_that_are_no_numbers_are_counted(fitted):
    _, fits = fitted
    holes = fits[LEAST].draws["E"].copy()
    holes[:7] = np.nan
    stuck = replace(fits[LEAST].search, unmoved=("alpha", "beta"), on_bound=("E",))
    (row,) = search_rows({LEAST: replace(fits[LEAST], draws={**fits[LEAST].draws, "E": holes}, search=stuck)})
    assert (row.drawn, row.finite, row.unmoved, row.on_bound) == (300, 293, "alpha beta", "E")
