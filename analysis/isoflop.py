"""Approach 2: a local parabola per budget, then power laws N* ~ C^a and D* ~ C^b through the vertices.

In: profiles (points.budget_profiles). Out: a Fit with a, b, n_opt, d_opt, loss_opt, the last three per budget.
D* is read off the budget's own runs: log D interpolated on log N at the vertex, so that compute counted otherwise than
6ND is honoured (a + b need not be 1, and is flagged where far from it).
Vertices are weighted by the inverse of their variance (delta method, noise pooled over budgets, which cancels in the
weights). Intervals: pairs bootstrap over configurations within each budget. Refusals and flags: notes.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.parabola import LOCAL, MIN_SIZES, Vertices, Window, draw_weights, local_vertices
from analysis.points import Profile
from analysis.results import LEAST_COUNT, UNKNOWN, Fit, Note, budget_key, percentile_interval, refused
from analysis.tables import flops

METHOD = "isoflop_parabola"
# Names for every IsoFLOP method; the last three are per budget.
LAW_NAMES = ("a", "b")
BUDGET_NAMES = ("n_opt", "d_opt", "loss_opt")
SIDE_POINTS = 2
# Fewer clean vertices than this and thin-sided ones are let in, with a warning: two points leave no residual.
WANTED_VERTICES = 3
# a + b further from 1 than this cannot come from rounding of steps (Zhang 2025 has 1.02).
SUM_TOLERANCE = 0.05
# Beyond this width +-2 points are no longer local and the profile's skew moves the vertex.
COARSE_WINDOW = np.log(32.0)
# Four sizes have five resamples with three sizes or more; no percentile can be read off those.
FEW_SIZES = 4
LACK_OF_FIT_LEVEL = 0.01


@dataclass(frozen=True)
class Vertex:
    """One budget's optimum and how it was found; `used`: enters the power law; `flags`: codes of what is amiss."""

    budget: float
    n_opt: float
    d_opt: float
    loss_opt: float
    log_n_se: float
    log_loss_se: float
    window: np.ndarray
    coefficients: np.ndarray
    centre: float
    flags: tuple[str, ...]
    used: bool


def fit_parabola(profiles: tuple[Profile, ...], bootstrap: int, seed: int, reach: Window = LOCAL) -> Fit:
    """Local parabolas and power laws of N* and D* with 95% percentile intervals (Hoffmann 2022, approach 2).

    `reach`: how far each parabola goes. One so narrow that it leaves no residual takes its noise from the usual width.
    """
    rng = np.random.default_rng(seed)
    ready = [p for p in profiles if len(p.n) >= MIN_SIZES]
    notes = list(size_notes(profiles))
    if not ready:
        return refused(METHOD, LAW_NAMES, "not_identified", tuple(notes))
    found = _vertices(ready, reach)
    noise, freedom = _pooled_noise(found)
    if not freedom and reach != LOCAL:
        noise, freedom = _pooled_noise(_vertices(ready, LOCAL))
    vertices = _judge(ready, found, noise, min(SIDE_POINTS, reach.points))
    notes += _vertex_notes(vertices)
    draws = _bootstrap(ready, noise, bootstrap, rng, reach)
    weights = np.array([1 / max(v.unit_variance[0], np.finfo(float).tiny) for v in found])
    return assemble(METHOD, vertices, weights, draws, notes, noise, freedom)


def size_notes(profiles: tuple[Profile, ...]) -> list[Note]:
    """A note on the budgets that have too few sizes for any vertex."""
    few = [flops(p.budget) for p in profiles if len(p.n) < MIN_SIZES]
    if not few:
        return []
    named = ", ".join(few[:6]) + (", ..." if len(few) > 6 else "")
    return [Note("few_sizes", "warning", f"{len(few)} of {len(profiles)} budgets refused, under 3 sizes: {named}.")]


def _vertices(profiles: list[Profile], reach: Window) -> list[Vertices]:
    """The vertex of each profile itself."""
    return [local_vertices(np.log(p.n), np.log(p.loss), np.ones((1, len(p.n))), reach) for p in profiles]


def _pooled_noise(found: list[Vertices]) -> tuple[float, int]:
    """Standard deviation of log loss about the parabolas, pooled over budgets, and its degrees of freedom."""
    usable = [v for v in found if not v.clamped[0]]
    freedom = sum(int(v.freedom[0]) for v in usable)
    return (math.sqrt(sum(float(v.rss[0]) for v in usable) / freedom), freedom) if freedom > 0 else (math.nan, 0)


