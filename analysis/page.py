"""What the report's page says, as plain values: headline, cards, the answer, notes, and a section per question of a reader.

In: the study, its fits, its outlook and its task scores. Out: the template's context: text, `Section`s with charts and tables.
Pure. Numbers are formatted by tables.py; words here are no surer than the numbers.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from analysis import charts_fits, charts_forest, charts_isoflop, charts_outlook, charts_tasks
from analysis.charts import COLOURS, Chart, Key, budget_colours, method_keys
from analysis.forecast import HELD_OUT_DRAWS
from analysis.isoflop import METHOD as PARABOLA
from analysis.outlook import Outlook
from analysis.page_checks import (
    aside_table,
    correlation_table,
    noise_table,
    residual_table,
    run_table,
    search_table,
    task_table,
)
from analysis.page_tables import (
    Table,
    answer_table,
    cost_table,
    exponent_table,
    left_out_table,
    method_forecast_table,
    optima_table,
    other_laws_table,
    parameter_table,
    published_table,
    sensitivity_table,
)
from analysis.points import seed_noise
from analysis.recommendation import PREFERENCE
from analysis.results import Fit
from analysis.study import Study
from analysis.surface import METHODS as SURFACES
from analysis.tables import LABELS, count, ends_words, fixed, flops, interval
from analysis.task_scores import NotShown, ScoreRow

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Section:
    """One question of a reader: anchor, heading, a paragraph or two, figures and tables.

    `keys`: what colours stand for in the figures that have no legend of their own; `switches`: they are methods, on and off.
    """

    anchor: str
    title: str
    text: tuple[str | Markup, ...]
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def switches(self) -> tuple[Key, ...]:
        """The methods that the reader may switch on and off."""
        return method_keys(label for chart in self.charts for label in chart.methods)


def page_context(
    study: Study,
    fits: dict[str, Fit],
    outlook: Outlook,
    scores: tuple[tuple[ScoreRow, ...], NotShown],
    facts: dict[str, str],
) -> dict[str, Any]:
    """The names that report.html.j2 uses."""
    sections = page_sections(study, fits, outlook, *scores)
    return {
        "headline": headline(fits),
        "cards": _cards(study, fits[PARABOLA]),
        "answer": answer_table(outlook, fits),
        "notes": notes_of(study, fits),
        "noise": noise_text(study, fits[PARABOLA]),
        "refits": HELD_OUT_DRAWS,
        "sections": sections,
        "colours": page_colours(study),
        "provenance": {**_data_facts(study), **facts},
    }


def page_colours(study: Study) -> dict[str, tuple[str, str]]:
    """Every CSS variable of the figures, (light, dark)."""
    return COLOURS | budget_colours(len(np.unique(study.points.budget)))


def page_sections(
    study: Study, fits: dict[str, Fit], outlook: Outlook, scores: tuple[ScoreRow, ...], not_shown: NotShown
) -> tuple[Section, ...]:
    """The sections in the page's order; one without figure and table is left out."""
    made = (
        _profiles(study, fits),
        _laws(study, fits),
        _surface(fits, outlook),
        _residuals(study, fits, outlook),
        _left_out(outlook),
        _forecasts(fits, outlook),
        _cost(outlook),
        _sensitivity(outlook),
        _utility(outlook, scores, not_shown),
        _runs(study, outlook),
        Section(
            "convergence",
            "Did the fits converge?",
            (
                "How every optimum was found: how many starts, how many of them ended in the best basin, the scaled gradient "
                "there, and parameters that never moved or lie on a bound.",
            ),
            tables=(search_table(outlook),),
        ),
    )
    return tuple(section for section in made if section.charts or any(table.rows for table in section.tables))


def _profiles(study: Study, fits: dict[str, Fit]) -> Section:
    text = (
        "At one budget a small model sees many tokens and a large one few; in between lies the best size. A parabola in log N is "
        "fitted to the points around the best one (shaded; points left out are hollow), and its lowest point is N*. The dashed "
        "green line is what the loss surface, fitted to all budgets at once, says of the same sizes.",
    )
    charts = tuple(charts_isoflop.isoflop_charts(study, fits))
    return Section("profiles", "IsoFLOP profiles", text, charts, (optima_table(fits),))


