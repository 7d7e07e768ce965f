"""Local parabolas, Akima and the laws through their vertices: known truths, refusals and flags."""

import numpy as np
import pytest

from analysis.akima import fit_akima
from analysis.compute_law import fit_compute_law
from analysis.isoflop import fit_parabola
from analysis.parabola import Window, draw_weights, local_vertices
from analysis.points import Profile, budget_profiles, make_points, seed_noise
from tests.analysis.conftest import TRUE_A, TRUTH, true_optimum

DRAWS = 300


def parabola(points, draws=DRAWS, seed=0):
    return fit_parabola(budget_profiles(points)[0], draws, seed)


def akima(points, draws=DRAWS, seed=0):
    return fit_akima(budget_profiles(points)[0], seed_noise(points), draws, seed)


def codes(fit):
    return {note.code for note in fit.notes}


def exact_parabolas(a=0.6, budgets=(1e17, 1e18, 1e19, 1e20)):
    """Profiles that are parabolas in log N and log loss, with N* = C^a."""
    n = np.concatenate([c**a * np.geomspace(0.3, 3.5, 6) for c in budgets])
    c = np.repeat(budgets, 6)
    return make_points(n, c / 6 / n, np.exp(1 + 0.05 * np.log(n / c**a) ** 2), flops=c, budget=c)


def test_exact_parabolas_give_the_exact_vertices_and_exponents():
    fit = parabola(exact_parabolas())
    assert fit.estimates["a"] == pytest.approx(0.6, abs=1e-9)
    assert fit.estimates["b"] == pytest.approx(0.4, abs=1e-9)
    for key, n in fit.estimates["n_opt"].items():
        assert n == pytest.approx(float(key) ** 0.6, rel=1e-9)
        assert fit.estimates["loss_opt"][key] == pytest.approx(np.e, rel=1e-9)
        assert fit.estimates["d_opt"][key] * n == pytest.approx(float(key) / 6, rel=1e-9)
    assert fit.status == "converged"
    # Even without noise some resamples lie on one side of the minimum and are clamped: short, not nil.
    assert fit.intervals["a"][0] <= 0.6 + 1e-9
    assert fit.intervals["a"][1] >= 0.6 - 1e-9
    assert np.diff(fit.intervals["a"]) < 0.05


@pytest.mark.parametrize("fit_method", [parabola, akima])
def test_noisy_sweep_has_the_truth_inside_its_intervals(fit_method, sweep, points_of):
    fit = fit_method(points_of(sweep(noise=0.002, seed=4)))
    low, high = fit.intervals["a"]
    assert low <= TRUE_A <= high
    assert 0.005 < high - low < 0.35
    inside = [lo <= true_optimum(float(key)) <= hi for key, (lo, hi) in fit.intervals["n_opt"].items()]
    assert sum(inside) >= 4


