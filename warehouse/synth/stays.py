"""Rows of patients, admissions and services from the hidden course.

In: a `World`. Out: `Rows`, and `Stays`: ids, kinds and services of the admissions. Administration's faults (discharge at
midnight of the day of death, discharge before admission) are in QUIRKS.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.columns import Rows, dates, ints, stamps, words
from warehouse.synth.course import DAY, MAX_ADMISSIONS, Course
from warehouse.synth.episodes import EPISODES
from warehouse.synth.patients import (
    GROUPS,
    INSURANCES,
    LANGUAGES,
    MARITAL,
    RACES,
    Patients,
    choose,
    choose_each,
    sigmoid,
)
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import providers

if TYPE_CHECKING:
    from warehouse.synth.world import World

FIRST_HADM = 20_000_000
# Ids look random, as MIMIC's: a product with a number prime to their range visits every id once.
ID_RANGE, _SPREAD_HADM = 10_000_000, 3_816_547
QUIRKS = quirks("""
discharge_at_midnight_of_death | .27 | 2: 4 of 15 deaths in the demo | dischtime is 00:00 of the day of death
discharge_before_admission | .0003 | 1: 142 of 546,028 admissions | a mistyped time of discharge lies before the admission
death_before_admission | .003 | 2: "some" in the full data | the account of an organ donor begins after the death
registered_after_admission | .0055 | 5: 1 of 182 in the demo | registered in the emergency department after the admission
marital_status_missing | .044 | 6: 12 of 275 in the demo | marital status is NULL
race_differs | .03 | 6: 4 of 100 patients in the demo | another race than at the patient's other admissions
insurance_missing | .017 | v3.1 | insurance is NULL
""")  # fmt: skip
SERVICES = (
    "MED",
    "CMED",
    "SURG",
    "OMED",
    "NSURG",
    "CSURG",
    "VSURG",
    "TRAUM",
    "NMED",
    "ORTHO",
    "PSYCH",
    "OBS",
    "TSURG",
    "GYN",
)
_SERVICE_OF = np.array([SERVICES.index(episode.service) for episode in EPISODES])
_PSYCHIATRIC = np.array(["P" in episode.flags for episode in EPISODES])
_SURGICAL = np.array(["S" in episode.flags for episode in EPISODES])
_DELIVERY = np.array(["D" in episode.flags for episode in EPISODES])
TYPES = (
    "EW EMER.",
    "URGENT",
    "DIRECT EMER.",
    "OBSERVATION ADMIT",
    "EU OBSERVATION",
    "DIRECT OBSERVATION",
    "AMBULATORY OBSERVATION",
    "SURGICAL SAME DAY ADMISSION",
    "ELECTIVE",
)
_PURE_OBSERVATION = (4, 5, 6)
ORIGINS = (
    "EMERGENCY ROOM",
    "PHYSICIAN REFERRAL",
    "TRANSFER FROM HOSPITAL",
    "WALK-IN/SELF REFERRAL",
    "CLINIC REFERRAL",
    "PROCEDURE SITE",
    "PACU",
    "TRANSFER FROM SKILLED NURSING FACILITY",
    "INFORMATION NOT AVAILABLE",
)
DESTINATIONS = (
    "HOME",
    "HOME HEALTH CARE",
    "SKILLED NURSING FACILITY",
    "REHAB",
    "CHRONIC/LONG TERM ACUTE CARE",
    "HOSPICE",
    "AGAINST ADVICE",
    "PSYCH FACILITY",
    "ACUTE HOSPITAL",
    "OTHER FACILITY",
    "DIED",
)


@dataclass
class Stays:
    """Ids and written times (real seconds) that other tables need; first axis: admission."""

    hadm: np.ndarray
    kind: np.ndarray
    by_ed: np.ndarray
    service: np.ndarray


def make_stays(rng: np.random.Generator, patients: Patients, course: Course) -> Stays:
    """Ids, admission types and services of the admissions."""
    number = patients.number[course.patient] * MAX_ADMISSIONS + course.rank
    size = len(number)
    urgent = choose(rng, np.array([0.70, 0.16, 0.08, 0.06]), size)
    watched = 3 + choose(rng, np.array([0.3, 0.5, 0.1, 0.1]), size)
    planned = np.where(
        _SURGICAL[course.episode] & ~_DELIVERY[course.episode], 7, np.where(rng.random(size) < 0.5, 8, 1)
    )
    kind = np.where(course.observed, watched, np.where(course.emergency, urgent, planned))
    by_ed = (
        np.isin(kind, (0, 4))
        | (np.isin(kind, (3,)) & (rng.random(size) < 0.6))
        | (np.isin(kind, (1, 2, 5)) & (rng.random(size) < 0.25))
    )
    return Stays(FIRST_HADM + number * _SPREAD_HADM % ID_RANGE, kind, by_ed, _SERVICE_OF[course.episode])


def patient_rows(world: "World") -> Rows:
    """Rows of patients."""
    patients, course = world.patients, world.course
    dod = np.full(len(patients.number), -1)
    dead = course.death_day >= 0
    dod[course.patient[dead]] = course.death_day[dead]
    columns = {
        "subject_id": ints(patients.subject_id),
        "gender": words(patients.male.astype(int), ["F", "M"]),
        "anchor_age": ints(patients.anchor_age),
        "anchor_year": ints(patients.anchor_year),
        "anchor_year_group": words(patients.group, GROUPS),
        "dod": dates(dod + patients.shift_days, dod < 0),
    }
    return Rows(np.arange(len(dod)), columns)


def _destination(rng: np.random.Generator, course: Course, kind: np.ndarray) -> np.ndarray:
    size = len(kind)
    old = (course.age - 70) / 12
    sick = course.peak
    soon = (course.death_day >= 0) & (course.death_day - course.disch // DAY < 45)
    logits = np.column_stack(
        [
            0 * sick + 1.4,
            -0.3 + 0.5 * sick + 0.25 * old,
            -1.4 + 0.75 * sick + 1.1 * old,
            -2.0 + 0.7 * sick + 0.4 * old,
            -4.2 + 1.1 * sick,
            -5 + 0.3 * sick + 5.5 * soon,
            -2.9 - 0.5 * old,
            -6 + 4.5 * _PSYCHIATRIC[course.episode],
            -4.6 + 0.4 * sick,
            -5 + 0 * sick,
        ]
    )
    logits[_DELIVERY[course.episode], 1:] -= 4
    place = choose_each(rng, np.exp(logits))
    place = np.where(course.died, len(DESTINATIONS) - 1, place)
    return np.where(np.isin(kind, _PURE_OBSERVATION) & ~course.died & (rng.random(size) < 0.985), -1, place)


def _insurance(rng: np.random.Generator, course: Course, patients: Patients, missing: float) -> np.ndarray:
    old = course.age >= 65
    poor = sigmoid(-1.1 + 0.8 * patients.factors[course.patient, 9])
    weights = np.column_stack(
        [
            np.where(old, 0.86, 0.12),
            np.where(old, 0.03, poor),
            np.where(old, 0.1, 0.75 - 0.6 * poor),
            0.03 + 0 * poor,
            0.002 + 0 * poor,
        ]
    )
    drawn = choose_each(rng, weights)
    return np.where(rng.random(len(old)) < missing, -1, drawn)


def admission_rows(world: "World") -> Rows:
    """Rows of admissions."""
    rng, share = world.stream("admissions"), world.shares(QUIRKS)
    patients, course, stays = world.patients, world.course, world.stays
    who, size = course.patient, len(course.patient)
    shift = patients.shift_days[who] * DAY
    midnight = course.disch // DAY * DAY
    early = course.died & (rng.random(size) < share["discharge_at_midnight_of_death"]) & (midnight >= course.admit)
    disch = np.where(early, midnight, course.disch)
    typo = rng.random(size) < share["discharge_before_admission"]
    disch = np.where(typo & ~course.died, course.admit - rng.integers(1, 20, size) * 3600, disch)
    donor = course.died & (rng.random(size) < share["death_before_admission"])
    death = np.where(donor, course.admit - rng.integers(1, 12, size) * 3600, course.disch)
    late = rng.random(size) < share["registered_after_admission"]
    registered = np.where(late, course.admit + rng.integers(1, 30, size) * 60, course.admit - course.arrival)
    race = np.where(rng.random(size) < share["race_differs"], patients.other_race[who], patients.race[who])
    origin = np.where(
        stays.by_ed,
        0,
        np.where(
            np.isin(stays.kind, (7, 8)),
            1,
            1 + choose(rng, np.array([0.3, 0.4, 0.08, 0.08, 0.05, 0.03, 0.05, 0.01]), size),
        ),
    )
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm),
        "admittime": stamps(course.admit + shift),
        "dischtime": stamps(disch + shift),
        "deathtime": stamps(death + shift, ~course.died),
        "admission_type": words(stays.kind, TYPES),
        "admit_provider_id": providers(rng, size, 0.0),
        "admission_location": words(origin, ORIGINS),
        "discharge_location": words(_destination(rng, course, stays.kind), DESTINATIONS),
        "insurance": words(_insurance(rng, course, patients, share["insurance_missing"]), INSURANCES),
        "language": words(patients.language[who], LANGUAGES),
        "marital_status": words(
            np.where(rng.random(size) < share["marital_status_missing"], -1, patients.marital[who]), MARITAL
        ),
        "race": words(race, RACES),
        "edregtime": stamps(registered + shift, ~stays.by_ed),
        "edouttime": stamps(world.movements.ed_out // 60 * 60 + shift, ~stays.by_ed),
        "hospital_expire_flag": ints(course.died),
    }
    return Rows(who, columns)


def service_rows(world: "World") -> Rows:
    """Rows of services: one at admission, and another for admissions that change hands."""
    rng = world.stream("services")
    patients, course, stays = world.patients, world.course, world.stays
    size = len(course.patient)
    other = choose(rng, np.array([0.4, 0.15, 0.15, 0.08, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03]), size)
    long = course.disch - course.admit > 1.5 * DAY
    changed = np.flatnonzero((rng.random(size) < 0.04 + 0.04 * course.peak) & (other != stays.service) & long)
    at = course.admit + rng.integers(0, 120, size)
    moment = course.admit[changed] + (
        (course.disch - course.admit)[changed] * rng.uniform(0.2, 0.8, len(changed))
    ).astype(np.int64)
    adm = np.concatenate([np.arange(size), changed])
    who = course.patient[adm]
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[adm]),
        "transfertime": stamps(np.concatenate([at, moment]) + patients.shift_days[who] * DAY),
        "prev_service": words(np.concatenate([np.full(size, -1), stays.service[changed]]), SERVICES),
        "curr_service": words(np.concatenate([stays.service, other[changed]]), SERVICES),
    }
    return Rows(who, columns)
