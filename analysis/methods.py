"""Every method by its name, run on one set of points.

In: points, the names wanted, number of bootstrap draws, seed. Out: the fits by name, in the order of METHODS.
"""

from dataclasses import replace

import numpy as np

from analysis.akima import METHOD as AKIMA
from analysis.akima import fit_akima
from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.compute_law import fit_compute_law
from analysis.envelope import METHOD as ENVELOPE
from analysis.envelope import fit_envelope
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import fit_parabola
from analysis.joint import METHOD as JOINT
from analysis.joint import fit_joint
from analysis.overtrained import METHOD as OVERTRAINED
from analysis.overtrained import fit_overtrained
from analysis.points import Points, budget_profiles, seed_noise
from analysis.repeat_choice import choose_law
from analysis.repeated import METHOD as REPEATED
from analysis.repeated import Base, base_of, fit_repeated, repeats_of
from analysis.results import Fit, Note, refused
from analysis.rising import METHOD as RISING
from analysis.rising import fit_rising
from analysis.surface import METHODS as SURFACES
from analysis.surface import fit_surfaces

METHODS = (PARABOLA, AKIMA, *SURFACES, LOSS_COMPUTE, OVERTRAINED, REPEATED, RISING, JOINT, ENVELOPE)
# Enough that the 2.5% and 97.5% points rest on 25 draws each.
DRAWS = 1000


def default_methods(points: Points) -> tuple[str, ...]:
    """Every method that the columns allow: repeats need unique tokens, the envelope curves, the joint law patients in more
    than one number."""
    barred = set()
    if not np.isfinite(points.unique_tokens).any():
        barred |= {REPEATED, RISING}
    patients = np.empty(0) if points.unique_patients is None else points.unique_patients
    if len(np.unique(patients[np.isfinite(patients)])) < 2:
        barred.add(JOINT)
    if points.curves is None:
        barred.add(ENVELOPE)
    return tuple(name for name in METHODS if name not in barred)


def fit_methods(
    points: Points,
    methods: tuple[str, ...] | None = None,
    bootstrap: int = DRAWS,
    seed: int = 0,
    base: Base | None = None,
    others: bool = True,
) -> dict[str, Fit]:
    """Fit the named methods to the points; raises KeyError for an unknown name.

    `base`: constants for fresh data that the laws of repeated data take as given, instead of fitting them. `others`: with
    the other intervals of the surfaces (delta method, profile likelihood), which only fits that are shown need.
    """
    methods = default_methods(points) if methods is None else methods
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise KeyError(unknown[0])
    profiles, notes = budget_profiles(points)
    found: dict[str, Fit] = {}
    if PARABOLA in methods or LOSS_COMPUTE in methods:
        found[PARABOLA] = fit_parabola(profiles, bootstrap, seed)
    if AKIMA in methods:
        found[AKIMA] = fit_akima(profiles, seed_noise(points), bootstrap, seed)
    wanted = tuple(name for name in SURFACES if name in methods)
    if wanted:
        found.update({fit.method: fit for fit in fit_surfaces(points, wanted, bootstrap, seed, others)})
    if LOSS_COMPUTE in methods:
        found[LOSS_COMPUTE] = fit_compute_law(found[PARABOLA])
    if OVERTRAINED in methods:
        found[OVERTRAINED] = fit_overtrained(points, bootstrap, seed)
    found |= _repeats(points, methods, bootstrap, seed, base)
    if JOINT in methods:
        found[JOINT] = fit_joint(points, bootstrap, seed)
    if ENVELOPE in methods:
        found[ENVELOPE] = _envelope(points, bootstrap, seed)
    for name in (PARABOLA, AKIMA):
        if name in found:
            found[name] = replace(found[name], notes=(*found[name].notes, *notes))
    return {name: found[name] for name in METHODS if name in methods}


def _repeats(points: Points, methods: tuple[str, ...], bootstrap: int, seed: int, base: Base | None) -> dict[str, Fit]:
    """The laws of repeated data that are wanted, on one base, with what held-out runs say of both."""
    laws = {name: fit for name, fit in ((REPEATED, fit_repeated), (RISING, fit_rising)) if name in methods}
    if not laws:
        return {}
    fresh = base_of(points, bootstrap, seed, base)
    found = {name: fit(points, fresh, bootstrap, seed) for name, fit in laws.items()}
    choice = None if isinstance(fresh, tuple) else choose_law(repeats_of(points), fresh.base, seed)
    if choice is None:
        return found
    return {
        name: replace(fit, notes=(*fit.notes, choice.note), details={**fit.details, "choice": choice})
        for name, fit in found.items()
    }


def _envelope(points: Points, bootstrap: int, seed: int) -> Fit:
    """The envelope, or its refusal where the table has no curves."""
    if points.curves is None:
        text = "No training curves: the envelope needs several rows per run (columns run, flops or d, loss)."
        return refused(ENVELOPE, ("a", "b"), "not_identified", (Note("no_curves", "error", text),))
    return fit_envelope(points.curves, bootstrap, seed)
