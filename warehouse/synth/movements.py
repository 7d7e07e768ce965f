"""Where patients are: rows of transfers and icustays, and the stays in intensive care and the emergency department.

In: a `World`. Out: `Movements`, `IcuStays`, `EdStays` (real seconds) and `Rows`. Care units follow the hidden place (ward or
intensive care) and the service.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.columns import Rows, ints, reals, stamps, words
from warehouse.synth.course import DAY, MAX_ADMISSIONS
from warehouse.synth.patients import choose
from warehouse.synth.quirks import quirks
from warehouse.synth.stays import ID_RANGE, SERVICES

if TYPE_CHECKING:
    from warehouse.synth.world import World

FIRST_STAY, _SPREAD_STAY = 30_000_000, 7_236_067
TRANSFERS_PER_BLOCK = 2**14
QUIRKS = quirks("""
leaves_after_discharge | .75 | 9: 22 of 140 ICU stays of the demo end after discharge | the bed is left minutes after discharge
unit_before_admission | .03 | 9: 2 of 140 ICU stays of the demo | the first unit is entered before the time of admission
icu_stay_not_recorded | .01 | 9: "some" in the full data | the stay has no row in icustays
""")  # fmt: skip
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


@dataclass
class Segments:
    """Stretches of an admission in one care unit; times in real seconds."""

    admission: np.ndarray
    icu: np.ndarray
    unit: np.ndarray
    start: np.ndarray
    end: np.ndarray


def _segments(rng: np.random.Generator, world: "World", share: dict[str, float], left: np.ndarray) -> Segments:
    course, stays = world.course, world.stays
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
    moved_early = first & ~stays.by_ed[adm] & (rng.random(len(at)) < share["unit_before_admission"])
    start = np.where(moved_early, course.admit[adm] - rng.integers(60, 3600, len(at)), start)
    last = np.r_[adm[1:] != adm[:-1], True]
    end = np.where(last, left[adm], np.r_[start[1:], 0])
    service = stays.service[adm]
    ward = _WARD[service, choose(rng, np.array([0.7, 0.2, 0.1]), len(at))]
    intensive = _ICU[service, choose(rng, np.array([0.75, 0.25]), len(at))]
    unit = np.where(icu, intensive, np.where(course.observed[adm] & first, UNITS.index(_EDOBS), ward))
    return Segments(adm, icu, unit, start, end)


@dataclass
class Movements:
    """Where each admission was: its segments, the first of each, and when it was in the emergency department."""

    segments: Segments
    opening: np.ndarray
    ed_in: np.ndarray
    ed_out: np.ndarray
    left: np.ndarray


def make_movements(rng: np.random.Generator, world: "World") -> Movements:
    """The care units that each admission passes through; times in real seconds."""
    course, stays, share = world.course, world.stays, world.shares(QUIRKS)
    size = len(course.patient)
    lingers = rng.random(size) < share["leaves_after_discharge"]
    left = course.disch + lingers * rng.exponential(1500, size).astype(np.int64)
    seg = _segments(rng, world, share, left)
    opening = np.flatnonzero(np.r_[True, seg.admission[1:] != seg.admission[:-1]])
    ed_in = course.admit - course.arrival
    ed_out = np.minimum(course.admit + rng.gamma(2, 4200, size).astype(np.int64) - 600, seg.end[opening] - 60)
    ed_out = np.maximum(ed_out, ed_in + 600)
    later = stays.by_ed & (seg.end[opening] > ed_out)
    seg.start[opening] = np.where(later, np.maximum(ed_out, seg.start[opening]), seg.start[opening])
    return Movements(seg, opening, ed_in, ed_out, left)


@dataclass
class IcuStays:
    """Stays in intensive care, sorted by admission and time; times in real seconds."""

    admission: np.ndarray
    patient: np.ndarray
    stay_id: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first_unit: np.ndarray
    last_unit: np.ndarray


def stay_ids(world: "World", index: np.ndarray, intensive: bool) -> np.ndarray:
    """Ids of stays by their index in the block: every other id is one of intensive care, the rest are emergency stays'."""
    room = MAX_ADMISSIONS * len(world.patients.number)
    number = 2 * index + (not intensive)
    if number.max(initial=0) >= room:
        raise RuntimeError(f"{len(index)} stays in one block of patients: more than there are ids for")
    return FIRST_STAY + (world.block * room + number) * _SPREAD_STAY % ID_RANGE