def _laws(study: Study, fits: dict[str, Fit]) -> Section:
    charts = [
        *charts_isoflop.law_charts(study, fits),
        *(charts_forest.methods_forest(fits, name) for name in ("a", "b")),
    ]
    total = sum(fits[PARABOLA].estimates[name] for name in ("a", "b"))
    told = (
        f"By the parabolas a + b = {total:.3f}; where compute is a multiple of N D it is 1. "
        if math.isfinite(total)
        else ""
    )
    text = (
        "Best size N* and best number of tokens D* as powers of compute, and the loss that goes with them. " + told,
        "Side by side with what others found. Exponents compare only as far as definitions do: which parameters count, how "
        "compute is counted, and whether settings were tuned for each size.",
    )
    tables = (exponent_table(fits), published_table(fits), parameter_table(fits, "law"))
    return Section("laws", "How size, tokens and loss move with compute", text, _there(charts), tables)


def _surface(fits: dict[str, Fit], outlook: Outlook) -> Section:
    text = (
        Markup(
            "L = E + A/N<sup>&alpha;</sup> + B/D<sup>&beta;</sup>, fitted to all runs at once under four measures of error. "
            "Where they disagree, single runs weigh too much. The exponents above follow as a = &beta;/(&alpha;+&beta;) and "
            "b = &alpha;/(&alpha;+&beta;). Intervals of three kinds stand side by side: bootstrap over configurations, delta "
            "method with Student's t, and profile likelihood."
        ),
    )
    charts = _there([charts_fits.correlations(outlook)])
    tables = (
        parameter_table(fits, "surface"),
        parameter_table(fits, "kinds"),
        correlation_table(outlook),
        other_laws_table(fits),
    )
    return Section("surface", "The loss surface", text, charts, tables)


def _residuals(study: Study, fits: dict[str, Fit], outlook: Outlook) -> Section:
    text = (
        "What a fit leaves over should hang on nothing: not on size, tokens or compute. A slope or a bend here means that the law "
        "has the wrong form somewhere in the range, and that its forecasts lean.",
    )
    charts = charts_fits.residuals(study, fits, outlook)
    return Section(
        "residuals",
        "What the fits leave over",
        text,
        tuple(charts),
        (residual_table(outlook),),
    )


def _left_out(outlook: Outlook) -> Section:
    text = (
        "The honest test of an extrapolation: every method fitted again without the largest budgets, then asked for them. "
        "A method that does no better than carrying the last minimum forward has no claim on larger compute.",
        charts_outlook.left_out_words(outlook),
    )
    charts = _there(charts_outlook.left_out(outlook, quantity) for quantity in ("loss", "n_opt"))
    return Section("left-out", "Would it have foreseen the largest budgets?", text, charts, (left_out_table(outlook),))


def _forecasts(fits: dict[str, Fit], outlook: Outlook) -> Section:
    text = (
        "Three bands, kept apart: what the parameters of one method leave open, how far methods differ, and how much one new run "
        "would scatter. Nothing here knows of effects that start beyond the sizes tried.",
    )
    charts = _there(charts_outlook.forecasts(outlook, fits, name) for name in ("loss", "n_opt"))
    return Section(
        "forecast",
        "Beyond the largest budget",
        text,
        charts,
        (method_forecast_table(outlook),),
    )


def _cost(outlook: Outlook) -> Section:
    text = (
        "What it costs to train the size at either end of an interval of N* instead of the best size: the loss above the best, and "
        "the share of compute that the best size would have saved. The loss surface prices both its own interval and that of the "
        "parabolas; beyond the largest budget it extrapolates. A wide interval of N* matters only as far as this does.",
    )
    return Section(
        "cost", "The cost of being wrong", text, _there([charts_fits.costs(outlook)]), (cost_table(outlook),)
    )


