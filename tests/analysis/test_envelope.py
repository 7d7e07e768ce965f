"""Approach 1: exact curves, the caveat of decay, refusals, metamorphic relations, curves from a table of checkpoints."""

import numpy as np
import pytest

from analysis.envelope import fit_envelope
from analysis.methods import fit_methods
from analysis.points import Curves, make_points, points_of_runs
from tests.analysis.conftest import TRUE_A, TRUTH, true_loss


def curves_of(sizes=24, noise=0.0, matched=True, high=None, points=40):
    """Curves of `sizes` models from 2 to 600 tokens per parameter; `high` raises the loss before the end, as warm rates do."""
    rng = np.random.default_rng(0)
    rows = []
    for run, n in enumerate(np.geomspace(1e5, 3e7, sizes)):
        d = np.geomspace(2 * n, 600 * n, points)
        above = np.zeros(points) if high is None else high * (1 - np.arange(points) / (points - 1))
        rows += list(zip([run] * points, [n] * points, 6 * n * d, d, true_loss(n, d) * (1 + above), strict=True))
    run, n, flops, d, loss = np.array(rows).T
    loss = loss * np.exp(noise * rng.standard_normal(len(loss)))
    return Curves(run.astype(int), n, run.astype(int), flops, d, loss, matched)


def codes(fit):
    return {note.code for note in fit.notes}


def test_exact_matched_curves_give_the_exponents():
    """Between the sizes tried the envelope moves in steps of 28%: the slope is good to that over six orders of compute."""
    fit = fit_envelope(curves_of(), 300, 0)
    assert fit.status == "converged"
    assert "decay_not_matched" not in codes(fit)
    assert fit.estimates["a"] == pytest.approx(TRUE_A, abs=0.02)
    assert fit.estimates["a"] + fit.estimates["b"] == pytest.approx(1, abs=0.01)
    assert fit.intervals["a"][0] <= TRUE_A <= fit.intervals["a"][1]
    for key, loss in fit.estimates["loss_opt"].items():
        n, d = (fit.estimates[name][key] for name in ("n_opt", "d_opt"))
        assert 6 * n * d == pytest.approx(float(key), rel=1e-3)
        assert loss == pytest.approx(true_loss(n, d), rel=1e-2)


def test_unmatched_curves_carry_the_caveat_and_are_in_truth_wrong():
    """A loss that is too high before the end of a run moves the exponent further than matched curves are off."""
    exact, warm = (fit_envelope(curves_of(high=high), 100, 0).estimates["a"] for high in (None, 0.05))
    assert abs(warm - TRUE_A) > 2 * abs(exact - TRUE_A)
    note = next(
        note for note in fit_envelope(curves_of(matched=False), 100, 0).notes if note.code == "decay_not_matched"
    )
    assert note.severity == "warning"


def test_too_few_winners_are_refused():
    fit = fit_envelope(curves_of(sizes=3), 100, 0)
    assert fit.status == "not_identified"
    assert "few_winners" in codes(fit)
    assert np.isnan(fit.estimates["a"])


def test_winners_without_rivals_on_both_sides_are_left_out():
    fit = fit_envelope(curves_of(), 100, 0)
    kept, winner = fit.details["kept"], fit.details["winner"]
    assert "winner_at_edge" in codes(fit)
    assert not kept[winner == winner.min()].any()
    assert not kept[winner == winner.max()].any()


def test_scaling_n_permuting_rows_and_copies_of_runs_leave_the_exponents():
    plain = curves_of(noise=0.001)
    before = fit_envelope(plain, 200, 0)
    scaled = Curves(plain.run, plain.n * 50, plain.configuration, plain.flops, plain.tokens, plain.loss, True)
    order = np.random.default_rng(1).permutation(len(plain.n))
    columns = ("run", "n", "configuration", "flops", "tokens", "loss")
    shuffled = Curves(*(getattr(plain, name)[order] for name in columns), True)
    twice = {name: np.concatenate([getattr(plain, name)] * 2) for name in columns}
    twice["run"] = np.concatenate([plain.run, plain.run + 1000])
    for changed in (scaled, shuffled, Curves(**twice, matched=True)):
        fit = fit_envelope(changed, 200, 0)
        assert fit.estimates["a"] == pytest.approx(before.estimates["a"], abs=1e-9)
        assert fit.intervals["a"] == pytest.approx(before.intervals["a"], abs=1e-9)


def test_checkpoints_are_curves_and_the_last_of_each_run_its_point():
    c = curves_of(points=12)
    columns = {"n": c.n, "d": c.tokens, "loss": c.loss, "flops": c.flops}
    points = points_of_runs(columns, c.run.astype(str))
    assert len(points) == 24
    np.testing.assert_allclose(np.sort(points.d / points.n), 600)
    assert "last_of_run" in {note.code for note in points.notes}
    fits = fit_methods(points, ("envelope", "surface_least_squares"), 100)
    assert codes(fits["envelope"]) >= {"decay_not_matched"}
    assert fits["surface_least_squares"].status == "not_identified", "the ends alone have one D/N ratio"


def test_several_evaluations_of_a_run_are_one_point():
    points = points_of_runs(
        {"n": np.full(3, 1e6), "d": np.full(3, 1e8), "loss": np.array([2.0, 8.0, 3.0])}, np.array(["x", "x", ""])
    )
    assert len(points) == 2
    assert sorted(points.loss) == pytest.approx([3.0, 4.0])
    assert points.curves is None


def test_envelope_without_curves_is_refused():
    points = make_points(np.array([1e6]), np.array([1e8]), np.array([TRUTH["E"]]))
    fit = fit_methods(points, ("envelope",), 100)["envelope"]
    assert (fit.status, codes(fit)) == ("not_identified", {"no_curves"})
