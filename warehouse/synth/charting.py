"""Rows of chartevents: what was charted hour by hour, in the form and with the faults of MIMIC-IV.

In: a `World` (its hours, devices and laboratory results). Out: `Rows`. Every item has its turns (chartitems.py); at a turn its value
follows a vital sign or a state, the item's own lean in this stay, and the error of the moment. Values and times that repeat are
kept as dictionaries, so each becomes text once. The faults are in QUIRKS.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, coded, ints, reals, stamps, texts, words
from warehouse.synth.course import DAY
from warehouse.synth.icuitems import CHART_ITEMS, ChartItem
from warehouse.synth.labitems import ITEM_INDEX
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import CAREGIVERS
from warehouse.synth.vitals import HOUR, Hours, within

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
charted_before_stay | .0044 | 10: 2,945 of 668,862 rows in the demo | the time lies before the stay, minutes mostly
charted_after_stay | .00094 | 10: 407,966 of 432,997,491 rows in v3.1 | the time lies after the stay, by hours
charted_a_year_off | .000025 | 10: 17 of 668,862 rows in the demo | the time is wrong by whole years
stored_before_charted | .08 | 11: over 8% in the full data | storetime precedes charttime
never_stored | .0005 | 11: some in the full data, no count | storetime is NULL
height_mistyped | .02 | 25: 2 of 71 heights in the demo | digits slipped: a height beyond any person's, 825070 inch at worst
weight_not_taken | .004 | 25: 1 of 236 in the demo | a weight on admission of 0
fahrenheit_in_celsius_item | .0026 | 25: 1 of 391 in the demo | the Celsius item holds degrees Fahrenheit
""")  # fmt: skip
_RHYTHM = {"h": (1, 0), "q2": (2, 0), "q4": (4, 0), "q8": (8, 0), "q12": (12, 8), "d": (24, 6)}
# Stores of one hour: the vital signs, the rounds, the rest are each confirmed together.
_GROUPS = 3
_GROUP_OF = np.array([0 if one.rhythm == "h" else 1 + (one.item.itemid % 2) for one in CHART_ITEMS])
_LEAN, _ERROR = 0.45, 0.3
_DECIMALS = {"tempf": 1, "tempc": 1, "minvol": 1, "weight": 1, "admkg": 1, "admlb": 1}
_WORDS = sorted({word for one in CHART_ITEMS for word in one.words})
_WORD_INDEX = {word: number for number, word in enumerate(_WORDS)}
_UNITS = sorted({one.unit for one in CHART_ITEMS if one.unit})
_UNIT_OF = np.array([_UNITS.index(one.unit) if one.unit else -1 for one in CHART_ITEMS], np.int32)
_ITEMID = np.array([one.item.itemid for one in CHART_ITEMS])
_LOW = np.array([one.item.low for one in CHART_ITEMS])
_HIGH = np.array([one.item.high for one in CHART_ITEMS])
_NUMBER_OF = {one.item.itemid: number for number, one in enumerate(CHART_ITEMS)}
_HEIGHTS = [_NUMBER_OF[226707], _NUMBER_OF[226730]]
_WEIGHTS = [_NUMBER_OF[226512], _NUMBER_OF[226531]]
_CELSIUS = _NUMBER_OF[223762]
_LABS = [(number, one) for number, one in enumerate(CHART_ITEMS) if one.kind == "lab"]
_TYPO = 825_070


@dataclass
class _Charted:
    """Rows: item, moment, and a word's index or (where that is -1) a number."""

    item: np.ndarray
    moment: np.ndarray
    word: np.ndarray
    number: np.ndarray


@dataclass
class _Moments:
    """When something was charted: stay, time and when it was stored (real seconds)."""

    stay: np.ndarray
    time: np.ndarray
    stored: np.ndarray

    def plus(self, other: "_Moments") -> "_Moments":
        """These moments and then the others."""
        return _Moments(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__dataclass_fields__))


def _gates(world: "World", hours: Hours) -> dict[str, np.ndarray]:
    """For each gate, the hours in which it is open."""
    v, stay, time = hours.value, hours.stay, hours.time
    names = {one.gate for one in CHART_ITEMS} - {""}
    vent, device = v["vent"] > 0, v["device"]
    art = world.devices.at("art", stay, time)
    told = {
        "vent": vent,
        "notvent": ~vent,
        "control": v["control"],
        "spont": v["spont"],
        "sedated": v["sedated"] > 0,
        "awake": ~vent & (v["brain"] > -1.8),
        "o2": (device > 0) & (device < 5),
        "fio2": vent | (device == 3),
        "restrained": v["restrained"],
        "core": v["core"],
        "notcore": ~v["core"],
        "art": art,
        # A cuff is used beside the arterial line at times.
        "nbp": ~art | (stay % 4 == 0),
        "crrt": world.devices.at("dialysis", stay, time) & (v["severity"] > 1.7),
    }
    return {name: told[name] if name in told else world.devices.at(name, stay, time) for name in names}


