"""Residuals and their checks: against fits by other means, planted misfits that must be found, noise that must not be."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from analysis.methods import fit_methods
from analysis.points import make_points
from analysis.residuals import check_rows, residual_rows
from analysis.results import Fit
from tests.analysis.conftest import TRUTH, simulate

PARABOLA, LEAST = "isoflop_parabola", "surface_least_squares"
# Residuals need no draws; a fit without any has no intervals to speak of.
DRAWS = 10


def checks(points, method=LEAST):
    rows = check_rows(points, fit_methods(points, (method,), DRAWS))
    return {(row.test, row.against): row for row in rows if row.method == method}


def bent(noise=0.002, seed=0, seeds=1, **terms):
    """A sweep with log loss raised by the given multiples of squares of the centred logs of n, d or flops."""
    columns = simulate(budgets=(1e11, 1e12, 1e13, 1e14), sizes=7, noise=noise, seeds=seeds, seed=seed)
    for name, size in terms.items():
        away = np.log(columns[name]) - np.log(columns[name]).mean()
        columns["loss"] = columns["loss"] * np.exp(size * away**2)
    return columns


def test_residuals_of_a_surface_add_up(points_of):
    points = points_of(simulate(noise=0.003))
    fits = fit_methods(points, (LEAST, PARABOLA), DRAWS)
    rows = [row for row in residual_rows(points, fits) if row.method == LEAST]
    assert [row.run for row in rows] == list(range(len(points)))
    assert [row.residual for row in rows] == pytest.approx(fits[LEAST].details["residual"])
    for row in rows:
        assert (row.n, row.d, row.compute) == (points.n[row.run], points.d[row.run], points.flops[row.run])
        assert np.log(row.fitted_loss) + row.residual == pytest.approx(np.log(points.loss[row.run]))


def test_residuals_of_parabolas_are_those_of_a_fit_to_the_window(points_of):
    points = points_of(simulate(noise=0.003, sizes=9))
    fits = fit_methods(points, (PARABOLA,), DRAWS)
    rows = residual_rows(points, fits)
    seen, squares, levers = [], [], []
    for vertex in fits[PARABOLA].details["vertices"]:
        mine = np.flatnonzero(points.budget == vertex.budget)[vertex.window]
        x, y = np.log(points.n[mine]), np.log(points.loss[mine])
        design = np.vander(x - x.mean(), 3)
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        seen += list(zip(mine.tolist(), residual, strict=True))
        squares.append((residual**2).sum())
        levers += np.diag(design @ np.linalg.pinv(design)).tolist()
    assert [row.run for row in rows] == [run for run, _ in seen]
    assert [row.residual for row in rows] == pytest.approx([r for _, r in seen], abs=1e-10)
    scale = np.sqrt(sum(squares) / (len(seen) - 15))
    expected = [r / scale / np.sqrt(1 - h) for (_, r), h in zip(seen, levers, strict=True)]
    assert [row.standardised for row in rows] == pytest.approx(expected, rel=1e-6)


def test_parabola_leaves_out_worse_configurations_of_a_size(points_of):
    columns = simulate(budgets=(1e12, 1e13), noise=0.002)
    worse = {name: np.concatenate([column, column]) for name, column in columns.items()}
    worse["loss"] = np.concatenate([columns["loss"], columns["loss"] * 1.05])
    worse["learning_rate"] = np.repeat([0.01, 0.1], len(columns["n"]))
    points = points_of(worse)
    rows = residual_rows(points, fit_methods(points, (PARABOLA,), DRAWS))
    assert len(rows) == 10 and all(row.run < 14 for row in rows)


@pytest.mark.parametrize("seeds", [1, 3])
def test_standardised_residuals_of_noise_are_standard(seeds, points_of):
    points = points_of(simulate(budgets=tuple(np.geomspace(1e11, 1e14, 8)), sizes=9, noise=0.004, seeds=seeds))
    rows = residual_rows(points, fit_methods(points, (LEAST, "surface_huber", PARABOLA), DRAWS))
    for method in (LEAST, "surface_huber", PARABOLA):
        found = np.array([row.standardised for row in rows if row.method == method])
        assert 0.9 < np.sqrt((found**2).mean()) < 1.1, method
        assert np.mean(np.abs(found) > 2) < 0.12, method


def test_run_that_the_fit_goes_through_has_no_standardised_residual(points_of):
    points = points_of(simulate(budgets=(1e11, 1e12), sizes=3, noise=0.002))
    rows = residual_rows(points, fit_methods(points, (PARABOLA,), DRAWS))
    assert len(rows) == 6 and np.isnan([row.standardised for row in rows]).all()


@pytest.mark.parametrize("name", ["n", "d", "flops"])
def test_planted_curvature_is_found(name, points_of):
    found = checks(points_of(bent(**{name: 0.01})))
    axis = {"n": "log_n", "d": "log_d", "flops": "log_c"}[name]
    assert found["curvature", axis].p < 1e-3
    assert found["curvature", axis].freedom == 28 - 6
    straight = checks(points_of(bent()))
    assert straight["curvature", axis].p > 0.01


def test_added_term_has_the_coefficient_of_a_joint_linear_fit(points_of):
    """The t of curvature against a regression of the residuals on the five derivatives and the square, all at once."""
    points = points_of(bent(flops=0.004))
    fits = fit_methods(points, (LEAST,), DRAWS)
    value = fits[LEAST].estimates
    powers = (value["A"] / points.n ** value["alpha"], value["B"] / points.d ** value["beta"])
    share = np.stack([np.full(len(points), value["E"]), *powers])
    share = share / share.sum(axis=0)
    square = (np.log(points.flops) - np.log(points.flops).mean()) ** 2
    design = np.stack([*share, share[1] * np.log(points.n), share[2] * np.log(points.d), square], axis=1)
    y = fits[LEAST].details["residual"]
    estimate = np.linalg.lstsq(design, y, rcond=None)[0]
    variance = ((y - design @ estimate) ** 2).sum() / (len(y) - 6) * np.linalg.inv(design.T @ design)[-1, -1]
    (row,) = (r for r in check_rows(points, fits) if (r.test, r.against) == ("curvature", "log_c"))
    assert row.value == pytest.approx(estimate[-1], rel=1e-4)
    assert row.statistic == pytest.approx(estimate[-1] / np.sqrt(variance), rel=1e-4)


def test_slope_and_rank_see_a_trend_that_the_surface_did_not_take_out(points_of):
    """Residuals of another sweep's fit: what is left has a slope in log C."""
    points = points_of(simulate(noise=0.001))
    fits = fit_methods(points, (LEAST,), DRAWS)
    away = np.log(points.flops) - np.log(points.flops).mean()
    fits[LEAST].details["residual"][:] += 0.01 * away
    found = {(row.test, row.against): row for row in check_rows(points, fits)}
    assert found["slope", "log_c"].value == pytest.approx(0.01, abs=0.001)
    assert found["slope", "log_c"].p < 1e-6 and found["spearman", "log_c"].p < 1e-6
    assert found["spearman", "log_c"].value > 0.9