def make_icu_stays(world: "World") -> IcuStays:
    """Neighbouring segments in intensive care are one stay."""
    seg, course = world.movements.segments, world.course
    before = np.r_[False, seg.icu[:-1] & (seg.admission[1:] == seg.admission[:-1])]
    after = np.r_[seg.icu[1:] & (seg.admission[1:] == seg.admission[:-1]), False]
    first, last = np.flatnonzero(seg.icu & ~before), np.flatnonzero(seg.icu & ~after)
    who = course.patient[seg.admission[first]]
    recorded = world.stream("icu stays").random(len(who)) >= world.shares(QUIRKS)["icu_stay_not_recorded"]
    kept = np.flatnonzero(recorded)
    kept = kept[np.lexsort((seg.start[first[kept]], seg.admission[first[kept]]))]
    ids = stay_ids(world, np.arange(len(who)), intensive=True)[kept]
    first, last, who = first[kept], last[kept], who[kept]
    return IcuStays(
        admission=seg.admission[first],
        patient=who,
        stay_id=ids,
        start=seg.start[first],
        end=seg.end[last],
        first_unit=seg.unit[first],
        last_unit=seg.unit[last],
    )


def icu_rows(world: "World") -> Rows:
    """Rows of icustays."""
    icu = world.icu
    shift = world.patients.shift_days[icu.patient] * DAY
    columns = {
        "subject_id": ints(world.patients.subject_id[icu.patient]),
        "hadm_id": ints(world.stays.hadm[icu.admission]),
        "stay_id": ints(icu.stay_id),
        "first_careunit": words(icu.first_unit, UNITS),
        "last_careunit": words(icu.last_unit, UNITS),
        "intime": stamps(icu.start + shift),
        "outtime": stamps(icu.end + shift),
        "los": reals((icu.end - icu.start) / DAY),
    }
    return Rows(icu.patient, columns)


@dataclass
class EdStays:
    """Stays in the emergency department; `admission` is -1 where the patient went home. Times in real seconds."""

    patient: np.ndarray
    admission: np.ndarray
    visit: np.ndarray
    start: np.ndarray
    end: np.ndarray


def make_ed_stays(world: "World") -> EdStays:
    """Those that lead to an admission, then those that do not (`visit` indexes the block's visits, else -1)."""
    course, visits, movements = world.course, world.visits, world.movements
    by_ed, alone = np.flatnonzero(world.stays.by_ed), np.flatnonzero(visits.emergency)
    rng = world.stream("ed stays")
    start = visits.time[alone] + rng.integers(0, 60, len(alone))
    stayed = (rng.gamma(2.2, 2.1 * 3600, len(alone)) + 900).astype(np.int64)
    return EdStays(
        patient=np.concatenate([course.patient[by_ed], visits.patient[alone]]),
        admission=np.concatenate([by_ed, np.full(len(alone), -1)]),
        visit=np.concatenate([np.full(len(by_ed), -1), alone]),
        start=np.concatenate([movements.ed_in[by_ed], start]),
        end=np.concatenate([movements.ed_out[by_ed], start + stayed]),
    )


def transfer_rows(world: "World") -> Rows:
    """Rows of transfers: emergency department, care units, and a row without unit at discharge."""
    patients, course, ed = world.patients, world.course, world.ed
    seg, left = world.movements.segments, world.movements.left
    every = np.arange(len(course.patient))
    adm = np.concatenate([ed.admission, seg.admission, every])
    who = np.concatenate([ed.patient, course.patient[seg.admission], course.patient])
    ward_event = np.where(np.isin(np.arange(len(seg.admission)), world.movements.opening), 1, 2)
    event = np.concatenate([np.zeros(len(ed.patient), int), ward_event, np.full(len(every), 3)])
    unit = np.concatenate([np.full(len(ed.patient), UNITS.index(_ED)), seg.unit, np.full(len(every), -1)])
    came = np.concatenate([ed.start, seg.start, left])
    went = np.concatenate([ed.end, seg.end, left])
    shift = patients.shift_days[who] * DAY
    if len(who) > TRANSFERS_PER_BLOCK:
        raise RuntimeError(f"{len(who)} transfers in one block of patients: more than there are ids for")
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[adm], adm < 0),
        "transfer_id": ints(FIRST_STAY + world.block * TRANSFERS_PER_BLOCK + np.arange(len(who))),
        "eventtype": words(event, ["ED", "admit", "transfer", "discharge"]),
        "careunit": words(unit, UNITS),
        "intime": stamps(came + shift),
        "outtime": stamps(went + shift, event == 3),
    }
    return Rows(who, columns)