def _turns(hours: Hours) -> dict[str, np.ndarray]:
    """For each rhythm, the hours that are its turns."""
    clock = hours.time // HOUR % 24
    turns = {name: np.flatnonzero(clock % every == start % every) for name, (every, start) in _RHYTHM.items()}
    return turns | {"a": hours.first}


def _says(rng: np.random.Generator, one: ChartItem, hours: Hours, rows: np.ndarray, lean: np.ndarray) -> tuple:
    """Words (or -1) and numbers (or NaN) of an item at some hours; `lean` is its own in each stay."""
    nothing = np.full(len(rows), np.nan)
    if one.kind == "v":
        digits = _DECIMALS.get(one.source, 0)
        return np.full(len(rows), -1), np.round(hours.value[one.source][rows], digits)
    labels = np.array([_WORD_INDEX[word] for word in one.words], np.int64)
    if one.kind == "w":
        return labels[hours.value[one.source][rows]], nothing
    error = rng.standard_normal(len(rows))
    own = lean[hours.stay[rows]]
    followed = 0.5 * own if one.source == "-" else hours.value[one.source][rows]
    z = followed + _LEAN * own + _ERROR * error
    if one.kind == "r":
        return labels[np.searchsorted(one.numbers, z)], nothing
    mean, spread, low, high, step = one.numbers
    number = np.round((mean + spread * z).clip(low, high) / step) * step
    return np.full(len(rows), -1), np.round(number, 2)


