"""What every figure of the report is made of: colours, axes, layers, and the files of a figure.

In: layers of Vega-Lite 6 as plain dicts. Out: `Chart`: name, words, and one specification that is drawn twice: by Vega in the
reader's browser (hover, methods on and off, log or linear axes), and by vl-convert as SVG and PNG.
Colours are CSS variables: the page gives them a light, a dark and a printed value, so that no figure is drawn anew for a theme;
the files take the light ones. They are Okabe and Ito's, darkened or lightened to 3:1 against their ground, and viridis for
budgets; form, dash or place always says the same once more (a training curve ends at its budget).
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import vl_convert

from analysis.tables import LABELS, count

Layer = dict[str, Any]
Row = dict[str, Any]

VEGA_LITE = "6.4"
# CSS variable: (on light ground, on dark ground).
COLOURS: dict[str, tuple[str, str]] = {
    "ink": ("#22262d", "#e8e6e1"),
    "soft": ("#5b626d", "#a4abb6"),
    "line": ("#dcd8cf", "#343a44"),
    "card": ("#fffefb", "#1d2127"),
    "blue": ("#0072b2", "#56b4e9"),
    "vermilion": ("#c85200", "#ff8b3d"),
    "green": ("#00805d", "#2fc89a"),
    "purple": ("#aa3377", "#e39bc9"),
    "amber": ("#a06a00", "#f0b429"),
    "grey": ("#6b7280", "#a4abb6"),
}
# Viridis at eleven equal steps; dark colours vanish on dark ground, pale ones on light.
VIRIDIS = ("440154", "482475", "414487", "355f8d", "2a788e", "21918c", "22a884", "44bf70", "7ad151", "bddf26", "fde725")
ON_LIGHT, ON_DARK = (0.0, 0.58), (0.4, 1.0)
# Colour, dash and point form by method: a family has a colour, its members differ in the others.
SOLID, DASHED, DOTTED, MIXED = [1, 0], [6, 3], [2, 3], [8, 3, 2, 3]
METHOD_LOOKS: dict[str, tuple[str, list[int], str]] = {
    "isoflop_parabola": ("blue", SOLID, "circle"),
    "isoflop_akima": ("blue", DASHED, "square"),
    "surface_least_squares": ("green", DASHED, "triangle-up"),
    "surface_huber": ("green", SOLID, "diamond"),
    "surface_huber_1e3": ("vermilion", SOLID, "triangle-down"),
    "surface_lad": ("vermilion", DOTTED, "cross"),
    "loss_compute": ("purple", SOLID, "circle"),
    "overtrained": ("purple", DASHED, "square"),
    "repeated_data": ("amber", SOLID, "diamond"),
    "repeated_rising": ("amber", DASHED, "triangle-up"),
    "joint_patients": ("amber", DOTTED, "cross"),
    "envelope": ("grey", SOLID, "triangle-right"),
}
OTHER_LOOK = ("grey", DASHED, "circle")
# An interval of an exponent beyond these tells nothing more.
EXPONENTS = (-0.5, 1.5)
# The mark of a point that does not count in full.
HOLLOW = {"type": "point", "filled": False, "strokeWidth": 1.8}
COUNT_LABEL = "replace(format(datum.value, '~s'), 'G', 'B')"
FLOPS_LABEL = "replace(format(datum.value, '~e'), '+', '')"
# What a key explains: methods of fitting, ways of scoring.
KEYED_FIELDS = ("method", "by")
NARROW, WIDE = (430, 290), (860, 360)
ROW_HEIGHT = 28
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
STATIC_FONT = "Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
PNG_SCALE = 2


@dataclass(frozen=True)
class Chart:
    """A figure: file name, title, caption, words for who cannot see it, and its Vega-Lite specification without size or theme.

    `methods`: labels that the reader may switch on and off; `log_axes`: axes that may be made linear; `wide`: takes the page's
    whole width; `rows`: height in rows of a category axis, None for the usual height; `keyed`: the section's key says on the page
    what the figure's own legend says in the files.
    """

    name: str
    title: str
    caption: str
    alt: str
    spec: dict[str, Any]
    methods: tuple[str, ...] = ()
    log_axes: tuple[str, ...] = ()
    wide: bool = False
    rows: int | None = None
    keyed: bool = False


@dataclass(frozen=True)
class Key:
    """What a colour, dash and point form stand for, in a section's key."""

    label: str
    colour: str
    dash: tuple[int, ...]
    shape: str


def method_keys(labels: Iterable[str]) -> tuple[Key, ...]:
    """The keys of methods, by label, in the order of LABELS."""
    wanted = set(labels)
    looks = {label: look(name) for name, label in LABELS.items() if label in wanted}
    return tuple(Key(label, colour, tuple(dash), shape) for label, (colour, dash, shape) in looks.items())


def var(name: str) -> str:
    """A colour of the page."""
    return f"var(--{name})"


