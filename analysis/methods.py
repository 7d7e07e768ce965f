"""Every method by its name, run on one set of points.

In: points, the names wanted, number of bootstrap draws, seed. Out: the fits by name, in the order of METHODS.
"""

from dataclasses import replace

import numpy as np

from analysis.akima import METHOD as AKIMA
from analysis.akima import fit_akima
from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.compute_law import fit_compute_law
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import fit_parabola
from analysis.points import Points, budget_profiles, seed_noise
from analysis.repeated import METHOD as REPEATED
from analysis.repeated import fit_repeated
from analysis.results import Fit
from analysis.surface import METHODS as SURFACES
from analysis.surface import fit_surfaces

METHODS = (PARABOLA, AKIMA, *SURFACES, LOSS_COMPUTE, REPEATED)
# Enough that the 2.5% and 97.5% points rest on 25 draws each.
DRAWS = 1000


def default_methods(points: Points) -> tuple[str, ...]:
    """Every method, less repeated_data where no row tells its unique tokens."""
    told = np.isfinite(points.unique_tokens).any()
    return tuple(name for name in METHODS if name != REPEATED or told)


def fit_methods(
    points: Points, methods: tuple[str, ...] | None = None, bootstrap: int = DRAWS, seed: int = 0
) -> dict[str, Fit]:
    """Fit the named methods to the points; raises KeyError for an unknown name."""
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
        found.update({fit.method: fit for fit in fit_surfaces(points, wanted, bootstrap, seed)})
    if LOSS_COMPUTE in methods:
        found[LOSS_COMPUTE] = fit_compute_law(found[PARABOLA])
    if REPEATED in methods:
        found[REPEATED] = fit_repeated(points, bootstrap, seed)
    for name in (PARABOLA, AKIMA):
        if name in found:
            found[name] = replace(found[name], notes=(*found[name].notes, *notes))
    return {name: found[name] for name in METHODS if name in methods}
