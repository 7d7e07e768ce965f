"""What to train for a stated compute and cohort: size, tokens, epochs and loss with intervals, and the cost of being wrong.

In: points, their fits, compute in FLOPs, unique tokens U of the cohort (None: as many as wanted). Out: `Recommendation`.
Pure; one seed. The answer is that of one method, named (the first of PREFERENCE that is identified), beside every other's.
Where the best D is more than one epoch of U, tokens count by the repeated-data law if the runs identify it and held-out
runs do not speak for another law; else by a stated bound: up to 4 epochs count as fresh (Muennighoff 2023) and what lies
beyond counts for nothing.
The further the compute lies beyond the largest budget tried, the graver the note; beyond REFUSE_FACTOR no numbers are given
unless asked for.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.forecast import SPREAD, USABLE, Forecast, forecast, freedom_of, method_answers, new_run, run_noise
from analysis.optimum import ComputeRule, Law, compute_for_loss, compute_rule, cost_of_size, law_of, optimum
from analysis.points import MANY_EPOCHS, Points
from analysis.repeat_choice import FRESH
from analysis.repeated import METHOD as REPEATED
from analysis.results import LEAST_COUNT, UNKNOWN, Fit, Note, percentile_interval
from analysis.rising import METHOD as RISING
from analysis.tables import flops

# Robust to a stray run first; least squares where that failed; then those that lose a quarter of the efficiency.
PREFERENCE = ("surface_huber", "surface_least_squares", "surface_huber_1e3", "surface_lad")
# Published laws held within a few percent over x10 to x100 of compute (OLMo ladder, Gadre 2024); nobody has shown more.
FAR_FACTOR, REFUSE_FACTOR = 100.0, 10_000.0
# Less compute whose optimum is within this share of the loss does as well for every purpose.
ENOUGH = 0.01
# An end this near to the best size (in ln N) is the best size.
SAME_SIZE = 0.01
NAMES = ("n", "d", "epochs", "loss")
# What held-out runs may prefer to the law of decaying repeats, in words.
OTHER_LAWS = {RISING: "one by which loss rises with repeats", FRESH: "counting every token as fresh"}


@dataclass(frozen=True)
class Range:
    """An estimate and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Wrong:
    """What training a size other than the best one costs at the same compute.

    `loss` there, `excess` over the best; `needed`: the compute whose best model has that loss; `wasted`: 1 - needed / given.
    """

    end: str
    n: float
    loss: float
    excess: float
    needed: float
    wasted: float


@dataclass(frozen=True)
class Recommendation:
    """The answer. `status`: inside (the budgets tried), extrapolated, far, refused (too far), not_identified.

    `repeats`: how repeated tokens count (fresh, decay, bound); `enough`: the compute whose best loss is within 1% of this
    one's; `run_low`, `run_high`: 95% for the loss of one new run; the method's own forecasts are in `by_method`.
    """

    status: str
    compute: float
    unique_tokens: float
    factor: float
    method: str
    repeats: str
    ranges: dict[str, Range]
    run_low: float
    run_high: float
    enough: float
    wrong: tuple[Wrong, ...]
    by_method: tuple[Forecast, ...]
    notes: tuple[Note, ...]


def recommend(
    points: Points,
    fits: dict[str, Fit],
    compute: float,
    unique: float | None = None,
    seed: int = 0,
    anyway: bool = False,
) -> Recommendation:
    """The size, tokens and epochs to train, with what loss to expect; see the module for what counts and when it refuses."""
    factor = compute / float(points.budget.max())
    status, notes = _distance(factor, float(points.budget.max()))
    unknown = dict.fromkeys(NAMES, Range(math.nan, *UNKNOWN))
    unique = math.inf if unique is None else unique
    empty = Recommendation(
        status, compute, unique, factor, "none", "fresh", unknown, *UNKNOWN, math.nan, (), (), tuple(notes)
    )
    if status == "refused" and not anyway:
        return empty
    rows = forecast(points, fits, compute, seed)
    rule = compute_rule(points)
    method = next((name for name in PREFERENCE if name in fits and fits[name].status in USABLE), None)
    if method is None:
        return _without_surface(replace(empty, by_method=rows), points, fits, rule)
    law, drawn, freedom, told = _laws(fits, method, rule, compute, unique)
    notes += told
    best, many = optimum(law, rule, compute), optimum(drawn, rule, compute)
    parts = {"n": (np.exp(best.log_n), np.exp(many.log_n)), "d": (best.d, many.d), "loss": (best.loss, many.loss)}
    least = {"n": LEAST_COUNT, "d": LEAST_COUNT, "loss": 0.0}
    ranges = {
        name: Range(float(value[0]), *percentile_interval(draws, freedom, log=True, least=least[name]))
        for name, (value, draws) in parts.items()
    }
    if law.repeats == "bound":
        ranges = _widened(ranges, rows, method)
    ends = (ranges["d"].value, ranges["d"].low, ranges["d"].high)
    known = math.isfinite(unique)
    ranges["epochs"] = Range(*(end / unique for end in ends)) if known else Range(math.nan, *UNKNOWN)
    of_law = (ranges["loss"].low, ranges["loss"].high)
    run = new_run(many.loss, run_noise(points, fits), np.random.default_rng(seed), freedom, of_law)
    enough = compute_for_loss(law, rule, compute, ranges["loss"].value * (1 + ENOUGH))
    notes += _range_notes(points, fits[method], ranges, enough / compute)
    wrong = _cost(law, rule, compute, ranges, rows)
    return Recommendation(
        status, compute, unique, factor, method, law.repeats, ranges, *run, enough, wrong, rows, tuple(notes)
    )


