"""Figures of what goes beyond the fits: methods side by side, forecasts, budgets left out, and training curves.

In: the study, fits and outlook. Out: `Chart`s; None where there is nothing to draw.
"""

import math

import numpy as np

from analysis.charts import (
    FLOPS_LABEL,
    Chart,
    Row,
    budget_colour,
    exponent_axis,
    finite,
    layer,
    layered,
    log_axis,
    methods_colour,
    methods_dash,
    methods_shape,
    plain_axis,
    row_axis,
    spoken,
    var,
)
from analysis.charts_isoflop import COMPUTE_TITLE, vertices_of
from analysis.forecast import CARRY_FORWARD, SPREAD, Forecast
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.results import Fit
from analysis.study import Study
from analysis.tables import LABELS, STATUS_LABELS, count, fixed, flops

# Exponents that others found, drawn below ours (see page.PUBLISHED for what differs).
PUBLISHED = (("Zhang 2025, MIMIC-IV", 0.58, 0.44), ("Hoffmann 2022", 0.50, 0.50), ("Porian 2024", 0.497, 0.503))
CURVE_POINTS = 80


def forest(fits: dict[str, Fit], exponent: str) -> Chart | None:
    """The exponent `a` or `b` by every method with its interval, and what others published."""
    shown = [(name, fit) for name, fit in fits.items() if math.isfinite(fit.estimates.get(exponent, math.nan))]
    if not shown:
        return None
    ours, others = [], []
    for name, fit in shown:
        ends = fit.intervals[exponent]
        row = {
            "method": LABELS[name],
            "row": LABELS[name],
            "x": fit.estimates[exponent],
            exponent: fixed(fit.estimates[exponent]),
        }
        row |= {"95%": " to ".join(map(fixed, ends)), "status": STATUS_LABELS[fit.status]}
        ours.append(row | ({"low": ends[0], "high": ends[1]} if all(map(math.isfinite, ends)) else {}))
    for label, a, b in PUBLISHED:
        others.append({"row": label, "x": {"a": a, "b": b}[exponent], "published": fixed({"a": a, "b": b}[exponent])})
    order = [row["row"] for row in (*ours, *others)]
    known = [v for row in (*ours, *others) for v in (row["x"], row.get("low"), row.get("high")) if v is not None]
    y, x = row_axis(order), exponent_axis(exponent, known)
    methods = [name for name, _ in shown]
    colour = {**methods_colour(methods), "legend": None}
    shape = {"condition": {"test": "datum.status == 'converged'", "value": "circle"}, "value": "cross"}
    spec = layered(
        layer(
            {"type": "rule", "strokeWidth": 2.4},
            (r for r in ours if "low" in r),
            by_method=True,
            x={**x, "field": "low"},
            x2={"field": "high"},
            y=y,
            color=colour,
        ),
        layer(
            {"type": "point", "size": 80},
            ours,
            ("method", exponent, "95%", "status"),
            by_method=True,
            x=x,
            y=y,
            color=colour,
            shape=shape,
        ),
        layer(
            {"type": "point", "shape": "diamond", "color": var("soft"), "size": 80},
            others,
            ("row", "published"),
            x=x,
            y=y,
        ),
    )
    told = spoken(((LABELS[name], fit.estimates[exponent]) for name, fit in shown), fixed)
    caption = f"Exponent {exponent} by every method with its 95% interval (crosses: the fit hit a bound), and published ones (grey)."
    labels = tuple(LABELS[name] for name in methods)
    return Chart(
        f"methods_{exponent}",
        f"Exponent {exponent} by method",
        caption,
        f"{caption} {told}.",
        spec,
        labels,
        rows=len(order),
    )


def forecasts(outlook: Outlook, fits: dict[str, Fit], quantity: str) -> Chart | None:
    """Loss or N* beyond the largest budget: each method's line and 95%, the band of a new run, and what was observed."""
    rows = [
        row
        for row in outlook.forecasts
        if row.quantity == quantity and row.method != SPREAD and math.isfinite(row.value)
    ]
    if not rows:
        return None
    methods = [name for name in fits if any(row.method == name for row in rows)]
    lines = [_forecast_row(row) for row in rows]
    seen = [
        {
            "compute": v.budget,
            "y": v.loss_opt if quantity == "loss" else v.n_opt,
            "observed": f"{flops(v.budget)} FLOPs",
        }
        for v in vertices_of(fits[PARABOLA]).values()
        if v.used
    ]
    x = log_axis("compute", COMPUTE_TITLE, [row["compute"] for row in (*lines, *seen)], FLOPS_LABEL)
    values = [v for row in lines for v in (row["y"], row.get("low"), row.get("high")) if v] + [row["y"] for row in seen]
    y = (
        plain_axis("y", "loss (nats per token)", values, ".2f")
        if quantity == "loss"
        else log_axis("y", "N* (parameters)", values)
    )
    colour, dash = methods_colour(methods), methods_dash(methods)
    shape = methods_shape(methods)
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    runs = {"x": x, "y": {**y, "field": "run_low"}, "y2": {"field": "run_high"}, "color": colour}
    tips = ("method", "compute (FLOPs)", "value", "95%", "95% of one new run")
    spec = layered(
        layer({"type": "area", "opacity": 0.06}, (r for r in lines if "run_low" in r), by_method=True, **runs),
        layer({"type": "area", "opacity": 0.1}, (r for r in lines if "low" in r), by_method=True, **ends),
        layer({"type": "line", "strokeWidth": 2}, lines, by_method=True, x=x, y=y, color=colour, strokeDash=dash),
        layer({"type": "point", "size": 45}, lines, tips, by_method=True, x=x, y=y, color=colour, shape=shape),
        layer({"type": "point", "shape": "diamond", "size": 110, "color": var("ink")}, seen, ("observed",), x=x, y=y),
    )
    far = max(rows, key=lambda row: row.factor)
    told = spoken(
        ((LABELS[r.method], r.value) for r in rows if r.factor == far.factor), count if quantity == "n_opt" else fixed
    )
    word = {"loss": "Loss at the optimum", "n_opt": "Best model size N*"}[quantity]
    caption = f"{word} up to {far.factor:g} times the largest budget. Bands: 95% from the parameters of each method"
    caption += ", wider and fainter for one new run; " if quantity == "loss" else "; "
    caption += "the lines' distance is the choice of method. Black diamonds: what the profiles show."
    labels = tuple(LABELS[name] for name in methods)
    axes = ("x",) if quantity == "loss" else ("x", "y")
    alt = f"{word} foreseen at {flops(far.compute)} FLOPs: {told}."
    return Chart(f"forecast_{quantity}", f"{word} foreseen", caption, alt, spec, labels, axes)


