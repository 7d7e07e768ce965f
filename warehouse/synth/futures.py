"""Two risks that follow from the hidden state by way of more than one course: death in a stay in intensive care, death in a year.

In: a `World`. Out: arrays with one risk a prediction. Chances are carried along as weights wherever they can be; what is drawn
is severity and, for the year, when the patient comes back, why and how ill. Wrong: nothing a user can cause.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from warehouse.synth import hazards
from warehouse.synth.course import DAY, STEP, STRAIGHT_TO_ICU, Course, admit_again, chances_afterwards

if TYPE_CHECKING:
    from warehouse.synth.world import World

# Rare relapses decide about the least sick: fewer chains leave their small risks at nought.
CHAINS = 256
# A chain that is still in hospital with less than this weight is dropped; a simulated stay this long has all but ended.
NEGLIGIBLE = 3e-4
MOST_STEPS = 120
DISCHARGE_MOMENT = stats.beta(2.6, 2.2)  # of a step, as a share
MOVE_MOMENT = stats.uniform(60, 7 * 3600 - 60)  # of a step, in seconds: when a patient changes wards
DEATH_DAY = stats.beta(0.7, 1.5)  # of a year
RETURNS = 48  # futures drawn a discharge
MOST_RETURNS = 4  # admissions within the year that are followed
YEAR = 365


def gone_within(start: np.ndarray, moment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of a step's deaths and of its discharges that come before `moment` (real seconds)."""
    share = (moment - start) / STEP
    dead = ((share * STEP - 600) / (STEP - 600)).clip(0, 1)
    return dead, DISCHARGE_MOMENT.cdf(share)


def icu_death_risks(
    rng: np.random.Generator, course: Course, adm: np.ndarray, at: np.ndarray, begins: np.ndarray
) -> np.ndarray:
    """Risk of dying before leaving intensive care, at times `at` (real seconds) within stays of admissions `adm`.

    Known is the severity of the step in which the time lies. `begins` bool: the stay begins at that time, so that the step is known
    to be one of intensive care; of the other stays, which began in an earlier step, whether they end in this one is not.
    """
    row = np.repeat(np.arange(len(adm)), CHAINS)
    step = (at - course.admit[adm] // STEP * STEP) // STEP
    severity = course.severity[np.searchsorted(course.step_admission, adm) + step][row]
    weight, deaths, here = np.ones(len(row)), np.zeros(len(adm)), np.zeros(len(adm))
    for turn in range(MOST_STEPS):
        a, now = adm[row], (step + turn)[row]
        if turn:
            severity = hazards.severity_step(rng, severity, course.recovery[a], course.responds[a], now)
        stays_in = hazards.icu_chance(severity, np.ones(len(row), bool))
        start = course.admit[a] // STEP * STEP + now * STEP
        moved_out = weight * (1 - stays_in)
        if turn == 0:
            stays_in = np.where(begins[row], 1.0, stays_in)
            moved_out = np.where(begins[row], 0.0, moved_out * MOVE_MOMENT.sf(at[row] - start))
        inside = weight * stays_in
        dies = hazards.death_chance(severity, course.fate[a])
        clock = start % DAY // STEP
        leaves = (1 - dies) * hazards.leave_chance(
            severity, np.ones(len(row), bool), clock, now, course.observed[a], course.planned[a]
        )
        remains = inside * (1 - dies - leaves)
        if turn == 0:
            # Whoever is gone by then is not predicted for; nobody goes before the stay, which movements.py lets begin in time.
            gone_dead, gone_left = gone_within(start, at[row])
            dies, leaves = dies * (1 - gone_dead * ~begins[row]), leaves * (1 - gone_left * ~begins[row])
            here = np.bincount(row, inside * (dies + leaves) + remains + moved_out, minlength=len(adm))
        deaths += np.bincount(row, inside * dies, minlength=len(adm))
        kept = remains > NEGLIGIBLE
        row, severity, weight = row[kept], severity[kept], remains[kept]
        if not len(row):
            break
    return deaths / np.maximum(here, 1e-12)


def _run_severity(rng: np.random.Generator, adm: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Courses of admissions by severity alone: days in hospital, whether the patient dies there, peak and last severity."""
    n = len(adm["patient"])
    severity, live = adm["start_severity"].copy(), np.arange(n)
    icu = rng.random(n) < hazards.icu_at_start_chance(severity, STRAIGHT_TO_ICU[adm["episode"]])
    peak, died, steps = severity.copy(), np.zeros(n, bool), np.zeros(n, np.int64)
    clock = (adm["admit"] % DAY // STEP).astype(int)
    for step in range(hazards.MAX_STEPS):
        s = hazards.severity_step(rng, severity[live], adm["recovery"][live], adm["responds"][live], step)
        icu[live] = hazards.icu_step(rng, s, icu[live])
        severity[live], peak[live], steps[live] = s, np.maximum(peak[live], s), step
        dead = rng.random(len(live)) < hazards.death_chance(s, adm["fate"][live])
        places = (icu[live], (clock[live] + step) % 3, step, adm["observed"][live], adm["planned"][live])
        left = rng.random(len(live)) < hazards.leave_chance(s, *places)
        died[live] = dead
        live = live[~dead & ~left]
        if not len(live):
            break
    return {"days": (adm["admit"] % DAY + steps * STEP) // DAY, "died": died, "final": severity, "peak": peak}


def year_death_risks(rng: np.random.Generator, world: "World", adm: np.ndarray) -> np.ndarray:
    """Risk of dying within a year of the discharges `adm`, in hospital or out of it, through later admissions or without."""
    course, patients = world.course, world.patients
    row = np.repeat(np.arange(len(adm)), RETURNS)
    who, last = course.patient[adm][row], course.episode[adm][row]
    day = course.disch[adm][row] // DAY  # of the discharge from which the patient may come back
    left = np.full(len(row), float(YEAR))  # days of the year that are left then
    soon, mean, year = course.soon[adm][row], course.gap_mean[adm][row], course.year_death[adm][row]
    weight, risk = np.full(len(row), 1 / RETURNS), np.zeros(len(adm))
    for _ in range(MOST_RETURNS):
        gap = hazards.next_gap(rng, soon, mean)
        comes = (gap < left) & (day + gap <= patients.last_day[who])
        # A death in the year that follows a discharge counts unless an admission comes first.
        until = np.where(comes, gap, left)
        dies = year * DEATH_DAY.cdf((until - 1).clip(0) / 363)
        risk += np.bincount(row, weight * dies, minlength=len(adm))
        weight = (weight * (1 - dies))[comes]
        row, who, last, day, left = row[comes], who[comes], last[comes], (day + gap)[comes], (left - gap)[comes]
        if not len(row):
            break
        again = admit_again(rng, patients, who, day, last)
        ended = _run_severity(rng, again)
        in_time = ended["died"] & (ended["days"] <= left)
        risk += np.bincount(row, weight * in_time, minlength=len(adm))
        chances = chances_afterwards(patients, again, ended)
        goes_on = ~ended["died"] & (ended["days"] < left)
        last, left, day = again["episode"][goes_on], (left - ended["days"])[goes_on], (day + ended["days"])[goes_on]
        row, who, weight = row[goes_on], who[goes_on], weight[goes_on]
        soon, mean, year = (chances[name][goes_on] for name in ("soon", "gap_mean", "year_death"))
    return risk
