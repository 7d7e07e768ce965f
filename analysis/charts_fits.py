"""Figures of how far the fits can be trusted: correlations, residuals, seeds, and the cost of being wrong.

In: study, fits and outlook. Out: `Chart`s; None where there is nothing to draw.
"""

import math

from analysis.charts import (
    FLOPS_LABEL,
    Chart,
    budget_colour,
    layer,
    layered,
    log_axis,
    methods_colour,
    methods_shape,
    plain_axis,
    spoken,
    var,
)
from analysis.charts_isoflop import COMPUTE_TITLE, SIZE_TITLE, run_facts
from analysis.outlook import Outlook
from analysis.results import Fit
from analysis.study import Study
from analysis.tables import LABELS, count, fixed, flops

# The surface whose correlations are drawn; the table has all of them.
CORRELATED = "surface_huber"
RESIDUAL_AXES = (("n", "log N", SIZE_TITLE), ("d", "log D", "tokens D"), ("compute", "log C", COMPUTE_TITLE))


def correlations(outlook: Outlook) -> Chart | None:
    """The correlation of a surface's parameters over the bootstrap draws, as a square of numbers."""
    rows = [r for r in outlook.correlations if r.source == "draws" and math.isfinite(r.value)]
    method = CORRELATED if any(r.method == CORRELATED for r in rows) else next((r.method for r in rows), None)
    cells = [
        {"first": r.parameter, "second": r.other, "value": r.value, "r": f"{r.value:.2f}"}
        for r in rows
        if r.method == method
    ]
    if not cells:
        return None
    names = list(dict.fromkeys(cell["first"] for cell in cells))
    x = {"field": "first", "type": "nominal", "sort": names, "title": None, "axis": {"labelAngle": 0}}
    y = {"field": "second", "type": "nominal", "sort": names, "title": None}
    colour = {
        "field": "value",
        "type": "quantitative",
        "title": "correlation",
        "scale": {"domain": [-1, 0, 1], "range": ["#c85200", "#f7f5f0", "#0072b2"], "interpolate": "rgb"},
        "legend": {"orient": "right", "gradientLength": 150},
    }
    ink = {"condition": {"test": "abs(datum.value) > 0.6", "value": "#ffffff"}, "value": "#22262d"}
    spec = layered(
        layer("rect", cells, ("first", "second", "r"), x=x, y=y, color=colour),
        layer({"type": "text", "fontSize": 12}, cells, x=x, y=y, text={"field": "r"}, color=ink),
    )
    caption = (
        f"{LABELS[method]}: how the parameters move together over the bootstrap. Near 1 or -1 the data fix a combination of two "
        "and neither by itself, so that single parameters say less than what follows from them."
    )
    pairs = (
        (f"{c['first']} and {c['second']}", c["value"])
        for c in cells
        if names.index(c["first"]) < names.index(c["second"])
    )
    return Chart(
        "correlations",
        "Correlation of the parameters",
        caption,
        f"{caption} {spoken(pairs, lambda v: fixed(v, 2))}.",
        spec,
    )


def residuals(study: Study, fits: dict[str, Fit], outlook: Outlook) -> list[Chart]:
    """Residuals of every method on every run against size, tokens and compute."""
    methods = [name for name in fits if any(row.method == name for row in outlook.residuals)]
    facts = run_facts(study)
    cells = [
        {
            **{name: facts[row.run][name] for name in ("run", "N", "D", "loss")},
            "n": row.n,
            "d": row.d,
            "compute": row.compute,
            "y": 100 * row.residual,
            "method": LABELS[row.method],
            "residual": f"{100 * row.residual:+.2f}%",
            "standardised": f"{row.standardised:+.2f}",
        }
        for row in outlook.residuals
        if math.isfinite(row.residual)
    ]
    if not cells:
        return []
    y = plain_axis("y", "residual (% of the loss)", [cell["y"] for cell in cells], "+~r", zero=True)
    colour, shape = methods_colour(methods), methods_shape(methods)
    tips = ("run", "method", "N", "D", "loss", "residual", "standardised")
    charts = []
    for field, word, title in RESIDUAL_AXES:
        label = FLOPS_LABEL if field == "compute" else None
        x = log_axis(field, title, [cell[field] for cell in cells], **({"label": label} if label else {}))
        spec = layered(
            layer({"type": "rule", "color": var("soft")}, [{"y": 0.0}], y=y),
            layer(
                {"type": "point", "size": 48, "opacity": 0.8},
                cells,
                tips,
                by_method=True,
                x=x,
                y=y,
                color=colour,
                shape=shape,
            ),
        )
        caption = (
            f"What every method leaves over of each run's loss, against {word}. Above 0: the run is worse than the fit."
        )
        worst = max(cells, key=lambda cell: abs(cell["y"]))
        alt = f"{caption} The largest is {worst['residual']} ({worst['method']})."
        labels = tuple(LABELS[name] for name in methods)
        charts.append(Chart(f"residuals_{field}", f"Residuals against {word}", caption, alt, spec, labels, ("x",)))
    return charts


