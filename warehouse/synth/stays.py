"""Rows of patients, admissions, transfers, services and icustays from the hidden course.

In: `Patients`, `Course`, `Visits` and a Generator. Out: `Rows` by table name. Care units follow the hidden place (ward or
intensive care) and the service; administration's faults (discharge at midnight, leaving after discharge) are in QUIRKS.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synth.columns import Rows, dates, ints, reals, stamps, words
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
from warehouse.synth.visits import Visits

FIRST_HADM, FIRST_STAY = 20_000_000, 30_000_000
# Ids look random, as MIMIC's: a product with a number prime to their range visits every id once.
_ID_RANGE, _SPREAD_HADM, _SPREAD_STAY = 10_000_000, 3_816_547, 7_236_067
TRANSFERS_PER_BLOCK = 2**14
QUIRKS = {
    "midnight_discharge_of_dead": 0.27,
    "discharge_before_admission": 0.0003,
    "marital_unknown": 0.04,
    "other_race": 0.03,
    "insurance_unknown": 0.017,
    "left_after_discharge": 0.75,
    "moved_before_admission": 0.03,
}
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
_MICU, _MSICU, _SICU, _TSICU = (
    "Medical Intensive Care Unit (MICU)",
    "Medical/Surgical Intensive Care Unit (MICU/SICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Trauma SICU (TSICU)",
)
_CVICU, _CCU, _NSICU, _NSTEP = (
    "Cardiac Vascular Intensive Care Unit (CVICU)",
    "Coronary Care Unit (CCU)",
    "Neuro Surgical Intensive Care Unit (Neuro SICU)",
    "Neuro Stepdown",
)
# Wards and intensive care units of each service, the likeliest first.
_UNITS_OF = {
    "MED": (("Medicine", "Med/Surg", "Medicine/Cardiology"), (_MICU, _MSICU)),
    "CMED": (("Medicine/Cardiology", "Cardiology", "Medicine/Cardiology Intermediate"), (_CCU, _MICU)),
    "SURG": (("Med/Surg", "Transplant", "Med/Surg/GYN"), (_SICU, _MSICU)),
    "OMED": (("Hematology/Oncology", "Hematology/Oncology Intermediate", "Medicine"), (_MICU, _MSICU)),
    "NSURG": (("Neurology", "Med/Surg", "Neuro Intermediate"), (_NSICU, _NSTEP)),
    "CSURG": (("Cardiac Surgery", "Cardiology Surgery Intermediate", "Cardiac Surgery"), (_CVICU, _SICU)),
    "VSURG": (("Vascular", "Med/Surg", "Vascular"), (_SICU, _CVICU)),
    "TRAUM": (("Med/Surg/Trauma", "Surgery/Trauma", "Med/Surg"), (_TSICU, _SICU)),
    "NMED": (("Neurology", "Neuro Intermediate", "Medicine"), (_NSICU, _NSTEP)),
    "ORTHO": (("Med/Surg/Trauma", "Med/Surg", "Surgery/Trauma"), (_TSICU, _SICU)),
    "PSYCH": (("Psychiatry", "Psychiatry", "Psychiatry"), (_MICU, _MSICU)),
    "OBS": (("Obstetrics Postpartum", "Labor & Delivery", "Obstetrics Antepartum"), (_MSICU, _SICU)),
    "TSURG": (("Thoracic Surgery", "Med/Surg", "PACU"), (_TSICU, _CVICU)),
    "GYN": (("Med/Surg/GYN", "Med/Surg", "PACU"), (_SICU, _MSICU)),
}
_ED, _EDOBS = "Emergency Department", "Emergency Department Observation"
UNITS = sorted({unit for kinds in _UNITS_OF.values() for kind in kinds for unit in kind} | {_ED, _EDOBS})
_WARD = np.array([[UNITS.index(unit) for unit in _UNITS_OF[service][0]] for service in SERVICES])
_ICU = np.array([[UNITS.index(unit) for unit in _UNITS_OF[service][1]] for service in SERVICES])
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
    return Stays(FIRST_HADM + number * _SPREAD_HADM % _ID_RANGE, kind, by_ed, _SERVICE_OF[course.episode])


def patient_rows(patients: Patients, course: Course) -> Rows:
    """Rows of patients."""
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


def _insurance(rng: np.random.Generator, course: Course, patients: Patients) -> np.ndarray:
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
    return np.where(rng.random(len(old)) < QUIRKS["insurance_unknown"], -1, drawn)


def admission_rows(
    rng: np.random.Generator, patients: Patients, course: Course, stays: Stays, ed_out: np.ndarray, providers: list[str]
) -> Rows:
    """Rows of admissions; `ed_out` is when the patient left the emergency department."""
    who, size = course.patient, len(course.patient)
    shift = patients.shift_days[who] * DAY
    midnight = course.disch // DAY * DAY
    early = course.died & (rng.random(size) < QUIRKS["midnight_discharge_of_dead"]) & (midnight >= course.admit)
    disch = np.where(early, midnight, course.disch)
    typo = rng.random(size) < QUIRKS["discharge_before_admission"]
    disch = np.where(typo & ~course.died, course.admit - rng.integers(1, 20, size) * 3600, disch)
    race = np.where(rng.random(size) < QUIRKS["other_race"], patients.other_race[who], patients.race[who])
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
        "deathtime": stamps(course.disch + shift, ~course.died),
        "admission_type": words(stays.kind, TYPES),
        "admit_provider_id": words(rng.integers(0, len(providers), size), providers),
        "admission_location": words(origin, ORIGINS),
        "discharge_location": words(_destination(rng, course, stays.kind), DESTINATIONS),
        "insurance": words(_insurance(rng, course, patients), INSURANCES),
        "language": words(patients.language[who], LANGUAGES),
        "marital_status": words(
            np.where(rng.random(size) < QUIRKS["marital_unknown"], -1, patients.marital[who]), MARITAL
        ),
        "race": words(race, RACES),
        "edregtime": stamps(course.admit - course.arrival + shift, ~stays.by_ed),
        "edouttime": stamps(ed_out // 60 * 60 + shift, ~stays.by_ed),
        "hospital_expire_flag": ints(course.died),
    }
    return Rows(who, columns)


@dataclass
class _Segments:
    """Stretches of an admission in one care unit; times in real seconds."""

    admission: np.ndarray
    icu: np.ndarray
    unit: np.ndarray
    start: np.ndarray
    end: np.ndarray


def _segments(rng: np.random.Generator, course: Course, stays: Stays, left: np.ndarray) -> _Segments:
    size = len(course.step_admission)
    moved = rng.random(size) < np.where(course.icu, 0.012, 0.075)
    change = course.step_first | (course.icu != np.roll(course.icu, 1)) | moved
    at = np.flatnonzero(change)
    adm, icu, first = course.step_admission[at], course.icu[at], course.step_first[at]
    start = course.step_time[at] + rng.integers(60, 7 * 3600, len(at))
    start = np.where(
        first,
        course.admit[adm] + rng.integers(0, 60, len(at)),
        np.clip(start, course.step_time[at], course.disch[adm] - 60),
    )
    moved_early = first & ~stays.by_ed[adm] & (rng.random(len(at)) < QUIRKS["moved_before_admission"])
    start = np.where(moved_early, course.admit[adm] - rng.integers(60, 3600, len(at)), start)
    last = np.r_[adm[1:] != adm[:-1], True]
    end = np.where(last, left[adm], np.r_[start[1:], 0])
    service = stays.service[adm]
    ward = _WARD[service, choose(rng, np.array([0.7, 0.2, 0.1]), len(at))]
    intensive = _ICU[service, choose(rng, np.array([0.75, 0.25]), len(at))]
    unit = np.where(icu, intensive, np.where(course.observed[adm] & first, UNITS.index(_EDOBS), ward))
    return _Segments(adm, icu, unit, start, end)


def movement_rows(
    rng: np.random.Generator, patients: Patients, course: Course, stays: Stays, visits: Visits, block: int
) -> tuple[Rows, Rows, np.ndarray]:
    """Rows of transfers and of icustays, and when each admission left the emergency department (real seconds)."""
    size = len(course.patient)
    left = course.disch + (rng.random(size) < QUIRKS["left_after_discharge"]) * rng.exponential(1500, size).astype(
        np.int64
    )
    seg = _segments(rng, course, stays, left)
    opening = np.flatnonzero(np.r_[True, seg.admission[1:] != seg.admission[:-1]])
    ed_out = np.minimum(course.admit + rng.gamma(2, 4200, size).astype(np.int64) - 600, seg.end[opening] - 60)
    ed_in = course.admit - course.arrival
    ed_out = np.maximum(ed_out, ed_in + 600)
    later = stays.by_ed & (seg.end[opening] > ed_out)
    seg.start[opening] = np.where(later, np.maximum(ed_out, seg.start[opening]), seg.start[opening])
    transfers = _transfer_rows(rng, patients, course, stays, visits, seg, opening, ed_in, ed_out, left, block)
    return transfers, _icu_rows(patients, course, stays, seg), ed_out


def _transfer_rows(rng, patients, course, stays, visits, seg, opening, ed_in, ed_out, left, block) -> Rows:
    by_ed = np.flatnonzero(stays.by_ed)
    alone = np.flatnonzero(visits.emergency)
    every = np.arange(len(course.patient))
    adm = np.concatenate([by_ed, seg.admission, every, np.full(len(alone), -1)])
    who = np.concatenate([course.patient[by_ed], course.patient[seg.admission], course.patient, visits.patient[alone]])
    counts = [len(by_ed), len(seg.admission), len(every), len(alone)]
    part = np.repeat(np.arange(4), counts)
    ward_event = np.where(np.isin(np.arange(len(seg.admission)), opening), 1, 2)
    event = np.concatenate([np.zeros(counts[0], int), ward_event, np.full(counts[2], 3), np.zeros(counts[3], int)])
    ed = UNITS.index(_ED)
    unit = np.concatenate([np.full(counts[0], ed), seg.unit, np.full(counts[2], -1), np.full(counts[3], ed)])
    came = np.concatenate([ed_in[by_ed], seg.start, left, visits.time[alone] + rng.integers(0, 60, counts[3])])
    stayed = (rng.gamma(2.2, 2.1 * 3600, counts[3]) + 900).astype(np.int64)
    went = np.concatenate([ed_out[by_ed], seg.end, left, visits.time[alone] + stayed])
    shift = patients.shift_days[who] * DAY
    if len(who) > TRANSFERS_PER_BLOCK:
        raise RuntimeError(f"{len(who)} transfers in one block of patients: more than there are ids for")
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[adm], adm < 0),
        "transfer_id": ints(FIRST_STAY + block * TRANSFERS_PER_BLOCK + np.arange(len(who))),
        "eventtype": words(event, ["ED", "admit", "transfer", "discharge"]),
        "careunit": words(unit, UNITS),
        "intime": stamps(came + shift),
        "outtime": stamps(went + shift, part == 2),
    }
    return Rows(who, columns)


def _icu_rows(patients: Patients, course: Course, stays: Stays, seg: _Segments) -> Rows:
    """Stays in intensive care: neighbouring segments are one stay, and at most as many a patient as there are ids."""
    before = np.r_[False, seg.icu[:-1] & (seg.admission[1:] == seg.admission[:-1])]
    after = np.r_[seg.icu[1:] & (seg.admission[1:] == seg.admission[:-1]), False]
    first, last = np.flatnonzero(seg.icu & ~before), np.flatnonzero(seg.icu & ~after)
    who = course.patient[seg.admission[first]]
    rank = np.zeros(len(who), np.int64)
    order = np.lexsort((seg.start[first], who))
    begins = np.r_[True, who[order][1:] != who[order][:-1]][: len(who)]
    rank[order] = np.arange(len(who)) - np.maximum.accumulate(np.where(begins, np.arange(len(who)), 0))
    kept = rank < MAX_ADMISSIONS
    first, last, who, rank = first[kept], last[kept], who[kept], rank[kept]
    shift = patients.shift_days[who] * DAY
    number = patients.number[who] * MAX_ADMISSIONS + rank
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[seg.admission[first]]),
        "stay_id": ints(FIRST_STAY + number * _SPREAD_STAY % _ID_RANGE),
        "first_careunit": words(seg.unit[first], UNITS),
        "last_careunit": words(seg.unit[last], UNITS),
        "intime": stamps(seg.start[first] + shift),
        "outtime": stamps(seg.end[last] + shift),
        "los": reals((seg.end[last] - seg.start[first]) / DAY),
    }
    return Rows(who, columns)


def service_rows(rng: np.random.Generator, patients: Patients, course: Course, stays: Stays) -> Rows:
    """Rows of services: one at admission, and another for admissions that change hands."""
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
