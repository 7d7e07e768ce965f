"""The tables of the report's page: header and rows of text, with a caption that says how to read them.

In: study, fits, outlook, scores. Out: `Table`s; an empty one is not shown. The same numbers, raw, are the CSV and Parquet
tables beside the page (result_tables.py). A column headed "95%" is shown small beneath the one before it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.forecast import CARRY_FORWARD, SPREAD
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.recommendation import PREFERENCE
from analysis.repeated import METHOD as REPEATED
from analysis.results import Fit
from analysis.study import Study
from analysis.surface import METHODS as SURFACES
from analysis.tables import (
    ASPECTS,
    BUDGET_HEADER,
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
from analysis.task_scores import ScoreRow
from analysis.utility import LAWS as TASK_LAWS

Rows = Iterable[tuple[str, ...]]
# Names of estimates, and what the caption says of them.
PARAMETERS = {
    "surface": (SURFACES, ("E", "A", "B", "alpha", "beta"), "Parameters by method, with 95% intervals"),
    "law": ((LOSS_COMPUTE,), ("E", "A", "g"), "Loss at the optimum, L* = E + A C^-g (C in FLOPs)"),
}
# Side by side with what others found; definitions differ, and the last columns say how.
PUBLISHED_HEADER = ("study", "a", "b", "counts as N", "compute", "how", "what differs")
PUBLISHED = (
    (
        "Zhang 2025, EHR (MIMIC-IV)",
        "0.58",
        "0.44",
        "not known to us",
        "near 6ND (a + b = 1.02)",
        "IsoFLOP parabolas",
        "second-hand figures; one data set of about 3e8 tokens, so that large runs repeat it; N and D regressed apart",
    ),
    (
        "Hoffmann 2022 (Chinchilla)",
        "0.50",
        "0.50",
        "total",
        "counted",
        "IsoFLOP parabolas",
        "web text; vocabulary of 32,000",
    ),
    (
        "Porian 2024, tuned",
        "0.497",
        "0.503",
        "with output head",
        "counted with the head",
        "Akima, noise bootstrap",
        "web text; learning rate and batch tuned for each size, no decay",
    ),
    (
        "Kaplan 2020, as reproduced by Porian",
        "0.835",
        "0.165",
        "without the head",
        "6ND without the head",
        "IsoFLOP",
        "web text; fixed warm-up and decay: what settings alone can do to an exponent",
    ),
)
RUN_SHOWN: dict[str, tuple[str, Callable[[Any], str]]] = {
    "run_id": ("run", str),
    "seed": ("seed", str),
    "status": ("status", str),
    "flops_budget": ("budget", flops),
    "n_layers": ("layers", str),
    "d_model": ("width", str),
    "n_with_head": ("N with head", count),
    "n_non_embedding": ("N non-emb.", count),
    "n_total": ("N total", count),
    "tokens_seen": ("D", count),
    "unique_tokens": ("U", count),
    "epochs": ("epochs", lambda v: number(v, 3)),
    "flops": ("C counted", flops),
    "flops_6nd": ("6ND", flops),
    "held_out_loss": ("held_out loss", lambda v: fixed(v, 4)),
    "tuning_loss": ("tuning loss", lambda v: fixed(v, 4)),
    "learning_rate": ("learning rate", lambda v: number(v, 3)),
    "batch_tokens": ("batch", count),
    "schedule": ("schedule", str),
    "weight_decay": ("weight decay", lambda v: number(v, 3)),
    "device": ("device", str),
    "cpu_seconds": ("CPU s", lambda v: fixed(v, 0)),
    "wall_seconds": ("wall s", lambda v: fixed(v, 0)),
}


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
    caption = f"What to train at a compute, and the loss to expect ({LABELS[method] if method else 'no method'}); tokens count as fresh"
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
    ours = ("this study", a, b, "with output head", "counted", "IsoFLOP, local parabola", "the runs of this page")
    return table("published", "Side by side with what others found", PUBLISHED_HEADER, (ours, *PUBLISHED))


def parameter_table(fits: dict[str, Fit], kind: str) -> Table:
    """Parameters of the surfaces (`surface`), of the law of loss (`law`), or all kinds of interval of each (`kinds`)."""
    if kind == "kinds":
        caption = "The same parameters by three kinds of interval: bootstrap, delta method, profile likelihood"
        return table("kinds", caption, OTHER_HEADER, other_rows(fits), folded=True)
    methods, names, caption = PARAMETERS[kind]
    return table(kind, caption, parameter_header(names), parameter_rows(fits, methods, names))


def repeated_table(fits: dict[str, Fit]) -> Table:
    """The worth of repeated data, where the study has repeats."""
    caption = (
        "Worth of repeated data (Muennighoff 2023): further epochs fade over R_D of them, excess parameters over R_N"
    )
    return table(
        "repeated", caption, parameter_header(("R_D", "R_N")), parameter_rows(fits, (REPEATED,), ("R_D", "R_N"))
    )


def correlation_table(outlook: Outlook) -> Table:
    """Correlations of every surface's parameters, from both sources, each pair once."""
    pairs: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in outlook.correlations:
        if (row.method, row.other, row.parameter) not in pairs and row.parameter != row.other:
            pairs.setdefault((row.method, row.parameter, row.other), {})[row.source] = row.value
    rows = [
        (
            LABELS[method],
            f"{one}, {other}",
            *(fixed(found.get(source, math.nan), 2) for source in ("draws", "covariance")),
        )
        for (method, one, other), found in pairs.items()
    ]
    header = ("method", "parameters", "over the bootstrap", "delta method")
    return table("correlations", "Correlations of the parameters of each surface", header, rows, folded=True)