def seed_noise(outlook: Outlook) -> Chart | None:
    """The standard deviation between seeds of each configuration that has several, against its size."""
    rows = [row for row in outlook.noise if row.configuration is not None and math.isfinite(row.sd)]
    if not rows:
        return None
    budgets = [flops(budget) for budget in sorted({row.budget for row in rows})]
    cells = [
        {
            "n": row.n,
            "y": 100 * row.sd,
            "budget": flops(row.budget),
            "N": count(row.n),
            "D": count(row.d),
            "seeds": row.seeds,
            "mean loss": fixed(row.mean_loss, 4),
            "SD": f"{100 * row.sd:.2f}%",
            "95%": f"{100 * row.low:.2f} to {100 * row.high:.2f}%",
        }
        for row in rows
    ]
    pooled = next((row for row in outlook.noise if row.configuration is None and math.isfinite(row.sd)), None)
    level = [] if pooled is None else [{"y": 100 * pooled.sd, "pooled": f"{100 * pooled.sd:.2f}%"}]
    x, y = (
        log_axis("n", SIZE_TITLE, [row.n for row in rows]),
        plain_axis("y", "SD between seeds (% of the loss)", [cell["y"] for cell in cells], "~r", zero=True),
    )
    spec = layered(
        layer({"type": "rule", "color": var("soft"), "strokeDash": [5, 4]}, level, ("pooled",), y=y),
        layer(
            {"type": "point", "size": 80},
            cells,
            ("N", "D", "budget", "seeds", "mean loss", "SD", "95%"),
            x=x,
            y=y,
            color=budget_colour(budgets),
        ),
    )
    told = "" if pooled is None else f" Pooled: {100 * pooled.sd:.2f}% (dashed)."
    caption = (
        f"Seeds alone: standard deviation of the loss within each configuration that was trained more than once.{told}"
    )
    return Chart("seed_noise", "Noise between seeds", caption, caption, spec, log_axes=("x",))


def costs(outlook: Outlook) -> Chart | None:
    """Compute wasted at the ends of N*'s interval, by compute."""
    rows = [row for row in outlook.costs if math.isfinite(row.wasted)]
    if not rows:
        return None
    methods = list(dict.fromkeys(row.interval_of for row in rows))
    cells = [
        {
            "compute": row.compute,
            "y": 100 * row.wasted,
            "method": LABELS[row.interval_of],
            "end": f"{row.side} end",
            "interval of N* by": LABELS[row.interval_of],
            "size": count(row.n),
            "best size": count(row.n_opt),
            "loss above the best": fixed(row.excess, 4),
            "wasted": f"{100 * row.wasted:.1f}%",
        }
        for row in rows
    ]
    x = log_axis("compute", COMPUTE_TITLE, [row.compute for row in rows], FLOPS_LABEL, 1.3)
    y = plain_axis("y", "compute wasted (%)", [cell["y"] for cell in cells], "~r", zero=True)
    shape = {
        "field": "end",
        "type": "nominal",
        "title": None,
        "legend": {"orient": "bottom"},
        "scale": {"domain": ["low end", "high end"], "range": ["triangle-down", "triangle-up"]},
    }
    tips = ("interval of N* by", "end", "size", "best size", "loss above the best", "wasted")
    spec = layered(
        layer(
            {"type": "point", "size": 90},
            cells,
            tips,
            by_method=True,
            x=x,
            y=y,
            color=methods_colour(methods),
            shape=shape,
        )
    )
    worst = max(rows, key=lambda row: row.wasted)
    caption = (
        "The share of compute that the best size would have saved, had the size at an end of the 95% interval of N* been trained; "
        f"{LABELS[rows[0].method]} prices every interval, beyond the largest budget by extrapolation. "
        f"At most {100 * worst.wasted:.0f}% ({flops(worst.compute)} FLOPs)."
    )
    labels = tuple(LABELS[name] for name in methods)
    return Chart("cost_of_wrong", "Compute wasted", caption, caption, spec, labels, ("x",))
