"""Visits outside admissions: clinics (measurements of the outpatient record, samples) and the emergency department alone.

In: patients and their course. Out: `Visits`, and rows of omr. Weight follows a slow random walk around the patient's own;
blood pressure follows hypertension, its treatment and age.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.synth.columns import Rows, dates, fixed, ints, joined, numbered, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, Course
from warehouse.synth.patients import Patients
from warehouse.synth.quirks import quirks

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
measurement_repeated | .042 | 27: 126 of 2,964 rows in the demo | the same measurement again under another number
""")
NAMES = (
    "Weight (Lbs)",
    "Blood Pressure",
    "BMI (kg/m2)",
    "Height (Inches)",
    "Blood Pressure Sitting",
    "Blood Pressure Standing (1 min)",
)
_TAKEN = np.array([0.93, 0.88, 0.76, 0.37, 0.006, 0.004])


@dataclass
class Visits:
    """One row a visit; `emergency` marks visits to the emergency department that end without admission."""

    patient: np.ndarray
    day: np.ndarray
    time: np.ndarray
    emergency: np.ndarray
    sampled: np.ndarray


def make_visits(rng: np.random.Generator, patients: Patients, course: Course) -> Visits:
    """Visits of a block's patients between first and last contact, none after death."""
    death = np.full(len(patients.number), np.iinfo(np.int64).max)
    gone = course.death_day >= 0
    np.minimum.at(death, course.patient[gone], course.death_day[gone])
    last = np.minimum(patients.last_day, death - 1)
    years = (last - patients.first_day).clip(1) / 365.25
    clinic = rng.poisson(patients.visit_rate * years)
    urgent = rng.poisson(np.where(patients.admitted, 0.5, 0.25) * np.exp(0.3 * patients.frailty) + 0.02 * years)
    urgent += ~patients.admitted
    who = np.concatenate([np.repeat(np.arange(len(clinic)), clinic), np.repeat(np.arange(len(urgent)), urgent)])
    emergency = np.arange(len(who)) >= clinic.sum()
    span = (last - patients.first_day)[who].clip(0)
    day = patients.first_day[who] + (rng.random(len(who)) * (span + 1)).astype(np.int64)
    minute = np.where(emergency, rng.integers(0, 1440, len(who)), rng.integers(8 * 60, 17 * 60, len(who)))
    # Who lies in hospital goes to no clinic.
    kept = (day < death[who]) & ~_in_hospital(course, who, day)
    sampled = rng.random(len(who)) < np.where(emergency, 0.66, 0.23)
    return Visits(who[kept], day[kept], (day * DAY + minute * 60)[kept], emergency[kept], sampled[kept])


def _in_hospital(course: Course, who: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Whether patients `who` are in hospital on `day`, or come or go on it."""
    span = 10**6
    order = np.lexsort((course.admit, course.patient))
    begins = course.patient[order] * span + course.admit[order] // DAY - 1
    before = np.searchsorted(begins, who * span + day, side="right") - 1
    last = order[before.clip(0)]
    return (before >= 0) & (course.patient[last] == who) & (day <= course.disch[last] // DAY + 1)


def omr_rows(world: "World") -> Rows:
    """Rows of omr for the visits to clinics."""
    rng, patients, visits = world.stream("omr"), world.patients, world.visits
    clinic = np.flatnonzero(~visits.emergency)
    who, day = visits.patient[clinic], visits.day[clinic]
    size = len(clinic)
    years = (day - patients.first_day[who]) / 365.25
    bmi = patients.bmi[who] + 0.35 * patients.offset[who, 0] * years + 0.6 * rng.standard_normal(size)
    bmi = (bmi - 9 * (patients.present(who, day)[:, CONDITION_INDEX["bariatric"]])).clip(13, 75)
    height = patients.height[who]
    hypertensive = patients.present(who, day)[:, CONDITION_INDEX["htn"]]
    sys = (
        116
        + 14 * hypertensive
        + 0.25 * (patients.age[who] - 50)
        + 7 * patients.offset[who, 1]
        + 9 * rng.standard_normal(size)
    )
    dia = 0.42 * sys + 20 + 6 * rng.standard_normal(size) - 0.12 * (patients.age[who] - 50)
    taken = rng.random((size, len(NAMES))) < _TAKEN
    visit, name = np.nonzero(taken)
    again = np.flatnonzero(rng.random(len(visit)) < world.shares(QUIRKS)["measurement_repeated"])
    copies = np.concatenate([np.zeros(len(visit), np.int64), np.ones(len(again), np.int64)])
    visit, name = np.concatenate([visit, visit[again]]), np.concatenate([name, name[again]])
    numeric = np.choose(
        np.minimum(name, 4),
        [
            bmi[visit] * height[visit] ** 2 / 703,
            0 * bmi[visit],
            bmi[visit],
            np.round(height[visit] * 4) / 4,
            0 * bmi[visit],
        ],
    )
    pressure = joined(ints(sys.clip(70, 230)), ints(dia.clip(35, 130)), separator="/").take(pa.array(visit))
    decimals = np.select([name == 0, name == 2], [np.where(rng.random(len(name)) < 0.3, 0, 2), 1], 0)
    value = pc.if_else(pa.array(np.isin(name, (1, 4, 5))), pressure, fixed(numeric, decimals))
    # Visits may share a day: the number within the day counts over them and over the copies.
    group = (who[visit] * 200000 + day[visit]) * len(NAMES) + name
    sequence = numbered(group, copies, visit)
    columns = {
        "subject_id": ints(patients.subject_id[who[visit]]),
        "chartdate": dates(day[visit] + patients.shift_days[who[visit]]),
        "seq_num": ints(sequence),
        "result_name": words(name, NAMES),
        "result_value": value,
    }
    return Rows(who[visit], columns)
