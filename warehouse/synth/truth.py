"""What no real cohort tells: the hidden state of every patient, and the risk that follows from it.

In: a `World`. Out: rows of five files in DIR/truth, which the pipeline never reads: patients (frailty, factors), conditions (when
each began), admissions (reason, constants), steps (severity, place, chances by eight hours) and risks.

A risk is the probability of an outcome given the whole hidden state at the prediction time. No model that sees only the
tables can rank patients better on average: the AUROC of `risk` against `happened` is the best achievable. Risks within an
admission are means over CHAINS simulations of severity and place alone (hazards.py), in which deaths and discharges are
not drawn but their chances carried along as weights; risks after discharge are sums over days. Risks within a stay in
intensive care, and of death within a year by whatever way, are those of futures.py.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy import stats

from warehouse.synth import hazards
from warehouse.synth.columns import Rows, ints, reals, stamps, words
from warehouse.synth.conditions import CONDITIONS, FACTORS
from warehouse.synth.course import DAY, STEP, STRAIGHT_TO_ICU, Course
from warehouse.synth.episodes import EPISODES
from warehouse.synth.futures import (
    CHAINS,
    MOST_STEPS,
    NEGLIGIBLE,
    gone_within,
    icu_death_risks,
    year_death_risks,
)

if TYPE_CHECKING:
    from warehouse.synth.world import World

LONG_STAYS = (7, 10)
OUTCOMES = (
    "in_hospital_death",
    "icu_admission",
    *(f"stay_over_{days}_days" for days in LONG_STAYS),
    "readmission_30_days",
    "death_1_year_before_readmission",
    "death_1_year",
    "icu_death",
)
POINTS = ("admission", "24 hours", "icu_admission", "discharge", "icu_stay", "icu_stay 24 hours")


def _simulate(
    rng: np.random.Generator, course: Course, adm: np.ndarray, state: dict[str, np.ndarray], at: np.ndarray
) -> dict[str, np.ndarray]:
    """Risks at times `at` (real seconds) of admissions `adm`; `state`: severity, chance of being in intensive care, and the
    number of the first step to come."""
    n = len(adm)
    sums = {name: np.zeros(n) for name in ("here", "death", "icu", *map(str, LONG_STAYS))}
    row = np.repeat(np.arange(n), CHAINS)
    severity, icu = state["severity"][row], rng.random(len(row)) < state["icu"][row]
    step = state["step"]
    # Weights of a chain: still in hospital; and so without having come to intensive care since the prediction.
    inside, outside_icu = np.ones(len(row)), np.ones(len(row))

    def add(name: str, mass: np.ndarray) -> None:
        sums[name] += np.bincount(row, mass, minlength=n)

    for turn in range(MOST_STEPS):
        a, now = adm[row], (step + turn)[row]
        severity = hazards.severity_step(rng, severity, course.recovery[a], course.responds[a], now)
        entering = hazards.icu_chance(severity, icu & (turn == 0))
        icu = hazards.icu_step(rng, severity, icu)
        begins = course.admit[a] // STEP * STEP + now * STEP
        dies = hazards.death_chance(severity, course.fate[a])
        goes = (begins % DAY // STEP, now, course.observed[a], course.planned[a])
        leaves = (1 - dies) * hazards.leave_chance(severity, icu, *goes)
        stays = 1 - dies - leaves
        add("icu", outside_icu * entering)
        outside_icu = outside_icu * (1 - entering) * (1 - dies) * (1 - hazards.leave_chance(severity, False, *goes))
        if turn == 0:
            # Whoever was gone before the prediction is not predicted for; nobody goes before the admission.
            gone_dead, gone_left = gone_within(begins, at[row])
            dies = dies * (1 - gone_dead * (now > 0))
            leaves = leaves * (1 - gone_left * (now > 0))
            add("here", dies + leaves + stays)
        dies, leaves, stays = inside * dies, inside * leaves, inside * stays
        add("death", dies)
        for days in LONG_STAYS:
            limit = course.admit[a] + days * DAY
            here = (begins <= limit) & (limit < begins + STEP)
            if here.any():
                early_dead, early_left = gone_within(begins, limit)
                add(str(days), np.where(here, dies * (1 - early_dead) + leaves * (1 - early_left) + stays, 0.0))
        kept = stays > NEGLIGIBLE
        row, severity, icu, inside, outside_icu = (x[kept] for x in (row, severity, icu, stays, outside_icu))
        if not len(row):
            break
    return {name: total / sums["here"] for name, total in sums.items() if name != "here"}


def _step_of(course: Course, adm: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Number of the step of admission `adm` in which `moment` lies."""
    return (moment - course.admit[adm] // STEP * STEP) // STEP


def _inside(rng: np.random.Generator, world: "World") -> list[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Risks at admission, after 24 hours and on coming to intensive care: (point, outcome, admission, time, risk)."""
    course = world.course
    first = np.flatnonzero(course.step_first)
    every = np.arange(len(course.patient))
    at_once = hazards.icu_at_start_chance(course.start_severity, STRAIGHT_TO_ICU[course.episode])
    begun = np.flatnonzero(course.icu & (course.step_first | ~np.roll(course.icu, 1)))[::-1]
    entry = np.full(len(every), -1)
    entry[course.step_admission[begun]] = begun - first[course.step_admission[begun]]
    parts = []
    for point, chosen, moment in (
        ("admission", course.admit > 0, course.admit),
        ("24 hours", course.disch > course.admit + DAY, course.admit + DAY),
        ("icu_admission", entry >= 0, course.admit // STEP * STEP + (entry + 1) * STEP),
    ):
        adm = np.flatnonzero(chosen & (course.disch > moment))
        # The last step that is over when the prediction is made; none at admission.
        known = np.full(len(adm), -1) if point == "admission" else _step_of(course, adm, moment[adm]) - 1
        row = first[adm] + known.clip(0)
        state = {
            "severity": np.where(known < 0, course.start_severity[adm], course.severity[row]),
            "icu": np.where(known < 0, at_once[adm], course.icu[row]),
            "step": known + 1,
        }
        risks = _simulate(rng, course, adm, state, moment[adm])
        parts.append((point, "in_hospital_death", adm, moment[adm], risks["death"]))
        if point == "icu_admission":
            continue
        # Whoever is in intensive care already is not predicted to come there.
        out = np.flatnonzero((known < 0) | ~course.icu[row])
        parts.append((point, "icu_admission", adm[out], moment[adm[out]], risks["icu"][out]))
        parts += [(point, f"stay_over_{days}_days", adm, moment[adm], risks[str(days)]) for days in LONG_STAYS]
    return parts


def _after_discharge(course: Course, adm: np.ndarray) -> dict[str, np.ndarray]:
    """Chances of a readmission within 30 days, and of a death within a year that no readmission precedes."""
    day = np.arange(0, 366)
    soon, mean = course.soon[adm, None], course.gap_mean[adm, None]
    # Gaps are whole days: 1 + gamma(1.1, 10) or 2 + exponential(mean), cut; deaths fall on day 1 + 363 beta(.7, 1.5), cut.
    gap_by = soon * stats.gamma(1.1, scale=10).cdf(day) + (1 - soon) * (1 - np.exp(-(day - 1).clip(0) / mean))
    death_by = stats.beta(0.7, 1.5).cdf(day / 363)
    gap = np.diff(gap_by, axis=1, prepend=0)
    death = np.diff(death_by, prepend=0)
    year = course.year_death[adm, None]
    return {
        "readmission_30_days": (gap * (1 - year * death_by))[:, 1:31].sum(axis=1),
        "death_1_year_before_readmission": (year * death * (1 - np.roll(gap_by, 1, axis=1)))[:, 1:].sum(axis=1),
    }


def _in_icu_stays(rng: np.random.Generator, world: "World") -> list[tuple]:
    """Risks of death in intensive care, when each recorded stay begins and 24 hours later: parts, each with what happened."""
    course, icu = world.course, world.icu
    died = course.died[icu.admission] & (icu.end >= course.disch[icu.admission])
    parts = []
    for point, hours in (("icu_stay", 0), ("icu_stay 24 hours", 24)):
        at = np.maximum(icu.start, course.admit[icu.admission]) + hours * 3600
        kept = np.flatnonzero(icu.end > at)
        adm, moment = icu.admission[kept], at[kept]
        risk = icu_death_risks(rng, course, adm, moment, np.full(len(kept), hours == 0))
        parts.append((point, "icu_death", adm, (icu.start + hours * 3600)[kept], risk, died[kept]))
    return parts


def _dies_within_a_year(course: Course, adm: np.ndarray) -> np.ndarray:
    """Whether the patient dies, in hospital or out of it, within 365 days of the discharge."""
    day = np.where(course.died, course.disch // DAY, course.death_day)
    last = np.full(course.patient.max() + 1, np.iinfo(np.int64).max)
    dead = day >= 0
    last[course.patient[dead]] = day[dead]
    return last[course.patient[adm]] - course.disch[adm] // DAY <= 365


def _happened(course: Course, outcome: str, adm: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Whether the outcome came after the prediction, in the hidden course."""
    if outcome == "in_hospital_death":
        return course.died[adm]
    if outcome == "death_1_year":
        return _dies_within_a_year(course, adm)
    if outcome == "icu_admission":
        last = np.full(len(course.patient), -1)
        np.maximum.at(last, course.step_admission[course.icu], course.step_time[course.icu] + STEP)
        return last[adm] > moment
    if outcome.startswith("stay_over"):
        return course.disch[adm] - course.admit[adm] > int(outcome.split("_")[2]) * DAY
    following = np.flatnonzero(course.rank > 0)
    gap = np.full(len(course.patient), np.inf)
    key = course.patient * 1000 + course.rank
    order = np.argsort(key)
    before = order[np.searchsorted(key[order], key[following] - 1)]
    gap[before] = course.admit[following] // DAY - course.disch[before] // DAY
    if outcome == "readmission_30_days":
        return gap[adm] <= 30
    return course.death_day[adm] >= 0


def risk_rows(world: "World") -> Rows:
    """One row a prediction and outcome: the risk given the hidden state, and whether the outcome came."""
    course, shift = world.course, world.patients.shift_days * DAY
    alive = np.flatnonzero(~course.died)
    parts = _inside(world.stream("truth"), world)
    later = world.stream("truth of futures")
    after = _after_discharge(course, alive) | {"death_1_year": year_death_risks(later, world, alive)}
    parts += [("discharge", outcome, alive, course.disch[alive], risk) for outcome, risk in after.items()]
    parts = [(*part, _happened(course, part[1], part[2], part[3])) for part in parts]
    parts += _in_icu_stays(later, world)
    adm, moment = (np.concatenate([part[at] for part in parts]) for at in (2, 3))
    sizes = [len(part[2]) for part in parts]
    columns = {
        "subject_id": ints(world.patients.subject_id[course.patient[adm]]),
        "hadm_id": ints(world.stays.hadm[adm]),
        "prediction_point": words(np.repeat([POINTS.index(part[0]) for part in parts], sizes), POINTS),
        "prediction_time": stamps(moment + shift[course.patient[adm]]),
        "outcome": words(np.repeat([OUTCOMES.index(part[1]) for part in parts], sizes), OUTCOMES),
        "risk": reals(np.concatenate([part[4] for part in parts]).clip(0, 1)),
        "happened": pa.array(np.concatenate([part[5] for part in parts])),
    }
    return Rows(course.patient[adm], columns)


def patient_rows(world: "World") -> Rows:
    """One row a patient: frailty and the factors that make conditions cluster, in standard deviations."""
    patients = world.patients
    columns = {"subject_id": ints(patients.subject_id), "frailty": reals(patients.frailty)}
    columns |= {f"factor_{name}": reals(patients.factors[:, number]) for number, name in enumerate(FACTORS)}
    return Rows(np.arange(len(patients.number)), columns)


def condition_rows(world: "World") -> Rows:
    """One row a patient and condition that begins before the last contact, with the day on which it begins."""
    patients = world.patients
    who, condition = np.nonzero(patients.onset <= patients.last_day[:, None])
    began = (patients.onset[who, condition] + patients.shift_days[who]) * DAY
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "condition": words(condition, [one.key for one in CONDITIONS]),
        "icd10_code": words(condition, [one.icd10 for one in CONDITIONS]),
        "began": stamps(began.astype(np.int64)),
    }
    return Rows(who, columns)


def admission_rows(world: "World") -> Rows:
    """One row an admission: its reason and the constants of its course (hazards.py)."""
    course, shift = world.course, world.patients.shift_days * DAY
    columns = {
        "subject_id": ints(world.patients.subject_id[course.patient]),
        "hadm_id": ints(world.stays.hadm),
        "admitted": stamps(course.admit + shift[course.patient]),
        "ended": stamps(course.disch + shift[course.patient]),
        "died": pa.array(course.died),
        "episode": words(course.episode, [one.key for one in EPISODES]),
        "start_severity": reals(course.start_severity),
        "peak_severity": reals(course.peak),
        "recovery": reals(course.recovery),
        "responds": reals(course.responds),
        "fate": reals(course.fate),
    }
    return Rows(course.patient, columns)


def step_rows(world: "World") -> Rows:
    """One row an admission and eight hours: severity, place, and the chances of death and of discharge in them."""
    course = world.course
    adm = course.step_admission
    who = course.patient[adm]
    number = (course.step_time - course.admit[adm] // STEP * STEP) // STEP
    clock = course.step_time % DAY // STEP
    leave = hazards.leave_chance(course.severity, course.icu, clock, number, course.observed[adm], course.planned[adm])
    columns = {
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[adm]),
        "began": stamps(course.step_time + world.patients.shift_days[who] * DAY),
        "severity": reals(course.severity),
        "in_icu": pa.array(course.icu),
        "death_chance": reals(hazards.death_chance(course.severity, course.fate[adm])),
        "leave_chance": reals(leave),
    }
    return Rows(who, columns)


MAKERS: dict[str, Callable[["World"], Rows]] = {
    "truth/patients": patient_rows,
    "truth/conditions": condition_rows,
    "truth/admissions": admission_rows,
    "truth/steps": step_rows,
    "truth/risks": risk_rows,
}
