"""The parametric surface: exact recovery, intervals, metamorphic relations, what cannot be identified."""

import math
import time

import numpy as np
import pytest

from analysis import surface_solver as solver
from analysis.points import Points, configuration_weights, make_points
from analysis.surface import METHODS, fit_surfaces
from tests.analysis.conftest import TRUE_A, TRUTH, simulate, true_loss

DRAWS = 200


def fits_of(points: Points, methods=METHODS, draws=DRAWS, seed=0):
    return {fit.method: fit for fit in fit_surfaces(points, methods, draws, seed)}


def points_from(columns) -> Points:
    return make_points(**{name: column for name, column in columns.items() if name != "seed"})


def codes(fit):
    return {note.code for note in fit.notes}


@pytest.fixture(scope="module")
def noisy() -> Points:
    return points_from(simulate(noise=0.003, seed=1))


@pytest.fixture(scope="module")
def noisy_fits(noisy):
    return fits_of(noisy)


def test_every_objective_recovers_the_truth_without_noise():
    for fit in fits_of(points_from(simulate())).values():
        assert fit.status == "converged", fit
        for name, value in TRUTH.items():
            assert fit.estimates[name] == pytest.approx(value, rel=1e-4), (fit.method, name)
        assert fit.estimates["a"] == pytest.approx(TRUE_A, rel=1e-5)
        assert fit.estimates["a"] + fit.estimates["b"] == pytest.approx(1)
        assert fit.objective < 1e-6


def test_hoffmanns_constants_are_recovered():
    """Another corner: E 1.69, A 406.4, B 410.7, alpha .34, beta .28 over 1e18 to 1e22 FLOPs."""
    c = np.repeat(np.geomspace(1e18, 1e22, 5), 7)
    n = np.sqrt(c / 6) / 5 * np.tile(np.geomspace(0.2, 5, 7), 5)
    d = c / 6 / n
    points = make_points(n, d, 1.69 + 406.4 / n**0.34 + 410.7 / d**0.28)
    estimates = fits_of(points, ("surface_huber_1e3",))["surface_huber_1e3"].estimates
    for name, value in {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}.items():
        assert estimates[name] == pytest.approx(value, rel=1e-3), name


@pytest.mark.parametrize("method", METHODS)
def test_noisy_sweep_has_the_truth_inside_its_intervals(method, noisy_fits):
    fit = noisy_fits[method]
    assert fit.status == "converged"
    for name in ("E", "alpha", "beta"):
        assert fit.intervals[name][0] <= TRUTH[name] <= fit.intervals[name][1], name
    assert fit.intervals["a"][0] <= TRUE_A <= fit.intervals["a"][1]
    assert 0.002 < np.diff(fit.intervals["a"])[0] < 0.1
    assert "search" in codes(fit)


def test_each_method_is_best_by_its_own_objective(noisy, noisy_fits):
    """Sum of squares is least for least squares, sum of absolute residuals for least absolute."""
    residual = {name: fit.details["residual"] for name, fit in noisy_fits.items()}
    squares = {name: float((r**2).sum()) for name, r in residual.items()}
    absolute = {name: float(np.abs(r).sum()) for name, r in residual.items()}
    assert min(squares, key=squares.get) == "surface_least_squares"
    assert min(absolute, key=absolute.get) == "surface_lad"
    assert noisy_fits["surface_lad"].objective == pytest.approx(absolute["surface_lad"])
    assert noisy_fits["surface_least_squares"].objective == pytest.approx(squares["surface_least_squares"] / 2)


def test_least_absolute_stands_at_an_optimum(noisy, noisy_fits):
    """No small move in any of 200 directions lowers the sum of absolute residuals."""
    e = noisy_fits["surface_lad"].estimates
    best = noisy_fits["surface_lad"].objective
    rng = np.random.default_rng(0)
    for _ in range(200):
        step = 1e-4 * rng.standard_normal(5)
        moved = {k: e[k] * math.exp(s) for k, s in zip(("E", "A", "B", "alpha", "beta"), step, strict=True)}
        value = moved["E"] + moved["A"] / noisy.n ** moved["alpha"] + moved["B"] / noisy.d ** moved["beta"]
        assert np.abs(np.log(noisy.loss / value)).sum() >= best * (1 - 1e-5)


def test_gradient_of_the_model_is_right(noisy):
    problem = solver.make_problem(noisy.loss, noisy.n, noisy.d)
    theta = np.array([[0.3, -0.2, 0.1, 0.4, 0.5]])
    _, jacobian = problem.model(theta)
    for i in range(5):
        step = np.zeros((1, 5))
        step[0, i] = 1e-6
        slope = (problem.model(theta + step)[0] - problem.model(theta - step)[0]) / 2e-6
        np.testing.assert_allclose(jacobian[0, :, i], slope[0], atol=1e-8)


def test_outliers_move_least_squares_and_not_the_robust_fits():
    columns = simulate(noise=0.002, seed=2)
    columns["loss"][[27, 34]] *= 1.15
    fits = fits_of(points_from(columns))
    off = {name: abs(fit.estimates["a"] - TRUE_A) for name, fit in fits.items()}
    assert off["surface_huber"] < off["surface_least_squares"] / 3
    assert off["surface_lad"] < 0.01