def _forecast_row(row: Forecast) -> Row:
    form = count if row.quantity == "n_opt" else (lambda v: fixed(v, 3))
    found = {"compute": row.compute, "y": row.value, "method": LABELS[row.method], "value": form(row.value)}
    found |= {
        "compute (FLOPs)": f"{flops(row.compute)} (x{row.factor:g})",
        "95%": f"{form(row.low)} to {form(row.high)}",
    }
    if math.isfinite(row.run_low) and math.isfinite(row.run_high):
        found |= {"run_low": row.run_low, "run_high": row.run_high}
    found["95% of one new run"] = f"{form(row.run_low)} to {form(row.run_high)}" if "run_low" in found else ""
    return found | ({"low": row.low, "high": row.high} if finite({"l": row.low, "h": row.high}) else {})


def left_out(outlook: Outlook) -> Chart | None:
    """How far each method was off the loss of budgets it had not seen."""
    rows = [row for row in outlook.foreseen if row.quantity == "loss" and math.isfinite(row.error)]
    if not rows:
        return None
    methods = list(dict.fromkeys(row.method for row in rows))
    names = {CARRY_FORWARD: "Carried forward (baseline)"}
    cells = [
        {
            "row": LABELS.get(row.method, names.get(row.method, row.method)),
            "x": 100 * row.error,
            "left": f"largest {row.left_out} left out",
            "budget": f"{flops(row.budget)} FLOPs",
            "foreseen": fixed(row.predicted),
            "observed": fixed(row.observed),
            "error": f"{100 * row.error:+.1f}%",
        }
        for row in rows
    ]
    order = [LABELS.get(name, names.get(name, name)) for name in methods]
    y = row_axis(order)
    x = plain_axis("x", "error of the loss foreseen (%)", [cell["x"] for cell in cells], "+~r", zero=True)
    kinds = sorted({cell["left"] for cell in cells})
    colour = {
        "field": "left",
        "type": "nominal",
        "title": None,
        "scale": {"domain": kinds, "range": [var("blue"), var("vermilion")][: len(kinds)]},
        "legend": {"orient": "bottom"},
    }
    shape = {**colour, "scale": {"domain": kinds, "range": ["circle", "triangle-up"][: len(kinds)]}}
    spec = layered(
        layer({"type": "rule", "color": var("soft")}, [{"x": 0.0}], x=x),
        layer(
            {"type": "point", "size": 90},
            cells,
            ("row", "left", "budget", "foreseen", "observed", "error"),
            x=x,
            y=y,
            color=colour,
            shape=shape,
        ),
    )
    caption = "Each method fitted without the largest budgets, and how far it was then off their lowest loss. Above 0: foreseen too high."
    told = "; ".join(f"{c['row']}, {c['budget']}: {c['error']}" for c in cells)
    return Chart("left_out", "Largest budgets left out", caption, f"{caption} {told}.", spec, rows=len(order))


def training_curves(study: Study) -> Chart | None:
    """Training loss of every fitted run against the compute it has spent, coloured by budget."""
    budgets = [flops(budget) for budget in np.unique(study.points.budget)]
    lines = []
    for run in study.used:
        told = [
            r
            for r in study.curves.get(run["run_id"], ())
            if r.get("train_loss") is not None and (r.get("flops") or 0) > 0
        ]
        for at in np.unique(np.linspace(0, len(told) - 1, CURVE_POINTS).round().astype(int)) if told else ():
            spent, loss = float(told[at]["flops"]), float(told[at]["train_loss"])
            lines.append({"compute": spent, "y": loss, "budget": flops(run["budget"]), "run": run["run_id"]})
    lines = list(filter(finite, lines))
    if not lines:
        return None
    x = log_axis("compute", COMPUTE_TITLE, [row["compute"] for row in lines], FLOPS_LABEL)
    y = plain_axis("y", "training loss (nats per token)", [row["y"] for row in lines], ".1f")
    detail = {"field": "run", "type": "nominal"}
    mark = {"type": "line", "strokeWidth": 1.2, "opacity": 0.85, "tooltip": {"content": "data"}}
    spec = layered(layer(mark, lines, x=x, y=y, color=budget_colour(budgets), detail=detail))
    caption = "Training loss of every fitted run against the compute it has spent so far, coloured by its budget."
    return Chart("training_curves", "Training curves", caption, caption, spec, log_axes=("x",), wide=True)
