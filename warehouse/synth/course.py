"""The hidden course of every admission: severity, physiology, treatment, place and outcome, step by step of eight hours.

In: a block of `Patients` and a Generator. Out: a `Course`: one row an admission, and one row a step of an admission with the
latents, the reading taken in it (if a sample was drawn) and the treatments running. The equations are in README.md beside.
Admissions of equal rank run together, vectorised over patients; nothing here loops over patients or rows.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synth import hazards
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.episodes import EPISODE_INDEX, EPISODES
from warehouse.synth.hazards import MAX_STEPS
from warehouse.synth.kinds import KIND_EFFECTS, kind_of
from warehouse.synth.labitems import LATENTS, NOISE, PULL
from warehouse.synth.patients import MIXING, TRAITS, Patients, choose_each, sigmoid
from warehouse.synth.treatments import RULES, Need

MAX_ADMISSIONS = 20
STEP = 8 * 3600
DAY = 86400
COVID_DAY = int(np.datetime64("2020-03-10").astype(int))

_WEIGHT = np.log([episode.weight for episode in EPISODES])
_AGE = np.array([episode.age for episode in EPISODES])
_MALE = np.array([episode.male for episode in EPISODES])
_SEVERITY = np.array([episode.severity for episode in EPISODES])
_RECOVERY = 0.75 * np.array([episode.recovery for episode in EPISODES])
_FLAGS = {flag: np.array([flag in episode.flags for episode in EPISODES]) for flag in "SICEDPO"}
STRAIGHT_TO_ICU = _FLAGS["C"]
_ATTRACTION = np.zeros((len(CONDITION_INDEX), len(EPISODES)))
_LEAVES = np.zeros((len(EPISODES), len(CONDITION_INDEX)))
for _number, _one in enumerate(EPISODES):
    for _key, _value in _one.attracted_by.items():
        _ATTRACTION[CONDITION_INDEX[_key], _number] = 0.8 * _value
    for _key, _value in _one.leaves.items():
        _LEAVES[_number, CONDITION_INDEX[_key]] = _value
_RULE_EFFECTS = np.array([rule.effect for rule in RULES])
_RULE_LATENT = np.array([max(rule.latent, 0) for rule in RULES])
_RULE_SIGN = np.array([rule.direction for rule in RULES])
_RULE_CUT = np.array([rule.cut if rule.latent >= 0 else -np.inf for rule in RULES])
_RULE_START = np.array([rule.start for rule in RULES])
_RULE_STOP = np.array([rule.stop for rule in RULES])
_RULE_SEVERITY = np.array([rule.need.severity for rule in RULES])
_RULE_ICU = np.array([rule.need.icu for rule in RULES])
_GRAVE = [CONDITION_INDEX[key] for key in ("livermet", "bonemet", "brainmet", "pancca", "lungca", "dementia", "dnr")]
# Latents wander together, along the traits of patients.py, and a little each alone.
_JOINT, _SINGLE = 0.2, 0.06
_READING_NOISE = 0.15 * NOISE
_WANDER = np.sqrt(1 - (1 - PULL) ** 2)
_TOGETHER, _ALONE = _JOINT * MIXING * _WANDER, _SINGLE * _WANDER
# No pregnancy after this age, whatever the slope says.
_MATERNAL = (16, 48)


@dataclass
class Course:
    """Admissions (first and second group) and their steps (third group; sorted by admission and step).

    Times are real seconds. The second group are the constants that hazards.py needs: `soon`, `gap_mean` and
    `year_death` are as they stand at the end of the admission.
    """

    patient: np.ndarray
    rank: np.ndarray
    episode: np.ndarray
    kind: np.ndarray
    admit: np.ndarray
    disch: np.ndarray
    died: np.ndarray
    emergency: np.ndarray
    observed: np.ndarray
    arrival: np.ndarray
    peak: np.ndarray
    age: np.ndarray
    present: np.ndarray
    death_day: np.ndarray
    start_severity: np.ndarray
    recovery: np.ndarray
    responds: np.ndarray
    fate: np.ndarray
    planned: np.ndarray
    soon: np.ndarray
    gap_mean: np.ndarray
    year_death: np.ndarray
    step_admission: np.ndarray
    step_time: np.ndarray
    step_first: np.ndarray
    severity: np.ndarray
    icu: np.ndarray
    latents: np.ndarray
    drawn: np.ndarray
    reading: np.ndarray
    treated: np.ndarray


def allowed(need: Need, episode: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Where a need's lasting part (flag, reasons) holds, given each admission's episode and conditions."""
    ok = np.ones(len(episode), dtype=bool)
    if need.flag:
        ok &= _FLAGS[need.flag][episode]
    if need.reasons:
        by_episode = [EPISODE_INDEX[key] for key in need.reasons if key in EPISODE_INDEX]
        by_condition = [CONDITION_INDEX[key] for key in need.reasons if key in CONDITION_INDEX]
        ok &= np.isin(episode, by_episode) | present[:, by_condition].any(axis=1)
    return ok