def _judge(profiles: list[Profile], found: list[Vertices], noise: float, side: int) -> list[Vertex]:
    """The vertices with their flags; those with under `side` sizes on a side enter the law only where under 3 are clean."""
    flags = [_flags(p, v, side) for p, v in zip(profiles, found, strict=True)]
    bad = {"vertex_at_edge", "concave"}
    clean = sum(not (bad | {"thin_side"}) & set(f) for f in flags)
    barred = bad | ({"thin_side"} if clean >= WANTED_VERTICES else set())
    out = []
    for p, v, f in zip(profiles, found, flags, strict=True):
        at = float(v.log_n[0])
        out.append(
            Vertex(
                budget=p.budget,
                n_opt=math.exp(at),
                d_opt=float(tokens_at(p, np.array([at]))[0]),
                loss_opt=math.exp(float(v.log_loss[0])),
                log_n_se=math.nan if v.clamped[0] else noise * math.sqrt(float(v.unit_variance[0])),
                log_loss_se=noise * math.sqrt(float(v.loss_unit_variance[0])),
                window=v.window[0],
                coefficients=v.coefficients[0],
                centre=float(v.centre[0]),
                flags=f,
                used=not barred & set(f),
            )
        )
    return out


def _flags(profile: Profile, v: Vertices, side: int) -> tuple[str, ...]:
    """Codes of what is amiss with one budget's parabola."""
    flags = []
    if v.concave[0]:
        flags.append("concave")
    elif v.clamped[0]:
        flags.append("vertex_at_edge")
    elif min(int(v.left[0]), int(v.right[0])) < side:
        flags.append("thin_side")
    inside = np.log(profile.n[v.window[0]])
    if inside[-1] - inside[0] > COARSE_WINDOW:
        flags.append("coarse_window")
    return tuple(flags)


FLAG_TEXTS = {
    "concave": ("error", "the local parabola has no minimum: left out of the power laws"),
    "vertex_at_edge": (
        "error",
        "the minimum lies at or beyond the edge of the sizes tried: left out of the power laws",
    ),
    "thin_side": ("warning", "fewer than 2 sizes on one side of the minimum"),
    "coarse_window": ("warning", "its window spans more than x32 in size: the parabola is not local"),
}


def _vertex_notes(vertices: list[Vertex]) -> list[Note]:
    """One note per kind of flag, naming the budgets."""
    notes = []
    for code, (severity, text) in FLAG_TEXTS.items():
        mine = [v for v in vertices if code in v.flags]
        if mine:
            fate = ""
            if code == "thin_side":
                fate = ": used all the same, as too few others are clean" if mine[0].used else ": left out"
            notes.append(Note(code, severity, f"Budgets {', '.join(flops(v.budget) for v in mine)}: {text}{fate}."))
    return notes


def tokens_at(profile: Profile, log_n: np.ndarray) -> np.ndarray:
    """D at the given log N, through the budget's own runs: log D linear in log N between sizes."""
    return np.exp(np.interp(log_n, np.log(profile.n), np.log(profile.d)))


def _bootstrap(
    profiles: list[Profile], noise: float, draws: int, rng: np.random.Generator, reach: Window
) -> dict[str, np.ndarray]:
    """n_opt, d_opt, loss_opt and clamped, float[draws, budgets], from resampled configurations within each budget.

    Up to four sizes leave next to nothing to resample: there the pooled noise is added to the losses instead.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*BUDGET_NAMES, "clamped")}
    for profile in profiles:
        x, y, k = np.log(profile.n), np.log(profile.loss), len(profile.n)
        if k <= FEW_SIZES:
            weights, noisy = np.ones((draws, k)), y + noise * rng.standard_normal((draws, k))
        else:
            weights, noisy = draw_weights(k, draws, rng), y
        known = np.isfinite(noisy).all()
        v = local_vertices(x, noisy if known else y, weights, reach)
        gap = 1.0 if known else np.nan
        columns["n_opt"].append(np.exp(v.log_n) * gap)
        columns["d_opt"].append(tokens_at(profile, v.log_n) * gap)
        columns["loss_opt"].append(np.exp(v.log_loss) * gap)
        columns["clamped"].append(v.clamped.astype(float))
    return {name: np.stack(parts, axis=1) for name, parts in columns.items()}


def slopes(log_c: np.ndarray, log_y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted slopes of log_y, float[..., budgets], on log_c, float[budgets]."""
    centred = log_c - (weights * log_c).sum() / weights.sum()
    return (weights * centred * log_y).sum(axis=-1) / (weights * centred**2).sum()


