"""Figures of the IsoFLOP profiles and of what follows from them: N*, D* and loss against compute.

In: the study and its fits. Out: `Chart`s. A point on hover tells its run; methods can be switched on and off.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.charts import (
    FLOPS_LABEL,
    HOLLOW,
    Chart,
    Layer,
    Row,
    budget_colour,
    curve,
    finite,
    layer,
    layered,
    log_axis,
    methods_colour,
    methods_dash,
    methods_shape,
    plain_axis,
    spoken,
    var,
    widened,
)
from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.compute_law import curve_band
from analysis.isoflop import METHOD as PARABOLA
from analysis.isoflop import Vertex, law_band
from analysis.optimum import compute_rule, law_of, optimum
from analysis.points import Profile, budget_profiles
from analysis.published import REFERENCE
from analysis.results import Fit, budget_key
from analysis.study import Study
from analysis.surface import METHODS as SURFACES
from analysis.tables import LABELS, count, ends_words, fixed, flops, number

SIZE_TITLE = "parameters N (with output head)"
LOSS_TITLE = "held-out loss (nats per token)"
COMPUTE_TITLE = "training compute C (FLOPs)"
FACTS = ("run", "configuration", "seed", "N", "D", "epochs", "learning rate", "loss")
# The surface whose curve is drawn through a profile: the default of the recommendation.
CURVE_OF = "surface_huber"
USABLE = ("converged", "bound_hit")
STEPS = 60


@dataclass(frozen=True)
class Law:
    """One of the three laws against compute: the quantity, its exponent (None for the loss) and words."""

    quantity: str
    exponent: str | None
    symbol: str
    noun: str


LAWS = (
    Law("n_opt", "a", "N*", "parameters"),
    Law("d_opt", "b", "D*", "tokens"),
    Law("loss_opt", None, "L*", "nats per token"),
)


def isoflop_charts(study: Study, fits: dict[str, Fit]) -> list[Chart]:
    """All budgets in one panel, then one panel a budget."""
    profiles = [p for p in budget_profiles(study.points)[0] if len(p.n)]
    return [profiles_together(profiles, study, fits), *(one_profile(p, study, fits) for p in profiles)]


def law_charts(study: Study, fits: dict[str, Fit]) -> list[Chart]:
    """N*, D* and L* against compute, of those that some method tells."""
    drawn = [against_compute(law, study, fits) for law in LAWS]
    return [chart for chart in drawn if chart is not None]


def run_facts(study: Study) -> list[Row]:
    """What hovering over a point tells, one row a fitted run, beside its numbers."""
    points = study.points
    rows = []
    for i, run in enumerate(study.used):
        n, d, loss = (float(getattr(points, name)[i]) for name in ("n", "d", "loss"))
        rows.append(
            {
                "n": n,
                "d": d,
                "y": loss,
                "compute": float(points.flops[i]),
                "at": float(points.budget[i]),
                "budget": flops(float(points.budget[i])),
                "run": run["run_id"],
                "configuration": str(run.get("configuration") or ""),
                "seed": "" if run.get("seed") is None else str(run["seed"]),
                "N": count(n),
                "D": count(d),
                "epochs": number(float(run["epochs"]), 3) if run.get("epochs") else "",
                "learning rate": number(float(run["learning_rate"]), 3) if run.get("learning_rate") else "",
                "loss": fixed(loss, 4),
            }
        )
    return rows


def profiles_together(profiles: list[Profile], study: Study, fits: dict[str, Fit]) -> Chart:
    """Every run, the local parabolas and the path of the minima."""
    vertices = vertices_of(fits[PARABOLA])
    colour = budget_colour([flops(p.budget) for p in profiles])
    x, y = log_axis("n", SIZE_TITLE, study.points.n), plain_axis("y", LOSS_TITLE, study.points.loss, ".2f")
    bends = [
        {**row, "budget": flops(p.budget)}
        for p in profiles
        if p.budget in vertices
        for row in parabola_rows(p, vertices[p.budget])
    ]
    found = [vertex for vertex in vertices.values() if vertex.used]
    minima = [
        {
            "n": v.n_opt,
            "y": v.loss_opt,
            "at budget": f"{flops(v.budget)} FLOPs",
            "N*": count(v.n_opt),
            "D*": count(v.d_opt),
            "loss": fixed(v.loss_opt, 4),
        }
        for v in found
    ]
    spec = layered(
        layer({"type": "line", "strokeWidth": 2}, bends, x=x, y=y, color=colour),
        layer({"type": "line", "strokeDash": [5, 4], "color": var("ink"), "strokeWidth": 1}, minima, x=x, y=y),
        layer("point", run_facts(study), FACTS, x=x, y=y, color=colour),
        layer(
            {"type": "point", "shape": "diamond", "size": 130, "color": var("ink"), "stroke": var("card")},
            minima,
            ("at budget", "N*", "D*", "loss"),
            x=x,
            y=y,
        ),
    )
    told = spoken((f"{flops(v.budget)} FLOPs:", v.n_opt) for v in found) or "no usable minimum"
    caption = (
        "Each colour is one budget of training compute, every point a run. Curves are the parabolas fitted around the best "
        "point, diamonds their minima: the best model size for that budget."
    )
    alt = f"Loss against model size, one curve per compute budget. Best sizes N*: {told}."
    return Chart("isoflop_profiles", "IsoFLOP profiles", caption, alt, spec, log_axes=("x",), wide=True)


def one_profile(profile: Profile, study: Study, fits: dict[str, Fit]) -> Chart:
    """One budget: the window shaded, points outside it hollow, the vertex with its interval, and the surface's curve."""
    fit = fits[PARABOLA]
    vertex = vertices_of(fit).get(profile.budget)
    key = budget_key(profile.budget)
    mine = [row for row in run_facts(study) if row["at"] == profile.budget]
    x = log_axis("n", SIZE_TITLE, profile.n)
    y = plain_axis("y", LOSS_TITLE, [*(row["y"] for row in mine), *((vertex and [vertex.loss_opt]) or [])], ".2f")
    methods, remark, layers = [], "no vertex: fewer than 3 sizes", []
    if vertex is not None:
        methods.append(PARABOLA)
        layers = _vertex_layers(profile, vertex, fit.intervals["n_opt"][key], x, y)
        low, high = fit.intervals["n_opt"][key]
        remark = f"N* = {count(vertex.n_opt)}, {ends_words((low, high), count)}, loss {vertex.loss_opt:.3f}"
        remark += "".join(f"; {flag.replace('_', ' ')}" for flag in vertex.flags)
    inside = profile.n if vertex is None else profile.n[vertex.window]
    for row in mine:
        row["window"] = "fitted" if vertex is not None and _among(row["n"], inside) else "left out"
    surface = _surface_rows(profile, study, fits)
    if surface:
        methods.append(CURVE_OF)
        dashed = {"type": "line", "color": var("green"), "strokeDash": [6, 3], "strokeWidth": 1.5, "clip": True}
        layers.append(layer(dashed, surface, by_method=True, x=x, y=y))
    fill = {"condition": {"test": "datum.window == 'fitted'", "value": var("blue")}, "value": var("card")}
    layers.append(layer({"type": "point", "stroke": var("blue"), "strokeWidth": 1.6}, mine, FACTS, x=x, y=y, fill=fill))
    alt = f"Loss against model size at {flops(profile.budget)} FLOPs: {remark}."
    name = f"isoflop_{key.replace('+', '')}"
    title = f"{flops(profile.budget)} FLOPs"
    return Chart(name, title, remark + ".", alt, layered(*layers), tuple(LABELS[m] for m in methods), ("x",))


