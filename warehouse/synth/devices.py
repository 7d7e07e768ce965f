"""Lines, tubes and machines at the bedside in intensive care: what each stay has, from when to when.

In: a `World`. Out: `Devices`, one span a stay and kind in real seconds; where a stay lacks a kind, end equals start. Charted values,
dates, procedures and outputs all read these spans, so that they agree with each other. A ventilator follows severity and
sedation of the hidden course; lines follow the ventilator and the worst severity of the stay.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP
from warehouse.synth.episodes import EPISODES
from warehouse.synth.patients import sigmoid
from warehouse.synth.treatments import RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

# kind|log-odds|per unit of worst severity above 1.5|on a ventilator|after an operation|share there before the stay|
# mean hours until it is put in|mean days in place
_KINDS = """
vent|0|0|0|0|0|0|0
art|-1.5|.5|2.2|.8|.25|5|4
cvl|-2.0|.5|1.6|.5|.35|8|5
picc|-2.0|.25|.6|0|.5|60|12
dialysis|-5|.8|.7|-.5|.4|30|8
cordis|-3.4|.3|.8|1.0|.3|6|2.5
pa|-4.4|.4|.5|1.8|.3|4|2
trauma|-4.0|.3|.6|.4|.5|4|3
port|-3.4|0|0|0|1|0|40
midline|-3.5|0|0|0|.2|70|6
iabp|-5.4|.5|.8|.4|.2|4|2
gauge20|.7|0|0|0|.7|12|3.2
gauge18|.1|.1|.4|.3|.8|8|2.6
gauge22|-1.1|0|0|0|.5|30|2.8
gauge16|-2.0|.1|.3|.8|.8|5|2
foley|.4|.6|1.6|.7|.6|4|6
gitube|-2.0|.4|3.2|0|.2|7|6
chest|-3.4|.1|.6|2.2|.7|10|4
icp|-5.2|.3|1.0|.8|.3|5|5
wound|-.9|.5|.5|0|.6|20|15
ulcer|-2.9|.5|.6|0|.5|60|20
incision|-2.6|0|.2|4|.8|5|15
"""
DEVICES: tuple[str, ...] = tuple(line.split("|")[0] for line in _KINDS.strip().splitlines())
_ODDS = np.array([[float(part) for part in line.split("|")[1:]] for line in _KINDS.strip().splitlines()]).T
_SURGICAL = np.array(["S" in episode.flags and "D" not in episode.flags for episode in EPISODES])
_DRUGS = [rule.drug for rule in RULES]
_SEDATIVES = [_DRUGS.index(drug) for drug in ("propofol", "midazolam")]
VENT, DIALYSIS = DEVICES.index("vent"), DEVICES.index("dialysis")


@dataclass
class Devices:
    """Spans of devices: (stays, DEVICES), real seconds. Several spans of one kind in a stay are told as one."""

    start: np.ndarray
    end: np.ndarray

    def at(self, kind: str, stay: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Whether each stay has the device in place at the time."""
        number = DEVICES.index(kind)
        return (time >= self.start[stay, number]) & (time < self.end[stay, number])


def steps_of(world: "World", stay: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The step of the course in which each time lies (the admission's first or last one beyond its ends)."""
    course, admission = world.course, world.icu.admission[stay]
    reach = 2**40
    key = course.step_admission * reach + course.step_time
    found = np.searchsorted(key, admission * reach + time, side="right") - 1
    ends = np.searchsorted(course.step_admission, [np.arange(len(course.patient)), np.arange(len(course.patient)) + 1])
    return np.clip(found, ends[0][admission], ends[1][admission] - 1)


def worst_severity(world: "World") -> np.ndarray:
    """Highest severity of each stay in intensive care."""
    icu, course = world.icu, world.course
    every = np.arange(len(icu.stay_id))
    first, last = steps_of(world, every, icu.start), steps_of(world, every, icu.end)
    # Two bounds a stay; what lies between stays is computed as well and thrown away.
    bounds = np.column_stack([first, np.minimum(last + 1, len(course.severity) - 1)]).ravel()
    return np.maximum.reduceat(course.severity, bounds)[::2] if len(every) else np.zeros(0)


def _ventilator(rng: np.random.Generator, world: "World") -> tuple[np.ndarray, np.ndarray]:
    """From the first to the last step that asks for a ventilator."""
    icu, course = world.icu, world.course
    size = len(icu.stay_id)
    limit = rng.normal(2.5, 0.45, size)
    spared = rng.random(size) < 0.7
    each = np.arange(size)
    first, last = steps_of(world, each, icu.start), steps_of(world, each, icu.end)
    count = last - first + 1
    stay = np.repeat(each, count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[stay]
    sedated = course.treated[step][:, _SEDATIVES].any(axis=1) & ~spared[stay]
    wanted = course.icu[step] & ((course.severity[step] > limit[stay]) | (sedated & (course.severity[step] > 1.4)))
    begin, finish = np.full(size, 2**62), np.zeros(size, np.int64)
    np.minimum.at(begin, stay[wanted], course.step_time[step[wanted]])
    np.maximum.at(finish, stay[wanted], course.step_time[step[wanted]])
    begin = np.clip(begin + rng.integers(0, STEP, size), icu.start, icu.end)
    finish = np.clip(finish + rng.integers(STEP // 2, 2 * STEP, size), begin, icu.end)
    return begin, finish


def make_devices(world: "World") -> Devices:
    """The devices of every stay of a block; times are whole minutes."""
    rng, icu = world.stream("devices"), world.icu
    size = len(icu.stay_id)
    begin, finish = _ventilator(rng, world)
    base, slope, on_ventilator, operated, before, delay, days = _ODDS
    surgical = _SURGICAL[world.course.episode[icu.admission]]
    logit = base + slope * (worst_severity(world)[:, None] - 1.5) + on_ventilator * (finish > begin)[:, None]
    failing = world.course.present[icu.admission, CONDITION_INDEX["esrd"]]
    logit[:, DIALYSIS] += 3.5 * failing
    there = rng.random(logit.shape) < sigmoid(logit + operated * surgical[:, None])
    earlier = rng.random(logit.shape) < before
    wait = np.where(earlier, -DAY * rng.exponential(0.8, logit.shape), 3600 * delay * rng.exponential(1, logit.shape))
    start = (icu.start[:, None] + wait).astype(np.int64) // 60 * 60
    stays_in = (DAY * days * (0.3 + rng.gamma(2, 0.35, (size, len(DEVICES))))).astype(np.int64)
    end = np.minimum(start + stays_in, icu.end[:, None]) // 60 * 60
    start[:, VENT], end[:, VENT] = begin // 60 * 60, finish // 60 * 60
    gone = ~there | (end <= icu.start[:, None]) | (end <= start)
    gone[:, VENT] = finish <= begin
    return Devices(start, np.where(gone, start, end))