@pytest.mark.parametrize("factor", [1e-3, 50.0])
def test_scaling_n_scales_a_by_its_power_and_leaves_the_exponents(factor, noisy, noisy_fits):
    scaled = make_points(noisy.n * factor, noisy.d, noisy.loss, noisy.flops, noisy.budget)
    for name, fit in fits_of(scaled).items():
        before = noisy_fits[name].estimates
        for kept in ("E", "B", "alpha", "beta", "a"):
            assert fit.estimates[kept] == pytest.approx(before[kept], rel=1e-3), (name, kept)
        assert fit.estimates["A"] == pytest.approx(before["A"] * factor ** fit.estimates["alpha"], rel=1e-3)


def test_order_of_rows_does_not_matter(noisy, noisy_fits):
    order = np.random.default_rng(0).permutation(len(noisy))
    shuffled = make_points(noisy.n[order], noisy.d[order], noisy.loss[order], noisy.flops[order], noisy.budget[order])
    for name, fit in fits_of(shuffled).items():
        for parameter, value in noisy_fits[name].estimates.items():
            assert fit.estimates[parameter] == pytest.approx(value, rel=1e-3), (name, parameter)


@pytest.mark.parametrize("copied", [slice(None), slice(0, 9)])
def test_duplicate_seeds_leave_the_estimates(copied, noisy, noisy_fits):
    """A configuration counts once, whether all or some are repeated under another seed."""
    columns = {name: getattr(noisy, name) for name in ("n", "d", "loss", "flops", "budget")}
    doubled = {name: np.concatenate([column, column[copied]]) for name, column in columns.items()}
    for name, fit in fits_of(make_points(**doubled)).items():
        for parameter, value in noisy_fits[name].estimates.items():
            assert fit.estimates[parameter] == pytest.approx(value, rel=1e-3), (name, parameter)
        width, before = (np.diff(f.intervals["a"])[0] for f in (fit, noisy_fits[name]))
        assert width > before * 0.6, "copies are no information: the interval must not shrink"


def test_one_ratio_of_tokens_to_parameters_is_not_identified():
    n = np.geomspace(1e6, 1e9, 12)
    for fit in fits_of(make_points(n, 20 * n * np.linspace(0.99, 1.01, 12), true_loss(n, 20 * n))).values():
        assert fit.status == "not_identified"
        assert codes(fit) == {"one_line"}
        assert all(math.isnan(value) for value in fit.estimates.values())


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (simulate(budgets=(1e12,)), "one_line"),
        (simulate(budgets=(1e11, 1e12), sizes=2), "few_configurations"),
        (
            {"n": np.repeat([1e6, 1e7], 5), "d": np.tile(np.geomspace(1e7, 1e9, 5), 2), "loss": np.linspace(4, 3, 10)},
            "few_levels",
        ),
    ],
)
def test_what_cannot_be_identified_is_refused_with_its_reason(columns, code):
    fit = fits_of(points_from(columns), METHODS[:1])[METHODS[0]]
    assert fit.status == "not_identified"
    assert code in codes(fit)


def test_loss_without_an_effect_of_n_is_a_bound_hit():
    columns = simulate()
    columns["loss"] = 2 + 90 / columns["d"] ** 0.3
    fit = fits_of(points_from(columns), ("surface_least_squares",))["surface_least_squares"]
    assert fit.status == "bound_hit"
    assert "bound_hit" in codes(fit)


def test_refits_on_a_bound_are_flagged():
    fit = fits_of(points_from(simulate(budgets=(1e11, 2e11), sizes=5, span=3.0, noise=0.02, seed=1)), METHODS[:1])
    assert "interval_on_bound" in codes(fit[METHODS[0]])


def test_lack_of_fit_is_flagged_against_a_quadratic_and_against_seeds(noisy_fits):
    assert not any("lack_of_fit" in codes(fit) for fit in noisy_fits.values())
    for seeds in (1, 3):
        columns = simulate(noise=0.0005, seeds=seeds, seed=3)
        bend = np.log(columns["n"] / np.exp(np.log(columns["n"]).mean())) * np.log(columns["d"] / columns["d"].mean())
        columns["loss"] = columns["loss"] * np.exp(0.02 * bend)
        fit = fits_of(points_from(columns), METHODS[:1])[METHODS[0]]
        assert "lack_of_fit" in codes(fit), seeds


def test_same_seed_gives_the_same_intervals(noisy, noisy_fits):
    again = fits_of(noisy, METHODS[:1])[METHODS[0]]
    assert again.intervals == noisy_fits[METHODS[0]].intervals
    assert fits_of(noisy, METHODS[:1], seed=9)[METHODS[0]].intervals != again.intervals


def test_a_resample_draws_whole_configurations():
    """Seeds move together, and each resample has as many configurations as there are."""
    configuration = np.array([7, 3, 7, 5, 3, 7])
    counts = configuration_weights(configuration, 50, np.random.default_rng(0))
    assert counts.shape == (50, 6)
    assert (counts[:, 0] == counts[:, 2]).all() and (counts[:, 0] == counts[:, 5]).all()
    assert (counts[:, 1] == counts[:, 4]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(counts, axis=0)) > 5


def test_refits_are_fast():
    """A thousand refits of 60 runs by all four methods may take 60 CPU seconds: 250 may take 15."""
    points = points_from(simulate(budgets=tuple(np.geomspace(3e11, 3e13, 6)), sizes=10, noise=0.003))
    start = time.process_time()
    fits_of(points, draws=250)
    assert len(points) == 60
    assert time.process_time() - start < 15
