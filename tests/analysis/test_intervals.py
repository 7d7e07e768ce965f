"""Delta-method and profile intervals against independent optimisers, open ends, searches that did not search."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit, least_squares

from analysis import surface_solver, terms
from analysis.forecast import CARRY_FORWARD, leave_largest_out
from analysis.methods import fit_methods
from analysis.points import make_points
from analysis.repeated import Fresh, base_of
from analysis.surface import fit_surfaces
from analysis.utility import fit_laws
from tests.analysis.conftest import simulate
from tests.analysis.test_rising import grid as repeats
from tests.analysis.test_utility import scores

PARAMETERS = ("E", "A", "B", "alpha", "beta")


def points_from(columns):
    return make_points(**{name: column for name, column in columns.items() if name != "seed"})


def log_model(scales, log_e, log_a, log_b, alpha, beta):
    """Log loss with log E, log A, log B as parameters."""
    n, d = scales
    return np.log(np.exp(log_e) + np.exp(log_a - alpha * np.log(n)) + np.exp(log_b - beta * np.log(d)))


def theta_of(fit):
    return np.array([math.log(fit.estimates[name]) if name in "EAB" else fit.estimates[name] for name in PARAMETERS])


@pytest.fixture(scope="module")
def points():
    return points_from(simulate(noise=0.003, seed=1))


@pytest.fixture(scope="module")
def squares(points):
    return fit_surfaces(points, ("surface_least_squares",), 200, 0)[0]


def test_delta_intervals_are_those_of_a_plain_regression(points, squares):
    """scipy's own covariance, by a numerical Jacobian in other parameters, and t with n - 5 degrees of freedom."""
    theta = theta_of(squares)
    found, covariance = curve_fit(log_model, (points.n, points.d), np.log(points.loss), p0=theta)
    assert found == pytest.approx(theta, rel=1e-4)
    t = stats.t.ppf(0.975, len(points) - 5)
    for i, name in enumerate(PARAMETERS):
        half = t * math.sqrt(covariance[i, i])
        low, high = squares.other_intervals["delta"][name]
        ends = (math.log(low), math.log(high)) if name in "EAB" else (low, high)
        assert ends == pytest.approx((theta[i] - half, theta[i] + half), rel=2e-3), name
    gradient = np.array([-theta[4], theta[3]]) / (theta[3] + theta[4]) ** 2
    half = t * math.sqrt(gradient @ covariance[3:, 3:] @ gradient)
    assert np.diff(squares.other_intervals["delta"]["a"])[0] == pytest.approx(2 * half, rel=1e-3)


@pytest.mark.parametrize("name", PARAMETERS)
def test_profile_ends_have_the_residual_sum_that_they_must(name, points, squares):
    """RSS with the parameter held at an end, by scipy, is RSS (1 + t^2 / (n - 5))."""
    held, theta = PARAMETERS.index(name), theta_of(squares)
    free = [i for i in range(5) if i != held]
    scale = np.array([1.0, 10.0, 10.0, 1.0, 1.0])[free]
    wanted = 1 + stats.t.ppf(0.975, len(points) - 5) ** 2 / (len(points) - 5)
    least = 2 * squares.objective
    for end in squares.other_intervals["profile"][name]:
        at = math.log(end) if name in "EAB" else end

        def residual(values, at=at):
            full = np.empty(5)
            full[held], full[free] = at, values
            return np.log(points.loss) - log_model((points.n, points.d), *full)

        rss = 2 * least_squares(residual, theta[free], x_scale=scale, xtol=1e-14, ftol=1e-14, gtol=1e-14).cost
        assert rss / least == pytest.approx(wanted, rel=0.01), (name, end)


def test_three_kinds_agree_where_the_noise_is_small(squares):
    for name in PARAMETERS:
        kinds = (squares.intervals[name], *(kind[name] for kind in squares.other_intervals.values()))
        widths = [high - low for low, high in kinds]
        assert max(widths) < 1.5 * min(widths), name
        assert all(low < squares.estimates[name] < high for low, high in kinds)


def test_copies_of_seeds_leave_every_interval(points, squares):
    columns = {name: np.tile(getattr(points, name), 3) for name in ("n", "d", "loss", "flops", "budget")}
    (often,) = fit_surfaces(make_points(**columns), ("surface_least_squares",), 200, 0)
    for kind, intervals in squares.other_intervals.items():
        for name, ends in intervals.items():
            assert often.other_intervals[kind][name] == pytest.approx(ends, rel=1e-2), (kind, name)


