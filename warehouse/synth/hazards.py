"""How severity moves, and what follows from it: intensive care, death, discharge, and what comes after discharge.

In: arrays with one scalar an admission (severity, place, step and the constants that `course.Course` keeps) and a Generator.
Out: the next state, or a chance. Severity depends on itself alone, never on results or treatments, and all other hazards
depend on severity and constants: the risk of any outcome at any step follows from simulating these few scalars.
A step is eight hours; the clock is 0 for the night (from midnight), 1 for the day, 2 for the evening.
"""

import numpy as np

MAX_STEPS = 240
HIGHEST = 6.0
# Chance of leaving by clock, in shares of the daytime's.
_BY_CLOCK = np.array([0.02, 1.0, 0.55])


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    """The logistic function, safe for large arguments."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, dtype=float)))


def severity_step(
    rng: np.random.Generator, severity: np.ndarray, recovery: np.ndarray, responds: np.ndarray, step: int
) -> np.ndarray:
    """Severity eight hours on: slow at first, then decaying as the patient responds, with noise and relapses."""
    size = len(severity)
    relapse = (rng.random(size) < sigmoid(-5.0 + 0.45 * severity)) * rng.exponential(0.9, size)
    decay = recovery * np.where(step < 3, 0.3, responds) * severity
    noise = 0.075 * rng.standard_normal(size) * np.sqrt(severity + 0.1)
    return np.clip(np.clip(severity - decay + noise, 0.02, None) + relapse, 0.02, HIGHEST)


def icu_chance(severity: np.ndarray, icu: np.ndarray) -> np.ndarray:
    """Chance of being in intensive care after this step, given severity in it and where the patient was before."""
    return np.where(icu, sigmoid(6 * (severity - 0.75) + 1.6), sigmoid(5 * (severity - 2.33)))


def icu_at_start_chance(severity: np.ndarray, straight: np.ndarray) -> np.ndarray:
    """Chance of going to intensive care at once; `straight`: episodes that do so by custom, as after heart surgery."""
    return 1 - (1 - 0.97 * straight) * (1 - sigmoid(3 * (severity - 2.6)))


def icu_step(rng: np.random.Generator, severity: np.ndarray, icu: np.ndarray) -> np.ndarray:
    """Whether the patient is in intensive care after this step."""
    return rng.random(len(severity)) < icu_chance(severity, icu)


def death_chance(severity: np.ndarray, fate: np.ndarray) -> np.ndarray:
    """Chance of death in this step; `fate` is the admission's constant (age, frailty, do not resuscitate)."""
    return np.exp(2.1 * severity + fate).clip(0, 0.5)


def leave_chance(
    severity: np.ndarray, icu: np.ndarray, clock: np.ndarray, step: int, observed: np.ndarray, planned: np.ndarray
) -> np.ndarray:
    """Chance of discharge in this step: only when well enough, by day, hardly ever from intensive care."""
    by_clock = _BY_CLOCK[clock]
    ready = sigmoid(1.0 - 6.0 * (severity - np.where(observed, 0.75, 0.45)) - 3.0 * icu)
    early = np.where(observed, step >= 1, step >= np.where(planned, 4, 3))
    return np.where(early, 0.5 * ready * by_clock, 0.0) + 0.004 * by_clock


def fate(age: np.ndarray, frailty: np.ndarray, dnr: np.ndarray) -> np.ndarray:
    """The constant of `death_chance`: log of the chance at severity 0."""
    return -10.42 + 0.016 * (age - 60) + 0.25 * frailty + 0.9 * dnr


def year_death_chance(
    age: np.ndarray, frailty: np.ndarray, grave: np.ndarray, final: np.ndarray, peak: np.ndarray
) -> np.ndarray:
    """Chance of death within a year of a discharge alive; `final` and `peak` are severities, `grave` counts illnesses."""
    return sigmoid(-4.75 + 0.45 * frailty + 0.036 * (age - 50) + 0.55 * final + 0.3 * peak + 0.75 * grave)


def soon_chance(frailty: np.ndarray, burden: np.ndarray, final: np.ndarray) -> np.ndarray:
    """Chance that a readmission comes within weeks; `burden` counts conditions."""
    return sigmoid(-3.4 + 0.5 * frailty + 0.06 * burden + 0.8 * final)


def mean_gap(frailty: np.ndarray, burden: np.ndarray) -> np.ndarray:
    """Mean days to the next admission where it does not come soon (an exponential time, two days added)."""
    return 6000 * np.exp(-0.6 * frailty - 0.09 * burden.clip(0, 16))


def next_gap(rng: np.random.Generator, soon: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Days from discharge to the next admission, from `soon_chance` and `mean_gap`."""
    size = len(soon)
    early = rng.random(size) < soon
    return np.where(early, 1 + rng.gamma(1.1, 10, size), 2 + rng.exponential(1, size) * mean).astype(np.int64)
