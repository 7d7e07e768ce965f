"""How the answer moves with choices of the analyst: delta, window, what N and C count, runs left out, epochs. Pure; one seed.

In: a study and its fits. Out: `Variant` rows, one per choice and method that the choice touches: the exponents a and b, and
N* at the study's largest budget (one and the same compute in every row, but counted as 6ND where that is the choice), each with
its 95% interval.
The first rows (aspect `reference`) are the fits as they stand. What needs no new fit reuses them with all their draws; the
others are refitted with VARIANT_DRAWS draws. A choice that cannot be had (a column that the warehouse lacks, no run left) is
a row without numbers, of status not_available, with the reason as its remark. A choice that changes nothing here (the reference
by another name, a window of the same points, a cut that drops no run) has `changed` False: that it agrees is no robustness.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.forecast import USABLE, method_answers
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import fit_parabola
from analysis.methods import fit_methods
from analysis.optimum import ComputeRule, compute_rule, law_of, optimum
from analysis.parabola import HALF_WINDOW, WINDOW_SPAN, Window
from analysis.points import MANY_EPOCHS, Points, Profile, budget_profiles, subset
from analysis.recommendation import PREFERENCE
from analysis.results import UNKNOWN, Fit, budget_key
from analysis.study import Study
from analysis.surface import METHODS as SURFACES
from analysis.tables import flops

ASPECTS = ("reference", "delta", "window", "n_definition", "flop_formula", "exclusions", "epoch_cut")
# Ends of an interval that rest on 5 draws each: enough to see whether a choice matters, in a fifth of the time.
VARIANT_DRAWS = 200
NOT_AVAILABLE = "not_available"
AS_FITTED, SAME_POINTS = "as fitted", "the same points as fitted"
DELTAS = {
    "surface_least_squares": "least squares",
    "surface_huber": "Huber delta 1.345 sigma",
    "surface_huber_1e3": "Huber delta 1e-3",
    "surface_lad": "least absolute",
}
# Half and twice the usual reach, and no limit, which is the usual mistake: on wide grids it bends the exponent.
WINDOWS = {
    "narrower: +-1 size or x2": Window(HALF_WINDOW - 1, math.log(2.0)),
    f"as fitted: +-{HALF_WINDOW} sizes or x{math.exp(WINDOW_SPAN):g}": Window(),
    "wider: +-3 sizes or x8": Window(HALF_WINDOW + 1, math.log(8.0)),
    "all sizes of a budget": Window(10**6, math.inf),
}
DEFINITIONS = {
    "n_with_head": "N with the output head",
    "n_non_embedding": "N non-embedding",
    "n_total": "N total",
}
# Each token once, and as often as repeats are worth nearly as much as fresh ones.
CUTS = (1.0, MANY_EPOCHS)


@dataclass(frozen=True)
class Variant:
    """One method's answer under one choice of one aspect; `runs` are those that it was given.

    `changed`: its numbers rest on other points, counts or weights than the reference's; False where there are none.
    `n_opt`: N* at the study's largest budget, in the parameters that the choice counts. `status`: the fit's, or not_available.
    """

    aspect: str
    choice: str
    method: str
    runs: int
    changed: bool
    a: float
    a_low: float
    a_high: float
    b: float
    b_low: float
    b_high: float
    n_opt: float
    n_low: float
    n_high: float
    status: str
    remark: str = ""


@dataclass(frozen=True)
class _Base:
    """What every aspect starts from: the study, its fits by method (parabola, surface), the compute asked about, a seed."""

    study: Study
    fits: dict[str, Fit]
    compute: float
    seed: int

    @property
    def points(self) -> Points:
        return self.study.points


def sensitivity(
    study: Study, fits: dict[str, Fit], seed: int = 0, aspects: tuple[str, ...] = ASPECTS
) -> tuple[Variant, ...]:
    """Rows of the aspects that are wanted, in their order; the surface is the one that is recommended by."""
    surfaces = [name for name in PREFERENCE if name in fits]
    surface = next((name for name in surfaces if fits[name].status in USABLE), next(iter(surfaces), ""))
    kept = {name: fits[name] for name in (PARABOLA, surface) if name in fits}
    base = _Base(study, kept, float(study.points.budget.max()), seed)
    rules = {
        "reference": lambda: _as_they_stand(base, "reference", "as fitted"),
        "delta": lambda: _deltas(base, fits),
        "window": lambda: _windows(base),
        "n_definition": lambda: _definitions(base),
        "flop_formula": lambda: _formulas(base),
        "exclusions": lambda: _exclusions(base),
        "epoch_cut": lambda: _cuts(base),
    }
    return tuple(row for aspect in aspects for row in rules[aspect]())


def _as_they_stand(base: _Base, aspect: str, choice: str, remark: str = "") -> list[Variant]:
    """The fits that are there, under a choice that changes nothing."""
    return [_variant(aspect, choice, fit, base.points, base.compute, remark, False) for fit in base.fits.values()]


def _deltas(base: _Base, fits: dict[str, Fit]) -> list[Variant]:
    """The surface under each objective."""
    rows = []
    for name, label in DELTAS.items():
        if name in fits:
            delta = fits[name].details.get("delta", math.inf)
            told = f"delta {delta:.2g} of log loss" if math.isfinite(delta) else ""
            told = "; ".join(part for part in (AS_FITTED if name in base.fits else "", told) if part)
            rows.append(_variant("delta", label, fits[name], base.points, base.compute, told, name not in base.fits))
    return rows


def _windows(base: _Base) -> list[Variant]:
    """The parabola over narrower and wider windows."""
    if PARABOLA not in base.fits:
        return []
    profiles, _ = budget_profiles(base.points)
    usual, rows = base.fits[PARABOLA], []
    for label, reach in WINDOWS.items():
        fit = usual if reach == Window() else fit_parabola(profiles, VARIANT_DRAWS, base.seed, reach)
        same = _windows_of(fit) == _windows_of(usual)
        told = AS_FITTED if fit is usual else SAME_POINTS if same else ""
        rows.append(_variant("window", label, fit, base.points, base.compute, told, not same))
    return rows


def _windows_of(fit: Fit) -> list[list[bool]]:
    """Per budget: which of its sizes the parabola rests on."""
    return [vertex.window.tolist() for vertex in fit.details.get("vertices", ())]


def _definitions(base: _Base) -> list[Variant]:
    """N counted in other ways; compute and tokens stay what they are."""
    rows = []
    for name, label in DEFINITIONS.items():
        n = _column(base.study, name)
        if n is None:
            rows += _not_available(base, "n_definition", label, f"not every run has a positive {name}")
        elif np.allclose(n, base.points.n, rtol=1e-9):
            rows += _as_they_stand(base, "n_definition", label, "N as it is fitted")
        else:
            rows += _refitted(base, "n_definition", label, replace(base.points, n=n), "N* in these parameters")
    return rows


def _formulas(base: _Base) -> list[Variant]:
    """Compute counted as 6ND: each optimum of the parabola at its own 6ND; the surface spends 6ND on its best size.

    N* is asked at the 6ND of the largest budget's own optimum: its runs spend that, not the nominal budget. The runs and
    thus the profiles are the same: what 6ND leaves out (attention, mostly) differs between sizes of a budget too, and the
    small shift of a vertex by that is not followed.
    """
    points, aspect = base.points, "flop_formula"
    column = _column(base.study, "flops_6nd")
    six = 6 * points.n * points.d if column is None else column
    rows = _as_they_stand(base, aspect, "counted FLOPs, as fitted", AS_FITTED)
    if np.allclose(six, points.flops, rtol=1e-3):
        return rows + _as_they_stand(base, aspect, "6ND", "the runs' compute is 6ND already")
    for name, fit in base.fits.items():
        if name in SURFACES:
            counted = replace(points, flops=six)
            asked = _spent(fit, compute_rule(points), compute_rule(counted), base.compute)
            rows.append(_variant(aspect, "6ND", fit, counted, asked, "a and b do not depend on it"))
        else:
            profiles = _relabelled(budget_profiles(points)[0], fit, points, six)
            again = fit_parabola(profiles, VARIANT_DRAWS, base.seed)
            rows.append(_variant(aspect, "6ND", again, points, profiles[-1].budget, "each optimum at its own 6ND"))
    return rows


def _spent(fit: Fit, rule: ComputeRule, other: ComputeRule, compute: float) -> float:
    """What `compute`, counted by `rule`, is by the `other` rule for the run that is best by `rule`: C k'(N*) / k(N*)."""
    if fit.status not in USABLE:
        return compute
    best = optimum(law_of(fit.estimates), rule, compute)
    return float((best.d * compute / other.tokens(compute, best.log_n))[0])


