"""Figures of what goes beyond the fits: forecasts, budgets left out, and training curves.

In: the study, fits and outlook. Out: `Chart`s; None where there is nothing to draw.
"""

import math

import numpy as np

from analysis.charts import (
    FLOPS_LABEL,
    Chart,
    Layer,
    Row,
    budget_colour,
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
from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.forecast import CARRY_FORWARD, SPREAD, Forecast
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.recommendation import PREFERENCE
from analysis.results import Fit
from analysis.study import Study
from analysis.tables import CARRIED_FORWARD, LABELS, count, fixed, flops

CURVE_POINTS = 40
BAND_ENDS = ("low", "high", "run_low", "run_high")


def forecasts(outlook: Outlook, fits: dict[str, Fit], quantity: str) -> Chart | None:
    """Loss or N* beyond the largest budget, with item by item: the parameters' band and a new run's of one method, the range
    over the methods, every method's line, and what was observed."""
    rows = [row for row in outlook.forecasts if row.quantity == quantity and math.isfinite(row.value)]
    mine = [row for row in rows if row.method != SPREAD]
    if not mine:
        return None
    methods = [name for name in fits if any(row.method == name for row in mine)]
    banded = next((name for name in (*PREFERENCE, PARABOLA, LOSS_COMPUTE) if name in methods), methods[0])
    lines = [_forecast_row(row) for row in mine]
    bands = [row for row in lines if row["method"] == LABELS[banded]]
    spread = [
        {"compute": row.compute, "low": row.low, "high": row.high, "range": "lowest to highest of the methods"}
        for row in rows
        if row.method == SPREAD
    ]
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
    values = [row["y"] for row in (*lines, *seen)] + [row[name] for row in bands for name in BAND_ENDS if name in row]
    y = (
        plain_axis("y", "loss (nats per token)", values, ".2f")
        if quantity == "loss"
        else log_axis("y", "N* (parameters)", values)
    )
    spec = layered(*_fan(lines, bands, spread, x, y, methods), _diamonds(seen, x, y))
    far = max(row.factor for row in mine)
    told = spoken(
        ((LABELS[r.method], r.value) for r in mine if r.factor == far), count if quantity == "n_opt" else fixed
    )
    word = {"loss": "Loss at the optimum", "n_opt": "Best model size N*"}[quantity]
    caption = f"{word} up to {far:g} times the largest budget by every method. Shaded: 95% from the parameters of {LABELS[banded]}"
    caption += ", dashed: 95% for one new run" if quantity == "loss" else ""
    caption += "; grey bars: from the lowest to the highest method. Diamonds: minima of the profiles that count."
    labels = tuple(LABELS[name] for name in methods)
    axes = ("x",) if quantity == "loss" else ("x", "y")
    alt = f"{word} foreseen at {far:g} times the largest budget: {told}."
    return Chart(f"forecast_{quantity}", f"{word} foreseen", caption, alt, spec, labels, axes)


def _fan(lines: list[Row], bands: list[Row], spread: list[Row], x: dict, y: dict, methods: list[str]) -> list[Layer]:
    """Every method's line over the bands of one of them and the range over all."""
    colour, shape = methods_colour(methods), methods_shape(methods)

    def between(low: str, high: str) -> dict:
        return {"x": x, "y": {**y, "field": low}, "y2": {"field": high}}

    shaded = {"type": "area", "opacity": 0.16}
    outline = {"type": "area", "fillOpacity": 0, "strokeWidth": 1.2, "strokeDash": [3, 3], "line": False}
    bar = {"type": "rule", "strokeWidth": 7, "opacity": 0.3, "color": var("ink")}
    tips = ("method", "compute (FLOPs)", "value", "95%", "95% of one new run")
    sure = (row for row in bands if "low" in row)
    of_runs = (row for row in bands if "run_low" in row)
    return [
        layer(shaded, sure, by_method=True, **between("low", "high"), color=colour),
        layer(outline, of_runs, by_method=True, **between("run_low", "run_high"), stroke=colour),
        layer(bar, spread, ("range",), **between("low", "high")),
        layer(
            {"type": "line", "strokeWidth": 1.8},
            lines,
            by_method=True,
            x=x,
            y=y,
            color=colour,
            strokeDash=methods_dash(methods),
        ),
        layer({"type": "point", "size": 45}, lines, tips, by_method=True, x=x, y=y, color=colour, shape=shape),
    ]


def _diamonds(seen: list[Row], x: dict, y: dict) -> Layer:
    """The minima that the profiles show."""
    return layer({"type": "point", "shape": "diamond", "size": 110, "color": var("ink")}, seen, ("observed",), x=x, y=y)


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


def left_out(outlook: Outlook, quantity: str) -> Chart | None:
    """How far each method was off the lowest loss, or N*, of budgets it had not seen."""
    rows = [row for row in outlook.foreseen if row.quantity == quantity and math.isfinite(row.error)]
    if not rows:
        return None
    form = count if quantity == "n_opt" else fixed
    cells = [
        {
            "row": LABELS.get(row.method, CARRIED_FORWARD),
            "x": 100 * row.error,
            "left": f"largest {row.left_out} left out",
            "budget": f"{flops(row.budget)} FLOPs",
            "foreseen": form(row.predicted),
            "observed": form(row.observed),
            "error": f"{100 * row.error:+.1f}%",
        }
        for row in rows
    ]
    y = row_axis(dict.fromkeys(cell["row"] for cell in cells))
    word = {"loss": "lowest loss", "n_opt": "best size N*"}[quantity]
    x = plain_axis("x", f"error of the {word} foreseen (%)", [cell["x"] for cell in cells], "+~r", zero=True)
    kinds = sorted({cell["left"] for cell in cells})
    kind = {"field": "left", "type": "nominal", "title": None, "legend": {"orient": "bottom"}}
    colour = {**kind, "scale": {"domain": kinds, "range": [var("blue"), var("vermilion")][: len(kinds)]}}
    shape = {**kind, "scale": {"domain": kinds, "range": ["circle", "triangle-up"][: len(kinds)]}}
    tips = ("row", "left", "budget", "foreseen", "observed", "error")
    spec = layered(
        layer({"type": "rule", "color": var("soft")}, [{"x": 0.0}], x=x),
        layer({"type": "point", "size": 90}, cells, tips, x=x, y=y, color=colour, shape=shape),
    )
    caption = f"Each method fitted without the largest budgets, and how far it was then off their {word}. Above 0: foreseen too high."
    told = "; ".join(f"{c['row']}, {c['budget']}: {c['error']}" for c in cells)
    title = {"loss": "Lowest loss of budgets left out", "n_opt": "Best size N* of budgets left out"}[quantity]
    return Chart(f"left_out_{quantity}", title, caption, f"{caption} {told}.", spec, rows=len(y["sort"]))


def left_out_words(outlook: Outlook) -> str:
    """How many methods did better than carrying the last budget's minimum forward, with the largest budget left out."""
    parts = []
    for quantity, word in (("loss", "the lowest loss"), ("n_opt", "N*")):
        errors = {r.method: abs(r.error) for r in outlook.foreseen if r.left_out == 1 and r.quantity == quantity}
        base = errors.pop(CARRY_FORWARD, math.nan)
        if errors and math.isfinite(base):
            better = sum(error < base for error in errors.values())
            parts.append(
                f"of {word} {better} of {len(errors)} methods foresaw the largest budget better than that baseline"
            )
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else "No method could be fitted without the largest budget."


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
    caption = "Training loss of every fitted run against the compute it has spent so far; a curve ends at its budget."
    return Chart("training_curves", "Training curves", caption, caption, spec, log_axes=("x",), wide=True)