def _sensitivity(outlook: Outlook) -> Section:
    text = (
        "The same runs under other choices of the analyst: what counts as a parameter, how compute is counted, how local the "
        "parabola is, how single runs weigh, and which budgets or repeated epochs are left out.",
    )
    return Section(
        "sensitivity",
        "How much hangs on our choices",
        text,
        _there([charts_forest.sensitivity_forest(outlook)]),
        (sensitivity_table(outlook),),
    )


def _utility(outlook: Outlook, scores: tuple[ScoreRow, ...], not_shown: NotShown) -> Section:
    charts = tuple(charts_tasks.task_panels(scores))
    text = (
        "Does a lower loss buy better predictions? Each point is one run on one task, each level line a model of another kind. All are "
        "scored on samples of their own, whose sizes stand below each figure: a gap smaller than both intervals says nothing. A trend is "
        "claimed only where the order of the scores (Kendall's tau), over all tasks at once, and the slope of a law both say so.",
        utility_words(scores, not_shown, len(charts)),
    )
    keys = charts_tasks.score_keys(scores)
    return Section("utility", "From loss to clinical utility", text, charts, (task_table(outlook, scores),), keys)


def utility_words(scores: tuple[ScoreRow, ...], not_shown: NotShown, drawn: int) -> str:
    """What of the scores is drawn, and what is left out and why."""
    tasks = {row.task for row in scores if row.run_id is not None}
    parts = [
        f"{len(tasks) + len(not_shown.tasks)} tasks are scored, {len(tasks)} with an AUROC; the {drawn} with the most events are drawn"
    ]
    if not_shown.tasks:
        parts.append(
            f"no AUROC: {', '.join(map(charts_tasks.task_words, not_shown.tasks))} (numbers, classes, or no event)"
        )
    if not_shown.scores:
        parts.append(f"{not_shown.scores} further scores have none, for want of events")
    if not_shown.other_runs:
        parts.append(f"{not_shown.other_runs} scores belong to runs that are not fitted")
    undecided = [row.undecided for row in scores if row.run_id is not None and math.isfinite(row.undecided)]
    if undecided and max(undecided) > 0:
        most = f"{100 * max(undecided):.0f}%"
        parts.append(
            f"up to {most} of a task's simulated futures (see the table) end at their cap undecided and are left out"
        )
    return "; ".join(parts) + "."


def _runs(study: Study, outlook: Outlook) -> Section:
    text = ("Every run that is fitted, what the same configuration gave under other seeds, and what was set aside.",)
    charts = _there([charts_fits.seed_noise(outlook), charts_outlook.training_curves(study)])
    return Section(
        "runs", "Runs and their noise", text, charts, (noise_table(outlook), run_table(study), aside_table(study))
    )


def _there(charts) -> tuple[Chart, ...]:
    return tuple(chart for chart in charts if chart is not None)


def headline(fits: dict[str, Fit]) -> Markup:
    """The study's answer in one sentence, no surer than the data; HTML, for the exponents stand high."""
    fit = fits[PARABOLA]
    a, b = fit.estimates["a"], fit.estimates["b"]
    if not math.isfinite(a):
        text = "These runs do not yet show how the best model size grows with compute; the notes say what is missing."
        return Markup(text)
    vertices = [v for v in fit.details["vertices"] if v.used]
    ends = {name: ends_words(fit.intervals[name], lambda end: fixed(end, 2)) for name in ("a", "b")}
    text = Markup(
        "Over budgets of {} to {} FLOPs the minima of the IsoFLOP profiles give a best model size that grows as C<sup>{}</sup> "
        "({}) and tokens to train it on as C<sup>{}</sup> ({})"
    ).format(flops(vertices[0].budget), flops(vertices[-1].budget), fixed(a, 2), ends["a"], fixed(b, 2), ends["b"])
    surface = _surface_of(fits)
    if surface is None:
        return text + "."
    sure = ends_words(surface.intervals["a"], lambda end: fixed(end, 2))
    bound = "" if surface.status == "converged" else ", with a parameter on its bound: these runs do not fix it"
    second = Markup("; the loss surface, by which the table below answers, gives C<sup>{}</sup> ({}) for the size{}.")
    return text + second.format(fixed(surface.estimates["a"], 2), sure, bound)


