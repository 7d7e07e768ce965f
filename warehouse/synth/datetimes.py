"""Rows of datetimeevents: when lines were put in, dressed and changed, told again at every round of the nurse.

In: a `World` (its devices and hours). Out: `Rows`, one a stay, item and time. A date stays the same until the line is dressed or
changed again, so the rows repeat it. The faults are in QUIRKS.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.columns import Rows, coded, ints, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY
from warehouse.synth.devices import DEVICES
from warehouse.synth.icuitems import DATE_ITEMS, DateItem
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import CAREGIVERS
from warehouse.synth.vitals import HOUR, Hours, within

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
date_outside_stay | .002 | 10: 31 of 15,280 rows in the demo | charted before the stay, or after it
date_stored_before_charted | .0387 | 11: 591 of 15,280 rows in the demo | storetime precedes charttime
date_in_future | .04 | demo: 4% of the rows | the date told lies after the time of charting
""")  # fmt: skip
_EVERY = 4
# Share of rounds at which a line's dates are told; and at which one of its items is left out.
_TOLD, _SKIPPED = 0.62, 0.05
_UNITS = sorted({one.unit for one in DATE_ITEMS})
_UNIT_OF = np.array([_UNITS.index(one.unit) for one in DATE_ITEMS])
_ITEMID = np.array([one.item.itemid for one in DATE_ITEMS])


@dataclass
class _Told:
    """Rows: item, row of the hours, and the date told (real seconds)."""

    item: np.ndarray
    hour: np.ndarray
    date: np.ndarray


def _history(rng: np.random.Generator, world: "World", hours: Hours, one: DateItem) -> np.ndarray:
    """Stays that are asked: of the last dialysis those who have it, of the last menses younger women."""
    icu, draw = world.icu, rng.random(len(hours.first))
    if one.item.label == "Last dialysis":
        present = world.course.present[icu.admission]
        return present[:, CONDITION_INDEX["esrd"]] & (draw < 0.5)
    return ~world.patients.male[icu.patient].astype(bool) & (world.course.age[icu.admission] < 52) & (draw < 0.2)


def _dates(rng: np.random.Generator, world: "World", hours: Hours, rounds: np.ndarray) -> _Told:
    told = {kind: rng.random(len(rounds)) < _TOLD for kind in DEVICES}
    parts: list[tuple] = []
    for number, one in enumerate(DATE_ITEMS):
        phase = rng.random(len(hours.first))
        keeps = rng.random(len(hours.first)) < one.use
        listed = rng.random(len(rounds)) >= _SKIPPED
        if one.device == "history":
            rows = hours.first[_history(rng, world, hours, one)]
            stay = hours.stay[rows]
            date = hours.time[rows] - ((0.2 + phase[stay]) * one.every * DAY).astype(np.int64)
        else:
            there = world.devices.at(one.device, hours.stay[rounds], hours.time[rounds])
            rows = rounds[there & told[one.device] & listed & keeps[hours.stay[rounds]]]
            stay = hours.stay[rows]
            placed = world.devices.start[stay, DEVICES.index(one.device)]
            date = placed
            if one.every:
                span = one.every * DAY * (0.6 + 0.8 * phase[stay])
                date = placed + ((hours.time[rows] - placed) / span).astype(np.int64) * span.astype(np.int64)
        if one.unit == "Date":
            # Days begin by the shifted clock, which differs from the real one by whole days.
            date = date // DAY * DAY
        parts.append((np.full(len(rows), number), rows, date // 60 * 60))
    return _Told(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def datetime_rows(world: "World") -> Rows:
    """Rows of datetimeevents."""
    rng, share, hours, icu = world.stream("datetimeevents"), world.shares(QUIRKS), world.hours, world.icu
    rounds = np.flatnonzero(hours.time // HOUR % 24 % _EVERY == 0)
    told = _dates(rng, world, hours, rounds)
    size = len(told.item)
    stay, who = hours.stay[told.hour], icu.patient[hours.stay[told.hour]]
    minute = np.where(rng.random(len(hours.stay)) < 0.33, 0, rng.integers(1, 60, len(hours.stay)))
    charted = within(world, hours, hours.time + 60 * minute)[told.hour]
    outside = rng.random(size) < share["date_outside_stay"]
    away = 60 * (1 + rng.exponential(12, size)).astype(np.int64)
    where = np.where(rng.random(size) < 0.9, icu.start[stay] // 60 * 60 - away, icu.end[stay] // 60 * 60 + 60 * away)
    charted = np.where(outside, where, charted)
    waits = 60 * np.where(rng.random(size) < 0.55, 0, rng.gamma(0.9, 75, size)).astype(np.int64)
    early = rng.random(size) < share["date_stored_before_charted"]
    stored = charted + np.where(early, -60 * rng.integers(1, 30, size), waits)
    ahead = rng.random(size) < share["date_in_future"]
    date = np.where(ahead, (charted // DAY + 1) * DAY, np.minimum(told.date, charted))
    # One row a stay, item and time, as its key asks.
    _, kept = np.unique(np.stack([stay, told.item, charted]), axis=1, return_index=True)
    stay, who, item, shift = stay[kept], who[kept], told.item[kept], (world.patients.shift_days[who] * DAY)[kept]
    nurse = rng.integers(0, len(CAREGIVERS), 64 * len(icu.stay_id) + 64)
    shifts = ((charted[kept] - icu.start[stay]) // (DAY // 2)) % 64
    columns = {
        "subject_id": coded(stay, ints(world.patients.subject_id[icu.patient])),
        "hadm_id": coded(stay, ints(world.stays.hadm[icu.admission])),
        "stay_id": coded(stay, ints(icu.stay_id)),
        "caregiver_id": ints(CAREGIVERS[nurse[stay * 64 + shifts]]),
        "charttime": stamps(charted[kept] + shift),
        "storetime": stamps(stored[kept] + shift),
        "itemid": coded(item, ints(_ITEMID)),
        "value": stamps(date[kept] + shift),
        "valueuom": words(_UNIT_OF[item], _UNITS),
        "warning": ints(rng.random(len(kept)) < 0.0001),
    }
    return Rows(who, columns)