def is_refused(points: Points, compute: float) -> bool:
    """Whether the compute lies too far beyond the largest budget for any answer."""
    return compute > REFUSE_FACTOR * float(points.budget.max())


def _distance(factor: float, largest: float) -> tuple[str, list[Note]]:
    """How far the compute lies beyond the budgets tried, as a status and notes."""
    if factor <= 1:
        return "inside", []
    beyond = f"The compute asked about is x{factor:.3g} of the largest budget fitted ({flops(largest)} FLOPs)"
    if factor <= FAR_FACTOR:
        text = f"{beyond}: the intervals take the laws to hold that far, which these runs cannot show."
        return "extrapolated", [Note("extrapolated", "warning", text)]
    if factor <= REFUSE_FACTOR:
        need = largest * factor / FAR_FACTOR
        text = f"{beyond}: published laws were checked over x{FAR_FACTOR:g} at most. Train budgets up to {flops(need)} first."
        return "far", [Note("far", "error", text)]
    text = (
        f"{beyond}: too far for any forecast from these runs. Train a sweep that reaches "
        f"{largest * factor / FAR_FACTOR:.2g} FLOPs first; `python -m analysis.design` plans one."
    )
    return "refused", [Note("too_far", "error", text)]


def _laws(
    fits: dict[str, Fit], method: str, rule: ComputeRule, compute: float, unique: float
) -> tuple[Law, Law, float, list[Note]]:
    """The law of the estimates, that of the draws, the freedom of their fit, and notes: fresh while one epoch is enough,
    else with repeats counted."""
    fit = fits[method]
    fresh, drawn = law_of(fit.estimates), law_of(fit.draws)
    epochs = float(optimum(fresh, rule, compute).d[0]) / unique
    most = float(optimum(drawn, rule, compute).d.max()) / unique
    if max(epochs, most) <= 1:
        return fresh, drawn, freedom_of(fit), []
    repeated = fits.get(REPEATED)
    choice = None if repeated is None else repeated.details.get("choice")
    preferred = REPEATED if choice is None else choice.best
    if repeated is not None and repeated.status == "converged" and preferred == REPEATED:
        text = f"The cohort is seen {epochs:.2g} times: repeated tokens count by the repeated-data law of these runs."
        laws = (law_of(part, unique, "decay") for part in (repeated.estimates, repeated.draws))
        return *laws, freedom_of(repeated), [Note("repeats_by_law", "info", text)]
    why = "These runs do not identify what repeats are worth"
    if preferred != REPEATED:
        why = f"On held-out runs the repeated-data law does worse than {OTHER_LAWS[preferred]}, so that it is not used"
    text = (
        f"With fresh data the best run would see {epochs:.2g} times the cohort's tokens. {why}: up to {MANY_EPOCHS:g} epochs "
        "count as fresh (Muennighoff 2023), further ones for nothing; the intervals reach from there to every epoch counting in full."
    )
    bound = Note("repeats_by_bound", "warning" if epochs > 1 else "info", text)
    laws = (law_of(part, unique, "bound") for part in (fit.estimates, fit.draws))
    return *laws, freedom_of(fit), [bound]


def _widened(ranges: dict[str, Range], rows: tuple[Forecast, ...], method: str) -> dict[str, Range]:
    """Intervals that hold both ends of what repeats may be worth: nothing beyond the bound, and as much as fresh tokens."""
    found = {row.quantity: row for row in rows if row.method == method}
    wide = {}
    for name, quantity in (("n", "n_opt"), ("d", "d_opt"), ("loss", "loss")):
        part, fresh = ranges[name], found[quantity]
        wide[name] = Range(part.value, min(part.low, fresh.low), max(part.high, fresh.high))
    return wide