def _relabelled(profiles: tuple[Profile, ...], fit: Fit, points: Points, six: np.ndarray) -> tuple[Profile, ...]:
    """The profiles under the compute, counted as `six` (6ND), of a run of the best size; of all runs where there is no vertex."""
    best = {v.budget: v.n_opt for v in fit.details.get("vertices", ())}
    renamed = []
    for profile in profiles:
        mine = np.flatnonzero(points.budget == profile.budget)
        mine = mine[np.argsort(points.n[mine], kind="stable")]
        log_n, log_c = np.log(points.n[mine]), np.log(six[mine])
        at = best.get(profile.budget)
        log_budget = log_c.mean() if at is None else np.interp(math.log(at), log_n, log_c)
        renamed.append(replace(profile, budget=float(np.exp(log_budget))))
    return tuple(renamed)


def _exclusions(base: _Base) -> list[Variant]:
    """Without each budget in turn, and without the run that lies furthest from the surface."""
    points, rows = base.points, []
    budgets = np.unique(points.budget)
    for budget in budgets if len(budgets) > 1 else ():
        rows += _refitted(
            base, "exclusions", f"without budget {flops(budget)}", subset(points, points.budget != budget)
        )
    residual = next((fit.details["residual"] for fit in base.fits.values() if "residual" in fit.details), None)
    if residual is not None:
        off = int(np.abs(residual).argmax())
        used = base.study.used
        named = used[off]["run_id"] if len(used) == len(points) else f"row {off + 1}"
        remark = f"{named}: N {points.n[off]:.3g}, budget {flops(points.budget[off])}"
        label = "without the run furthest from the surface"
        rows += _refitted(base, "exclusions", label, subset(points, np.arange(len(points)) != off), remark)
    return rows


