"""Hour by hour in intensive care: vital signs, the ventilator's figures and the states that a nurse's words follow.

In: a `World`. Out: `Hours`: one row an hour of a stay, with columns by name. Everything follows the hidden course (severity between
the steps, latents, treatments), the patient's conditions and own offsets, the devices in place, and a first-order
autoregression of each stay. States are in standard deviations of a stay's usual hour; which way is worse is told in STATES.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY
from warehouse.synth.devices import steps_of
from warehouse.synth.episodes import EPISODE_INDEX, EPISODES
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.treatments import RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

HOUR = 3600
# state: how much an hour recalls of the one before it, and the spread of what it does not; signs say what is worse.
STATES = {
    "s": (0.95, 0.25),  # general severity, + worse
    "lung": (0.97, 0.6),  # oxygenation and work of breathing, + worse
    "brain": (0.96, 0.45),  # consciousness, - worse
    "pain": (0.85, 0.7),
    "circ": (0.97, 0.5),  # perfusion of the skin, - worse
    "skin": (0.99, 0.7),
    "gut": (0.98, 0.7),
    "mob": (0.98, 0.5),  # strength and mobility, - worse
    "kid": (0.98, 0.5),  # concentrated, bilious urine, + worse
    "inf": (0.97, 0.5),
    "edema": (0.99, 0.6),
    "stroke": (0.99, 0.4),
    "pupil": (0.97, 0.5),
    "beat": (0.98, 1.0),  # fibrillates beyond a limit, where inclined to
    "hr": (0.92, 12.0),
    "map": (0.88, 10.0),
    "pp": (0.93, 14.0),
    "rr": (0.8, 4.2),
    "spo2": (0.8, 1.7),
    "temp": (0.95, 0.32),
    "finger": (0.8, 0.16),
}
_PHI = np.array([phi for phi, _ in STATES.values()])
_SPREAD = np.array([spread for _, spread in STATES.values()])
_DRUG = {rule.drug: number for number, rule in reversed(list(enumerate(RULES)))}
_NEURO = np.isin(np.arange(len(EPISODES)), [EPISODE_INDEX[key] for key in ("stroke", "ich", "seizure")])
_CLOUDED = np.isin(np.arange(len(EPISODES)), [EPISODE_INDEX[key] for key in ("hepaticenc", "overdose", "alcwd")])
_CHEST = np.isin(
    np.arange(len(EPISODES)), [EPISODE_INDEX[key] for key in ("pneumonia", "copdex", "asthmaex", "covid", "hfex", "pe")]
)
_INFECTED = np.array(["I" in episode.flags for episode in EPISODES])
_SURGICAL = np.array(["S" in episode.flags for episode in EPISODES])
DELIVERY_CUTS = np.array([0.0, 1.1, 1.5, 1.9, 2.5])


@dataclass
class Hours:
    """Hours of stays, sorted by stay and time; `first` is each stay's first row, `value` the columns by name."""

    stay: np.ndarray
    time: np.ndarray
    step: np.ndarray
    first: np.ndarray
    value: dict[str, np.ndarray]

    def at(self, stay: np.ndarray, time: np.ndarray) -> np.ndarray:
        """The row of each stay in which a time lies, its first or last one beyond the stay."""
        row = self.first[stay] + (time - self.time[self.first[stay]]) // HOUR
        last = np.append(self.first[1:], len(self.stay)) - 1
        return np.clip(row, self.first[stay], last[stay])


def within(world: "World", hours: Hours, time: np.ndarray) -> np.ndarray:
    """Times of the hours' rows, kept inside their stays."""
    start, end = world.icu.start[hours.stay], world.icu.end[hours.stay] // 60 * 60
    return np.clip(time, start, np.maximum(start, end))


