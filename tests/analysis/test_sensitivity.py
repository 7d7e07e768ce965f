"""How the answer moves with the analyst's choices: known effects of each choice, reuse of fits, what cannot be had."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from analysis.forecast import method_answers
from analysis.methods import fit_methods
from analysis.optimum import compute_rule
from analysis.points import make_points
from analysis.sensitivity import ASPECTS, DEFINITIONS, DELTAS, WINDOWS, sensitivity
from analysis.study import Study
from tests.analysis.conftest import TRUE_A, TRUTH, simulate, true_loss, true_optimum

METHODS = ("isoflop_parabola", "surface_least_squares", "surface_huber", "surface_huber_1e3", "surface_lad")
PARABOLA, SURFACE = "isoflop_parabola", "surface_huber"


def study_of(points, **columns):
    """A study of these points, its runs with the given columns."""
    used = [{"run_id": f"r{i}", **{name: c[i] for name, c in columns.items()}} for i in range(len(points))]
    return Study(points, tuple(used), (), {}, tuple(columns), "here", "v")


def answer(points, *aspects, methods=METHODS, **columns):
    """The rows as {(aspect, choice, method): row} and the fits that they start from."""
    fits = fit_methods(points, methods, 100)
    rows = sensitivity(study_of(points, **columns), fits, aspects=aspects or ASPECTS)
    found = {(row.aspect, row.choice, row.method): row for row in rows}
    assert len(found) == len(rows)
    return found, fits


@pytest.fixture(scope="module")
def steep(points_of):
    """Without noise; N counted otherwise is a power of N; compute falls with size below 6ND; epochs grow with tokens."""
    budgets = np.repeat([3e11, 1e12, 3e12, 1e13], 7)
    n = np.concatenate([true_optimum(c) * np.geomspace(0.25, 4, 7) for c in np.unique(budgets)])
    d = budgets / (6 * n * (n / 1e5) ** -0.1)
    points = make_points(n, d, true_loss(n, d), flops=budgets, budget=budgets)
    columns = {"n_with_head": n, "n_non_embedding": n**1.2, "flops_6nd": 6 * n * d, "epochs": d / np.median(d)}
    return points, *answer(points, **columns)


def test_every_aspect_in_order_and_the_reference_is_the_fits(steep):
    points, rows, fits = steep
    assert tuple(dict.fromkeys(aspect for aspect, _, _ in rows)) == ASPECTS
    for method in (PARABOLA, SURFACE):
        row, fit = rows["reference", "as fitted", method], fits[method]
        assert (row.a, row.a_low, row.a_high) == (fit.estimates["a"], *fit.intervals["a"])
        assert (row.b, row.b_low, row.b_high) == (fit.estimates["b"], *fit.intervals["b"])
        told = method_answers(fit, compute_rule(points), 1e13)["n_opt"]
        assert (row.n_opt, row.n_low, row.n_high) == told[:3]
        assert (row.runs, row.status, row.remark) == (28, "converged", "")


def test_deltas_are_the_fits_that_are_there(steep):
    _, rows, fits = steep
    for method, label in DELTAS.items():
        row = rows["delta", label, method]
        assert (row.a, row.a_low, row.a_high) == (fits[method].estimates["a"], *fits[method].intervals["a"])


def test_n_counted_otherwise_moves_a_as_it_must(steep):
    """N' = N^1.2: the vertices' slope is 1.2 a, alpha becomes alpha / 1.2."""
    _, rows, _ = steep
    usual, other = (rows["n_definition", DEFINITIONS[name], PARABOLA] for name in ("n_with_head", "n_non_embedding"))
    assert other.a == pytest.approx(1.2 * usual.a, rel=1e-6)
    assert other.b == pytest.approx(usual.b, abs=1e-6)
    assert other.n_opt == pytest.approx(usual.n_opt**1.2, rel=1e-6)
    surface = rows["n_definition", DEFINITIONS["n_non_embedding"], SURFACE]
    assert surface.a == pytest.approx(TRUTH["beta"] / (TRUTH["alpha"] / 1.2 + TRUTH["beta"]), rel=1e-4)
    assert surface.n_opt == pytest.approx(rows["reference", "as fitted", SURFACE].n_opt ** 1.2, rel=5e-3)
    missing = rows["n_definition", DEFINITIONS["n_total"], PARABOLA]
    assert (missing.status, missing.runs) == ("not_available", 0) and math.isnan(missing.a)
    assert "n_total" in missing.remark


def test_compute_as_6nd(steep):
    """N* ~ C^a and D* ~ C^b, so 6 N* D* ~ C^(a + b); the surface spends on its best size what its run has as 6ND."""
    _, rows, _ = steep
    usual, other = (rows["flop_formula", label, PARABOLA] for label in ("counted FLOPs, as fitted", "6ND"))
    assert usual.a + usual.b > 1.02
    assert other.a == pytest.approx(usual.a / (usual.a + usual.b), abs=2e-3)
    assert other.a + other.b == pytest.approx(1, abs=2e-3)
    assert other.n_opt == pytest.approx(usual.n_opt, rel=5e-3), "the law passes the same optimum, relabelled"
    counted, six = (rows["flop_formula", label, SURFACE] for label in ("counted FLOPs, as fitted", "6ND"))
    asked = 1e13 * (counted.n_opt / 1e5) ** 0.1
    assert asked > 1.1e13
    assert six.n_opt == pytest.approx(true_optimum(asked), rel=2e-3)
    assert six.a == counted.a == pytest.approx(TRUE_A, rel=1e-3)


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_compute_in_another_unit_moves_no_size(factor, points_of):
    """k(N) is the same at all sizes but not 6: the largest budget's runs, and their best size, are what they are."""
    columns = simulate(budgets=(1e11, 1e12, 1e13), sizes=7)
    columns["flops"], columns["budget"] = columns["flops"] * factor, columns["budget"] * factor
    rows, _ = answer(points_of(columns), "reference", "flop_formula", methods=(PARABOLA, SURFACE))
    for method in (PARABOLA, SURFACE):
        reference, six = rows["reference", "as fitted", method], rows["flop_formula", "6ND", method]
        assert (six.n_opt, six.a) == (pytest.approx(reference.n_opt, rel=1e-6), pytest.approx(reference.a, rel=1e-6))
        assert six.n_low == pytest.approx(reference.n_low, rel=0.05)


