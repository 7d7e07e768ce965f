"""Figures of the clinical tasks: AUROC of every run against its loss, beside models of other kinds on the same task.

In: scores of the warehouse (task_scores.ScoreRow). Out: a `Chart` a task that has events enough to show more than noise, and
the key that all of them share. Tasks by number of events, most first.
"""

import math

from analysis.charts import Chart, Key, Layer, finite, layer, layered, plain_axis, spoken, var
from analysis.charts_isoflop import LOSS_TITLE
from analysis.tables import count, fixed, flops
from analysis.task_scores import ScoreRow

# Panels on the page; the table has every task.
MOST_PANELS = 9
# A panel with fewer events (or fewer patients without one) than this shows noise alone.
LEAST_EVENTS = 20
# How scores are read, in words: of runs with colour and form, of baselines with colour and dash.
RUNS = {
    "probe": Key("linear probe of a run", "blue", (), "circle"),
    "rollout_average": Key("simulation by a run", "vermilion", (), "triangle-up"),
}
BASELINES = {
    "logistic": Key("logistic regression", "grey", (6, 3), ""),
    "boosting": Key("gradient boosting", "purple", (2, 3), ""),
    "best": Key("best achievable (the generator's truth)", "green", (1, 0), ""),
}
METHOD_WORDS = {
    "probe": "linear probe",
    "rollout_average": "simulation, mean of the risks along each future",
    "rollout_hits": "simulation, share of futures with the outcome",
}
CAPITALS = {
    "icu": "ICU",
    "ed": "ED",
    "drg": "DRG",
    "sofa": "SOFA",
    "7d": "over 7 days",
    "10d": "over 10 days",
    "30d": "within 30 days",
    "1y": "within a year",
}


def task_panels(scores: tuple[ScoreRow, ...]) -> list[Chart]:
    """A panel a task, of those with the most events."""
    told = shown_scores(scores)
    events: dict[str, int] = {}
    for row in told:
        if row.run_id is not None:
            events[row.task] = max(events.get(row.task, 0), _scarcer(row))
    ranked = sorted(events, key=lambda task: (-events[task], task))
    return [_panel(task, [row for row in told if row.task == task]) for task in ranked[:MOST_PANELS]]


def shown_scores(scores: tuple[ScoreRow, ...]) -> tuple[ScoreRow, ...]:
    """What a panel may show: scores of runs and baselines with events enough."""
    kinds = RUNS.keys() | BASELINES.keys()
    return tuple(row for row in scores if row.method in kinds and _scarcer(row) >= LEAST_EVENTS)


def _scarcer(row: ScoreRow) -> int:
    """Events, or predictions without one where those are fewer: what an AUROC rests on."""
    return min(row.events, row.rows - row.events)


def score_keys(scores: tuple[ScoreRow, ...]) -> tuple[Key, ...]:
    """The keys of what there is."""
    there = {row.method for row in shown_scores(scores)}
    return tuple(key for method, key in (RUNS | BASELINES).items() if method in there)


def task_words(task: str) -> str:
    """A task's name for a heading: ICU admission, prolonged stay over 7 days."""
    words = " ".join(CAPITALS.get(word, word) for word in task.split("_"))
    return words[0].upper() + words[1:]


def method_words(method: str) -> str:
    """How a run was scored, in words."""
    return METHOD_WORDS.get(method, method.replace("_", " "))


