"""What is given in intensive care: each stretch of an infusion and each single dose, by stay.

In: a `World`. Out: `Infusions`, one row a stretch or dose, in real seconds (whole minutes); intake.py writes them as rows. A recipe
runs in the spans that the hidden course gives it: while a treatment or an order is on, a device is in place, or after a result.
Rates follow severity in steps; an infusion is parted at each change of rate and each new bag.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP
from warehouse.synth.devices import DEVICES, VENT, steps_of
from warehouse.synth.episodes import EPISODES
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.recipes import RECIPES, rate_factor
from warehouse.synth.treatments import DRUG_INDEX, RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

REACH = 2**40
STATUSES = ("FinishedRunning", "ChangeDose/Rate", "Stopped", "Paused")
FINISHED, CHANGED, STOPPED, PAUSED = range(len(STATUSES))
# Shares of stretches that end so, from the demo.
_PAUSED, _STOPPED = 0.095, 0.6
# Share of the doses due that are given and charted.
_GIVEN = 0.97
# Most happens on arrival: how busy it is later, and within how many seconds it calms down.
_LATER, _CALM = 0.4, 2.0 * DAY
_RULE = {rule.drug: number for number, rule in enumerate(RULES)}
_SPANS = tuple(dict.fromkeys(recipe.span for recipe in RECIPES))
_FLAGGED = {flag: np.array([flag in one.flags and "D" not in one.flags for one in EPISODES]) for flag in "SC"}
_BY_WEIGHT = np.array(["/kg" in recipe.rate_unit for recipe in RECIPES])
_FACTOR = np.array([rate_factor(recipe) for recipe in RECIPES])
_STRENGTH = np.array([recipe.strength for recipe in RECIPES])
_BAG = np.array([recipe.bag for recipe in RECIPES])
_OFTEN = np.array([recipe.often for recipe in RECIPES])
_MINUTES = np.array([recipe.minutes for recipe in RECIPES])
_USUAL, _SPREAD, _SLOPE, _STEP = np.array([(one.doses[0], one.spread, one.slope, one.step) for one in RECIPES]).T
_CHOICES = np.array([len(recipe.doses) for recipe in RECIPES])
_DOSES = np.array([(*recipe.doses, *[0.0] * (8 - len(recipe.doses))) for recipe in RECIPES])
# Least rate of flow in mL an hour that a pump is set to, and most.
_FLOW = (0.3, 999.0)

Spans = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class Infusions:
    """Stretches and doses, sorted by stay and start; `rate` and `first_rate` are NaN and the dose where nothing runs."""

    stay: np.ndarray
    recipe: np.ndarray
    start: np.ndarray
    end: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    first_rate: np.ndarray
    left: np.ndarray
    bag: np.ndarray
    link: np.ndarray
    status: np.ndarray


def weights(world: "World") -> np.ndarray:
    """Kilograms of each stay's patient, on arrival."""
    who = world.icu.patient
    body = world.patients.bmi[who] * (world.patients.height[who] * 0.0254) ** 2
    return np.round(body * np.exp(0.05 * world.stream("weights").standard_normal(len(who))), 1)


