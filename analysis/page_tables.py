"""The tables of the report's page: header and rows of text, with a caption that says how to read them.

In: study, fits, outlook, scores. Out: `Table`s; an empty one is not shown. The same numbers, raw, are the CSV and Parquet
tables beside the page (result_tables.py). A column headed "95%" is shown small beneath the one before it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.forecast import SPREAD
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.published import PUBLISHED
from analysis.recommendation import PREFERENCE
from analysis.results import Fit
from analysis.surface import METHODS as SURFACES
from analysis.tables import (
    ASPECTS,
    BUDGET_HEADER,
    CARRIED_FORWARD,
    EXPONENT_HEADER,
    LABELS,
    OTHER_HEADER,
    STATUS_LABELS,
    UNKNOWN,
    budget_rows,
    count,
    exponent_rows,
    fixed,
    flops,
    interval,
    number,
    other_rows,
    parameter_header,
    parameter_rows,
)

Rows = Iterable[tuple[str, ...]]
# Names of estimates, and what the caption says of them.
PARAMETERS = {
    "surface": (SURFACES, ("E", "A", "B", "alpha", "beta"), "Parameters by method, with 95% intervals"),
    "law": ((LOSS_COMPUTE,), ("E", "A", "g"), "Loss at the optimum, L* = E + A C^-g (C in FLOPs)"),
}
PUBLISHED_HEADER = ("study", "a", "b", "counts as N", "compute", "how", "what differs")


@dataclass(frozen=True)
class Table:
    """A table of texts; `folded`: shown on demand, under its caption and number of rows."""

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


def table(name: str, caption: str, header: tuple[str, ...], rows: Rows, folded: bool = False) -> Table:
    """A Table of any iterable of rows."""
    return Table(name, caption, header, tuple(rows), folded)


def answer_table(outlook: Outlook, fits: dict[str, Fit]) -> Table:
    """What to train at 1 to 100 times the largest budget, by the surface that is recommended by, else by the parabolas."""
    by: dict[tuple[float, str], dict[str, Any]] = {}
    for row in outlook.forecasts:
        by.setdefault((row.factor, row.method), {})[row.quantity] = row
    order = (*PREFERENCE, PARABOLA)
    method = next((name for name in order if any(key[1] == name for key in by)), None)
    rows = []
    for (factor, name), cells in by.items():
        if name != method:
            continue
        n, d, loss = (cells.get(key) for key in ("n_opt", "d_opt", "loss"))
        if loss is None:
            loss = by.get((factor, LOSS_COMPUTE), {}).get("loss")
        ratio = d.value / n.value if n and d else math.nan
        row = [f"{flops(n.compute)} ({'largest budget' if factor == 1 else f'x{factor:g}'})"]
        for part, form in ((n, count), (d, count), (loss, lambda v: fixed(v, 3))):
            row += [form(part.value), interval((part.low, part.high), form)] if part else [UNKNOWN, UNKNOWN]
        new_run = interval((loss.run_low, loss.run_high), lambda v: fixed(v, 3)) if loss else UNKNOWN
        rows.append((*row, new_run, number(ratio, 3)))
    by_whom = LABELS[method] if method else "no method"
    caption = f"What to train at a compute, and the loss to expect, with 95% intervals ({by_whom}; every token counts as fresh)"
    header = ("compute C (FLOPs)", "size N*", "95%", "tokens D*", "95%", "loss", "95%", "95% of one new run", "D*/N*")
    return table("answer", caption, header, rows)


def optima_table(fits: dict[str, Fit]) -> Table:
    """The optimum of each budget by the local parabolas and by Akima."""
    rows = []
    for name in (PARABOLA, "isoflop_akima"):
        fit = fits.get(name)
        if fit is not None and fit.details.get("vertices"):
            rows += [(LABELS[name], *cells) for cells in budget_rows(fit)]
    return table("optima", "The optimum of each budget, with 95% intervals", ("method", *BUDGET_HEADER), rows)


def exponent_table(fits: dict[str, Fit]) -> Table:
    """a and b by every method."""
    return table("exponents", "Exponents by method, with 95% intervals", EXPONENT_HEADER, exponent_rows(fits))


def published_table(fits: dict[str, Fit]) -> Table:
    """Ours first, then what others published."""
    a, b = (fixed(fits[PARABOLA].estimates[name]) for name in ("a", "b"))
    ours = ("this study", a, b, "with output head", "counted", LABELS[PARABOLA], "the runs of this page")
    rows = [
        (
            one.study,
            f"{one.a:.3g}",
            f"{one.b:.3g}" + (" (1 - a)" if one.derived_b else ""),
            one.counts_as_n,
            one.compute,
            one.how,
            one.differs,
        )
        for one in PUBLISHED
    ]
    return table("published", "Side by side with what others found", PUBLISHED_HEADER, (ours, *rows))


def parameter_table(fits: dict[str, Fit], kind: str) -> Table:
    """Parameters of the surfaces (`surface`), of the law of loss (`law`), or all kinds of interval of each (`kinds`)."""
    if kind == "kinds":
        caption = "The same parameters by three kinds of interval: bootstrap, delta method, profile likelihood"
        return table("kinds", caption, OTHER_HEADER, other_rows(fits), folded=True)
    methods, names, caption = PARAMETERS[kind]
    return table(kind, caption, parameter_header(names), parameter_rows(fits, methods, names))


def other_laws_table(fits: dict[str, Fit]) -> Table:
    """Every estimate of the laws that have no table of their own: one exponent, repeated data, patients, envelope."""
    shown = {PARABOLA, "isoflop_akima", LOSS_COMPUTE, *SURFACES}
    rows = [
        (LABELS[name], estimate, number(value), interval(fit.intervals[estimate]), STATUS_LABELS[fit.status])
        for name, fit in fits.items()
        if name not in shown
        for estimate, value in fit.estimates.items()
        if not isinstance(value, dict) and math.isfinite(value)
    ]
    header = ("method", "estimate", "value", "95%", "status")
    return table(
        "other_laws", "Estimates of the other laws that these runs can tell something of", header, rows, folded=True
    )


def left_out_table(outlook: Outlook) -> Table:
    """What each method foresaw of the budgets it had not seen."""
    words = {"loss": "lowest loss", "n_opt": "N*", "runs": "every run's loss"}
    rows = []
    for row in outlook.foreseen:
        form = count if row.quantity == "n_opt" else (lambda v: fixed(v, 4))
        label = LABELS.get(row.method, CARRIED_FORWARD)
        told = (form(row.predicted), interval((row.low, row.high), form), form(row.observed))
        error = f"{100 * row.error:+.1f}%" if row.quantity != "runs" else f"{100 * row.error:.1f}% (root mean square)"
        rows.append((label, str(row.left_out), flops(row.budget), words[row.quantity], *told, error))
    header = ("method", "budgets left out", "budget", "of", "foreseen", "95%", "observed", "error")
    return table("left_out", "Every method refitted without the largest budgets", header, rows, folded=True)


def method_forecast_table(outlook: Outlook) -> Table:
    """Forecasts by every method with three bands."""
    words = {"loss": "loss", "n_opt": "N*", "d_opt": "D*"}
    rows = []
    for row in outlook.forecasts:
        form = (lambda v: fixed(v, 4)) if row.quantity == "loss" else count
        label = "All methods: median, lowest to highest" if row.method == SPREAD else LABELS[row.method]
        bands = (interval((row.low, row.high), form), interval((row.run_low, row.run_high), form))
        rows.append((label, words[row.quantity], f"{flops(row.compute)} (x{row.factor:g})", form(row.value), *bands))
    header = ("method", "of", "compute C (FLOPs)", "foreseen", "95%", "95% of one new run")
    caption = (
        "Forecasts by every method, with 95% from its parameters beneath (of all methods: the lowest and the highest)"
    )
    return table("forecasts", caption, header, rows, folded=True)


def cost_table(outlook: Outlook) -> Table:
    """The cost of training an end of the interval."""
    rows = [
        (
            f"{flops(row.compute)} (x{row.factor:.2g})" + (", extrapolated" if row.factor > 1 else ""),
            LABELS[row.interval_of],
            LABELS[row.method],
            row.side,
            count(row.n),
            count(row.n_opt),
            fixed(row.loss, 4),
            f"{row.excess:+.4f}" if math.isfinite(row.excess) else UNKNOWN,
            flops(row.needed),
            f"{100 * row.wasted:.1f}%" if math.isfinite(row.wasted) else UNKNOWN,
            row.remark,
        )
        for row in outlook.costs
    ]
    header = (
        "compute C (FLOPs)",
        "interval of N* by",
        "priced by",
        "end",
        "size there",
        "best size",
        "loss there",
        "above the best",
        "compute that would do",
        "wasted",
        "remark",
    )
    return table(
        "costs",
        "Training the size at an end of the 95% interval of N*; best size by the method that prices",
        header,
        rows,
        folded=True,
    )


def sensitivity_table(outlook: Outlook) -> Table:
    """The answer under other choices."""
    rows = []
    for row in outlook.sensitivity:
        cells = [ASPECTS[row.aspect], row.choice, LABELS[row.method], str(row.runs)]
        for value, low, high, form in (
            (row.a, row.a_low, row.a_high, fixed),
            (row.b, row.b_low, row.b_high, fixed),
            (row.n_opt, row.n_low, row.n_high, count),
        ):
            cells += [form(value), interval((low, high), form)]
        rows.append((*cells, row.remark or STATUS_LABELS.get(row.status, row.status.replace("_", " "))))
    header = (
        "choice of",
        "choice",
        "method",
        "runs",
        "a",
        "95%",
        "b",
        "95%",
        "N* at the largest budget",
        "95%",
        "status or remark",
    )
    return table("sensitivity", "The answer under other choices", header, rows, folded=True)
