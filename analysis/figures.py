"""The report's figures: fits in, matplotlib figures out.

In: points and fits. Out: `Drawing` (name, figure, caption, alt text), in the order of the report; `save` writes
one as SVG and PNG. Figures have a neutral light ground of their own, so that they read on light and dark pages;
colours are Okabe-Ito and viridis, which colour-blind readers can tell apart, and never the only carrier of meaning.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.compute_law import curve_band
from analysis.isoflop import law_band
from analysis.points import Points, Profile, budget_profiles
from analysis.results import Fit, budget_key
from analysis.tables import LABELS, count, fixed, flops

GROUND, INK, GRID_INK = "#fbfaf7", "#2b2f36", "#dcd9d2"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa3377"
STYLE = {
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": GRID_INK,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    # One salt makes the ids in the SVG, and so its bytes, the same from run to run.
    "svg.hashsalt": "ehr-scaling",
}
PNG_DPI = 160
NARROW, WIDE = (4.6, 3.4), (6.6, 3.9)


@dataclass(frozen=True)
class Drawing:
    """A figure with its file name, caption and alternative text; `wide` ones take the page's full width."""

    name: str
    figure: Figure
    title: str
    caption: str
    alt: str
    wide: bool = False


def draw_all(points: Points, fits: dict[str, Fit], curves: dict[str, tuple[dict, ...]], used: tuple) -> list[Drawing]:
    """Every figure that the data allow, in the report's order."""
    with matplotlib.rc_context(STYLE):
        profiles = [p for p in budget_profiles(points)[0] if len(p.n)]
        isoflop = fits["isoflop_parabola"]
        drawings = [profiles_together(profiles, isoflop), *(one_profile(p, points, isoflop) for p in profiles)]
        drawings += [optimum(isoflop, "a"), optimum(isoflop, "b")] if isoflop.details.get("law") else []
        if isoflop.estimates.get("loss_opt"):
            drawings.append(loss_against_compute(isoflop, fits["loss_compute"]))
        if any(math.isfinite(fit.estimates.get("a", math.nan)) for fit in fits.values()):
            drawings.append(forest(fits))
        return [*drawings, training_curves(curves, used)] if curves else drawings


def save(drawing: Drawing, folder: Path) -> str:
    """Write NAME.svg and NAME.png into `folder`; returns the SVG's text."""
    with matplotlib.rc_context(STYLE):
        text = io.StringIO()
        drawing.figure.savefig(text, format="svg", metadata={"Date": None, "Title": drawing.title})
        (folder / f"{drawing.name}.svg").write_text(text.getvalue(), encoding="utf-8")
        drawing.figure.savefig(folder / f"{drawing.name}.png", dpi=PNG_DPI)
    return text.getvalue()


def profiles_together(profiles: list[Profile], fit: Fit) -> Drawing:
    """All budgets in one panel: points, local parabolas and the path of the minima."""
    figure, axes = _axes(WIDE)
    colours = _budget_colours(len(profiles))
    vertices = _vertices(fit)
    for profile, colour in zip(profiles, colours, strict=True):
        axes.plot(profile.n, profile.loss, "o", color=colour, markersize=5, label=f"{flops(profile.budget)} FLOPs")
        vertex = vertices.get(profile.budget)
        if vertex is not None:
            _parabola(axes, profile, vertex, colour)
    found = [v for v in vertices.values() if v.used]
    path = ([v.n_opt for v in found], [v.loss_opt for v in found])
    axes.plot(*path, "--", color=INK, linewidth=1, label="minima" if found else None)
    axes.plot(*path, "*", color=INK, markersize=11)
    _log_axis(axes, "parameters N (with output head)")
    axes.set_ylabel("held_out loss (nats per token)")
    axes.legend(loc="best")
    alt = "Loss against model size, one curve per compute budget; " + _spoken(found)
    caption = (
        "Each colour is one budget of training compute; every point is one configuration. Curves are the parabolas "
        "fitted around the best point, stars their minima: the best model size for that budget."
    )
    return Drawing("isoflop_profiles", figure, "IsoFLOP profiles", caption, alt, wide=True)


