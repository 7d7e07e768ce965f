"""What it costs to train the size at an end of N*'s interval instead of the best one, at the same compute. Pure.

In: points and their fits. Out: `Cost` rows for every budget and for BEYOND times the largest.
The surface that is recommended by prices both its own interval and that of the IsoFLOP optima: loss of that size, excess
over the best loss, and compute wasted (1 - compute whose best size reaches the same loss / compute given).
Where no surface is identified the local parabola gives the loss of its own interval's ends, inside its window only; what
compute would have done is then not known.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.forecast import USABLE, method_answers
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import Vertex
from analysis.optimum import ComputeRule, compute_rule, cost_of_size, law_of, optimum
from analysis.parabola import MIN_SIZES
from analysis.points import Points, Profile, budget_profiles
from analysis.recommendation import PREFERENCE
from analysis.results import UNKNOWN, Fit, budget_key

# One step beyond what was tried, where the interval is what a reader would train by.
BEYOND = 10.0


@dataclass(frozen=True)
class Cost:
    """One end (`side`: low, high) of the 95% interval of N* by `interval_of`, priced by `method` at `compute`.

    `n`: that size; `n_opt`, `loss_opt`: the best size and its loss by `method`; `loss`: of size n at the same compute;
    `excess`: loss - loss_opt; `needed`: the compute whose best size has that loss; `wasted`: 1 - needed / compute.
    """

    compute: float
    factor: float
    method: str
    interval_of: str
    side: str
    n: float
    n_opt: float
    loss: float
    loss_opt: float
    excess: float
    needed: float
    wasted: float
    status: str
    remark: str = ""


def costs_of_wrong(points: Points, fits: dict[str, Fit]) -> tuple[Cost, ...]:
    """Rows by compute, then interval, then side; none where neither a surface nor a parabola has an optimum."""
    largest = float(points.budget.max())
    surface = next((fits[name] for name in PREFERENCE if name in fits and fits[name].status in USABLE), None)
    rule, parabola = compute_rule(points), fits.get(PARABOLA)
    if surface is None:
        return () if parabola is None else _by_parabolas(points, parabola, largest)
    rows: list[Cost] = []
    for compute in (*np.unique(points.budget).tolist(), BEYOND * largest):
        rows += _by_surface(surface, rule, compute, largest, surface.method, _law_ends(surface, rule, compute))
        if parabola is not None:
            rows += _by_surface(surface, rule, compute, largest, PARABOLA, _isoflop_ends(parabola, rule, compute))
    return tuple(rows)


def _law_ends(fit: Fit, rule: ComputeRule, compute: float) -> tuple[float, float]:
    """95% of N* from the method's law."""
    found = method_answers(fit, rule, compute).get("n_opt")
    return UNKNOWN if found is None else (found[1], found[2])


def _isoflop_ends(fit: Fit, rule: ComputeRule, compute: float) -> tuple[float, float]:
    """95% of N*: the budget's own where its minimum counts, the power law's elsewhere."""
    key = budget_key(compute)
    own = any(v.used and budget_key(v.budget) == key for v in fit.details.get("vertices", ()))
    return fit.intervals["n_opt"][key] if own else _law_ends(fit, rule, compute)


def _by_surface(
    fit: Fit, rule: ComputeRule, compute: float, largest: float, interval_of: str, ends: tuple[float, float]
) -> list[Cost]:
    """Both ends priced by a surface; an end that is not known has no row."""
    law = law_of(fit.estimates)
    best = optimum(law, rule, compute)
    n_opt, loss_opt = float(np.exp(best.log_n[0])), float(best.loss[0])
    rows = []
    for side, n in zip(("low", "high"), ends, strict=True):
        if math.isfinite(n) and n > 0:
            loss, excess, needed, wasted = cost_of_size(law, rule, compute, n, loss_opt)
            cells = (n, n_opt, loss, loss_opt, excess, needed, wasted, fit.status)
            rows.append(Cost(compute, compute / largest, fit.method, interval_of, side, *cells))
    return rows


def _by_parabolas(points: Points, fit: Fit, largest: float) -> tuple[Cost, ...]:
    """Loss at both ends of each budget's own interval, by the parabola itself."""
    profiles, _ = budget_profiles(points)
    ready = [profile for profile in profiles if len(profile.n) >= MIN_SIZES]
    rows = []
    for profile, vertex in zip(ready, fit.details.get("vertices", ()), strict=False):
        if not {"vertex_at_edge", "concave"} & set(vertex.flags):
            ends = fit.intervals["n_opt"][budget_key(vertex.budget)]
            rows += [
                _on_parabola(profile, vertex, side, n, largest, fit.status)
                for side, n in zip(("low", "high"), ends, strict=True)
                if math.isfinite(n)
            ]
    return tuple(rows)


def _on_parabola(profile: Profile, vertex: Vertex, side: str, n: float, largest: float, status: str) -> Cost:
    """One end on the local parabola; no loss outside the sizes that it was fitted to."""
    inside = profile.n[vertex.window]
    loss, remark = math.nan, "outside the window of the parabola"
    if inside.min() <= n <= inside.max():
        z = math.log(n) - vertex.centre
        loss, remark = math.exp(float(vertex.coefficients @ [1.0, z, z * z])), "loss by the parabola alone"
    cells = (n, vertex.n_opt, loss, vertex.loss_opt, loss - vertex.loss_opt, math.nan, math.nan, status, remark)
    return Cost(vertex.budget, vertex.budget / largest, PARABOLA, PARABOLA, side, *cells)