def test_notes_name_budgets_as_the_tables_do(sweep, points_of):
    """1e11 has two sizes, 3e11 three, 1e12 lies off its minimum, and resamples of the rest fall on their edges."""
    parts = [
        sweep(budgets=(1e11, 3e11), sizes=[2, 3]),
        sweep(budgets=(1e12,), off_centre=20.0),
        sweep(budgets=(3e12, 1e13, 3e13), noise=0.05, span=6.0, sizes=6, seed=2),
    ]
    points = points_of({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    found = {(fit.method, note.code): note.text for fit in (parabola(points), akima(points)) for note in fit.notes}
    for key, budget in {
        ("isoflop_parabola", "few_sizes"): "1e11",
        ("isoflop_parabola", "vertex_at_edge"): "1e12",
        ("isoflop_parabola", "interval_at_edge"): "e1",
        ("isoflop_akima", "few_sizes_akima"): "3e11",
        ("isoflop_akima", "vertex_at_edge"): "1e12",
    }.items():
        assert budget in found[key] and "e+" not in found[key], found[key]


def test_intervals_cover_at_close_to_their_nominal_rate(sweep, points_of):
    """40 small sweeps of the demo's shape: a 95% interval that held in fewer than 34 would be broken (p < .003)."""
    held = 0
    for seed in range(40):
        columns = sweep(budgets=(1e11, 3e11, 1e12), sizes=[6, 5, 4], span=20.0, noise=0.004, seed=seed)
        low, high = parabola(points_of(columns), seed=seed).intervals["a"]
        held += low <= TRUE_A <= high
    assert held >= 34


def test_window_is_local():
    x = np.log(np.geomspace(1, 4**8, 9))
    v = local_vertices(x, (x - x[4]) ** 2, np.ones((1, 9)))
    assert v.window[0].tolist() == [False] * 2 + [True] * 5 + [False] * 2
    dense = np.log(np.geomspace(1, 16, 41))
    v = local_vertices(dense, (dense - dense[20]) ** 2, np.ones((1, 41)))
    assert np.exp(np.ptp(dense[v.window[0]])) == pytest.approx(4, rel=0.08)


def test_reach_of_the_window_is_an_argument():
    x = np.log(np.geomspace(1, 4**8, 9))
    y = (x - x[4]) ** 2
    for points, sizes in ((1, 3), (3, 7), (100, 9)):
        assert local_vertices(x, y, np.ones((1, 9)), Window(points, 0.0)).window[0].sum() == sizes
    assert local_vertices(x, y, np.ones((1, 9)), Window(1, np.log(4**4) + 1e-9)).window[0].sum() == 5


def test_window_without_a_residual_takes_the_noise_of_the_usual_one(sweep, points_of):
    profiles, _ = budget_profiles(points_of(sweep(noise=0.003)))
    usual, narrow = (fit_parabola(profiles, DRAWS, 0, reach) for reach in (Window(), Window(1, 0.0)))
    assert [v.window.sum() for v in narrow.details["vertices"]] == [3] * 5
    assert (narrow.details["noise"], narrow.details["freedom"]) == (usual.details["noise"], usual.details["freedom"])
    assert all(v.flags == () for v in narrow.details["vertices"]), "one size on each side is all that such a window has"
    assert np.isfinite(narrow.intervals["a"]).all()


def test_drawn_weights_keep_three_sizes():
    weights = draw_weights(5, 500, np.random.default_rng(0))
    assert ((weights > 0).sum(axis=1) >= 3).all()
    assert (weights.sum(axis=1) == 5).all()


def test_vertex_at_the_edge_is_left_out_of_the_law(sweep, points_of):
    columns = sweep()
    first = columns["budget"] == 3e11
    columns["n"] = np.where(first, columns["n"] * 40, columns["n"])
    columns["d"] = columns["flops"] / 6 / columns["n"]
    rise = np.log(columns["n"] / columns["n"][first].min())
    columns["loss"] = np.where(first, 3 * np.exp(0.05 * rise + 0.01 * rise**2), columns["loss"])
    for fit in (parabola(points_of(columns)), akima(points_of(columns))):
        assert "vertex_at_edge" in codes(fit)
        assert not fit.details["vertices"][0].used
        assert fit.estimates["a"] == pytest.approx(TRUE_A, abs=0.02)


def test_profile_without_a_minimum_is_left_out(sweep, points_of):
    columns = sweep(budgets=(1e11, 3e11, 1e12, 3e12))
    first = columns["budget"] == 1e11
    middle = np.log(true_optimum(1e11))
    columns["loss"] = np.where(first, 4 - 0.1 * np.abs(np.log(columns["n"]) - middle) ** 0.5, columns["loss"])
    fit = parabola(points_of(columns))
    assert {"concave", "vertex_at_edge"} & codes(fit)
    assert [v.used for v in fit.details["vertices"]] == [False, True, True, True]


def test_thin_side_is_flagged_and_left_out_where_others_are_clean(sweep, points_of):
    columns = sweep()
    keep = (columns["budget"] != 1e12) | (columns["n"] < true_optimum(1e12) * 2)
    fit = parabola(points_of({name: column[keep] for name, column in columns.items()}))
    assert "thin_side" in codes(fit)
    assert [v.used for v in fit.details["vertices"]] == [True, False, True, True, True]


def test_thin_sides_are_used_with_a_warning_where_nothing_else_is_there(sweep, points_of):
    fit = parabola(points_of(sweep(budgets=(1e11, 3e11), sizes=3, noise=0.002)))
    note = next(note for note in fit.notes if note.code == "thin_side")
    assert "used all the same" in note.text
    assert all(v.used for v in fit.details["vertices"])
    assert np.isnan(fit.intervals["a"]).all(), "three points through a parabola leave no residual, so no interval"


def test_fewer_than_three_sizes_are_refused(sweep, points_of):
    fit = parabola(points_of(sweep(sizes=[7, 7, 2, 7, 7])))
    assert "few_sizes" in codes(fit)
    assert len(fit.estimates["n_opt"]) == 4
    assert parabola(points_of(sweep(sizes=2))).status == "not_identified"
    assert akima(points_of(sweep(sizes=3))).status == "not_identified"


def test_one_budget_gives_a_vertex_but_no_law(sweep, points_of):
    fit = parabola(points_of(sweep(budgets=(1e12,), noise=0.001)))
    assert fit.status == "not_identified"
    assert "few_budgets" in codes(fit)
    assert np.isnan(fit.estimates["a"])
    assert np.isfinite(fit.intervals["n_opt"]["1e+12"]).all()


def test_two_budgets_are_flagged(sweep, points_of):
    assert "two_budgets" in codes(parabola(points_of(sweep(budgets=(1e11, 1e12), noise=0.001))))


def test_coarse_grid_is_flagged(sweep, points_of):
    assert "coarse_window" in codes(parabola(points_of(sweep(sizes=6, span=1000.0))))


def test_exponents_that_do_not_sum_to_one_are_flagged():
    points = exact_parabolas()
    crooked = make_points(points.n, points.d * points.flops**0.2, points.loss, points.flops, points.budget)
    fit = parabola(crooked)
    assert fit.estimates["b"] == pytest.approx(0.6, abs=1e-9)
    assert "sum_not_one" in codes(fit)
    assert "sum_not_one" not in codes(parabola(points))


def test_scatter_about_the_law_is_flagged(sweep, points_of):
    columns = sweep(budgets=tuple(np.geomspace(1e11, 1e14, 7)), noise=0.0003, seed=1)
    for budget, shift in zip(np.unique(columns["budget"]), (1, 3, 1, 3, 1, 3, 1), strict=True):
        columns["n"][columns["budget"] == budget] *= shift
    columns["d"] = columns["flops"] / 6 / columns["n"]
    assert "law_lack_of_fit" in codes(parabola(points_of(columns)))


def test_resampling_that_runs_to_the_edge_is_flagged(sweep, points_of):
    assert "interval_at_edge" in codes(parabola(points_of(sweep(noise=0.05, span=6.0, sizes=6, seed=2))))


def test_same_seed_same_draws_other_seed_other_draws(sweep, points_of):
    points = points_of(sweep(noise=0.003))
    assert parabola(points, seed=1).intervals == parabola(points, seed=1).intervals
    assert parabola(points, seed=1).intervals["a"] != parabola(points, seed=2).intervals["a"]


def test_seeds_of_a_configuration_move_together(sweep):
    """Copies of every run as more seeds bring no new information: intervals must not shrink."""
    columns = sweep(noise=0.003, seed=3)
    copies = {name: np.tile(column, 4) for name, column in columns.items()}
    once, often = (parabola(make_points(**{k: v for k, v in c.items() if k != "seed"})) for c in (columns, copies))
    assert often.estimates == once.estimates
    assert often.intervals == once.intervals


def test_best_configuration_stands_for_a_size(sweep, points_of):
    columns = sweep(budgets=(1e12, 1e13))
    worse = {name: np.concatenate([column, column]) for name, column in columns.items()}
    worse["loss"] = np.concatenate([columns["loss"], columns["loss"] * 1.05])
    worse["learning_rate"] = np.repeat([0.01, 0.1], len(columns["n"]))
    profiles, notes = budget_profiles(points_of(worse))
    assert [note.code for note in notes] == ["best_of_size"]
    expected, _ = budget_profiles(points_of(columns))
    for found, clean in zip(profiles, expected, strict=True):
        np.testing.assert_allclose(found.loss, clean.loss)


def test_akima_takes_the_noise_from_seeds_where_there_are_any(sweep, points_of):
    assert "noise_from_seeds" in codes(akima(points_of(sweep(noise=0.003, seeds=3))))
    assert "noise_from_profiles" in codes(akima(points_of(sweep(noise=0.003))))
    alone = akima(points_of(sweep(budgets=(1e11, 1e12), sizes=4, noise=0.003)))
    assert "noise_unknown" in codes(alone)
    assert np.isnan(alone.intervals["a"]).all()


def test_loss_against_compute_is_recovered():
    """Exact minima on a known law, by way of exact parabolas."""
    budgets = np.geomspace(1e17, 1e21, 6)
    floor = 1.7 + 20 * budgets**-0.08
    n = np.concatenate([c**0.5 * np.geomspace(0.3, 3.5, 6) for c in budgets])
    c = np.repeat(budgets, 6)
    points = make_points(n, c / 6 / n, np.repeat(floor, 6) * np.exp(0.05 * np.log(n / c**0.5) ** 2), c, c)
    fit = fit_compute_law(parabola(points))
    assert fit.status == "converged"
    assert fit.estimates["g"] == pytest.approx(0.08, rel=2e-3)
    assert fit.estimates["E"] == pytest.approx(1.7, rel=2e-3)
    assert fit.estimates["A"] == pytest.approx(20, rel=0.05)


def test_loss_against_compute_has_the_truth_inside(sweep, points_of):
    points = points_of(sweep(budgets=tuple(np.geomspace(1e11, 1e14, 7)), noise=0.001, seed=5))
    fit = fit_compute_law(parabola(points))
    exponent = TRUTH["alpha"] * TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
    assert fit.intervals["g"][0] <= exponent <= fit.intervals["g"][1]
    assert fit.intervals["E"][0] <= TRUTH["E"] <= fit.intervals["E"][1]


@pytest.mark.parametrize("budgets", [(1e11,), (1e11, 1e12), (1e11, 1e12, 1e13)])
def test_loss_against_compute_needs_four_budgets(budgets, sweep, points_of):
    fit = fit_compute_law(parabola(points_of(sweep(budgets=budgets, noise=0.002))))
    assert fit.status == "not_identified"
    assert all(np.isnan(value) for value in fit.estimates.values())
    assert all(np.isnan(pair).all() for pair in fit.intervals.values())


def test_loss_that_never_levels_off_is_a_bound_hit():
    budgets = np.geomspace(1e17, 1e21, 6)
    n = np.concatenate([c**0.5 * np.geomspace(0.3, 3.5, 6) for c in budgets])
    c = np.repeat(budgets, 6)
    bowl = 0.05 * np.log(n / c**0.5) ** 2
    # Bends downwards in log-log: any floor above nil makes it worse.
    loss = np.exp(3 - 0.002 * np.log(c / 1e16) ** 2 + bowl)
    fit = fit_compute_law(parabola(make_points(n, c / 6 / n, loss, c, c)))
    assert fit.status == "bound_hit"
    assert "bound_hit" in codes(fit)


def test_profile_holds_the_geometric_mean_over_seeds():
    points = make_points(np.array([1e6, 1e6]), np.array([1e8, 1e8]), np.array([2.0, 8.0]))
    (profile,), _ = budget_profiles(points)
    assert isinstance(profile, Profile)
    assert profile.loss == pytest.approx([4.0])
    assert profile.replicates.tolist() == [2]
    assert seed_noise(points) == (pytest.approx(np.log(4) / np.sqrt(2)), 1)