def one_profile(profile: Profile, points: Points, fit: Fit) -> Drawing:
    """One budget: window shaded, points outside it hollow, the vertex with its interval, single seeds as dots."""
    figure, axes = _axes(NARROW)
    vertex = _vertices(fit).get(profile.budget)
    key = budget_key(profile.budget)
    rows = points.budget == profile.budget
    if rows.sum() > len(profile.n):
        axes.plot(points.n[rows], points.loss[rows], ".", color=INK, alpha=0.5, markersize=4, label="single runs")
    remark = "no vertex: fewer than 3 sizes"
    if vertex is None:
        axes.plot(profile.n, profile.loss, "o", color=BLUE, fillstyle="none", label="not fitted")
    else:
        inside = profile.n[vertex.window]
        axes.axvspan(inside[0] / 1.06, inside[-1] * 1.06, color=BLUE, alpha=0.07, linewidth=0)
        axes.plot(profile.n[vertex.window], profile.loss[vertex.window], "o", color=BLUE, label="in the window")
        if not vertex.window.all():
            outside = ~vertex.window
            axes.plot(profile.n[outside], profile.loss[outside], "o", color=BLUE, fillstyle="none", label="left out")
        _parabola(axes, profile, vertex, BLUE)
        low, high = fit.intervals["n_opt"][key]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot(
                [low, high], [vertex.loss_opt] * 2, color=ORANGE, linewidth=2, solid_capstyle="butt", label="95% of N*"
            )
        marker = "*" if vertex.used else "x"
        axes.plot(
            vertex.n_opt, vertex.loss_opt, marker, color=ORANGE, markersize=12, label=f"N* = {count(vertex.n_opt)}"
        )
        remark = f"N* = {count(vertex.n_opt)}, 95% {count(low)} to {count(high)}, loss {vertex.loss_opt:.3f}"
        if vertex.flags:
            remark += "; " + ", ".join(flag.replace("_", " ") for flag in vertex.flags)
    axes.set_title(f"{flops(profile.budget)} FLOPs")
    _log_axis(axes, "parameters N (with output head)")
    axes.set_ylabel("loss (nats per token)")
    axes.legend(loc="best")
    alt = f"Loss against model size at {flops(profile.budget)} FLOPs: {remark}."
    return Drawing(f"isoflop_{key.replace('+', '')}", figure, f"{flops(profile.budget)} FLOPs", remark + ".", alt)


def optimum(fit: Fit, name: str) -> Drawing:
    """N* (a) or D* (b) against compute: vertices with intervals, the power law and its band."""
    figure, axes = _axes(NARROW)
    source, symbol, noun = {"a": ("n_opt", "N*", "parameters"), "b": ("d_opt", "D*", "tokens")}[name]
    for vertex in fit.details["vertices"]:
        key = budget_key(vertex.budget)
        value = fit.estimates[source][key]
        low, high = fit.intervals[source][key]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([vertex.budget] * 2, [low, high], color=BLUE, linewidth=1.6)
        axes.plot(vertex.budget, value, "o", color=BLUE, fillstyle="full" if vertex.used else "none")
    budgets = np.geomspace(*_widened([v.budget for v in fit.details["vertices"]]), 80)
    line, low, high = law_band(fit, name, budgets)
    exponent, (left, right) = fit.estimates[name], fit.intervals[name]
    axes.fill_between(budgets, low, high, color=ORANGE, alpha=0.18, linewidth=0, label="95% band")
    axes.plot(budgets, line, color=ORANGE, label=f"{symbol} ~ C^{exponent:.3f} [{fixed(left)}, {fixed(right)}]")
    axes.set_yscale("log")
    _counts(axes.yaxis)
    _compute_axis(axes)
    axes.set_ylabel(f"{symbol} ({noun})")
    axes.set_title(f"Best number of {noun} against compute")
    axes.legend(loc="upper left")
    sentence = f"{symbol} grows as C to the power {exponent:.3f}, 95% interval {fixed(left)} to {fixed(right)}."
    return Drawing(f"{source}_compute", figure, f"{symbol} against compute", sentence, sentence)


def loss_against_compute(isoflop: Fit, law: Fit) -> Drawing:
    """The minima of the profiles against compute, with E + A C^-g where it is identified."""
    figure, axes = _axes(NARROW)
    vertices = isoflop.details["vertices"]
    for vertex in vertices:
        low, high = isoflop.intervals["loss_opt"][budget_key(vertex.budget)]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([vertex.budget] * 2, [low, high], color=BLUE, linewidth=1.6)
        axes.plot(vertex.budget, vertex.loss_opt, "o", color=BLUE, fillstyle="full" if vertex.used else "none")
    sentence = "Lowest loss per budget; with fewer than 4 usable budgets a law with three parameters is not identified."
    if law.status in ("converged", "bound_hit"):
        budgets = np.geomspace(*_widened([v.budget for v in vertices]), 80)
        line, low, high = curve_band(law, budgets)
        axes.fill_between(budgets, low, high, color=ORANGE, alpha=0.18, linewidth=0, label="95% band")
        e, a, g = (law.estimates[name] for name in ("E", "A", "g"))
        axes.plot(budgets, line, color=ORANGE, label=f"L* = {e:.3g} + {a:.3g} C^-{g:.3g}")
        axes.legend(loc="upper right")
        sentence = f"Lowest loss per budget and the law L* = {e:.3g} + {a:.3g} C^-{g:.3g} with its 95% band."
    _compute_axis(axes)
    axes.set_ylabel("loss at the optimum (nats per token)")
    axes.set_title("Loss at the optimum against compute")
    return Drawing("loss_compute", figure, "Loss against compute", sentence, sentence)