def test_epoch_cut(steep):
    points, rows, _ = steep
    within = points.d <= np.median(points.d)
    assert rows["epoch_cut", "epochs <= 1", SURFACE].runs == within.sum() < 28
    assert rows["epoch_cut", "epochs <= 1", SURFACE].a == pytest.approx(TRUE_A, abs=1e-3)
    assert f"left out: {(~within).sum()} of 28" in rows["epoch_cut", "epochs <= 1", SURFACE].remark


@pytest.mark.parametrize(
    ("epochs", "status", "words"),
    [
        (0.5, "converged", "none is left out"),
        (9.0, "not_available", "no run is within"),
        (None, "not_available", "known"),
    ],
)
def test_epoch_cuts_that_take_nothing_everything_or_are_unknown(epochs, status, words, points_of):
    points = points_of(simulate(noise=0.002))
    columns = {} if epochs is None else {"epochs": np.full(len(points), epochs)}
    rows, fits = answer(points, "epoch_cut", methods=(SURFACE,), **columns)
    row = rows["epoch_cut", "epochs <= 4", SURFACE]
    assert (row.status, words in row.remark) == (status, True)
    assert row.a == fits[SURFACE].estimates["a"] if status == "converged" else math.isnan(row.a)


def test_epochs_are_tokens_over_unique_tokens_where_no_column_says(points_of):
    points = points_of(simulate(noise=0.002))
    known = replace(points, unique_tokens=np.full(len(points), np.median(points.d)))
    rows, _ = answer(known, "epoch_cut", methods=(SURFACE,))
    assert rows["epoch_cut", "epochs <= 1", SURFACE].runs == (points.d <= np.median(points.d)).sum()


def test_one_bad_run_is_found_and_so_is_its_budget(points_of):
    columns = simulate(noise=0.0005, seed=1)
    columns["loss"][29] *= 1.03
    rows, _ = answer(points_of(columns), "reference", "exclusions", methods=(PARABOLA, SURFACE))
    label = "without the run furthest from the surface"
    assert rows["exclusions", label, SURFACE].remark.startswith("r29:")
    assert rows["exclusions", label, SURFACE].remark.endswith("budget 3e13")
    assert rows["exclusions", label, SURFACE].runs == 34
    assert abs(rows["exclusions", label, PARABOLA].a - TRUE_A) < 0.015
    budget = rows["exclusions", "without budget 3e13", PARABOLA]
    assert budget.runs == 28
    as_fitted = rows["reference", "as fitted", PARABOLA]
    assert abs(as_fitted.a - TRUE_A) > 0.02 > 0.005 > abs(budget.a - TRUE_A)
    others = [row for key, row in rows.items() if key[0] == "exclusions" and key[2] == PARABOLA]
    assert len(others) == 6