def _wander(rng: np.random.Generator, first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """First-order autoregressions, one a state and stay: (hours, STATES)."""
    fresh = rng.standard_normal((int(count.sum()), len(STATES)))
    order = np.argsort(-count, kind="stable")
    start, length = first[order], count[order]
    step = np.sqrt(1 - _PHI**2)
    fresh[start] *= 1 / step
    fresh *= step
    for hour in range(1, int(count.max(initial=0))):
        rows = start[: np.searchsorted(-length, -hour)] + hour
        fresh[rows] += _PHI * fresh[rows - 1]
    return fresh * _SPREAD


def make_hours(world: "World") -> Hours:
    """The hours of all stays of a block."""
    rng, icu = world.stream("icu hours"), world.icu
    begin = (icu.start + HOUR - 1) // HOUR
    count = np.maximum((icu.end - 1) // HOUR - begin + 1, 1)
    first = np.cumsum(count) - count
    stay = np.repeat(np.arange(len(count)), count)
    time = (begin[stay] + np.arange(len(stay)) - first[stay]) * HOUR
    hours = Hours(stay, time, steps_of(world, stay, time), first, {})
    wander = dict(zip(STATES, _wander(rng, first, count).T, strict=True))
    _states(world, hours, wander)
    _vital_signs(world, hours, wander)
    _breathing(world, hours, wander)
    _graded(world, hours, rng)
    return hours


def _given(world: "World", hours: Hours, *drugs: str) -> np.ndarray:
    """Whether any of the drugs runs, as 0 or 1."""
    return world.course.treated[hours.step][:, [_DRUG[drug] for drug in drugs]].any(axis=1) * 1.0


def _latent(world: "World", hours: Hours, name: str) -> np.ndarray:
    """A latent of the course, within limits that no state should leave."""
    return world.course.latents[hours.step, LATENT_INDEX[name]].astype(float).clip(-4, 4)


def _has(world: "World", hours: Hours, *conditions: str) -> np.ndarray:
    admission = world.icu.admission[hours.stay]
    return world.course.present[admission][:, [CONDITION_INDEX[key] for key in conditions]].any(axis=1) * 1.0


def _severity(world: "World", hours: Hours) -> np.ndarray:
    """Severity between the steps, by a straight line."""
    course, step = world.course, hours.step
    following = np.minimum(step + 1, len(course.severity) - 1)
    same = course.step_admission[following] == course.step_admission[step]
    share = ((hours.time - course.step_time[step]) / (8 * HOUR)).clip(0, 1)
    return course.severity[step] + same * share * (course.severity[following] - course.severity[step])


def _states(world: "World", hours: Hours, w: dict[str, np.ndarray]) -> None:
    v, adm = hours.value, world.icu.admission[hours.stay]
    episode, age = world.course.episode[adm], world.course.age[adm]
    v["severity"] = _severity(world, hours)
    sick = (v["severity"] - 1.5) / 0.8
    days = (hours.time - world.icu.start[hours.stay]) / DAY
    vent = world.devices.at("vent", hours.stay, hours.time) * 1.0
    sedated = _given(world, hours, "propofol", "midazolam", "dexmedetomidine")
    opioid, pressor = _given(world, hours, "fentanyl"), _given(world, hours, "norepinephrine", "vasopressin")
    low_albumin = -_latent(world, hours, "alb")
    chest = 0.7 * _CHEST[episode] + 0.6 * _has(world, hours, "copd") + 0.35 * _latent(world, hours, "pco2").clip(-1, 3)
    cloud = 0.9 * _NEURO[episode] + 0.7 * _CLOUDED[episode] + 0.5 * _has(world, hours, "dementia")
    v["vent"], v["sedated"], v["days"] = vent, sedated * vent, days
    v["s"] = sick + w["s"]
    v["lung"] = 0.5 * sick + chest - 0.5 + w["lung"]
    v["brain"] = 0.5 - 0.6 * sick.clip(-1) - 2.2 * v["sedated"] - 0.3 * opioid - cloud + w["brain"]
    v["pain"] = 0.6 * _SURGICAL[episode] - 0.6 * opioid + 0.1 * sick - 0.3 + w["pain"]
    v["circ"] = 0.7 - 0.5 * sick - 0.8 * pressor - 0.9 * _has(world, hours, "pvd") + w["circ"]
    v["skin"] = 0.3 * sick + 0.015 * (age - 65) + 0.3 * low_albumin + 0.05 * days.clip(0, 20) - 0.4 + w["skin"]
    v["gut"] = 0.3 * sick + 0.4 * opioid + 0.3 * _SURGICAL[episode] - 0.3 + w["gut"]
    v["mob"] = 0.6 - 0.6 * sick - 0.015 * (age - 65) - 0.9 * vent - 0.4 * sedated - 0.4 * cloud + w["mob"]
    v["kid"] = 0.35 * _latent(world, hours, "bun") + 0.3 * _latent(world, hours, "bili") - 0.3 + w["kid"]
    v["inf"] = 0.5 * _INFECTED[episode] + 0.35 * _latent(world, hours, "wbc") - 0.4 + w["inf"]
    v["edema"] = 0.4 * sick + 0.3 * low_albumin + 0.06 * days.clip(0, 14) + w["edema"]
    v["stroke"] = 2.2 * np.isin(episode, [EPISODE_INDEX["stroke"], EPISODE_INDEX["ich"]]) - 0.6 + w["stroke"]
    v["pupil"] = -0.9 * opioid + 0.3 + w["pupil"]


def _vital_signs(world: "World", hours: Hours, w: dict[str, np.ndarray]) -> None:
    v, who = hours.value, world.icu.patient[hours.stay]
    own, age = world.patients.offset[who], world.course.age[world.icu.admission[hours.stay]]
    sick = v["severity"] - 1.5
    clock = np.cos(2 * np.pi * (hours.time % DAY / DAY - 0.7))
    pressor = _given(world, hours, "norepinephrine", "vasopressin", "phenylephrine")
    calmed = _given(world, hours, "dexmedetomidine", "amiodarone")
    v["tempc"] = (
        36.8
        + 0.2 * v["inf"]
        + 0.25 * v["inf"].clip(0) ** 1.5
        + 0.15 * clock
        + w["temp"]
        - 0.2 * _given(world, hours, "acetaminophen")
    )
    inclined = _has(world, hours, "afib") + (
        world.course.episode[world.icu.admission[hours.stay]] == EPISODE_INDEX["afrvr"]
    )
    fibrillates = w["beat"] + 1.6 * inclined.clip(0, 1) + 0.2 * sick > 2.0
    hr = 92 + 5 * own[:, 2] + 10 * sick + 9 * (v["tempc"] - 36.9) + 11 * fibrillates - 9 * calmed + 3 * clock
    hr = hr - 2.2 * _latent(world, hours, "hgb").clip(-3, 1) + 2.5 * v["pain"] - 0.2 * (age - 60) + w["hr"]
    v["hr"] = hr.clip(28, 195)
    paced = _has(world, hours, "pacer") > 0
    regular = np.where(paced & (v["hr"] < 72), 3.2, ((v["hr"] - 86) / 17).clip(-3, 1.4))
    v["rhythm"] = np.where(fibrillates, 1.9, regular)
    pressure = (
        78 + 4 * own[:, 1] + 6 * _has(world, hours, "htn") - 6.5 * sick - 4 * v["sedated"] + 2 * v["pain"] + w["map"]
    )
    # A drip is turned up until the pressure holds.
    pressure = np.where(pressor > 0, 69 + 0.4 * (pressure - 69), pressure)
    v["amap"] = pressure.clip(32, 160)
    pulse = 47 + 4 * own[:, 3] + 0.28 * (age - 60) + 0.35 * (v["amap"] - 78) - 3 * sick + w["pp"]
    pulse = pulse.clip(12, 120)
    v["asbp"], v["adbp"] = v["amap"] + 0.64 * pulse, v["amap"] - 0.36 * pulse
    # A cuff reads a little lower when the pressure is high, and a little higher when it is low.
    v["map"] = 0.92 * v["amap"] + 5
    v["sbp"], v["dbp"] = v["map"] + 0.6 * pulse, (v["map"] - 0.33 * pulse).clip(15)
    v["tempf"] = v["tempc"] * 1.8 + 32
    v["cvp"] = (10 + 2.5 * v["edema"] + 1.2 * v["s"] + 0.3 * w["pp"]).clip(-2, 35)
    v["finger"] = 118 * np.exp(0.24 * _latent(world, hours, "glu") + w["finger"])


def _breathing(world: "World", hours: Hours, w: dict[str, np.ndarray]) -> None:
    v = hours.value
    lung, vent, size = v["lung"], v["vent"] > 0, world.patients.height[world.icu.patient]
    fraction = np.where(vent, 38 + 11 * lung.clip(-1), 42 + 14 * (lung - 1.4).clip(-0.5)).clip(21, 100)
    v["fio2"] = (fraction / 10).round() * 10
    v["peep"] = np.array([5, 5, 5, 8, 10, 12, 14, 16, 18])[np.clip(lung.clip(0) * 2, 0, 8).astype(int)]
    v["control"] = vent & ((v["brain"] < -3.0) | (lung > 1.7))
    v["spont"] = vent & ~v["control"]
    wanted = 19 + 2.4 * lung + 1.2 * (v["severity"] - 1.5) + 1.6 * (v["tempc"] - 37) + w["rr"]
    male = world.patients.male[world.icu.patient]
    ideal = (np.where(male, 50, 45.5) + 2.3 * (size - 60)).clip(35, 100)[hours.stay]
    v["rrset"] = (16 + 2.2 * lung.clip(0) + 0.15 * w["rr"]).clip(10, 34)
    v["vtset"] = (ideal * (7.2 - 0.35 * lung.clip(0, 3)) / 10).round() * 10
    v["rrtot"] = np.where(v["control"], v["rrset"] + (wanted - v["rrset"]).clip(0) * 0.4, wanted).clip(6, 45)
    v["rr"] = np.where(vent, v["rrtot"], wanted).clip(6, 48)
    v["rrsp"] = np.where(v["control"], v["rrtot"] - v["rrset"], v["rrtot"]).clip(0).round()
    v["vt"] = (np.where(v["control"], v["vtset"], ideal * 7) * np.exp(0.02 * w["hr"])).clip(150, 1200)
    v["vtsp"], v["minvol"] = v["vt"] * 0.97, (v["vt"] * v["rrtot"] / 1000).clip(2, 30)
    v["pip"] = (v["peep"] + np.where(v["control"], 15, 8) + 2.5 * lung + 0.3 * w["rr"]).clip(8, 60)
    v["plateau"], v["mawp"] = v["pip"] - 4, v["peep"] + 0.3 * (v["pip"] - v["peep"])
    v["etco2"] = (36 + 3 * _latent(world, hours, "pco2") + 0.5 * w["rr"]).clip(12, 80)
    v["spo2"] = (97.3 - 0.9 * lung.clip(-1.5) - 0.6 * (v["severity"] - 1.5) + vent + w["spo2"]).clip(62, 100)
    v["device"] = np.where(vent, 5, np.searchsorted(DELIVERY_CUTS - 0.25, lung))
    v["flow"] = np.select(
        [v["device"] == 1, v["device"] == 3], [(2 + 1.6 * lung).clip(1, 6), 35 + 8 * lung], 8 + 2 * lung
    )
    v["flow"] = v["flow"].clip(0.5, 70).round()


def _graded(world: "World", hours: Hours, rng: np.random.Generator) -> None:
    """Grades by index, weights, and what a stay has as a habit: restraints, a probe for the core's temperature."""
    v, stay, patients = hours.value, hours.stay, world.patients
    vent, brain, who = v["vent"] > 0, v["brain"], world.icu.patient[hours.stay]
    habit = rng.random((len(hours.first), 4))[stay]
    v["verbal"] = np.where(vent, 0, 1 + np.searchsorted([-3.2, -2.6, -1.9, -0.9], brain))
    v["rass"] = np.searchsorted([-4.2, -3.5, -2.8, -2.0, -1.1, 1.9, 2.4, 2.9], brain)
    v["mode"] = np.where(v["control"], np.where(habit[:, 0] < 0.85, 0, 2), 1)
    v["modeh"] = np.where(v["control"], np.where(habit[:, 0] < 0.85, 0, 2), 1)
    v["urine"] = np.where(world.devices.at("foley", stay, hours.time), 0, np.where(habit[:, 1] < 0.85, 1, 2))
    v["sex"] = patients.male[who].astype(int)
    v["restrained"] = (vent & (habit[:, 2] < 0.65)) | ((brain < -1.0) & (habit[:, 2] < 0.2))
    v["core"] = habit[:, 3] < 0.1
    kilograms = patients.bmi[who] * patients.height[who] ** 2 / 703 * 0.4536
    v["admkg"] = kilograms
    v["admlb"] = kilograms / 0.4536
    v["weight"] = kilograms + 1.5 * v["edema"] + 0.4 * rng.standard_normal(len(stay))
    v["inch"], v["cm"] = np.round(patients.height[who]), np.round(np.round(patients.height[who]) * 2.54)