def _bedside(rng: np.random.Generator, world: "World", hours: Hours) -> _Charted:
    """What is charted at the turns of every item; moments are hours times groups."""
    turns, gates = _turns(hours), _gates(world, hours)
    lean = rng.standard_normal((len(CHART_ITEMS), len(hours.first)))
    habit = rng.random(lean.shape)
    parts: list[tuple] = []
    for number, one in enumerate(CHART_ITEMS):
        if one.rhythm == "l":
            continue
        rows = turns[one.rhythm]
        open_ = (habit[number] < one.use)[hours.stay[rows]] & (rng.random(len(rows)) < one.share)
        if one.gate:
            open_ &= gates[one.gate][rows]
        rows = rows[open_]
        if one.kind == "m":
            said = rng.random((len(one.words), len(rows))) < np.array(one.numbers)[:, None]
            which, at = np.nonzero(said)
            word = np.array([_WORD_INDEX[word] for word in one.words])[which]
            rows, value = rows[at], np.full(len(at), np.nan)
        else:
            word, value = _says(rng, one, hours, rows, lean[number])
        parts.append((np.full(len(rows), number), rows * _GROUPS + _GROUP_OF[number], word, value))
    return _Charted(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _from_laboratory(world: "World", first_moment: int) -> tuple[_Charted, np.ndarray, np.ndarray]:
    """Copies of laboratory results of samples drawn in a stay; and each sample's stay and time, a moment each."""
    results, samples, icu = world.results, world.samples, world.icu
    order = np.lexsort((icu.start, icu.admission))
    reach = 2**40
    key = icu.admission[order] * reach + icu.start[order]
    found = np.searchsorted(key, samples.admission * reach + samples.time, side="right") - 1
    # Where there is no stay before, the index is -1, and so is what follows it.
    stay = np.append(order, -1)[found]
    inside = (samples.admission >= 0) & (np.append(icu.admission, -1)[stay] == samples.admission)
    inside &= samples.time < np.append(icu.end, 0)[stay]
    copied = np.full(len(ITEM_INDEX), -1)
    digits = np.zeros(len(ITEM_INDEX))
    for number, one in _LABS:
        copied[ITEM_INDEX[one.source]], digits[ITEM_INDEX[one.source]] = number, one.numbers[0]
    taken = np.flatnonzero(inside[results.sample] & (copied[results.item] >= 0))
    moment = np.cumsum(inside) - 1
    scale = 10.0 ** digits[results.item[taken]]
    value = np.round(np.round(results.value[taken], 3) * scale) / scale
    rows = _Charted(
        copied[results.item[taken]],
        first_moment + moment[results.sample[taken]],
        np.full(len(taken), -1),
        value,
    )
    return rows, stay[inside], samples.time[inside]


def _stored(rng: np.random.Generator, time: np.ndarray, share: dict[str, float], group: np.ndarray) -> np.ndarray:
    """When what was charted is stored: minutes later, hours later at times, in some before."""
    usual = 60 * rng.gamma(1.1, np.where(group == 0, 18, 40))
    late = rng.random(len(time)) < 0.04
    early = rng.random(len(time)) < share["stored_before_charted"]
    ahead = -60 * (1 + rng.exponential(12, len(time)))
    wait = np.where(early, ahead, usual + late * 3600 * rng.exponential(4, len(time)))
    return (time + wait.astype(np.int64)) // 60 * 60


def _mistype(rng: np.random.Generator, share: dict[str, float], rows: _Charted) -> None:
    """Heights, weights and temperatures that were entered wrongly, in place."""
    size = len(rows.item)
    draw, slip = rng.random(size), 10.0 ** rng.integers(1, 3, size)
    height = np.isin(rows.item, _HEIGHTS)
    wrong = np.flatnonzero(height & (draw < share["height_mistyped"]))
    rows.number[wrong] = np.where(rng.random(len(wrong)) < 0.1, _TYPO, rows.number[wrong] * slip[wrong] + 1)
    absent = np.isin(rows.item, _WEIGHTS) & (draw < share["weight_not_taken"])
    hot = (rows.item == _CELSIUS) & (draw < share["fahrenheit_in_celsius_item"])
    rows.number[:] = np.where(absent, 0, np.where(hot, np.round(rows.number * 1.8 + 32, 1), rows.number))


def _displaced(rng: np.random.Generator, world: "World", share: dict[str, float], rows: _Charted, at: _Moments):
    """The moments with those of rows charted outside their stay appended; moves these rows there."""
    size, icu = len(rows.item), world.icu
    fault = rng.random(size)
    before, after, years = (share[f"charted_{name}"] for name in ("before_stay", "after_stay", "a_year_off"))
    moved = np.flatnonzero(fault < before + after + years)
    kind = np.digitize(fault[moved], [before, before + after])
    stay, time = at.stay[rows.moment[moved]], at.time[rows.moment[moved]]
    minutes = 60 * np.stack([rng.exponential(24, len(moved)), rng.exponential(800, len(moved))])
    off = 365 * DAY * rng.choice([-1, 1], len(moved))
    when = np.select(
        [kind == 0, kind == 1], [icu.start[stay] - 60 - minutes[0], icu.end[stay] + 60 + minutes[1]], time + off
    )
    when = when.astype(np.int64) // 60 * 60
    wait = (at.stored - at.time)[rows.moment[moved]]
    rows.moment[moved] = len(at.stay) + np.arange(len(moved))
    return at.plus(_Moments(stay, when, when + wait))


def chart_rows(world: "World") -> Rows:
    """Rows of chartevents."""
    rng, share, hours = world.stream("chartevents"), world.shares(QUIRKS), world.hours
    rows = _bedside(rng, world, hours)
    labs, lab_stay, lab_time = _from_laboratory(world, len(hours.stay) * _GROUPS)
    rows = _Charted(*(np.concatenate([getattr(rows, n), getattr(labs, n)]) for n in rows.__dataclass_fields__))
    _mistype(rng, share, rows)
    # Most is charted on the hour.
    aside = np.where(rng.random(len(hours.stay)) < 0.16, rng.integers(1, 45, len(hours.stay)) * 60, 0)
    time = within(world, hours, hours.time + aside)
    stay = np.concatenate([np.repeat(hours.stay, _GROUPS), lab_stay])
    time = np.concatenate([np.repeat(time, _GROUPS), lab_time])
    group = np.concatenate([np.tile(np.arange(_GROUPS), len(hours.stay)), np.ones(len(lab_stay), np.int64)])
    moments = _Moments(stay, time, _stored(rng, time, share, group))
    moments = _displaced(rng, world, share, rows, moments)
    return Rows(world.icu.patient[moments.stay[rows.moment]], _columns(rng, world, share, rows, moments))


def _columns(
    rng: np.random.Generator, world: "World", share: dict[str, float], rows: _Charted, at: _Moments
) -> dict[str, pa.Array]:
    icu = world.icu
    stay = at.stay[rows.moment]
    shift = (world.patients.shift_days[icu.patient] * DAY)[at.stay]
    # One nurse a shift of twelve hours.
    nurse = rng.integers(0, len(CAREGIVERS), 64 * len(icu.stay_id) + 64)
    shifts = ((at.time - icu.start[at.stay]) // (DAY // 2)) % 64
    numeric = rows.word < 0
    key = np.round(rows.number[numeric] * 100).astype(np.int64)
    distinct, place = np.unique(key, return_inverse=True)
    code = rows.word.copy()
    code[numeric] = len(_WORDS) + place
    labels = [word for word, _ in _WORDS] + [f"{one / 100:.10g}" for one in distinct]
    numbers = np.concatenate([[number for _, number in _WORDS], distinct / 100])
    beyond = (rows.number < _LOW[rows.item]) | (rows.number > _HIGH[rows.item])
    return {
        "subject_id": coded(stay, ints(world.patients.subject_id[icu.patient])),
        "hadm_id": coded(stay, ints(world.stays.hadm[icu.admission])),
        "stay_id": coded(stay, ints(icu.stay_id)),
        "caregiver_id": coded(at.stay[rows.moment] * 64 + shifts[rows.moment], ints(CAREGIVERS[nurse])),
        "charttime": coded(rows.moment, stamps(at.time + shift)),
        "storetime": coded(rows.moment, stamps(at.stored + shift, rng.random(len(shift)) < share["never_stored"])),
        "itemid": coded(rows.item, ints(_ITEMID)),
        "value": coded(code, texts(labels)),
        "valuenum": coded(code, reals(numbers)),
        "valueuom": words(_UNIT_OF[rows.item], _UNITS),
        "warning": coded(beyond.astype(np.int64), ints(np.arange(2))),
    }