def residual_table(outlook: Outlook) -> Table:
    """Tests on the residuals."""
    against = {
        "seeds": "scatter between seeds",
        "quadratic": "a quadratic",
        "log_n": "log N",
        "log_d": "log D",
        "log_c": "log C",
        "log_n_from_centre": "log N off the centre",
    }
    rows = [
        (
            LABELS[row.method],
            row.test.replace("_", " "),
            against.get(row.against, row.against),
            number(row.value, 3),
            number(row.statistic, 3),
            UNKNOWN
            if row.freedom is None
            else f"{row.freedom_top}, {row.freedom}"
            if row.freedom_top
            else str(row.freedom),
            number(row.p, 2),
            "beyond chance" if row.p < 0.01 else "doubtful" if row.p < 0.05 else "",
        )
        for row in outlook.checks
    ]
    header = ("method", "test", "against", "value", "statistic", "degrees of freedom", "p", "remark")
    return table(
        "checks", "Lack of fit, slope and bend of the residuals (p below .01: beyond chance)", header, rows, folded=True
    )


def left_out_table(outlook: Outlook) -> Table:
    """What each method foresaw of the budgets it had not seen."""
    names = {CARRY_FORWARD: "Carried forward (baseline)"}
    words = {"loss": "lowest loss", "n_opt": "N*", "runs": "every run's loss"}
    rows = []
    for row in outlook.foreseen:
        form = count if row.quantity == "n_opt" else (lambda v: fixed(v, 4))
        label = LABELS.get(row.method, names.get(row.method, row.method))
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
    return table("forecasts", "Forecasts by every method", header, rows, folded=True)


