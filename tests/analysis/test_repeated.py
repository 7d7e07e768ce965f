"""Repeated data: recovery of a known truth, where the constants come from, refusals."""

import numpy as np
import pytest

from analysis.points import make_points
from analysis.repeated import Base, base_of, fit_decay, fit_repeated, predict


def codes(fit):
    return {note.code for note in fit.notes}


def fit_whole(points):
    return fit_repeated(points, base_of(points, 100, 0, None), 100, 0)


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
    fit = fit_whole(points)
    assert fit.estimates["E"] == pytest.approx(base.E, rel=0.1)
    assert fit.intervals["R_D"][0] <= 12 <= fit.intervals["R_D"][1]
    assert "base_fixed" in codes(fit)


def test_no_repeats_and_no_base_are_refused():
    _, points = simulated(repeats=(1,))
    fit = fit_whole(points)
    assert (fit.status, codes(fit)) == ("not_identified", {"no_repeats"})
    _, points = simulated(repeats=(2, 4))
    fit = fit_whole(points)
    assert (fit.status, codes(fit)) == ("not_identified", {"no_base"})
