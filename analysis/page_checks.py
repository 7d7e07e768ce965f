"""The tables of the page that tell how far fits and runs can be trusted: correlations, residuals, convergence, seeds, tasks, runs.

In: study, outlook, scores. Out: `Table`s (page_tables.py) of texts.
"""

import math
from collections.abc import Callable
from typing import Any

from analysis.charts_tasks import LEAST_EVENTS, method_words, task_words
from analysis.outlook import Outlook
from analysis.page_tables import Table, table
from analysis.study import Study
from analysis.tables import LABELS, STATUS_LABELS, UNKNOWN, count, fixed, flops, interval, number
from analysis.task_scores import ScoreRow
from analysis.utility import TaskTrend

# What is said of a task's trend (utility.py).
VERDICTS = {
    "trend": "better with lower loss",
    "worse": "worse with lower loss",
    "no_predictable_trend": "no predictable trend",
    "too_few": "too few runs",
}
ERROR_WORDS = {
    "one_step": "law on compute",
    "two_step": "law by way of the task's log loss",
    "loss_error": "law on the loss",
    "carry_forward": "largest budget's mean carried forward (baseline)",
    "mean": "mean of all runs (baseline)",
}
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
    "held_out_loss": ("held-out loss", lambda v: fixed(v, 4)),
    "tuning_loss": ("tuning loss", lambda v: fixed(v, 4)),
    "learning_rate": ("learning rate", lambda v: number(v, 3)),
    "batch_tokens": ("batch", count),
    "schedule": ("schedule", str),
    "weight_decay": ("weight decay", lambda v: number(v, 3)),
    "device": ("device", str),
    "cpu_seconds": ("CPU s", lambda v: fixed(v, 0)),
    "wall_seconds": ("wall s", lambda v: fixed(v, 0)),
}


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


def search_table(outlook: Outlook) -> Table:
    """How every optimum was found."""
    rows = []
    for row in outlook.searches:
        delta = "least squares" if row.delta == math.inf else number(row.delta, 3)
        amiss = "; ".join(
            f"{word}: {names}" for word, names in (("did not move", row.unmoved), ("on a bound", row.on_bound)) if names
        )
        cells = (
            LABELS[row.method],
            STATUS_LABELS[row.status],
            number(row.objective, 5),
            delta,
            _whole(row.starts),
            _whole(row.basin),
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


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%" if math.isfinite(value) else UNKNOWN


def noise_table(outlook: Outlook) -> Table:
    """The spread between seeds of each configuration that has several, and pooled."""
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
            _percent(row.sd),
            interval((row.low, row.high), _percent),
            str(row.freedom),
        )
        rows.append((*place, *cells))
    header = ("budget", "N", "D", "runs", "mean loss", "SD of the loss", "95%", "degrees of freedom")
    return table("noise", "Seeds of one configuration (nothing else differs)", header, rows)


def task_table(outlook: Outlook, scores: tuple[ScoreRow, ...]) -> Table:
    """Whether each task's score follows loss or compute, and how well each law foresaw the largest budget."""
    rows = [_task_row(trend, scores) for trend in outlook.trends]
    header = (
        "task",
        "read by",
        "predictions",
        "events",
        "undecided",
        "configurations",
        "Kendall's tau of AUROC and loss",
        "Kendall's tau of AUROC and compute",
        "p over all tasks",
        "verdict",
        *(f"error: {ERROR_WORDS[name]}" for name in ERROR_WORDS),
    )
    caption = "Every task with an AUROC; errors are mean absolute ones of the AUROC with the largest budget left out"
    return table("tasks", caption, header, rows, folded=True)


def _task_row(trend: TaskTrend, scores: tuple[ScoreRow, ...]) -> tuple[str, ...]:
    mine = [row for row in scores if row.run_id is not None and (row.task, row.method) == (trend.task, trend.method)]
    largest = max(mine, key=lambda row: row.rows)
    undecided = sorted(row.undecided for row in mine if math.isfinite(row.undecided))
    tests = {test.against: f"{fixed(test.tau, 2)} (p {number(test.p, 2)})" for test in trend.monotone}
    errors = {e.law: e.error for e in trend.errors if e.left_out == 1}
    few = min(largest.events, largest.rows - largest.events) < LEAST_EVENTS
    return (
        task_words(trend.task),
        method_words(trend.method),
        f"{largest.rows:,}",
        f"{largest.events:,}",
        f"{100 * undecided[len(undecided) // 2]:.0f}%" if undecided else UNKNOWN,
        str(trend.configurations),
        tests["loss"],
        tests["compute"],
        number(trend.p_adjusted, 2),
        "too few events" if few else VERDICTS[trend.status],
        *(fixed(errors.get(name, math.nan)) for name in ERROR_WORDS),
    )


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