def cost_table(outlook: Outlook) -> Table:
    """The cost of training an end of the interval."""
    rows = [
        (
            f"{flops(row.compute)} (x{row.factor:.2g})",
            LABELS[row.interval_of],
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
        "end",
        "size there",
        "best size",
        "loss there",
        "above the best",
        "compute that would do",
        "wasted",
        "remark",
    )
    return table("costs", "Training the size at an end of the 95% interval of N*", header, rows, folded=True)


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


def search_table(outlook: Outlook) -> Table:
    """How every optimum was found."""
    rows = []
    for row in outlook.searches:
        whole = lambda value: UNKNOWN if value is None else str(value)  # noqa: E731
        delta = "least squares" if row.delta == math.inf else number(row.delta, 3)
        amiss = "; ".join(
            f"{word}: {names}" for word, names in (("did not move", row.unmoved), ("on a bound", row.on_bound)) if names
        )
        cells = (
            LABELS[row.method],
            STATUS_LABELS[row.status],
            number(row.objective, 5),
            delta,
            whole(row.starts),
            whole(row.basin),
        )
        rows.append((*cells, number(row.gradient, 2), number(row.moved, 3), f"{row.finite} of {row.drawn}", amiss))
    header = (
        "method",
        "status",
        "objective",
        "Huber delta",
        "starts",
        "in the best basin",
        "scaled gradient",
        "moved",
        "draws with numbers",
        "remark",
    )
    return table("searches", "Convergence log", header, rows)


def noise_table(outlook: Outlook) -> Table:
    """The spread between seeds of each configuration that has several, and pooled."""
    percent = lambda value: f"{100 * value:.2f}%" if math.isfinite(value) else UNKNOWN  # noqa: E731
    rows = []
    for row in outlook.noise if any(row.freedom for row in outlook.noise) else ():
        place = (
            ("all, pooled", UNKNOWN, UNKNOWN)
            if row.configuration is None
            else (flops(row.budget), count(row.n), count(row.d))
        )
        cells = (
            str(row.seeds),
            fixed(row.mean_loss, 4),
            percent(row.sd),
            interval((row.low, row.high), percent),
            str(row.freedom),
        )
        rows.append((*place, *cells))
    header = ("budget", "N", "D", "runs", "mean loss", "SD of the loss", "95%", "degrees of freedom")
    return table("noise", "Seeds of one configuration (nothing else differs)", header, rows)


def task_table(outlook: Outlook, scores: tuple[ScoreRow, ...]) -> Table:
    """Whether each task's score follows loss or compute, and how well each law foresaw the largest budget."""
    counts: dict[tuple[str, str], ScoreRow] = {(row.task, row.method): row for row in scores if row.run_id is not None}
    status = {
        "trend": "trend",
        "no_predictable_trend": "no predictable trend",
        "worse": "worse",
        "too_few": "too few runs",
    }
    rows = []
    for trend in outlook.trends:
        key = (trend.task, trend.method)
        tests = {test.against: f"{fixed(test.tau, 2)} (p {number(test.p, 2)})" for test in trend.monotone}
        errors = {e.law: fixed(e.error) for e in trend.errors if e.left_out == 1}
        lawful = [name for name in TASK_LAWS if trend.laws[name].status == "converged"]
        size = f"{counts[key].rows:,}, {counts[key].events:,}" if key in counts else UNKNOWN
        best = min((name for name in lawful if name in errors), key=lambda name: errors[name], default=None)
        told = UNKNOWN if best is None else f"{errors[best]} ({best.replace('_', ' ')})"
        cells = (trend.task.replace("_", " "), trend.method.replace("_", " "), size, str(trend.configurations))
        rows.append(
            (*cells, tests["loss"], tests["compute"], told, errors.get("carry_forward", UNKNOWN), status[trend.status])
        )
    header = (
        "task",
        "read by",
        "predictions, events",
        "configurations",
        "Kendall's tau of AUROC and loss",
        "and compute",
        "error of the best law, largest budget left out",
        "of carrying forward",
        "verdict",
    )
    return table("tasks", "Every task that was scored (AUROC)", header, rows, folded=True)


def run_table(study: Study) -> Table:
    """The fitted runs, with the columns that the warehouse has."""
    names = [name for name in RUN_SHOWN if name in study.columns]
    rows = [
        tuple(UNKNOWN if run.get(name) is None else RUN_SHOWN[name][1](run[name]) for name in names)
        for run in study.used
    ]
    caption = "Every fitted run; N counts the output head unless stated, D is tokens seen, U unique tokens"
    return table("runs", caption, tuple(RUN_SHOWN[name][0] for name in names), rows, folded=True)


def aside_table(study: Study) -> Table:
    """The runs that are not fitted, and why."""
    rows = [
        (run["run_id"], UNKNOWN if run.get("seed") is None else str(run["seed"]), run["why"]) for run in study.aside
    ]
    return table("aside", "Runs that are not fitted, and why", ("run", "seed", "why it is set aside"), rows)
