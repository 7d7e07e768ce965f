"""The joint law in parameters, tokens and patients: recovery, intervals, refusals, metamorphic relations."""

import numpy as np
import pytest

from analysis.joint import NAMES, fit_joint
from analysis.methods import default_methods
from analysis.points import make_points

LAW = {"E": 1.4, "A": 60.0, "B": 90.0, "G": 8.0, "alpha": 0.35, "beta": 0.30, "gamma": 0.4}


def columns_of(noise=0.0, seed=0):
    """4 sizes x 4 token counts x 4 cohorts."""
    n, d, m = (
        part.ravel() for part in np.meshgrid(*(np.geomspace(*ends, 4) for ends in ((1e5, 1e7), (1e6, 3e8), (300, 3e5))))
    )
    clean = LAW["E"] + LAW["A"] / n ** LAW["alpha"] + LAW["B"] / d ** LAW["beta"] + LAW["G"] / m ** LAW["gamma"]
    loss = clean * np.exp(noise * np.random.default_rng(seed).standard_normal(len(n)))
    return {"n": n, "d": d, "loss": loss, "unique_patients": m}


def codes(fit):
    return {note.code for note in fit.notes}


def test_the_truth_is_recovered_without_noise_and_held_with():
    exact = fit_joint(make_points(**columns_of()), 100, 0)
    assert exact.status == "converged"
    for name, value in LAW.items():
        assert exact.estimates[name] == pytest.approx(value, rel=1e-4), name
    fit = fit_joint(make_points(**columns_of(noise=0.002, seed=3)), 200, 0)
    assert fit.status == "converged"
    for kind in (fit.intervals, *fit.other_intervals.values()):
        inside = [kind[name][0] <= LAW[name] <= kind[name][1] for name in NAMES]
        assert sum(inside) >= 6
    assert fit.search.starts > 1
    assert 0 < fit.search.basin <= fit.search.starts


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unique_patients": None}, "no_patients"),
        ({"unique_patients": np.tile([1e3, 1e4], 32)}, "few_levels"),
        ({"unique_patients": columns_of()["d"] / 500}, "one_plane"),
    ],
)
def test_what_cannot_be_identified_is_refused_with_its_reason(change, code):
    fit = fit_joint(make_points(**columns_of() | change), 100, 0)
    assert fit.status == "not_identified"
    assert code in codes(fit)
    assert all(np.isnan(value) for value in fit.estimates.values())


def test_runs_without_patients_are_left_out_and_said():
    columns = columns_of()
    columns["unique_patients"][:5] = np.nan
    fit = fit_joint(make_points(**columns), 100, 0)
    assert "patients_unknown" in codes(fit)
    assert fit.estimates["gamma"] == pytest.approx(LAW["gamma"], rel=1e-3)


def test_scaling_patients_permuting_rows_and_copies_of_runs():
    columns = columns_of(noise=0.002)
    before = fit_joint(make_points(**columns), 100, 0).estimates
    scaled = fit_joint(make_points(**columns | {"unique_patients": columns["unique_patients"] * 20}), 100, 0).estimates
    assert scaled["gamma"] == pytest.approx(before["gamma"], rel=1e-3)
    assert scaled["G"] == pytest.approx(before["G"] * 20 ** before["gamma"], rel=1e-2)
    order = np.random.default_rng(0).permutation(64)
    for rows in (order, np.concatenate([order, order])):
        other = fit_joint(make_points(**{name: column[rows] for name, column in columns.items()}), 100, 0).estimates
        for name in NAMES:
            assert other[name] == pytest.approx(before[name], rel=1e-3), name


def test_the_law_is_fitted_where_patients_are_told():
    assert "joint_patients" in default_methods(make_points(**columns_of()))
    assert "joint_patients" not in default_methods(make_points(**columns_of() | {"unique_patients": None}))