def _panel(task: str, rows: list[ScoreRow]) -> Chart:
    runs = [row for row in rows if row.run_id is not None and row.method in RUNS]
    levels = [row for row in rows if row.run_id is None and row.method in BASELINES]
    cells = [_cell(row) for row in runs]
    ways = [method for method in RUNS if any(row.method == method for row in runs)]
    others = [method for method in BASELINES if any(row.method == method for row in levels)]
    keys = [*(RUNS[method] for method in ways), *(BASELINES[method] for method in others)]
    x = plain_axis("x", LOSS_TITLE, [cell["x"] for cell in cells], ".2f")
    heights = [cell[name] for cell in cells for name in ("y", "low", "high")]
    heights += [end for row in levels for end in (row.auroc, row.low, row.high)]
    y = plain_axis("y", "AUROC", heights, ".2f")
    by = {"field": "by", "type": "nominal", "title": None}
    colour = {**by, "scale": {"domain": [k.label for k in keys], "range": [var(k.colour) for k in keys]}}
    colour["legend"] = {"orient": "right", "symbolOpacity": 1}
    forms = [RUNS[method] for method in ways]
    shape = {**by, "scale": {"domain": [k.label for k in forms], "range": [k.shape for k in forms]}, "legend": None}
    bars = [cell for cell in cells if finite({"low": cell["low"], "high": cell["high"]})]
    dots = [{name: value for name, value in cell.items() if name not in ("low", "high")} for cell in cells]
    tips = ("run", "N", "budget", "loss", "by", "AUROC", "95%", "predictions", "events", "undecided")
    spec = layered(
        *(part for row in levels for part in _level(row, y, colour)),
        layer(
            {"type": "rule", "opacity": 0.35}, bars, x=x, y={**y, "field": "low"}, y2={"field": "high"}, color=colour
        ),
        layer("point", dots, tips, x=x, y=y, color=colour, shape=shape),
    )
    best = max(runs, key=lambda row: row.auroc)
    told = spoken(((BASELINES[row.method].label, row.auroc) for row in levels), fixed)
    alt = f"AUROC of {len(runs)} scores of runs against their loss; the highest is {fixed(best.auroc)} ({RUNS[best.method].label})."
    alt += f" Baselines: {told or 'none'}."
    return Chart(f"task_{task}", task_words(task), _sizes(ways, others, rows), alt, spec, keyed=True)


def _cell(row: ScoreRow) -> dict:
    """A run's score as a row of the figure."""
    return {
        "x": row.held_out_loss,
        "y": row.auroc,
        "low": row.low,
        "high": row.high,
        "by": RUNS[row.method].label,
        "run": row.run_id,
        "N": count(row.n),
        "budget": f"{flops(row.flops)} FLOPs",
        "loss": fixed(row.held_out_loss, 4),
        "AUROC": fixed(row.auroc),
        "95%": f"{fixed(row.low)} to {fixed(row.high)}",
        "predictions": f"{row.rows:,}",
        "events": f"{row.events:,}",
        "undecided": f"{100 * row.undecided:.0f}%" if math.isfinite(row.undecided) else "",
    }


def _level(row: ScoreRow, y: dict, colour: dict) -> tuple[Layer, Layer]:
    """A baseline as a level line, its interval a faint band."""
    key = BASELINES[row.method]
    cell = {"y": row.auroc, "by": key.label, "AUROC": fixed(row.auroc), "95%": f"{fixed(row.low)} to {fixed(row.high)}"}
    band = filter(finite, [{"low": row.low, "high": row.high, "by": key.label}])
    line = {"type": "rule", "strokeWidth": 2, "strokeDash": list(key.dash)}
    return (
        layer({"type": "rect", "opacity": 0.08}, band, y={**y, "field": "low"}, y2={"field": "high"}, color=colour),
        layer(line, [cell], ("by", "AUROC", "95%"), y=y, color=colour),
    )


def _sizes(ways: list[str], others: list[str], rows: list[ScoreRow]) -> str:
    """How many predictions and events stand behind each way of scoring."""
    parts = []
    for method in (*ways, *others[:1]):
        row = max((row for row in rows if row.method == method), key=lambda row: row.rows)
        word = RUNS[method].label if method in RUNS else "baselines"
        parts.append(f"{word}: {row.events:,} events in {row.rows:,} predictions")
    return "; ".join(parts).capitalize() + "."
