"""Forest plots of an exponent: by every method beside what others published, and under every choice of the analyst.

In: fits or outlook. Out: `Chart`s; None where there is nothing to draw. An interval that runs out of the figure is cut at its
edge, which the caption says.
"""

import math
from collections.abc import Iterable

from analysis.charts import (
    EXPONENTS,
    HOLLOW,
    Chart,
    Layer,
    Row,
    exponent_axis,
    finite,
    layer,
    layered,
    methods_colour,
    methods_shape,
    row_axis,
    spoken,
    var,
)
from analysis.outlook import Outlook
from analysis.published import PUBLISHED
from analysis.results import Fit
from analysis.tables import ASPECTS, LABELS, STATUS_LABELS, count, fixed

# Where the fits of one choice stand within its row: one in the middle, two above and below it.
PLACES = (("middle",), ("above", "below"), ("above", "middle", "below"))


def methods_forest(fits: dict[str, Fit], exponent: str) -> Chart | None:
    """The exponent `a` or `b` by every method with its interval, and what others published."""
    shown = [(name, fit) for name, fit in fits.items() if math.isfinite(fit.estimates.get(exponent, math.nan))]
    if not shown:
        return None
    ours = [_row(name, fit, exponent) for name, fit in shown]
    others = [
        {"row": study.short, "x": getattr(study, exponent), "published": fixed(getattr(study, exponent))}
        for study in PUBLISHED
        if study.drawn
    ]
    order = [row["row"] for row in (*ours, *others)]
    y, x = row_axis(order), exponent_axis(exponent, _known((*ours, *others)))
    methods = [name for name, _ in shown]
    looks = {"color": methods_colour(methods), "shape": methods_shape(methods)}
    tips = ("method", exponent, "95%", "status")
    published = {"type": "point", "shape": "diamond", "color": var("soft"), "size": 80}
    spec = layered(
        _bars(ours, x, y, looks["color"]),
        layer("point", (r for r in ours if r["converged"]), tips, by_method=True, x=x, y=y, **looks),
        layer(HOLLOW, (r for r in ours if not r["converged"]), tips, by_method=True, x=x, y=y, **looks),
        layer(published, others, ("row", "published"), x=x, y=y),
    )
    told = spoken(((LABELS[name], fit.estimates[exponent]) for name, fit in shown), fixed)
    caption = f"Exponent {exponent} by every method with its 95% interval, and published ones (grey)."
    caption += "" if all(row["converged"] for row in ours) else " Hollow: the fit hit a bound."
    caption += _cut(ours)
    labels = tuple(LABELS[name] for name in methods)
    title = f"Exponent {exponent} by method"
    return Chart(f"methods_{exponent}", title, caption, f"{caption} {told}.", spec, labels, rows=len(order))


def sensitivity_forest(outlook: Outlook) -> Chart | None:
    """The exponent a under every choice, with its interval, beside the reference."""
    rows = [row for row in outlook.sensitivity if math.isfinite(row.a)]
    if not rows:
        return None
    methods = list(dict.fromkeys(row.method for row in rows))
    cells = []
    for row in rows:
        name = ASPECTS[row.aspect] if row.aspect == "reference" else f"{ASPECTS[row.aspect]}: {row.choice}"
        cell = {"row": name, "x": row.a, "method": LABELS[row.method], "runs": row.runs, "changed": row.changed}
        cell |= {"a": fixed(row.a), "95%": f"{fixed(row.a_low)} to {fixed(row.a_high)}", "remark": row.remark}
        cell["N* at the largest budget"] = count(row.n_opt)
        ends = {"low": row.a_low, "high": row.a_high}
        cells.append(cell | (ends if finite(ends) else {}))
    order = list(dict.fromkeys(cell["row"] for cell in cells))
    for name in order:
        mine = [cell for cell in cells if cell["row"] == name]
        for cell, place in zip(mine, PLACES[min(len(mine), len(PLACES)) - 1], strict=False):
            cell["place"] = place
    y, x = row_axis(order, 300), exponent_axis("a", _known(cells))
    offset = {"field": "place", "type": "nominal", "scale": {"domain": list(PLACES[-1])}, "legend": None}
    looks = {"color": methods_colour(methods), "shape": methods_shape(methods)}
    reference = [{"x": row.a, "method": LABELS[row.method]} for row in rows if row.aspect == "reference"]
    tips = ("row", "method", "runs", "a", "95%", "N* at the largest budget", "remark")
    at = {"x": x, "y": y, "yOffset": offset, **looks}
    spec = layered(
        layer(
            {"type": "rule", "strokeDash": [4, 4], "opacity": 0.6}, reference, by_method=True, x=x, color=looks["color"]
        ),
        _bars(cells, x, y, looks["color"], yOffset=offset),
        layer({"type": "point", "size": 55}, (c for c in cells if c["changed"]), tips, by_method=True, **at),
        layer({**HOLLOW, "size": 55}, (c for c in cells if not c["changed"]), tips, by_method=True, **at),
    )
    caption = sensitivity_words(outlook) + _cut(cells)
    labels = tuple(LABELS[name] for name in methods)
    return Chart("sensitivity", "Sensitivity to choices", caption, caption, spec, labels, wide=True, rows=len(order))


def sensitivity_words(outlook: Outlook) -> str:
    """What the choices do to a, in a sentence, and how many of them do nothing or could not be had."""
    told = [row for row in outlook.sensitivity if math.isfinite(row.a)]
    moved = [row.a for row in told if row.changed]
    text = "Exponent a under each choice with its 95% interval; dashed lines are the fits as they stand."
    if moved:
        text += f" Where a choice changes the fit a runs from {fixed(min(moved))} to {fixed(max(moved))} ({len(moved)} fits)."
    same, absent = len(told) - len(moved), len(outlook.sensitivity) - len(told)
    text += f" Hollow: {same} that leave it as it is." if same else ""
    return text + (f" {absent} could not be had: see the table." if absent else "")


def _row(name: str, fit: Fit, exponent: str) -> Row:
    """One method's exponent with its interval."""
    value, ends = fit.estimates[exponent], fit.intervals[exponent]
    row = {"method": LABELS[name], "row": LABELS[name], "x": value, exponent: fixed(value)}
    row |= {
        "95%": " to ".join(map(fixed, ends)),
        "status": STATUS_LABELS[fit.status],
        "converged": fit.status == "converged",
    }
    return row | ({"low": ends[0], "high": ends[1]} if all(map(math.isfinite, ends)) else {})


def _bars(rows: Iterable[Row], x: dict, y: dict, colour: dict, **others: dict) -> Layer:
    """The intervals of those rows that have one."""
    known = (row for row in rows if "low" in row)
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    return layer({"type": "rule", "strokeWidth": 2.2}, known, by_method=True, **ends, y=y, color=colour, **others)


def _known(rows: Iterable[Row]) -> list[float]:
    return [row[name] for row in rows for name in ("x", "low", "high") if name in row]


def _cut(rows: Iterable[Row]) -> str:
    """Says that intervals were cut at the figure's edge, where some were."""
    cut = sum("low" in row and not EXPONENTS[0] <= row["low"] <= row["high"] <= EXPONENTS[1] for row in rows)
    return f" {cut} intervals run out of the figure and are cut at its edge." if cut else ""