def _surface_of(fits: dict[str, Fit]) -> Fit | None:
    """The surface that is recommended by, where one is identified."""
    usable = (fits[name] for name in PREFERENCE if name in fits and fits[name].status in charts_isoflop.USABLE)
    return next(usable, None)


def _cards(study: Study, fit: Fit) -> list[tuple[str, str | Markup, str]]:
    """The figures at the top: value, what it is, and a remark."""
    points = study.points
    configurations = len(set(points.configuration.tolist()))
    budgets = len(set(points.budget.tolist()))
    cards: list[tuple[str, str | Markup, str]] = []
    for name, what in (("a", Markup("a in N* ~ C<sup>a</sup>")), ("b", Markup("b in D* ~ C<sup>b</sup>"))):
        cards.append(
            (fixed(fit.estimates[name]), what, f"95% {interval(fit.intervals[name], fixed)}, IsoFLOP profiles")
        )
    span = f"{flops(points.budget.min())} to {flops(points.budget.max())} FLOPs"
    cards.append((str(budgets), "compute budgets", span))
    sizes = f"{count(points.n.min())} to {count(points.n.max())} parameters"
    cards.append(
        (str(len(points)), "runs fitted", f"{configurations} configurations, {sizes}; {len(study.aside)} set aside")
    )
    cards.append((fixed(float(points.loss.min()), 3), "lowest held-out loss", "nats per token"))
    return cards


def notes_of(study: Study, fits: dict[str, Fit]) -> list[dict[str, str]]:
    """Notes, the gravest first; the same words by several methods are said once."""
    said: dict[tuple[str, str], list[str]] = {(n.severity, n.text): ["Points"] for n in study.points.notes}
    for name, fit in fits.items():
        for note in fit.notes:
            said.setdefault((note.severity, note.text), []).append(LABELS[name])
    ordered = sorted(said.items(), key=lambda item: SEVERITIES.index(item[0][0]))
    return [{"severity": grave, "text": text, "by": _shortened(names)} for (grave, text), names in ordered]


def _shortened(names: list[str]) -> str:
    """Who says so; the four surfaces together in one word."""
    surfaces = [LABELS[name] for name in SURFACES]
    if set(surfaces) <= set(names):
        names = [*(name for name in names if name not in surfaces), "all surfaces"]
    return "; ".join(names)


def noise_text(study: Study, fit: Fit) -> str:
    """What is known of the noise between seeds."""
    sd, freedom = seed_noise(study.points)
    if freedom:
        spread = f"{sd:.2%} of the loss (standard deviation, {freedom} degrees of freedom)"
        text = f"Seeds of one configuration differ by {spread}."
    else:
        text = "Every configuration was trained with one seed: noise between seeds is not measured here."
    about = fit.details.get("noise", math.nan)
    return (
        f"{text} Points lie {about:.2%} (standard deviation) off the local parabolas." if math.isfinite(about) else text
    )


def _data_facts(study: Study) -> dict[str, str]:
    """Data, code and machines behind the runs."""
    facts = {"shard fingerprint": study.shard_fingerprint, "vocabulary sha256": study.vocabulary_sha256}
    for name, label in (("git_commit", "training code"), ("hardware", "hardware"), ("versions", "training versions")):
        values = sorted({str(run[name]) for run in study.used if run.get(name)})
        if values:
            facts[label] = "; ".join(values)
    seconds = [run["cpu_seconds"] for run in study.used if run.get("cpu_seconds")]
    if seconds:
        facts["training cost"] = f"{sum(seconds):,.0f} CPU seconds over {len(seconds)} runs"
    return facts