def _choose_episode(rng, patients: Patients, who, day, age, present, last) -> np.ndarray:
    logit = _WEIGHT + ((age - 60) / 20).clip(-2, 1.8)[:, None] * np.where(_FLAGS["D"], 0, _AGE)
    logit = logit + np.where(_FLAGS["D"], 0, _MALE) * (patients.male[who, None] - 0.5) + present @ _ATTRACTION
    # A mother's age: a bump around 31 years.
    fertile = ~patients.male[who] & (age > _MATERNAL[0]) & (age < _MATERNAL[1])
    bump = np.where(fertile, 2.3 - ((age - 31) / 6.5) ** 2, -40)
    logit = logit + _FLAGS["D"] * bump[:, None]
    logit[:, EPISODE_INDEX["covid"]] += np.where(day >= COVID_DAY, 0.0, -40)
    # What brought a patient in tends to bring it in again; a planned operation is not done twice.
    again = last[:, None] == np.arange(len(EPISODES))
    logit = logit + again * np.where(_FLAGS["E"] & _FLAGS["S"], -8.0, np.where(_FLAGS["D"], 0.0, 0.9))
    return choose_each(rng, np.exp(logit))


@dataclass
class _Live:
    """State of the admissions still running; every array has one row each."""

    index: np.ndarray
    severity: np.ndarray
    recovery: np.ndarray
    responds: np.ndarray
    latents: np.ndarray
    rest: np.ndarray
    reading: np.ndarray
    treated: np.ndarray
    icu: np.ndarray
    clock: np.ndarray

    def keep(self, mask: np.ndarray) -> "_Live":
        """The state of those admissions alone."""
        return _Live(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def _draw_chance(step: int, live: _Live) -> np.ndarray:
    """How likely a sample is drawn in this step: at admission, in the morning round, more the sicker, most in the ICU."""
    if step == 0:
        return np.full(len(live.index), 0.96)
    morning = live.clock == 0
    return np.where(
        live.icu,
        np.where(morning, 0.98, 0.72),
        np.where(morning, sigmoid(1.2 + 0.9 * live.severity), sigmoid(-2.0 + 0.8 * live.severity)),
    )


def _advance(rng, live: _Live, kind, can_treat, step: int) -> None:
    """One step of eight hours of severity, physiology and treatment, in place."""
    s = live.severity = hazards.severity_step(rng, live.severity, live.recovery, live.responds, step)
    target = live.rest + s[:, None] * KIND_EFFECTS[kind] + live.treated @ _RULE_EFFECTS
    wander = rng.standard_normal((len(s), TRAITS)) @ _TOGETHER + _ALONE * rng.standard_normal(live.latents.shape)
    live.latents += PULL * (target - live.latents) + wander
    live.icu = hazards.icu_step(rng, s, live.icu)
    eligible = can_treat & (live.icu[:, None] | ~_RULE_ICU) & (s[:, None] >= _RULE_SEVERITY)
    wanted = eligible & (_RULE_SIGN * live.reading[:, _RULE_LATENT] > _RULE_CUT)
    draw = rng.random(wanted.shape)
    live.treated[:] = np.where(live.treated, wanted | (draw > _RULE_STOP), wanted & (draw < _RULE_START))


def _run(rng, patients: Patients, adm: dict[str, np.ndarray], number: int) -> tuple[dict, list]:
    """Run admissions `adm` to their end; returns how each ended and the list of step records."""
    who, episode, size = adm["patient"], adm["episode"], len(adm["patient"])
    can_treat = np.column_stack([allowed(rule.need, episode, adm["present"]) for rule in RULES])
    rest = patients.baseline(who, adm["day"])
    severity = adm["start_severity"].copy()
    live = _Live(
        index=np.arange(size),
        severity=severity,
        recovery=adm["recovery"],
        responds=adm["responds"],
        latents=rest
        + 0.85 * severity[:, None] * KIND_EFFECTS[adm["kind"]]
        + _JOINT * rng.standard_normal((size, TRAITS)) @ MIXING
        + _SINGLE * rng.standard_normal(rest.shape),
        rest=rest,
        reading=np.zeros((size, len(LATENTS))),
        treated=np.zeros((size, len(RULES)), dtype=bool),
        icu=rng.random(size) < hazards.icu_at_start_chance(severity, STRAIGHT_TO_ICU[episode]),
        clock=(adm["admit"] % DAY // STEP).astype(int),
    )
    start = adm["admit"] // STEP * STEP
    end = np.zeros(size, dtype=np.int64)
    died = np.zeros(size, dtype=bool)
    peak, final = severity.copy(), severity.copy()
    records = []
    for step in range(MAX_STEPS):
        _advance(rng, live, adm["kind"][live.index], can_treat[live.index], step)
        drawn = rng.random(len(live.index)) < _draw_chance(step, live)
        fresh = live.latents + _READING_NOISE * rng.standard_normal(live.latents.shape)
        live.reading = np.where(drawn[:, None], fresh, live.reading)
        at = start[live.index] + step * STEP
        first = np.full(len(at), step == 0)
        records.append(
            (
                number + live.index,
                at,
                first,
                live.severity.copy(),
                live.icu.copy(),
                live.latents.astype(np.float32),
                drawn,
                live.reading.astype(np.float32),
                live.treated.copy(),
            )
        )
        np.maximum.at(peak, live.index, live.severity)
        final[live.index] = live.severity
        dead = rng.random(len(at)) < hazards.death_chance(live.severity, adm["fate"][live.index])
        observed, planned = adm["observed"][live.index], adm["planned"][live.index]
        leaves = rng.random(len(at)) < hazards.leave_chance(
            live.severity, live.icu, live.clock, step, observed, planned
        )
        gone = dead | leaves | (step == MAX_STEPS - 1)
        moment = np.where(dead, rng.integers(600, STEP, len(at)), (STEP * rng.beta(2.6, 2.2, len(at))).astype(np.int64))
        left = live.index[gone]
        end[left] = np.maximum(at + moment, adm["admit"][live.index] + 1800)[gone] // 60 * 60
        died[left] = dead[gone]
        live = live.keep(~gone)
        if not len(live.index):
            break
        live.clock = (live.clock + 1) % 3
    return {"disch": end, "died": died, "peak": peak, "final": final}, records


def admit_again(rng, patients: Patients, who, day, last) -> dict[str, np.ndarray]:
    """What is known when patients `who` are admitted on `day` (real days): reason, severity, urgency, minute."""
    age = (day - patients.birth_day[who]) / 365.25
    present = patients.present(who, day)
    episode = _choose_episode(rng, patients, who, day, age, present, last)
    size = len(who)
    severity = (
        _SEVERITY[episode] * rng.lognormal(0, 0.28, size) + 0.13 * patients.frailty[who] + 0.006 * (age - 60)
    ).clip(0.08, 5)
    emergency = ~_FLAGS["E"][episode] & ~_FLAGS["D"][episode]
    observed = emergency & (rng.random(size) < np.where(_FLAGS["O"][episode], sigmoid(1.6 - 1.6 * severity), 0.04))
    minute = np.where(emergency, choose_minute(rng, size), rng.integers(6 * 60, 10 * 60, size))
    return {
        "patient": who,
        "day": day,
        "age": age,
        "present": present,
        "episode": episode,
        "kind": kind_of(episode, patients.habit[who]),
        "start_severity": severity,
        "recovery": _RECOVERY[episode] * rng.lognormal(0, 0.35, size),
        "responds": np.where(rng.random(size) < 0.9, 1.0, 0.35),
        "fate": hazards.fate(age, patients.frailty[who], present[:, CONDITION_INDEX["dnr"]]),
        "emergency": emergency,
        "planned": ~emergency,
        "observed": observed,
        "admit": day * DAY + minute * 60,
        "arrival": (rng.gamma(2.2, 2.3 * 3600, size) + 1800).astype(np.int64) // 60 * 60,
    }


def choose_minute(rng: np.random.Generator, size: int) -> np.ndarray:
    """Minute of the day of an unplanned admission: most in the afternoon and evening, fewest in the early morning."""
    return ((rng.beta(2.2, 1.6, size) * 1440 + 240) % 1440).astype(np.int64)


def chances_afterwards(patients: Patients, adm, ended) -> dict[str, np.ndarray]:
    """What hazards.py says of the time after admissions `adm` that ended so: `soon`, `gap_mean`, `year_death`."""
    frailty, burden = patients.frailty[adm["patient"]], adm["present"].sum(axis=1)
    grave = adm["present"][:, _GRAVE].sum(axis=1)
    return {
        "soon": hazards.soon_chance(frailty, burden, ended["final"]),
        "gap_mean": hazards.mean_gap(frailty, burden),
        "year_death": hazards.year_death_chance(adm["age"], frailty, grave, ended["final"], ended["peak"]),
    }


def _after(rng, patients: Patients, adm, ended) -> dict[str, np.ndarray]:
    """Day of the next admission (beyond the last day: none), of a death out of hospital (-1: none), and their chances."""
    size, leave = len(adm["patient"]), ended["disch"] // DAY
    chances = chances_afterwards(patients, adm, ended)
    dies = (rng.random(size) < chances["year_death"]) & ~ended["died"]
    return {
        "death": np.where(dies, leave + 1 + (363 * rng.beta(0.7, 1.5, size)).astype(np.int64), -1),
        "following": leave + hazards.next_gap(rng, chances["soon"], chances["gap_mean"]),
        **chances,
    }


def simulate(rng: np.random.Generator, patients: Patients) -> Course:
    """Every admission of a block, in rounds: first admissions, then second ones, and so on."""
    who = np.flatnonzero(patients.admitted)
    day = patients.first_day[who].copy()
    last = np.full(len(who), -1)
    rounds, records, number = [], [], 0
    for rank in range(MAX_ADMISSIONS):
        adm = admit_again(rng, patients, who, day, last)
        ended, steps = _run(rng, patients, adm, number)
        records += steps
        number += len(who)
        lasting = rng.random(adm["present"].shape) < _LEAVES[adm["episode"]]
        new = np.where(lasting, (ended["disch"] // DAY + 1)[:, None], np.inf)
        patients.onset[who] = np.minimum(patients.onset[who], new)
        after = _after(rng, patients, adm, ended)
        following, death = after.pop("following"), after.pop("death")
        goes_on = ~ended["died"] & (following <= patients.last_day[who]) & ((death < 0) | (following < death))
        # A death out of hospital counts only if no further admission comes first.
        adm["death_day"] = np.where(ended["died"], ended["disch"] // DAY, np.where(goes_on, -1, death))
        rounds.append(adm | ended | after | {"rank": np.full(len(who), rank)})
        who, day, last = who[goes_on], following[goes_on], adm["episode"][goes_on]
        if not len(who):
            break
    return _collect(rounds, records)


def _collect(rounds: list[dict], records: list[tuple]) -> Course:
    joined = {name: np.concatenate([one[name] for one in rounds]) for name in rounds[0]}
    columns = [np.concatenate(parts) for parts in zip(*records, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    names = ("step_admission", "step_time", "step_first", "severity", "icu", "latents", "drawn", "reading", "treated")
    steps = {name: column[order] for name, column in zip(names, columns, strict=True)}
    kept = (
        "patient",
        "rank",
        "episode",
        "kind",
        "admit",
        "disch",
        "died",
        "emergency",
        "observed",
        "arrival",
        "peak",
        "age",
        "present",
        "death_day",
        "start_severity",
        "recovery",
        "responds",
        "fate",
        "planned",
        "soon",
        "gap_mean",
        "year_death",
    )
    return Course(**{name: joined[name] for name in kept}, **steps)