def _vertex_layers(profile: Profile, vertex: Vertex, ends: tuple[float, float], x: dict, y: dict) -> list[Layer]:
    """Window, parabola, interval and vertex of one budget, all hidden with the method."""
    inside = profile.n[vertex.window]
    method = {"method": LABELS[PARABOLA]}
    window = [{"n": float(inside[0] / 1.05), "to": float(inside[-1] * 1.05), **method}]
    bend = [{**row, **method} for row in parabola_rows(profile, vertex)]
    low, high = np.clip(ends, *x["scale"]["domain"])
    interval = [{"n": float(low), "to": float(high), "y": vertex.loss_opt, **method}]
    here = {"n": vertex.n_opt, "y": vertex.loss_opt, "N*": count(vertex.n_opt), "D*": count(vertex.d_opt)}
    best = [{**here, "95% of N*": f"{count(ends[0])} to {count(ends[1])}", "loss": fixed(vertex.loss_opt, 4), **method}]
    tips = ("N*", "95% of N*", "D*", "loss")
    star = {"type": "point", "shape": "diamond" if vertex.used else "cross", "size": 150, "color": var("vermilion")}
    return [
        layer({"type": "rect", "color": var("blue"), "opacity": 0.09}, window, by_method=True, x=x, x2={"field": "to"}),
        layer({"type": "line", "color": var("blue"), "strokeWidth": 2}, bend, by_method=True, x=x, y=y),
        layer(
            {"type": "rule", "color": var("vermilion"), "strokeWidth": 2.5},
            filter(finite, interval),
            by_method=True,
            x=x,
            x2={"field": "to"},
            y=y,
        ),
        layer(star, best, tips, by_method=True, x=x, y=y),
    ]