def _cuts(base: _Base) -> list[Variant]:
    """Only runs that saw their data a few times at most."""
    points, rows = base.points, []
    epochs = _column(base.study, "epochs")
    epochs = points.d / points.unique_tokens if epochs is None else epochs
    unknown = int((~np.isfinite(epochs)).sum())
    for most in CUTS:
        label, keep = f"epochs <= {most:g}", epochs <= most
        if unknown:
            rows += _not_available(base, "epoch_cut", label, f"epochs of {unknown} runs are not known")
        elif keep.all():
            rows += _as_they_stand(base, "epoch_cut", label, "every run is within: none is left out")
        elif not keep.any():
            remark = f"no run is within: all saw their data {epochs.min():.3g} times or more"
            rows += _not_available(base, "epoch_cut", label, remark)
        else:
            remark = f"left out: {int((~keep).sum())} of {len(keep)} runs"
            rows += _refitted(base, "epoch_cut", label, subset(points, keep), remark)
    return rows


def _refitted(base: _Base, aspect: str, choice: str, points: Points, remark: str = "") -> list[Variant]:
    """The methods fitted anew to other points."""
    again = fit_methods(points, tuple(base.fits), VARIANT_DRAWS, base.seed, others=False)
    return [_variant(aspect, choice, fit, points, base.compute, remark) for fit in again.values()]


def _not_available(base: _Base, aspect: str, choice: str, remark: str) -> list[Variant]:
    """Rows without numbers, with the reason."""
    unknown = (math.nan,) * 9
    return [Variant(aspect, choice, name, 0, False, *unknown, NOT_AVAILABLE, remark) for name in base.fits]


def _variant(
    aspect: str, choice: str, fit: Fit, points: Points, compute: float, remark: str = "", changed: bool = True
) -> Variant:
    """A fit's answer as a row."""
    ends = [part for name in ("a", "b") for part in (fit.estimates[name], *fit.intervals[name])]
    size = method_answers(fit, compute_rule(points), compute).get("n_opt")
    n_opt = size[:3] if size else _vertex_at(fit, compute)
    remarks = [part for part in (remark, _fate(fit, points)) if part]
    return Variant(aspect, choice, fit.method, len(points), changed, *ends, *n_opt, fit.status, "; ".join(remarks))


def _vertex_at(fit: Fit, compute: float) -> tuple[float, float, float]:
    """Where there is no law to read N* from: the budget's own minimum, if it lies inside."""
    key = budget_key(compute)
    if any(v.used and budget_key(v.budget) == key for v in fit.details.get("vertices", ())):
        return fit.estimates["n_opt"][key], *fit.intervals["n_opt"][key]
    return math.nan, *UNKNOWN


def _fate(fit: Fit, points: Points) -> str:
    """What a reader must know of this fit: why it failed or hit a bound, how many budgets its law is drawn through."""
    if fit.status != "converged":
        graver = sorted(
            (note for note in fit.notes if note.severity != "info"), key=lambda note: note.severity == "warning"
        )
        return graver[0].text if graver else ""
    vertices = fit.details.get("vertices")
    if vertices is None:
        return ""
    used, budgets = sum(v.used for v in vertices), len(np.unique(points.budget))
    return f"law through {used} of {budgets} budgets" if used < budgets else ""


def _column(study: Study, name: str) -> np.ndarray | None:
    """A column of the runs that are fitted, float[points]; None where any of them lacks it."""
    values = [row.get(name) for row in study.used]
    if len(values) != len(study.points) or any(value is None for value in values):
        return None
    found = np.array(values, dtype=float)
    return found if (np.isfinite(found) & (found > 0)).all() else None
