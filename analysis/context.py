"""What the report's page and CSV files say, as plain values: headline, cards, tables, notes.

In: the study and its fits. Out: the template's context (text only) and the CSV tables (raw numbers). Pure.
"""

import math
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from analysis.compute_law import METHOD as LOSS_COMPUTE
from analysis.figures import Drawing
from analysis.points import seed_noise
from analysis.repeated import METHOD as REPEATED
from analysis.results import Fit
from analysis.study import Study
from analysis.surface import METHODS as SURFACES
from analysis.tables import (
    BUDGET_HEADER,
    EXPONENT_HEADER,
    LABELS,
    UNKNOWN,
    budget_rows,
    count,
    exponent_rows,
    fixed,
    flops,
    interval,
    number,
    parameter_header,
    parameter_rows,
)

SURFACE = ("E", "A", "B", "alpha", "beta")
COMPUTE_LAW = ("E", "A", "g")
DECAY = ("R_D", "R_N")
# Side by side with what others found; definitions differ, and the last column says how.
PUBLISHED = (
    (
        "Zhang 2025, EHR (MIMIC-IV)",
        "0.58",
        "0.44",
        "second-hand figures; N and D regressed apart, so they need not sum to 1",
    ),
    ("Hoffmann 2022, text", "0.50", "0.50", "total parameters, 6ND; IsoFLOP parabolas"),
    ("Porian 2024, text", "0.497", "0.503", "parameters with output head, tuned per size; Akima"),
)
PUBLISHED_HEADER = ("study", "a", "b", "what differs")
# How the run table shows a column: heading and format.
RUN_SHOWN: dict[str, tuple[str, Any]] = {
    "run_id": ("run", str),
    "seed": ("seed", str),
    "flops_budget": ("budget", flops),
    "n_layers": ("layers", str),
    "d_model": ("width", str),
    "n_with_head": ("N with head", count),
    "n_non_embedding": ("N non-emb.", count),
    "n_total": ("N total", count),
    "tokens_seen": ("D", count),
    "epochs": ("epochs", lambda v: number(v, 3)),
    "flops": ("C counted", flops),
    "flops_6nd": ("6ND", flops),
    "held_out_loss": ("held_out loss", lambda v: fixed(v, 4)),
    "tuning_loss": ("tuning loss", lambda v: fixed(v, 4)),
    "learning_rate": ("learning rate", lambda v: number(v, 3)),
    "batch_tokens": ("batch", count),
    "device": ("device", str),
    "cpu_seconds": ("CPU s", lambda v: fixed(v, 0)),
    "wall_seconds": ("wall s", lambda v: fixed(v, 0)),
}
SEVERITIES = ("error", "warning", "info")


def page_context(
    study: Study, fits: dict[str, Fit], drawings: list[Drawing], images: dict[str, str], facts: dict[str, str]
) -> dict[str, Any]:
    """The names that report.html.j2 uses."""
    isoflop = fits["isoflop_parabola"]
    figures = [
        {"src": images[d.name], "title": d.title, "caption": d.caption, "alt": d.alt, "wide": d.wide, "name": d.name}
        for d in drawings
    ]
    tables = {
        "optima": (BUDGET_HEADER, budget_rows(isoflop) if isoflop.details else []),
        "exponents": (EXPONENT_HEADER, exponent_rows(fits)),
        "published": (PUBLISHED_HEADER, PUBLISHED),
        "surface": (parameter_header(SURFACE), parameter_rows(fits, SURFACES, SURFACE)),
        "law": (parameter_header(COMPUTE_LAW), parameter_rows(fits, (LOSS_COMPUTE,), COMPUTE_LAW)),
        "repeated": (parameter_header(DECAY), parameter_rows(fits, (REPEATED,), DECAY)),
        "runs": _run_table(study),
        "aside": (("run", "seed", "why it is set aside"), [_aside_row(run) for run in study.aside]),
    }
    return {
        "headline": headline(isoflop),
        "cards": _cards(study, isoflop),
        "notes": _notes(study, fits),
        "profiles": [f for f in figures if f["name"].startswith("isoflop_")],
        "laws": [f for f in figures if not f["name"].startswith("isoflop_") and f["name"] != "training_curves"],
        "curves": [f for f in figures if f["name"] == "training_curves"],
        "tables": tables,
        "noise": _noise_text(study, isoflop),
        "provenance": {**_data_facts(study), **facts},
    }


