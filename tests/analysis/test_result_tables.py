"""Tables of the results: every kind of interval, and the noise about the parabolas beside that between seeds."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from analysis.methods import fit_methods
from analysis.outlook import Outlook
from analysis.result_tables import result_tables
from analysis.study import Study
from tests.analysis.conftest import simulate

EMPTY = Outlook(*((),) * len(fields(Outlook)))
METHODS = ("isoflop_parabola", "surface_least_squares", "surface_lad")


@pytest.fixture(scope="module")
def results(points_of):
    points = points_of(simulate(budgets=(1e11, 1e12, 1e13), sizes=7, noise=0.004, seed=3))
    used = tuple({"run_id": f"r{i}"} for i in range(len(points)))
    return Study(points, used, (), {}, (), "here", "v"), fit_methods(points, METHODS, 100)


def test_every_kind_of_interval_has_a_row(results):
    study, fits = results
    rows = result_tables(study, fits, EMPTY, {})["intervals"].to_pylist()
    found = {(row["method"], row["estimate"], row["kind"]): row for row in rows}
    assert len(found) == len(rows) and {row["kind"] for row in rows} == {"bootstrap", "delta", "profile"}
    assert {row["method"] for row in rows} == {name for name, fit in fits.items() if fit.other_intervals}
    fit = fits["surface_least_squares"]
    for kind, ends in {"bootstrap": fit.intervals, **fit.other_intervals}.items():
        for name in fit.other_intervals["profile"]:
            row = found[fit.method, name, kind]
            told = (math.nan if row[key] is None else row[key] for key in ("low", "high"))
            known = [end if math.isfinite(end) else math.nan for end in ends[name]]
            assert list(told) == pytest.approx(known, nan_ok=True), (kind, name)
            assert row["value"] == fit.estimates[name]


def test_noise_about_the_parabolas_is_a_row(results):
    study, fits = results
    (row,) = result_tables(study, fits, EMPTY, {})["seed_noise"].to_pylist()
    fit = fits["isoflop_parabola"]
    squares, sizes = 0.0, 0
    for vertex, budget in zip(fit.details["vertices"], np.unique(study.points.budget), strict=True):
        mine = study.points.budget == budget
        order = np.argsort(study.points.n[mine])
        x, y = (np.log(column[mine][order][vertex.window]) for column in (study.points.n, study.points.loss))
        squares += float(np.polynomial.Polynomial.fit(x, y, 2, full=True)[1][0][0])
        sizes += len(x)
    assert (row["configuration"], row["seeds"], row["freedom"]) == ("parabolas", sizes, sizes - 9)
    assert row["sd"] == pytest.approx(math.sqrt(squares / (sizes - 9)))
    assert row["low"] < row["sd"] < row["high"] and row["n"] is None


def test_noise_about_no_parabola_is_unknown(results):
    study, fits = results
    bare = {"isoflop_parabola": replace(fits["isoflop_parabola"], details={})}
    (row,) = result_tables(study, bare, EMPTY, {})["seed_noise"].to_pylist()
    assert (row["seeds"], row["freedom"], row["sd"], row["low"]) == (0, 0, None, None)