def _surface_rows(profile: Profile, study: Study, fits: dict[str, Fit]) -> list[Row]:
    """The surface's loss along one budget's sizes."""
    fit = fits.get(CURVE_OF)
    if fit is None or fit.status not in USABLE or len(profile.n) < 2:
        return []
    at = np.geomspace(profile.n[0], profile.n[-1], STEPS)
    log_n = np.log(at)
    loss = law_of(fit.estimates).loss(log_n, compute_rule(study.points).tokens(profile.budget, log_n))
    return [{"n": row["x"], "y": row["y"], "method": LABELS[CURVE_OF]} for row in curve(at, y=loss)]


def against_compute(law: Law, study: Study, fits: dict[str, Fit]) -> Chart | None:
    """One quantity against compute: vertices with intervals, each method's line, the parabola's band."""
    budgets = widened(study.points.budget, points=STEPS)
    lines = {name: rows for name, fit in fits.items() if (rows := _line(law, fit, study, budgets))}
    dots = [row for name, fit in fits.items() for row in _dots(law, name, fit)]
    if not dots and not lines:
        return None
    methods = [name for name in fits if name in lines or any(row["method"] == LABELS[name] for row in dots)]
    x = log_axis("compute", COMPUTE_TITLE, budgets, FLOPS_LABEL, 1.0)
    values = [row["y"] for rows in (*lines.values(), dots) for row in rows]
    values += [row[end] for row in dots if row["method"] == LABELS[PARABOLA] for end in ("low", "high") if end in row]
    title = f"{law.symbol} ({law.noun})"
    y = log_axis("y", title, values) if law.exponent else plain_axis("y", title, values, ".2f")
    band = [
        {**row, "method": LABELS[name]}
        for name in (PARABOLA, LOSS_COMPUTE)
        for row in _band(law, fits.get(name), budgets)
    ]
    colour, dash = methods_colour(methods), methods_dash(methods)
    shape = methods_shape(methods)
    flat = [row for rows in lines.values() for row in rows]
    tips = ("method", "budget", law.symbol, "95%", "remarks")
    spec = layered(
        layer(
            {"type": "area", "opacity": 0.14, "clip": True},
            band,
            by_method=True,
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
            color=colour,
        ),
        _published(law, fits, budgets, x, y),
        layer({"type": "line", "strokeWidth": 2}, flat, by_method=True, x=x, y=y, color=colour, strokeDash=dash),
        layer(
            {"type": "rule", "clip": True},
            filter(finite, (r for r in dots if "low" in r)),
            by_method=True,
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
            color=colour,
        ),
        layer("point", (r for r in dots if r["used"]), tips, by_method=True, x=x, y=y, color=colour, shape=shape),
        layer(HOLLOW, (r for r in dots if not r["used"]), tips, by_method=True, x=x, y=y, color=colour, shape=shape),
    )
    labels = tuple(LABELS[name] for name in methods)
    caption = _law_words(law, fits)
    axes = ("x", "y") if law.exponent else ("x",)
    return Chart(f"{law.quantity}_compute", f"{law.symbol} against compute", caption, caption, spec, labels, axes)


def _dots(law: Law, name: str, fit: Fit) -> list[Row]:
    """The optimum of each budget by one method, with its interval."""
    rows = []
    for vertex in fit.details.get("vertices", ()):
        key = budget_key(vertex.budget)
        value, ends = getattr(vertex, law.quantity), fit.intervals.get(law.quantity, {}).get(key, (math.nan, math.nan))
        form = count if law.exponent else (lambda v: fixed(v, 4))
        row = {"compute": vertex.budget, "y": value, "method": LABELS[name], "budget": f"{flops(vertex.budget)} FLOPs"}
        row["used"] = bool(vertex.used)
        row |= {law.symbol: form(value), "95%": " to ".join(map(form, ends))}
        row["remarks"] = ("" if vertex.used else "left out of the law; ") + ", ".join(vertex.flags).replace("_", " ")
        if all(map(math.isfinite, ends)):
            row |= {"low": ends[0], "high": ends[1]}
        if math.isfinite(value):
            rows.append(row)
    return rows