def _clip(world: "World", stay: np.ndarray, start: np.ndarray, end: np.ndarray) -> Spans:
    """Spans within their stays, in whole minutes; those shorter than half an hour fall away."""
    start = -(-np.maximum(start, world.icu.start[stay]) // 60) * 60
    end = np.minimum(end, world.icu.end[stay]) // 60 * 60
    kept = np.flatnonzero(end - start >= 1800)
    return stay[kept], start[kept], end[kept]


def _of_admissions(world: "World", admission: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (row, stay): every stay of each row's admission."""
    first = np.searchsorted(world.icu.admission, admission, side="left")
    count = np.searchsorted(world.icu.admission, admission, side="right") - first
    row = np.repeat(np.arange(len(admission)), count)
    return row, first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


def _rule_spans(rng: np.random.Generator, world: "World", drug: str) -> Spans:
    course = world.course
    on = course.treated[:, _RULE[drug]] & course.icu
    begins = np.flatnonzero(on & (course.step_first | ~np.r_[False, on[:-1]]))
    ends = np.flatnonzero(on & np.r_[course.step_first[1:] | ~on[1:], True])
    row, stay = _of_admissions(world, course.step_admission[begins])
    start = course.step_time[begins] + rng.integers(0, STEP // 2, len(begins))
    end = course.step_time[ends] + rng.integers(STEP // 2, STEP + STEP // 2, len(begins))
    return _clip(world, stay, start[row], end[row])


def _result_spans(rng: np.random.Generator, world: "World", kind: str, latent: str, cut: str) -> Spans:
    course = world.course
    reading = course.reading[:, LATENT_INDEX[latent]] * (1 if kind == "high" else -1)
    step = np.flatnonzero(course.icu & course.drawn & (reading > float(cut)) & (rng.random(len(reading)) < 0.6))
    row, stay = _of_admissions(world, course.step_admission[step])
    start = course.step_time[step] + rng.integers(3600, 5 * 3600, len(step))
    return _clip(world, stay, start[row], start[row] + STEP // 2)


def spans_of(rng: np.random.Generator, world: "World", text: str) -> Spans:
    """Stay, start and end of every span that `text` names (see recipes.py, outputs.py); seconds, within the stays."""
    icu, devices = world.icu, world.devices
    every, (kind, _, what) = np.arange(len(icu.stay_id)), text.partition(" ")
    if kind == "r":
        return _rule_spans(rng, world, what)
    if kind in ("low", "high"):
        return _result_spans(rng, world, kind, *what.split())
    if kind == "o":
        order = np.flatnonzero(world.orders.drug == DRUG_INDEX[what])
        row, stay = _of_admissions(world, world.orders.admission[order])
        return _clip(world, stay, world.orders.start[order][row], world.orders.stop[order][row])
    if kind == "d":
        number = DEVICES.index(what)
        return _clip(world, every, devices.start[:, number] + 3600, devices.end[:, number])
    if kind == "without":
        begin, end = (times[:, DEVICES.index(what)] for times in (devices.start, devices.end))
        none = end <= begin
        before = (every[~none], icu.start[~none], begin[~none])
        after = (every, np.where(none, icu.start, end), icu.end)
        return _clip(world, *map(np.concatenate, zip(before, after, strict=True)))
    if kind == "with":
        chosen = every[world.course.present[icu.admission, CONDITION_INDEX[what]]]
        return _clip(world, chosen, icu.start[chosen], icu.end[chosen])
    if kind == "start":
        first = np.r_[True, icu.admission[1:] != icu.admission[:-1]][: len(every)]
        surgical = _FLAGGED["S" if what == "-" else what][world.course.episode[icu.admission]]
        chosen = every[first & (surgical ^ (what == "-"))]
        return _clip(world, chosen, icu.start[chosen], icu.start[chosen] + 3600)
    awake = np.where(devices.end[:, VENT] > devices.start[:, VENT], devices.end[:, VENT], icu.start) + 2 * 3600
    return _clip(world, every, awake if kind == "eats" else icu.start, icu.end)


def _find_spans(rng: np.random.Generator, world: "World") -> tuple[np.ndarray, Spans]:
    """Recipe and span of everything that is given."""
    own = rng.random((len(_SPANS), len(world.icu.stay_id)))
    found = {text: spans_of(rng, world, text) for text in _SPANS}
    recipes, spans = [], []
    for number, recipe in enumerate(RECIPES):
        stay, start, end = found[recipe.span]
        mine = own[_SPANS.index(recipe.span), stay]
        kept = np.flatnonzero((mine >= recipe.limits[0]) & (mine < recipe.limits[1]))
        spans.append((stay[kept], start[kept], end[kept]))
        recipes.append(np.full(len(kept), number))
    return np.concatenate(recipes), tuple(map(np.concatenate, zip(*spans, strict=True)))


def _busy(world: "World", stay: np.ndarray, time: np.ndarray) -> np.ndarray:
    return _LATER + (1 - _LATER) * np.exp(-(time - world.icu.start[stay]) / _CALM)


def _repeated(rng: np.random.Generator, world: "World", recipe: np.ndarray, spans: Spans) -> dict[str, np.ndarray]:
    """Single doses: at intervals in each span, on round times of day as often as not."""
    stay, start, end = spans
    once = np.array(["start" in RECIPES[number].span for number in range(len(RECIPES))])[recipe]
    expected = np.where(once, 1.0, (end - start) / DAY * _OFTEN[recipe])
    count = (expected + rng.random(len(recipe))).astype(int)
    run = np.repeat(np.arange(len(recipe)), count)
    nth = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
    place = (nth + rng.uniform(0.05, 0.95, len(run))) / count[run]
    time = start[run] + (place * (end - start - 120)[run]).astype(np.int64)
    grid = np.array([60, 900, 1800, 3600])[rng.choice(4, len(run), p=[0.6, 0.1, 0.15, 0.15])]
    time = np.maximum(time // grid * grid, start[run])
    kept = np.flatnonzero(once[run] | (rng.random(len(run)) < _GIVEN * _busy(world, stay[run], time)))
    run, time = run[kept], time[kept]
    which, lasting = recipe[run], np.maximum(_MINUTES[recipe[run]], 1)
    hurried = rng.lognormal(0, 0.45, len(run))
    lasting = np.where(lasting > 1, np.maximum(lasting * np.where(hurried < 1.2, 1, hurried), 10), 1).astype(np.int64)
    finish = np.minimum(time + 60 * lasting, world.icu.end[stay[run]] // 60 * 60)
    dose = _DOSES[which, (rng.random(len(run)) * _CHOICES[which]).astype(int)]
    around = np.exp(_SPREAD[which] * rng.standard_normal(len(run)))
    dose = np.where(_SPREAD[which] > 0, np.round(dose * around / 5) * 5, dose)
    hours = (finish - time) / 3600
    runs = (_MINUTES[which] > 1) & (finish > time)
    volume = dose / _STRENGTH[which]
    return {
        "stay": stay[run],
        "recipe": which,
        "start": time,
        "end": np.maximum(finish, time + 60),
        "amount": dose,
        "rate": np.where(runs, volume / np.maximum(hours, 1 / 60), np.nan),
        "first_rate": np.where(runs, volume / np.maximum(hours, 1 / 60), dose),
        "left": volume,
        "bag": volume,
        "link": np.arange(len(run)),
        "status": np.where(runs & (rng.random(len(run)) < 0.05), STOPPED, FINISHED),
    }


def _changes(
    rng: np.random.Generator, world: "World", recipe: np.ndarray, spans: Spans
) -> tuple[np.ndarray, np.ndarray]:
    """Run and time of each step in rate, the beginning included, sorted; the denser the nearer to arrival."""
    stay, start, end = spans
    expected = (end - start) / DAY * _OFTEN[recipe] * (_busy(world, stay, start) + _busy(world, stay, end)) / 2
    count = rng.poisson(expected)
    run = np.concatenate([np.arange(len(recipe)), np.repeat(np.arange(len(recipe)), count)])
    place = np.concatenate([np.zeros(len(recipe)), rng.random(count.sum()) ** 1.3])
    time = (start[run] + place * (end - start)[run]).astype(np.int64) // 60 * 60
    order = np.lexsort((time, run))
    run, time = run[order], time[order]
    fresh = np.r_[True, (run[1:] != run[:-1]) | (time[1:] != time[:-1])][: len(run)]
    return run[fresh], time[fresh]


def _new_bags(run: np.ndarray, time: np.ndarray, end: np.ndarray, flow: np.ndarray, bag: np.ndarray) -> tuple:
    """Run and time at which each further bag is hung: where the volume given passes a multiple of the bag's."""
    seconds = end - time
    given = np.r_[0.0, np.cumsum(flow * seconds / 3600)]
    clock = np.r_[0.0, np.cumsum(seconds)]
    first = np.flatnonzero(np.r_[True, run[1:] != run[:-1]][: len(run)])
    last = np.r_[first[1:], len(run)]
    count = np.maximum(np.ceil((given[last] - given[first]) / bag[run[first]] - 1e-9).astype(int) - 1, 0)
    which = np.repeat(np.arange(len(first)), count)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + 1
    passed = np.interp(given[first][which] + nth * bag[run[first]][which], given, clock)
    return run[first][which], (time[first][which] + passed - clock[first][which]).astype(np.int64) // 60 * 60


def _running(rng: np.random.Generator, world: "World", recipe: np.ndarray, spans: Spans) -> dict[str, np.ndarray]:
    """Stretches of infusions: parted where the rate changes or a bag ends; some pause before the next."""
    stay, _, end = spans
    weight = np.where(_BY_WEIGHT[recipe], weights(world)[stay], 1.0)
    run, time = _changes(rng, world, recipe, spans)
    severity = world.course.severity[steps_of(world, stay[run], time)]
    wanted = rng.standard_normal(len(recipe))[run] * 0.8 + rng.standard_normal(len(run)) * 0.6
    which = recipe[run]
    rate = _USUAL[which] * np.exp(_SPREAD[which] * wanted + _SLOPE[which] * (severity - 2))
    hourly = (_FACTOR[recipe] * weight / _STRENGTH[recipe])[run]
    rate = np.clip(np.maximum(np.round(rate / _STEP[which]), 1) * _STEP[which], *(limit / hourly for limit in _FLOW))
    until = np.where(np.r_[run[1:] == run[:-1], False], np.r_[time[1:], 0], end[run])
    bag_run, bag_time = _new_bags(run, time, until, rate * hourly, _BAG[recipe])
    # A new bag at the minute of a change of rate counts as that change.
    old = np.isin(bag_run * REACH + bag_time, run * REACH + time)
    run = np.concatenate([run, bag_run[~old]])
    hung = np.r_[np.zeros(len(time), bool), np.ones((~old).sum(), bool)]
    dose = np.concatenate([rate, np.full(len(run) - len(rate), np.nan)])
    time = np.concatenate([time, bag_time[~old]])
    order = np.lexsort((time, run))
    run, time, hung, dose = run[order], time[order], hung[order], dose[order]
    # The rate goes on from bag to bag: each run begins with a rate.
    dose = dose[np.maximum.accumulate(np.where(np.isnan(dose), 0, np.arange(len(dose))))]
    goes_on = np.r_[run[1:] == run[:-1], False][: len(run)]
    until = np.where(goes_on, np.r_[time[1:], 0], end[run])
    status = np.where(~goes_on, np.where(rng.random(len(run)) < _STOPPED, STOPPED, FINISHED),
                      np.where(np.r_[hung[1:], False], FINISHED, CHANGED))  # fmt: skip
    paused = (status == CHANGED) & (rng.random(len(run)) < _PAUSED * 1.4) & (until - time > 600)
    until = np.where(
        paused, time + ((until - time) * rng.uniform(0.3, 0.9, len(run))).astype(np.int64) // 60 * 60, until
    )
    which, hours = recipe[run], (until - time) / 3600
    actual = dose * np.exp(0.0008 * rng.standard_normal(len(run)))
    amount = actual * _FACTOR[which] * weight[run] * hours
    head = np.flatnonzero(hung | ~np.r_[False, run[1:] == run[:-1]][: len(run)])
    link = np.repeat(head, np.diff(np.r_[head, len(run)]))
    used = np.r_[0.0, np.cumsum(amount / _STRENGTH[which])]
    left = np.maximum(_BAG[which] - (used[:-1] - used[link]), amount / _STRENGTH[which])
    return {
        "stay": stay[run],
        "recipe": which,
        "start": time,
        "end": until,
        "amount": amount,
        "rate": actual,
        "first_rate": dose,
        "left": left,
        "bag": _BAG[which],
        "link": link,
        "status": np.where(paused, PAUSED, status),
    }


def make_infusions(world: "World") -> Infusions:
    """All that is given in intensive care to a block of patients."""
    rng = world.stream("infusions")
    recipe, spans = _find_spans(rng, world)
    runs = _MINUTES[recipe] == 0
    repeated = _repeated(rng, world, recipe[~runs], tuple(part[~runs] for part in spans))
    running = _running(rng, world, recipe[runs], tuple(part[runs] for part in spans))
    running["link"] = running["link"] + len(repeated["stay"])
    joined = {name: np.concatenate([repeated[name], running[name]]) for name in repeated}
    order = np.lexsort((joined["recipe"], joined["start"], joined["stay"]))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    joined["link"] = place[joined["link"]]
    return Infusions(**{name: column[order] for name, column in joined.items()})