def headline(fit: Fit) -> Markup:
    """The study's answer in one sentence, no surer than the data; HTML, for the exponents stand high."""
    a, b = fit.estimates["a"], fit.estimates["b"]
    if not math.isfinite(a):
        text = "These runs do not yet show how the best model size grows with compute; the notes say what is missing."
        return Markup(text)
    vertices = [v for v in fit.details["vertices"] if v.used]
    ends = {name: " to ".join(fixed(end, 2) for end in fit.intervals[name]) for name in ("a", "b")}
    return Markup(
        "Over budgets of {} to {} FLOPs the best model size grows as C<sup>{}</sup> (95% {}) "
        "and the tokens to train it on as C<sup>{}</sup> (95% {})."
    ).format(flops(vertices[0].budget), flops(vertices[-1].budget), fixed(a, 2), ends["a"], fixed(b, 2), ends["b"])


def report_tables(study: Study, fits: dict[str, Fit]) -> dict[str, tuple[tuple[str, ...], list[tuple]]]:
    """CSV tables by file name: header and rows of raw values; an unknown number is an empty cell."""
    optima, estimates, notes = [], [], []
    for name, fit in fits.items():
        for i, key in enumerate(fit.estimates.get("n_opt", {})):
            vertex = fit.details["vertices"][i]
            cells = [name, vertex.budget]
            for quantity in ("n_opt", "d_opt", "loss_opt"):
                cells += [fit.estimates[quantity][key], *fit.intervals[quantity][key]]
            optima.append(_plain([*cells, vertex.used, " ".join(vertex.flags)]))
        for parameter, value in fit.estimates.items():
            if not isinstance(value, dict):
                estimates.append(_plain([name, parameter, value, *fit.intervals[parameter], fit.status, fit.objective]))
        notes += [(name, note.code, note.severity, note.text) for note in fit.notes]
    ends = [f"{q}{end}" for q in ("n_opt", "d_opt", "loss_opt") for end in ("", "_low", "_high")]
    return {
        "optima": (("method", "budget", *ends, "used", "flags"), optima),
        "estimates": (("method", "parameter", "estimate", "low", "high", "status", "objective"), estimates),
        "notes": (("method", "code", "severity", "text"), notes),
        "runs": (study.columns, [_plain(run.get(name) for name in study.columns) for run in study.used]),
        "set_aside": (
            (*study.columns, "why"),
            [_plain(run.get(name) for name in (*study.columns, "why")) for run in study.aside],
        ),
    }


def _plain(cells: Iterable) -> tuple:
    """Cells for a CSV: None and NaN are empty."""
    return tuple("" if c is None or (isinstance(c, float) and not math.isfinite(c)) else c for c in cells)


def _cards(study: Study, fit: Fit) -> list[tuple[str, str, str]]:
    """The figures at the top: value, what it is, and a remark."""
    points = study.points
    configurations = len(set(points.configuration.tolist()))
    budgets = len(set(points.budget.tolist()))
    cards = []
    for name, what in (("a", Markup("a in N* ~ C<sup>a</sup>")), ("b", Markup("b in D* ~ C<sup>b</sup>"))):
        cards.append((fixed(fit.estimates[name]), what, f"95% {interval(fit.intervals[name], fixed)}"))
    cards.append(
        (str(budgets), "compute budgets", f"{flops(points.budget.min())} to {flops(points.budget.max())} FLOPs")
    )
    cards.append(
        (str(len(points)), "runs fitted", f"{configurations} configurations, {len(study.aside)} runs set aside")
    )
    cards.append((fixed(float(points.loss.min()), 3), "lowest held_out loss", "nats per token"))
    return cards


def _notes(study: Study, fits: dict[str, Fit]) -> list[dict[str, str]]:
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


def _noise_text(study: Study, fit: Fit) -> str:
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


def _run_table(study: Study) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The fitted runs, with the columns that the warehouse has."""
    names = [name for name in RUN_SHOWN if name in study.columns]
    rows = [tuple(_shown(name, run.get(name)) for name in names) for run in study.used]
    return tuple(RUN_SHOWN[name][0] for name in names), rows


def _shown(name: str, value: Any) -> str:
    return UNKNOWN if value is None else RUN_SHOWN[name][1](value)


def _aside_row(run: dict) -> tuple[str, str, str]:
    return run["run_id"], UNKNOWN if run.get("seed") is None else str(run["seed"]), run["why"]


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