def _line(law: Law, fit: Fit, study: Study, budgets: np.ndarray) -> list[Row]:
    """One method's law over the budgets; empty where it has none."""
    if fit.status not in USABLE:
        return []
    if law.exponent and fit.details.get("law"):
        values = law_band(fit, law.exponent, budgets)[0]
    elif not law.exponent and fit.method == LOSS_COMPUTE:
        values = curve_band(fit, budgets)[0]
    elif fit.method in SURFACES:
        rule, laws = compute_rule(study.points), law_of(fit.estimates)
        best = [optimum(laws, rule, float(budget)) for budget in budgets]
        part = {"n_opt": lambda o: np.exp(o.log_n[0]), "d_opt": lambda o: o.d[0], "loss_opt": lambda o: o.loss[0]}
        values = np.array([part[law.quantity](one) for one in best])
    else:
        return []
    return [{"compute": row["x"], "y": row["y"], "method": LABELS[fit.method]} for row in curve(budgets, y=values)]


def _band(law: Law, fit: Fit | None, budgets: np.ndarray) -> list[Row]:
    """The pointwise 95% band of the parabola's law, or of the law of the loss."""
    if fit is None or fit.status not in USABLE:
        return []
    if law.exponent and fit.method == PARABOLA and fit.details.get("law"):
        _, low, high = law_band(fit, law.exponent, budgets)
    elif not law.exponent and fit.method == LOSS_COMPUTE:
        _, low, high = curve_band(fit, budgets)
    else:
        return []
    return [{"compute": row["x"], "low": row["low"], "high": row["high"]} for row in curve(budgets, low=low, high=high)]


def _published(law: Law, fits: dict[str, Fit], budgets: np.ndarray, x: dict, y: dict) -> Layer:
    """The published slope through the middle of our own law: only its slope can be compared."""
    ours = fits[PARABOLA].details.get("law")
    if law.exponent is None or not ours:
        return {}
    slope = getattr(REFERENCE, law.exponent)
    centre, level, _ = ours[law.exponent]
    values = np.exp(level + slope * (np.log(budgets) - centre))
    rows = [
        {"compute": row["x"], "y": row["y"], "slope": f"C^{slope} ({REFERENCE.short})"}
        for row in curve(budgets, y=values)
    ]
    mark = {
        "type": "line",
        "color": var("soft"),
        "strokeDash": [1, 4],
        "strokeWidth": 2,
        "strokeCap": "round",
        "clip": True,
    }
    return layer(mark, rows, ("slope",), x=x, y=y)


def _law_words(law: Law, fits: dict[str, Fit]) -> str:
    """The law in a sentence."""
    parabola = fits[PARABOLA]
    if law.exponent:
        value, ends = parabola.estimates[law.exponent], parabola.intervals[law.exponent]
        if math.isfinite(value):
            dots = f"Dotted: the slope of {REFERENCE.short}, {getattr(REFERENCE, law.exponent)}. Hollow points are left out of the law."
            return f"By the local parabolas {law.symbol} grows as C^{value:.3f}, {ends_words(ends, fixed)}. {dots}"
        return f"The local parabolas give no law of {law.symbol}; the notes say why."
    fit = fits.get(LOSS_COMPUTE)
    if fit is not None and fit.status in USABLE:
        e, a, g = (fit.estimates[name] for name in ("E", "A", "g"))
        return f"The lowest loss of each budget, and L* = {e:.3g} + {a:.3g} C^-{g:.3g} with its 95% band."
    return "The lowest loss of each budget; a law with three parameters needs at least 4 usable budgets."


def vertices_of(fit: Fit) -> dict[float, Vertex]:
    """The vertices by budget."""
    return {vertex.budget: vertex for vertex in fit.details.get("vertices", ())}


def parabola_rows(profile: Profile, vertex: Vertex) -> list[Row]:
    """The local parabola over its window; loss is exp of it."""
    inside = np.log(profile.n[vertex.window])
    at = np.linspace(inside[0], inside[-1], STEPS)
    value = np.polynomial.polynomial.polyval(at - vertex.centre, vertex.coefficients)
    return [{"n": row["x"], "y": row["y"]} for row in curve(np.exp(at), y=np.exp(value))]


def _among(value: float, sizes: np.ndarray) -> bool:
    """Whether a run's size is one of the profile's, which stand for sizes that differ by rounding."""
    return bool((np.abs(np.log(sizes / value)) < 2e-3).any())
