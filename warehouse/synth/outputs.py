"""Rows of outputevents: urine, drains, stomach and bowel of patients in intensive care.

In: a `World`. Out: `Rows`. Urine follows the patient, severity, furosemide and the kidneys; drains dry up with the days; each value is what
came since the last one. At most one row a stay, item and time, which is the table's key.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.columns import Rows, ints, reals, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY
from warehouse.synth.devices import steps_of
from warehouse.synth.fluiditems import ITEM
from warehouse.synth.infusions import spans_of
from warehouse.synth.intake import nurses, told_early
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.quirks import quirks
from warehouse.synth.treatments import RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
output_outside_stay | .0016 | 10: 15 of 9,362 in the demo | charttime before the stay, by hours
output_stored_early | .156 | 11: 1,457 of 9,362 | storetime before charttime
""")  # fmt: skip
# item|span: as in recipes.py, or `without device`, `with condition`|from to (a stay's own number)|hours between values at first, later|
#   mL an hour (mL in all at `start`), spread, slope on severity, days until it is down to a third (0: never)|share that is 0
_OUTPUTS = """
Foley|d foley|0 .985|1 1.9|60 .55 -.12 0|.007
Void|without foley|0 .9|6 9|36 .5 -.1 0|.02
Condom Cath|without foley|.9 .96|3 4|45 .5 -.1 0|0
Straight Cath|without foley|.6 .66|12 16|35 .3 0 0|0
GU Irrigant Volume In|d foley|.985 1|4 6|400 .3 0 0|0
GU Irrigant/Urine Volume Out|d foley|.985 1|4 6|450 .3 0 0|0
Chest Tube #1|d chest|0 1|1 4|22 .8 .1 3|.12
Chest Tube #2|d chest|0 .12|4 6|14 .7 .1 3|.05
L Pleural #1|d chest|.12 .2|6 8|8 1.2 .1 3|.2
Mediastinal|d chest|.2 .25|1 4|10 .7 .1 3|.2
Pericardial|d chest|.25 .28|4 8|4 .9 .1 2|.1
TF Residual|d gitube|.2 .65|5 7|7 1.3 .2 0|.26
TF Residual Output|d gitube|.2 .28|10 16|14 1.4 .2 0|.44
Oral Gastric|d gitube|.55 .85|10 20|10 .9 .1 4|.14
Nasogastric|d gitube|.85 1|7 12|12 1 .1 4|.2
Gastric Tube|d gitube|.1 .14|8 12|6 1.4 .1 0|.3
Cerebral Ventricular #1|d icp|0 .85|1 1.5|4.5 .7 0 0|.12
Cerebral Ventricular #2|d icp|0 .08|2 3|1 .8 0 0|.6
Jackson Pratt #1|d incision|0 .3|6 9|10 .6 .1 6|.03
Jackson Pratt #2|d incision|0 .09|6 9|4 .6 .1 6|.02
Jackson Pratt #3|d incision|0 .03|6 9|5 .5 .1 6|0
Jackson Pratt #4|d incision|0 .015|6 9|4 .5 .1 6|0
Hemovac #1|d incision|.3 .33|12 12|3 .5 0 4|0
Wound Vac #1|d wound|0 .02|12 20|8 .6 0 0|0
Pigtail #1|d chest|.28 .42|6 9|15 .7 0 4|0
Drainage Bag|d wound|.02 .05|8 12|6 .8 0 6|.13
Ostomy (output)|with ileostomy|0 1|5 7|35 .7 0 0|.01
Stool|stay|0 .2|24 40|8 .6 0 0|0
Fecal Bag|stay|.2 .3|14 20|12 .5 .1 0|.02
Rectal Tube|stay|.3 .34|12 16|18 .6 .1 0|0
Rectal Tube|r lactulose|0 .4|8 12|25 .6 .1 0|0
Emesis|stay|.4 .52|36 60|4 .9 0 0|0
Tap|with ascites|0 .2|90 120|25 1 0 0|0
Blakemore|with varices|0 .03|12 12|40 .8 0 0|0
OR Urine|start S|0 .85|0 0|550 .9 0 0|0
OR EBL|start S|0 .55|0 0|140 .9 .2 0|.1
PACU Urine|start S|.85 .9|0 0|850 .5 0 0|0
PACU Drains|start S|.85 .87|0 0|60 .6 0 0|0
Pre-Admission|start -|0 .2|0 0|480 .7 0 0|0
Cath Lab|start -|.2 .212|0 0|200 .6 0 0|0
"""
_URINE = np.array([ITEM[name] for name in ("Foley", "Void", "Condom Cath", "Straight Cath", "OR Urine", "PACU Urine")])
_ESRD = CONDITION_INDEX["esrd"]
_DIURETIC = [rule.drug for rule in RULES].index("furosemide")
_CREATININE = LATENT_INDEX["cr"]
_MOST, _CHARTED_LATE = 8000, 25.0


@dataclass(frozen=True)
class Output:
    """One kind of output; the fields are those of _OUTPUTS."""

    item: int
    span: str
    limits: tuple[float, float]
    hours: tuple[float, float]
    flow: float
    spread: float
    slope: float
    drying: float
    zero: float


def _output(line: str) -> Output:
    label, span, limits, hours, numbers, zero = line.split("|")
    return Output(
        ITEM[label], span, tuple(map(float, limits.split())), tuple(map(float, hours.split())),
        *map(float, numbers.split()), float(zero),
    )  # fmt: skip