def layered(*layers: Layer) -> dict[str, Any]:
    """A specification of the layers that there are."""
    return {"layer": [layer for layer in layers if layer]}


def layer(
    mark: str | dict, rows: Iterable[Row], tooltip: Sequence[str] = (), by_method: bool = False, **channels
) -> Layer:
    """One layer with its own rows; `tooltip`: columns shown on hover; `by_method`: hidden with its method."""
    values = [{name: _short(value) for name, value in row.items()} for row in rows]
    if not values:
        return {}
    encoding = {name: channel for name, channel in channels.items() if channel is not None}
    if tooltip:
        encoding["tooltip"] = [{"field": name, "title": name} for name in tooltip]
    found = {"data": {"values": values}, "mark": mark, "encoding": encoding}
    if by_method:
        found["transform"] = [{"filter": "indexof(shown, datum.method) >= 0"}]
    return found


def _short(value: Any) -> Any:
    """A number with six digits, which no screen can tell from all of them; the tables have them all."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def log_axis(field: str, title: str, values: Iterable[float], label: str = COUNT_LABEL, room: float = 1.12) -> dict:
    """A logarithmic axis over the values and a little beyond; every layer of a figure is given the same one."""
    known = [value for value in values if value is not None and math.isfinite(value) and value > 0]
    low, high = (min(known) / room, max(known) * room) if known else (1.0, 10.0)
    axis = {"values": log_ticks(low, high), "labelExpr": label, "labelOverlap": True}
    scale = {"type": "log", "domain": [low, high], "nice": False, "clamp": False}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def plain_axis(field: str, title: str, values: Iterable[float], format_: str = "~r", zero: bool = False) -> dict:
    """A linear axis over the values, that stays where it is when a method is switched off; `zero`: 0 is on it."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    room = 0.04 * (high - low) or 0.01 * (abs(high) or 1.0)
    domain = [low if zero and low == 0 else low - room, high if zero and high == 0 else high + room]
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": domain, "zero": False, "nice": False},
        "axis": {"format": format_, "tickCount": 6},
    }


def exponent_axis(exponent: str, values: list[float]) -> dict:
    """The axis of an exponent, held to what an exponent can be: a wide interval is cut at its ends."""
    symbol = {"a": "N*", "b": "D*"}[exponent]
    axis = plain_axis("x", f"exponent {exponent} of {symbol} ~ C^{exponent}", values, ".1f")
    low, high = axis["scale"]["domain"]
    axis["scale"] |= {"domain": [max(low, EXPONENTS[0]), min(high, EXPONENTS[1])], "clamp": True}
    axis["axis"]["tickCount"] = 5
    return axis


def row_axis(rows: Sequence[str], room: int = 210) -> dict:
    """A vertical axis of field `row` (texts, in this order), `room` pixels wide at most; every row stays when one is hidden."""
    names = list(rows)
    return {
        "field": "row",
        "type": "nominal",
        "sort": names,
        "title": None,
        "scale": {"type": "band", "domain": names, "paddingInner": 0.4},
        "axis": {"labelLimit": room},
    }


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks at 1, 2, 5 of each decade, at 1 and 3, or at decades alone: four or more, and never a crowd."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    span = math.log10(high / low)
    steps = (1, 2, 5) if span <= 2 else (1, 3) if span <= 4 else (1,)
    return [step * 10.0**k for k in decades for step in steps if low <= step * 10.0**k <= high]


def methods_colour(methods: Sequence[str]) -> dict:
    """The colour channel of field `method` (labels)."""
    return _by_method(methods, [var(look(name)[0]) for name in methods]) | {
        "legend": {"orient": "right", "symbolOpacity": 1}
    }


def methods_dash(methods: Sequence[str]) -> dict:
    """The dash channel of field `method`."""
    return _by_method(methods, [look(name)[1] for name in methods])


def methods_shape(methods: Sequence[str]) -> dict:
    """The point form of field `method`."""
    return _by_method(methods, [look(name)[2] for name in methods])


def _by_method(methods: Sequence[str], looks: list) -> dict:
    """A channel that gives each method its look."""
    names = [LABELS.get(name, name) for name in methods]
    return {"field": "method", "type": "nominal", "title": None, "scale": {"domain": names, "range": looks}}


def look(method: str) -> tuple[str, list[int], str]:
    """Colour, dash and form of a method."""
    return METHOD_LOOKS.get(method, OTHER_LOOK)


def budget_colour(budgets: Sequence[str]) -> dict:
    """The colour channel of field `budget` (texts, ascending)."""
    return {
        "field": "budget",
        "type": "nominal",
        "title": "FLOPs",
        "sort": None,
        "scale": {"domain": list(budgets), "range": [var(f"budget-{i}") for i in range(len(budgets))]},
        "legend": {"orient": "bottom", "columns": 6, "direction": "horizontal"},
    }