@pytest.mark.parametrize("seed", [1, 3])
def test_a_floor_that_the_runs_do_not_show_has_an_open_profile(seed):
    """A sweep of half a decade says nothing of E's lower end: the profile reaches 0, whether the estimate does (seed 3) or
    not, and tells an upper end in both; the delta method has an end where it should not, or none."""
    points = points_from(simulate(budgets=(1e11, 2e11, 4e11), span=6.0, noise=0.02, seed=seed))
    (fit,) = fit_surfaces(points, ("surface_least_squares",), 200, 0)
    assert (fit.status == "bound_hit") == (seed == 3)
    low, high = fit.other_intervals["profile"]["E"]
    assert low == 0
    assert 1.5 < high < points.loss.min() * 1.1
    assert np.isfinite(fit.other_intervals["delta"]["E"]).all() == (seed == 1)
    low, high = fit.other_intervals["profile"]["alpha"]
    assert low < 0.35 < high


def test_one_degree_of_freedom_gives_wide_intervals():
    """Six configurations and five parameters: wide but there; the search says how it went."""
    columns = simulate(budgets=(1e11, 1e12), sizes=3, noise=0.01)
    (fit,) = fit_surfaces(points_from(columns), ("surface_least_squares",), 100, 0)
    for name, (low, high) in fit.other_intervals["delta"].items():
        assert math.isfinite(high - low), name
    low, high = fit.other_intervals["delta"]["alpha"]
    assert high - low > 0.4
    assert fit.search.starts == terms.STARTS


def test_other_intervals_are_left_out_of_fits_that_are_not_shown(points, squares, monkeypatch):
    """The base of repeated data and the first step of a task's score need estimates and draws alone."""

    def unwanted(*given):
        raise AssertionError("worked out for no one")

    monkeypatch.setattr(terms, "profile_intervals", unwanted)
    monkeypatch.setattr(terms, "delta_intervals", unwanted)
    (plain,) = fit_surfaces(points, ("surface_least_squares",), 200, 0, others=False)
    assert plain.other_intervals == {}
    assert (plain.estimates, plain.intervals) == (squares.estimates, squares.intervals)
    named = fit_methods(points, ("surface_huber",), 100, others=False)["surface_huber"]
    assert named.status == "converged" and named.other_intervals == {}
    assert isinstance(base_of(repeats(), 100, 0, None), Fresh)
    assert {row.method for row in leave_largest_out(points, {named.method: named}, 1, 100)} == {
        named.method,
        CARRY_FORWARD,
    }
    notes = fit_laws(scores(), 100, 0)["two_step"].notes
    assert "first_step_surface" in {note.code for note in notes}


def test_parameters_that_did_not_move_are_a_failed_fit(points, monkeypatch):
    """An optimiser that hands back its start, as the published loss-saturation fits of Porian 2024 did."""

    def still(theta, problem, weights, delta, pinned=None):
        return theta, surface_solver.huber(problem.target - problem.model(theta)[0], weights, delta)

    def no_polish(theta, problem, weights, delta):
        return theta, float(still(theta[None], problem, weights[None], delta)[1][0]), 0.0

    monkeypatch.setattr(surface_solver, "descend", still)
    monkeypatch.setattr(surface_solver, "polish", no_polish)
    (fit,) = fit_surfaces(points, ("surface_huber",), 100, 0)
    assert fit.status == "failed"
    note = next(note for note in fit.notes if note.code == "not_moved")
    assert note.severity == "error"
    assert "alpha" in note.text
    assert set(fit.search.unmoved) == set(PARAMETERS)


def test_an_optimiser_that_stops_early_is_a_failed_fit(points, monkeypatch):
    monkeypatch.setattr(surface_solver, "MAX_ITERATIONS", 1)
    monkeypatch.setattr(surface_solver, "polish", lambda theta, problem, weights, delta: (theta, 1.0, 0.5))
    (fit,) = fit_surfaces(points, ("surface_huber",), 100, 0)
    assert fit.status == "failed"
    assert "not_stationary" in {note.code for note in fit.notes}