OUTPUTS: tuple[Output, ...] = tuple(_output(line) for line in _OUTPUTS.strip().splitlines())
_SPANS = tuple(dict.fromkeys(one.span for one in OUTPUTS))
_FLOW, _SPREAD, _SLOPE, _DRYING, _ZERO = np.array(
    [(one.flow, one.spread, one.slope, one.drying, one.zero) for one in OUTPUTS]
).T
_OUTPUT_ITEM = np.array([one.item for one in OUTPUTS])


def _slots(rng: np.random.Generator, world: "World", one: Output, spans: tuple) -> tuple[np.ndarray, ...]:
    """Stay, time and hours since the last value of one kind of output; on the hour, closest on the first day."""
    stay, start, end = spans
    if not one.hours[0]:
        return stay, start + rng.integers(0, 30, len(stay)) * 60, np.ones(len(stay))
    first, later = one.hours
    count = ((end - start) / 3600 / first).astype(int)
    run = np.repeat(np.arange(len(stay)), count)
    nth = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count) + rng.uniform(0.5, 1.0, len(run))
    time = start[run] + (nth * first * 3600).astype(np.int64)
    rounded = -(-time // 3600) * 3600
    time = np.where((rng.random(len(run)) < 0.87) & (rounded <= end[run]), rounded, time // 60 * 60)
    time = np.clip(time, start[run], end[run])
    since = time - world.icu.start[stay[run]]
    kept = np.flatnonzero(rng.random(len(run)) < np.maximum(np.exp(-since / DAY), first / later))
    run, time = run[kept], time[kept]
    before = np.where(np.r_[False, run[1:] == run[:-1]][: len(run)], np.r_[0, time[:-1]], start[run])
    return stay[run], time, ((time - before) / 3600).clip(0.5, 12)


def _volumes(rng: np.random.Generator, world: "World", stay, time, kind, hours) -> np.ndarray:
    """Millilitres: what flows, by the hidden course, since the last value; in fives as charted."""
    course, icu = world.course, world.icu
    step = steps_of(world, stay, time)
    own = rng.standard_normal(len(icu.stay_id))
    severity = course.severity[step]
    flow = _FLOW[kind] * np.exp(_SLOPE[kind] * (severity - 1.5) + _SPREAD[kind] * rng.standard_normal(len(kind)))
    since = (time - icu.start[stay]) / DAY
    flow = flow * np.exp(-since.clip(0) * np.log(3) / np.where(_DRYING[kind] > 0, _DRYING[kind], np.inf))
    kidneys = np.exp(-0.22 * (course.latents[step, _CREATININE] - 1).clip(0, 8))
    urine = np.exp(0.4 * own[stay]) * kidneys * np.where(course.treated[step, _DIURETIC], 1.8, 1.0)
    urine = urine * np.where(course.present[icu.admission[stay], _ESRD], 0.25, 1.0)
    flow = flow * np.where(np.isin(_OUTPUT_ITEM[kind], _URINE), urine, np.exp(0.3 * own[stay]))
    volume = np.where(rng.random(len(kind)) < _ZERO[kind], 0, flow * hours)
    unit = np.where(volume < 15, 1, np.where((volume < 100) | (rng.random(len(kind)) < 0.4), 5, 25))
    return np.minimum(np.round(volume / unit) * unit, _MOST)


def output_rows(world: "World") -> Rows:
    """Rows of outputevents."""
    rng, share, icu = world.stream("outputevents"), world.shares(QUIRKS), world.icu
    own = rng.random((len(_SPANS), len(icu.stay_id)))
    found = {text: spans_of(rng, world, text) for text in _SPANS}
    parts = []
    for number, one in enumerate(OUTPUTS):
        mine = own[_SPANS.index(one.span), found[one.span][0]]
        chosen = (mine >= one.limits[0]) & (mine < one.limits[1])
        slots = _slots(rng, world, one, tuple(part[chosen] for part in found[one.span]))
        parts.append((*slots, np.full(len(slots[0]), number)))
    stay, time, hours, kind = map(np.concatenate, zip(*parts, strict=True))
    value = _volumes(rng, world, stay, time, kind, hours)
    early = told_early(rng, time - icu.start[stay], share["output_outside_stay"])
    back = rng.exponential(3600, len(kind)).astype(np.int64) + 120
    time = np.where(early, icu.start[stay] - back, time) // 60 * 60
    _, kept = np.unique(np.column_stack([stay, time, _OUTPUT_ITEM[kind]]), axis=0, return_index=True)
    stay, time, kind, value = stay[kept], time[kept], kind[kept], value[kept]
    size = len(kept)
    late = np.where(rng.random(size) < 0.12, 0, np.exp(np.log(_CHARTED_LATE) + 1.2 * rng.standard_normal(size)))
    hasty = rng.random(size) < share["output_stored_early"]
    stored = time + 60 * np.where(hasty, -1 - rng.exponential(8, size), late.clip(0, 2000)).astype(np.int64)
    who = icu.patient[stay]
    shift = world.patients.shift_days[who] * DAY
    columns = {
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[icu.admission[stay]]),
        "stay_id": ints(icu.stay_id[stay]),
        "caregiver_id": ints(nurses(icu.stay_id[stay], time)),
        "charttime": stamps(time + shift),
        "storetime": stamps(stored + shift),
        "itemid": ints(_OUTPUT_ITEM[kind]),
        "value": reals(value),
        "valueuom": words(np.zeros(size), ["ml"]),
    }
    return Rows(who, columns)