def _range_notes(points: Points, fit: Fit, ranges: dict[str, Range], enough: float) -> list[Note]:
    """Where the answer lies outside the sizes and tokens tried, rests on a bound, or compute outgrows the data."""
    notes = []
    for name, what, tried in (("n", "size", points.n), ("d", "number of tokens", points.d)):
        value, low, high = ranges[name].value, float(tried.min()), float(tried.max())
        if not low <= value <= high:
            ratio = f"x{value / high:.3g} of the largest" if value > high else f"x{value / low:.3g} of the smallest"
            notes.append(Note(f"{name}_outside", "warning", f"The {what} is {ratio} that was tried."))
    if fit.status == "bound_hit":
        text = f"{fit.method} has a parameter on a bound: what it foresees far from the data is that bound's."
        notes.append(Note("law_on_bound", "warning", text))
    if enough < 0.5:
        text = f"{enough:.2%} of this compute would do: its best loss is within {ENOUGH:.0%}. More compute buys little here."
        notes.append(Note("more_than_enough", "warning", text))
    return notes


def _cost(
    law: Law, rule: ComputeRule, compute: float, ranges: dict[str, Range], rows: tuple[Forecast, ...]
) -> tuple[Wrong, ...]:
    """Loss and compute wasted by training the sizes at the ends of N*'s interval, and at the ends of the methods' spread."""
    best = ranges["loss"].value
    ends = [("interval, low end", ranges["n"].low), ("interval, high end", ranges["n"].high)]
    spread = next((row for row in rows if (row.method, row.quantity) == (SPREAD, "n_opt")), None)
    if spread is not None and law.repeats == "fresh":
        ends += [("methods, smallest", spread.low), ("methods, largest", spread.high)]
    out = []
    for end, n in ends:
        if not math.isfinite(n) or abs(math.log(n / ranges["n"].value)) < SAME_SIZE:
            continue
        out.append(Wrong(end, n, *cost_of_size(law, rule, compute, n, best)))
    return tuple(out)


def _without_surface(empty: Recommendation, points: Points, fits: dict[str, Fit], rule: ComputeRule) -> Recommendation:
    """N* and D* by the power laws through the IsoFLOP optima, loss by E + A C^-g where that is identified."""
    text = "No surface is identified: N* and D* are the power laws', and what a wrong size costs is not known."
    notes = [*empty.notes, Note("no_surface", "warning", text)]
    isoflop = next((fit for name, fit in fits.items() if "n_opt" in method_answers(fit, rule, empty.compute)), None)
    if isoflop is None:
        text = "Neither a surface nor a power law of N* is identified: these runs cannot say what to train."
        notes = [*empty.notes, Note("no_law", "error", text)]
        return replace(empty, status="not_identified", notes=tuple(notes))
    found = method_answers(isoflop, rule, empty.compute)
    n, d = (Range(*found[name][:3]) for name in ("n_opt", "d_opt"))
    cap = MANY_EPOCHS * empty.unique_tokens
    repeats = "fresh"
    loss_row = next((row for row in empty.by_method if row.quantity == "loss" and row.method != SPREAD), None)
    loss = Range(math.nan, *UNKNOWN) if loss_row is None else Range(loss_row.value, loss_row.low, loss_row.high)
    run = UNKNOWN if loss_row is None else (loss_row.run_low, loss_row.run_high)
    if d.value > cap:
        size = math.exp(rule.log_size(empty.compute, cap))
        n, d, repeats = Range(size, *UNKNOWN), Range(cap, *UNKNOWN), "bound"
        loss, run = Range(math.nan, *UNKNOWN), UNKNOWN
        text = (
            f"Tokens are held at {MANY_EPOCHS:g} epochs, which count as fresh (Muennighoff 2023); the size spends the rest. "
            "What loss that gives is not known: only the optimum's loss was fitted, and this lies off the optimum."
        )
        notes.append(Note("repeats_by_bound", "warning", text))
    seen = [part / empty.unique_tokens for part in (d.value, d.low, d.high)]
    epochs = Range(*seen) if math.isfinite(empty.unique_tokens) else Range(math.nan, *UNKNOWN)
    ranges = {"n": n, "d": d, "epochs": epochs, "loss": loss}
    return replace(
        empty,
        method=isoflop.method,
        repeats=repeats,
        ranges=ranges,
        run_low=run[0],
        run_high=run[1],
        notes=(*notes, *_range_notes(points, isoflop, ranges, 1.0)),
    )