def budget_colours(number: int) -> dict[str, tuple[str, str]]:
    """CSS variables of `number` budgets, (light, dark), from viridis."""
    shares = np.linspace(0, 1, max(number, 2))[:number]
    return {
        f"budget-{i}": tuple(_viridis(low + share * (high - low)) for low, high in (ON_LIGHT, ON_DARK))
        for i, share in enumerate(shares)
    }


def _viridis(share: float) -> str:
    """The colour at `share` of the way, between two of the eleven steps."""
    at = share * (len(VIRIDIS) - 1)
    left = min(int(at), len(VIRIDIS) - 2)
    ends = [np.array([int(VIRIDIS[i][j : j + 2], 16) for j in (0, 2, 4)]) for i in (left, left + 1)]
    return "#" + "".join(f"{round(part):02x}" for part in ends[0] + (at - left) * (ends[1] - ends[0]))


def sized(chart: Chart, width: int | str, font: str = FONT) -> dict[str, Any]:
    """The whole specification: size, theme, and the methods that are shown."""
    height = (WIDE if chart.wide else NARROW)[1] if chart.rows is None else ROW_HEIGHT * chart.rows + 20
    spec = {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE.split('.')[0]}.json",
        "description": chart.alt,
        "width": width,
        "height": height,
        "config": theme(font),
        **chart.spec,
    }
    if chart.methods:
        spec["params"] = [{"name": "shown", "value": list(chart.methods)}]
    return spec


def page_spec(chart: Chart) -> dict[str, Any]:
    """The specification for the page: as wide as its place there, without a legend where the section has a key."""
    spec = sized(chart, "container")
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    if chart.keyed or chart.methods:
        spec["layer"] = [{**part, "encoding": _without_legend(part["encoding"])} for part in spec["layer"]]
    return spec


def _without_legend(encoding: dict) -> dict:
    """The channels that the section's key explains, without a legend."""
    return {
        name: {**channel, "legend": None}
        if isinstance(channel, dict) and channel.get("field") in KEYED_FIELDS
        else channel
        for name, channel in encoding.items()
    }


def theme(font: str) -> dict[str, Any]:
    """Vega's configuration, in the page's colours."""
    ink, soft, line = var("ink"), var("soft"), var("line")
    words = {"labelColor": ink, "titleColor": soft, "labelFontSize": 11.5, "titleFontSize": 12, "titleFontWeight": 500}
    return {
        "background": None,
        "font": font,
        "view": {"stroke": None},
        "axis": {
            **words,
            "gridColor": line,
            "domainColor": soft,
            "tickColor": soft,
            "titlePadding": 8,
            "labelLimit": 230,
        },
        "legend": {**words, "labelLimit": 260, "symbolSize": 90, "symbolFillColor": soft, "symbolStrokeColor": soft},
        "text": {"color": ink, "fontSize": 11.5},
        "point": {"filled": True, "size": 62, "opacity": 1},
        "rule": {"color": soft},
    }


def save(chart: Chart, folder: Path, variables: dict[str, tuple[str, str]]) -> None:
    """Write NAME.svg and NAME.png into `folder`, on light ground."""
    spec = sized(chart, (WIDE if chart.wide else NARROW)[0], STATIC_FONT)
    spec["config"]["background"] = var("card")
    text = json.dumps(spec, allow_nan=False)
    for name, (light, _) in variables.items():
        text = text.replace(f"var(--{name})", light)
    svg = _own_ids(vl_convert.vegalite_to_svg(text, vl_version=VEGA_LITE))
    (folder / f"{chart.name}.svg").write_text(svg, encoding="utf-8")
    (folder / f"{chart.name}.png").write_bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


def _own_ids(svg: str) -> str:
    """The drawing with ids numbered from 0: Vega counts on from the figure before, and bytes would hang on the order of drawing."""
    names = dict.fromkeys(re.findall(r'id="((?:clip|gradient_)\d+)"', svg))
    for number, name in enumerate(names):
        svg = re.sub(rf"\b{name}\b", f"part-{number}", svg)
    return svg


def finite(row: Row) -> bool:
    """Whether every number of a row can be drawn."""
    return all(not isinstance(value, float) or math.isfinite(value) for value in row.values())


def curve(xs: np.ndarray, **columns: np.ndarray) -> list[Row]:
    """Rows {x, column, …} of the points at which every column is finite."""
    parts = {name: np.asarray(values, dtype=float) for name, values in {"x": xs, **columns}.items()}
    rows = [dict(zip(parts, map(float, values), strict=True)) for values in zip(*parts.values(), strict=True)]
    return [row for row in rows if finite(row)]


def widened(values: Iterable[float], by: float = 1.3, points: int = 60) -> np.ndarray:
    """A geometric grid over the values and a little beyond."""
    known = list(values)
    return np.geomspace(min(known) / by, max(known) * by, points)


def spoken(pairs: Iterable[tuple[str, float]], form=count) -> str:
    """'x 1.2M; y 3.4M', for alternative texts."""
    return "; ".join(f"{name} {form(value)}" for name, value in pairs)