def test_lack_of_fit_against_seeds(points_of):
    bad, good = (checks(points_of(bent(seeds=3, **terms))) for terms in ({"flops": 0.004}, {}))
    row = bad["lack_of_fit", "seeds"]
    assert row.p < 1e-3 and (row.freedom_top, row.freedom, row.configurations) == (23, 56, 28)
    assert good["lack_of_fit", "seeds"].p > 0.01
    assert ("lack_of_fit", "quadratic") in checks(points_of(bent()))


@pytest.mark.parametrize(("method", "parameters"), [(LEAST, 5), (PARABOLA, 15)])
def test_f_is_that_of_means_against_the_scatter_of_seeds(method, parameters, points_of):
    points = points_of(simulate(noise=0.003, seeds=3))
    fits = fit_methods(points, (method,), DRAWS)
    found = np.array([row.residual for row in residual_rows(points, fits)]).reshape(-1, 3)
    means = found.mean(axis=1)
    top, bottom = len(means) - parameters, 2 * len(means)
    ratio = 3 * (means**2).sum() / top / (((found - means[:, None]) ** 2).sum() / bottom)
    row = next(row for row in check_rows(points, fits) if row.test == "lack_of_fit")
    assert (row.freedom_top, row.freedom) == (top, bottom)
    assert row.statistic == pytest.approx(ratio) and row.value == pytest.approx(np.sqrt((means**2).mean()))


def test_parabolas_against_seeds_and_their_skew(points_of):
    wide = simulate(sizes=7, span=400.0, noise=0.0003, seeds=3)
    skewed = checks(points_of(wide), PARABOLA)
    assert skewed["skew", "log_n_from_centre"].p < 1e-3 and skewed["lack_of_fit", "seeds"].p < 1e-3
    n = np.concatenate([c**0.5 * np.geomspace(0.1, 10, 7) for c in (1e11, 1e12, 1e13)])
    c = np.repeat([1e11, 1e12, 1e13], 7)
    noise = 0.001 * np.random.default_rng(1).standard_normal((3, 21))
    loss = np.exp(1 + 0.05 * np.log(n / c**0.5) ** 2 + noise)
    repeated = make_points(np.tile(n, 3), np.tile(c / 6 / n, 3), loss.ravel(), np.tile(c, 3), np.tile(c, 3))
    even = checks(repeated, PARABOLA)
    assert even["skew", "log_n_from_centre"].p > 0.01 and even["lack_of_fit", "seeds"].p > 0.01


def least_squares_fit(points):
    """The surface by scipy's own least squares, from the truth."""

    def residual(theta):
        e, a, b = np.exp(theta[:3])
        return np.log(points.loss) - np.log(e + a / points.n ** theta[3] + b / points.d ** theta[4])

    start = [*np.log([TRUTH[name] for name in "EAB"]), TRUTH["alpha"], TRUTH["beta"]]
    found = least_squares(residual, start, x_scale="jac", xtol=1e-12, ftol=1e-12)
    values = dict(zip(("E", "A", "B", "alpha", "beta"), [*np.exp(found.x[:3]), *found.x[3:]], strict=True))
    return Fit(LEAST, values, {}, found.cost, "converged", details={"residual": residual(found.x)})


def test_p_values_of_a_right_surface_are_not_too_small(points_of):
    """100 sweeps of the truth with noise: of 300 tests of curvature about 15 fall under .05, and hardly ever over 35."""
    small, slopes = 0, 0
    for seed in range(100):
        points = points_of(simulate(budgets=(1e11, 1e12, 1e13), sizes=6, noise=0.003, seed=seed))
        rows = check_rows(points, {LEAST: least_squares_fit(points)})
        small += sum(row.p < 0.05 for row in rows if row.test == "curvature")
        slopes += sum(row.p < 0.05 for row in rows if row.test == "slope")
    assert 3 <= small <= 35
    assert slopes <= small, "the fit has taken out any slope"


@pytest.mark.parametrize("shape", [{"budgets": (1e11,), "sizes": 1}, {"budgets": (1e11, 1e12), "sizes": 5}])
def test_little_or_perfect_data_give_no_p(shape, points_of):
    points = points_of(simulate(**shape))
    rows = check_rows(points, fit_methods(points, (LEAST,), DRAWS))
    assert all(np.isnan(row.p) for row in rows)