def test_windows_from_narrow_to_whole(points_of):
    """Wide grids off their optima by more and more: the whole profile's parabola has the wrong slope, a local one the right."""
    parts = [simulate(budgets=(c,), sizes=25, span=3000.0, off_centre=f) for c, f in ((1e11, 1), (1e12, 3), (1e13, 9))]
    points = points_of({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    rows, fits = answer(points, "window", methods=(PARABOLA,))
    found = [rows["window", label, PARABOLA].a - TRUE_A for label in WINDOWS]
    assert abs(found[0]) < 0.005 and abs(found[1]) < 0.005
    assert abs(found[3]) > 0.02 > 0.005 > abs(found[2])
    as_fitted = rows["window", list(WINDOWS)[1], PARABOLA]
    assert (as_fitted.a_low, as_fitted.a_high) == fits[PARABOLA].intervals["a"]
    assert all(np.isfinite(rows["window", label, PARABOLA].a_high) for label in WINDOWS)


def test_choices_that_change_nothing_are_marked(steep, points_of):
    _, rows, _ = steep
    marked = {(aspect, choice): row.remark for (aspect, choice, _), row in rows.items() if not row.changed}
    assert marked == {
        ("reference", "as fitted"): "",
        ("delta", DELTAS[SURFACE]): rows["delta", DELTAS[SURFACE], SURFACE].remark,
        ("window", list(WINDOWS)[1]): "as fitted",
        ("n_definition", DEFINITIONS["n_with_head"]): "N as it is fitted",
        ("n_definition", DEFINITIONS["n_total"]): "not every run has a positive n_total",
        ("flop_formula", "counted FLOPs, as fitted"): "as fitted",
    }
    assert rows["delta", DELTAS[SURFACE], SURFACE].remark.startswith("as fitted; delta ")
    # Five sizes within x4 and their best in the middle: every window but the narrower one holds them all. Compute is 6ND.
    points = points_of(simulate(budgets=(1e11, 1e12), sizes=5, span=4.0))
    rows, fits = answer(points, "window", "flop_formula", "epoch_cut", epochs=np.full(10, 0.5), methods=(PARABOLA,))
    found = {choice: (row.changed, row.remark) for (_, choice, _), row in rows.items()}
    narrower, usual, wider, whole = WINDOWS
    assert found == {
        narrower: (True, ""),
        usual: (False, "as fitted"),
        wider: (False, "the same points as fitted"),
        whole: (False, "the same points as fitted"),
        "counted FLOPs, as fitted": (False, "as fitted"),
        "6ND": (False, "the runs' compute is 6ND already"),
        "epochs <= 1": (False, "every run is within: none is left out"),
        "epochs <= 4": (False, "every run is within: none is left out"),
    }
    assert rows["window", wider, PARABOLA].a == fits[PARABOLA].estimates["a"]


def test_law_through_fewer_budgets_is_said(points_of):
    columns = simulate(noise=0.002, sizes=7)
    columns["n"] = np.where(columns["budget"] == 3e11, columns["n"] * 20, columns["n"])
    columns["d"] = columns["flops"] / 6 / columns["n"]
    columns["loss"] = true_loss(columns["n"], columns["d"])
    rows, _ = answer(points_of(columns), "reference", methods=(PARABOLA,))
    assert rows["reference", "as fitted", PARABOLA].remark == "law through 4 of 5 budgets"


@pytest.mark.parametrize("shape", [{"budgets": (1e11,), "sizes": 6}, {"budgets": (1e11,), "sizes": 1}, {"sizes": 2}])
def test_thin_studies_give_reasons(shape, points_of):
    rows, _ = answer(points_of(simulate(**shape)))
    for row in rows.values():
        assert row.status == "converged" or row.remark, row
    one = rows["reference", "as fitted", PARABOLA]
    assert math.isnan(one.a)
    assert np.isfinite(one.n_opt) == (shape.get("sizes") == 6), "one budget still has its own minimum"


def test_same_seed_same_rows(points_of):
    points = points_of(simulate(budgets=(1e11, 1e12, 1e13), sizes=5, noise=0.003))
    fits, study = fit_methods(points, (PARABOLA,), 100), study_of(points)
    one, same, other = (repr(sensitivity(study, fits, seed, ("window", "exclusions"))) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.slow
def test_sixty_runs_take_at_most_ten_cpu_seconds(points_of):
    points = points_of(simulate(budgets=tuple(np.geomspace(1e11, 3e13, 6)), sizes=10, noise=0.004))
    columns = {"n_non_embedding": points.n * 0.8, "n_total": points.n * 1.3, "epochs": points.d / np.median(points.d)}
    fits, study = fit_methods(points, METHODS, 100), study_of(points, **columns)
    start = time.process_time()
    rows = sensitivity(study, fits)
    assert time.process_time() - start < 10
    assert len(rows) > 30