def forest(fits: dict[str, Fit]) -> Drawing:
    """The exponent a by every method, with intervals."""
    shown = [(name, fit) for name, fit in fits.items() if math.isfinite(fit.estimates.get("a", math.nan))]
    figure, axes = _axes(NARROW)
    for row, (_, fit) in enumerate(reversed(shown)):
        low, high = fit.intervals["a"]
        colour = BLUE if fit.method.startswith("isoflop") else GREEN
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([low, high], [row, row], color=colour, linewidth=1.8)
        axes.plot(fit.estimates["a"], row, "o" if fit.status == "converged" else "X", color=colour)
    axes.axvline(0.5, color=PURPLE, linewidth=1, linestyle=":")
    axes.text(0.5, len(shown) - 0.4, " Chinchilla .50", color=PURPLE, fontsize=8, va="bottom", ha="left")
    axes.set_ylim(-0.6, len(shown) + 0.1)
    axes.set_yticks(range(len(shown)), [LABELS[name] for name, _ in reversed(shown)])
    axes.set_xlabel("exponent a of N* ~ C^a")
    axes.set_title("How much the method matters")
    told = "; ".join(f"{LABELS[name]} {fit.estimates['a']:.3f}" for name, fit in shown)
    caption = "The exponent a by every method, with its 95% interval. Crosses are fits that hit a bound."
    return Drawing("methods", figure, "Methods side by side", caption, f"Exponent a by method: {told}.")


def training_curves(curves: dict[str, tuple[dict, ...]], used: tuple) -> Drawing:
    """Training loss of every fitted run against the compute it has spent, coloured by budget."""
    figure, axes = _axes(WIDE)
    budgets = sorted({run["budget"] for run in used})
    colours = dict(zip(budgets, _budget_colours(len(budgets)), strict=True))
    named = set()
    for run in used:
        rows = [
            r for r in curves.get(run["run_id"], ()) if r.get("train_loss") is not None and (r.get("flops") or 0) > 0
        ]
        if rows:
            label = None if run["budget"] in named else f"{flops(run['budget'])} FLOPs"
            named.add(run["budget"])
            path = ([r["flops"] for r in rows], [r["train_loss"] for r in rows])
            axes.plot(*path, color=colours[run["budget"]], linewidth=1, alpha=0.8, label=label)
    _compute_axis(axes)
    axes.set_ylabel("training loss (nats per token)")
    if named:
        axes.legend(loc="upper right")
    caption = "Training loss of every fitted run against the compute it has spent so far, coloured by its budget."
    return Drawing("training_curves", figure, "Training curves", caption, caption, wide=True)


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def _budget_colours(number: int) -> list:
    """Viridis without its pale end, which would vanish on the light ground."""
    return [matplotlib.colormaps["viridis"](share) for share in np.linspace(0.05, 0.8, max(number, 1))][:number]


def _vertices(fit: Fit) -> dict:
    return {vertex.budget: vertex for vertex in fit.details.get("vertices", ())}


def _parabola(axes: Axes, profile: Profile, vertex, colour) -> None:
    """The local parabola over its window; loss is exp of it."""
    inside = np.log(profile.n[vertex.window])
    at = np.linspace(inside[0], inside[-1], 80)
    value = np.polynomial.polynomial.polyval(at - vertex.centre, vertex.coefficients)
    axes.plot(np.exp(at), np.exp(value), color=colour, linewidth=1.4)


def _log_axis(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    _counts(axes.xaxis)
    axes.set_xlabel(label)


def _counts(axis) -> None:
    """Ticks at 1, 2, 5 of each decade, written as 20k or 1M."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axis.set_minor_formatter(NullFormatter())


def _compute_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training compute C (FLOPs)")


def _widened(values: list[float]) -> tuple[float, float]:
    """The range of the values and a little beyond, for a curve over them."""
    return min(values) / 1.3, max(values) * 1.3


def _spoken(vertices: list) -> str:
    told = "; ".join(f"{flops(v.budget)} FLOPs: N* {count(v.n_opt)}, loss {v.loss_opt:.3f}" for v in vertices)
    return f"minima at {told}." if told else "no usable minimum."