def assemble(
    method: str,
    vertices: list[Vertex],
    weights: np.ndarray,
    draws: dict[str, np.ndarray],
    notes: list[Note],
    noise: float,
    freedom: float,
) -> Fit:
    """The Fit from the vertices, their weights (float[budgets]) and their draws (float[draws, budgets]).

    `freedom`: degrees of freedom behind the draws' spread (infinite where the noise is taken as known).
    """
    keys = [budget_key(v.budget) for v in vertices]
    estimates: dict = dict.fromkeys(LAW_NAMES, math.nan)
    intervals: dict = dict.fromkeys(LAW_NAMES, UNKNOWN)
    for name in BUDGET_NAMES:
        estimates[name] = {key: getattr(v, name) for key, v in zip(keys, vertices, strict=True)}
        intervals[name] = {key: percentile_interval(draws[name][:, i], freedom, log=True) for i, key in enumerate(keys)}
    used = np.array([v.used for v in vertices])
    log_c = np.log([v.budget for v in vertices])
    objective, law = math.nan, {}
    status = "not_identified"
    if used.sum() < 2:
        notes.append(Note("few_budgets", "error", f"Usable budgets: {used.sum()}; a power law needs at least 2."))
    else:
        status = "converged"
        for name, source in (("a", "n_opt"), ("b", "d_opt")):
            y = np.log([getattr(v, source) for v in vertices])[used]
            estimates[name] = float(slopes(log_c[used], y, weights[used]))
            draws[name] = slopes(log_c[used], np.log(draws[source][:, used]), weights[used])
            intervals[name] = percentile_interval(draws[name], freedom)
            centre = np.average(log_c[used], weights=weights[used])
            law[name] = (centre, float(np.average(y, weights=weights[used])), estimates[name])
        residual = _law_residual(vertices, used, law["a"])
        objective = float((weights[used] * residual**2).sum())
        notes += _law_notes(estimates, residual, np.array([v.log_n_se for v in vertices])[used])
        notes += _draw_notes(draws, used, [flops(v.budget) for v in vertices])
    details = {"vertices": tuple(vertices), "law": law, "noise": noise, "freedom": freedom, "weights": weights}
    return Fit(method, estimates, intervals, objective, status, tuple(notes), draws, details)


def law_band(fit: Fit, name: str, budgets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The law `name` (a: of N*, b: of D*) at `budgets`, float[points], and the ends of its pointwise 95% band."""
    source = {"a": "n_opt", "b": "d_opt"}[name]
    centre, level, slope = fit.details["law"][name]
    used = np.array([v.used for v in fit.details["vertices"]])
    weights = fit.details["weights"][used]
    levels = (np.log(fit.draws[source][:, used]) * weights).sum(axis=1) / weights.sum()
    away = np.log(budgets) - centre
    drawn = np.exp(levels[:, None] + fit.draws[name][:, None] * away)
    freedom = fit.details["freedom"]
    ends = np.array([percentile_interval(column, freedom, log=True, least=LEAST_COUNT) for column in drawn.T])
    return np.exp(level + slope * away), ends[:, 0], ends[:, 1]


def _law_residual(vertices: list[Vertex], used: np.ndarray, law: tuple[float, float, float]) -> np.ndarray:
    """log N* minus the law's, for the used vertices."""
    log_c = np.log([v.budget for v in vertices])[used]
    return np.log([v.n_opt for v in vertices])[used] - law[1] - law[2] * (log_c - law[0])


def _law_notes(estimates: dict, residual: np.ndarray, se: np.ndarray) -> list[Note]:
    """Checks of the power law itself: residual freedom, a + b, scatter against the vertices' own errors."""
    notes = []
    total = estimates["a"] + estimates["b"]
    if abs(total - 1) > SUM_TOLERANCE:
        notes.append(
            Note("sum_not_one", "warning", f"a + b = {total:.3f}, far from 1: compute is not a multiple of ND.")
        )
    if len(residual) == 2:
        notes.append(Note("two_budgets", "warning", "Two budgets: the slope has no residual to judge a power law by."))
    elif np.isfinite(se).all() and (se > 0).all():
        statistic = float(((residual / se) ** 2).sum())
        if stats.chi2.sf(statistic, len(residual) - 2) < LACK_OF_FIT_LEVEL:
            text = f"Vertices scatter about the law more than their errors explain (chi2 {statistic:.4g})."
            notes.append(Note("law_lack_of_fit", "warning", text))
    return notes


def _draw_notes(draws: dict[str, np.ndarray], used: np.ndarray, budgets: list[str]) -> list[Note]:
    """A note where resampling often pushes the minimum to an edge: there the interval's end is the grid's."""
    share = draws["clamped"].mean(axis=0) if draws["clamped"].size else np.zeros(len(budgets))
    touched = [f"{budget} ({s:.0%})" for budget, s, u in zip(budgets, share, used, strict=True) if u and s > 0.025]
    if not touched:
        return []
    text = f"Draws whose minimum fell on the edge of the sizes drawn: {', '.join(touched)}; the interval may be wider."
    return [Note("interval_at_edge", "warning", text)]
