"""Repeated data: published objective and predictions, the lower minimum, recovery of a known truth, refusals."""

import csv
import json
import math

import numpy as np
import pytest

from analysis.points import make_points
from analysis.repeated import Base, fit_decay, fit_repeated, predict
from analysis.surface_solver import huber

# Muennighoff 2023: constants of C4 and the published decay.
C4 = Base(E=math.exp(0.6254804), A=math.exp(6.255414), B=math.exp(7.3049974), alpha=0.3526596, beta=0.3526596)
R_D, R_N = 15.387756, 5.309743


def codes(fit):
    return {note.code for note in fit.notes}


@pytest.fixture
def published(shared_data):
    """The 182 runs of the published fit."""
    with (shared_data / "scaling" / "datablations" / "fit_subset_182.csv").open() as file:
        rows = list(csv.DictReader(file))
    n, d, u, loss = (np.array([float(row[name]) for row in rows]) for name in ("N", "D", "U", "loss"))
    return make_points(n, d, loss, unique_tokens=u)


@pytest.mark.parametrize(("n", "d", "loss"), [(6.34e9, 242e9, 2.2256440889984477), (8.67e9, 178e9, 2.2269634075087867)])
def test_published_predictions(n, d, loss):
    value = predict(C4, R_D, R_N, np.array([n]), np.array([d]), np.array([25e9]))
    assert value[0] == pytest.approx(loss, rel=1e-6)


def test_published_objective_and_the_lower_minimum(published):
    residual = np.log(published.loss) - np.log(predict(C4, R_D, R_N, published.n, published.d, published.unique_tokens))
    assert len(published) == 182
    assert huber(residual, np.ones(182), 1e-3) == pytest.approx(0.015825936570763588, rel=1e-5)
    r2 = (
        1
        - ((published.loss - published.loss * np.exp(-residual)) ** 2).sum()
        / ((published.loss - published.loss.mean()) ** 2).sum()
    )
    assert r2 == pytest.approx(0.7722046085, rel=1e-4)
    fit = fit_decay(published, C4, 200, 0)
    assert fit.objective <= 0.0158048
    assert fit.estimates["R_D"] == pytest.approx(95.4, rel=0.05)
    assert fit.estimates["R_N"] == pytest.approx(1.706, rel=0.02)
    assert "unbounded_above" in codes(fit)
    low, high = fit.intervals["R_D"]
    assert low < 15.4
    assert high == math.inf
    assert json.loads(json.dumps(fit.to_json()))["intervals"]["R_D"][1] is None


def simulated(noise=0.0, repeats=(1, 2, 4, 8, 16, 40)):
    base = Base(E=1.8, A=500.0, B=1500.0, alpha=0.35, beta=0.36)
    n, u, epochs = (part.ravel() for part in np.meshgrid([1e7, 5e7, 2e8, 1e9], [3e8, 1e9, 4e9, 1.6e10], repeats))
    d = u * epochs
    loss = predict(base, 12.0, 6.0, n, d, u) * np.exp(noise * np.random.default_rng(0).standard_normal(len(n)))
    # Single-epoch runs of the base fit have all their tokens fresh and no more parameters than these can use.
    fresh = np.where(epochs == 1, base.E + base.A / n**base.alpha + base.B / d**base.beta, loss)
    return base, make_points(n, d, np.where(epochs == 1, fresh, loss), unique_tokens=u)


def test_known_decay_is_recovered():
    base, points = simulated()
    repeated = points.d > points.unique_tokens
    exact = make_points(
        *(getattr(points, name)[repeated] for name in ("n", "d", "loss")), unique_tokens=points.unique_tokens[repeated]
    )
    fit = fit_decay(exact, base, 100, 0)
    assert fit.status == "converged"
    assert fit.estimates["R_D"] == pytest.approx(12, rel=1e-3)
    assert fit.estimates["R_N"] == pytest.approx(6, rel=1e-2)


def test_base_comes_from_single_epochs_and_the_decay_from_all():
    base, points = simulated(noise=0.002)
    fit = fit_repeated(points, 100, 0)
    assert fit.estimates["E"] == pytest.approx(base.E, rel=0.1)
    assert fit.intervals["R_D"][0] <= 12 <= fit.intervals["R_D"][1]
    assert "base_fixed" in codes(fit)


def test_no_repeats_and_no_base_are_refused():
    _, points = simulated(repeats=(1,))
    fit = fit_repeated(points, 100, 0)
    assert (fit.status, codes(fit)) == ("not_identified", {"no_repeats"})
    _, points = simulated(repeats=(2, 4))
    fit = fit_repeated(points, 100, 0)
    assert (fit.status, codes(fit)) == ("not_identified", {"no_base"})
