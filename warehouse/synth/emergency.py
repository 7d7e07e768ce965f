"""Stays in the emergency department: rows of edstays and diagnosis.

In: a `World`. Out: `EdCare` (who came with what, how ill, what was found at the door; real seconds) and `Rows`. Stays before the
module of the department began have no rows, although admissions name their times. Vital signs at the door follow severity and
reason; codes are ICD-9 before October 2015 and ICD-10 after.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.billing import ICD10_DAY
from warehouse.synth.columns import Rows, ints, numbered, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX, CONDITIONS
from warehouse.synth.course import DAY
from warehouse.synth.emergencyitems import ATTRACTION, EPISODE_REASONS, REASON_INDEX, REASONS, VITALS
from warehouse.synth.episodes import COMPLICATIONS, EPISODES
from warehouse.synth.movements import stay_ids
from warehouse.synth.patients import RACES, choose, choose_each, sigmoid
from warehouse.synth.quirks import quirks
from warehouse.synth.stays import TYPES

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
two_stays_of_one_admission | .0058 | 7, 28: 1 of 172 stays with an admission | an earlier stay, ended HOME, has the hadm_id too
ed_race_differs | .012 | 6: 2 of 100 patients | another race than at the patient's admissions
""")  # fmt: skip
MODULE_FROM = int(np.datetime64("2011-01-01").astype(int)) * DAY
DISPOSITIONS = (
    "HOME",
    "ADMITTED",
    "TRANSFER",
    "LEFT WITHOUT BEING SEEN",
    "ELOPED",
    "LEFT AGAINST MEDICAL ADVICE",
    "OTHER",
)
_HOME, _ADMITTED, _TRANSFER, _UNSEEN, _ELOPED = range(5)
_TRANSPORTS = ("WALK IN", "AMBULANCE", "UNKNOWN", "OTHER", "HELICOPTER")
_ED_RACES = (*RACES, "MULTIPLE RACE/ETHNICITY")
_WEIGHT = np.log([max(reason.weight, 1e-9) for reason in REASONS])
_AGE = np.array([reason.age for reason in REASONS])
_MALE = np.array([reason.male for reason in REASONS])
# Reasons of pregnancy, whatever the slopes say.
_SEX_BOUND = np.abs(_MALE) > 3
_SEVERITY = np.array([reason.severity for reason in REASONS])
_REASON_VITALS = np.array([reason.vitals for reason in REASONS])
_SEVERITY_VITALS = np.array([0.12, 6.5, 1.0, -0.4, -4.0, -2.0])
_TRIAGE_NOISE = np.array([0.55, 13, 1.6, 1.2, 18, 10])
_CODED = (*EPISODES, *CONDITIONS, *COMPLICATIONS)
_CODES = tuple(
    [one.icd9 for one in (*REASONS, *_CODED)] + [one.icd10 for one in (*REASONS, *_CODED)] + ["V642", "Z5321"]
)
_TITLES = tuple(
    [one.title9 for one in REASONS]
    + [one.title.upper() for one in _CODED]
    + [one.title10 for one in REASONS]
    + [one.title for one in _CODED]
    + ["NO PROC/PATIENT DECISION", "Proc/trtmt not crd out d/t pt lv bef seen by hlth care prov"]
)
_CODE_NUMBER = np.unique(_CODES, return_inverse=True)[1]
_CONDITION_CODED = np.array([0.025 + 0.16 * one.coded**2 for one in CONDITIONS])


@dataclass
class EdCare:
    """Stays in the emergency department that have rows; times in real seconds, vital signs in the order of VITALS.

    `written` is false for what only a cohort with faults has: those stays are drawn all the same.
    """

    patient: np.ndarray
    admission: np.ndarray
    stay_id: np.ndarray
    start: np.ndarray
    end: np.ndarray
    episode: np.ndarray
    reason: np.ndarray
    severity: np.ndarray
    present: np.ndarray
    disposition: np.ndarray
    rest: np.ndarray
    triage: np.ndarray
    written: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Whether a patient stayed until seen by somebody."""
        return ~np.isin(self.disposition, (_UNSEEN, _ELOPED))


def _reasons(rng: np.random.Generator, world: "World", who, age, present, episode) -> np.ndarray:
    patients = world.patients
    male = patients.male[who, None]
    slope = ((age - 50) / 20).clip(-2, 2)[:, None] * _AGE + np.where(_SEX_BOUND, 0, (male - 0.5) * _MALE)
    impossible = _SEX_BOUND & (male | (np.abs(age - 31) > 17)[:, None])
    # Each patient has reasons that bring it again and again.
    own = 0.6 * rng.standard_normal((len(patients.number), len(REASONS)))[who]
    alone = np.exp(np.where(impossible, -60, _WEIGHT + slope + own + present @ ATTRACTION))
    return choose_each(rng, np.where(episode[:, None] >= 0, EPISODE_REASONS[episode], alone))


def _dispositions(rng: np.random.Generator, kind: np.ndarray, reason: np.ndarray, severity: np.ndarray) -> np.ndarray:
    size = len(kind)
    watched = np.isin(kind, [TYPES.index("EU OBSERVATION"), TYPES.index("DIRECT OBSERVATION")])
    psychic = np.isin(reason, [REASON_INDEX["si"], REASON_INDEX["psych"]])
    weights = np.array([[0.58, 0.3, 0.09, 0, 0, 0.02, 0.01], [0.006, 0.985, 0.002, 0, 0, 0.002, 0.005]])
    alone = np.array([0.92, 0, 0.02, 0.024, 0.022, 0.006, 0.012]) * np.ones((size, 1))
    alone[:, _TRANSFER] += 0.25 * psychic + 0.02 * severity
    alone[:, _UNSEEN : _ELOPED + 1] *= np.exp(-1.5 * (severity - 0.4))[:, None]
    return choose_each(rng, np.where(kind[:, None] < 0, alone, weights[(~watched).astype(int)]))


def _vitals(rng: np.random.Generator, world: "World", who, age, present, reason, severity):
    """Resting vital signs of each stay's patient, and those at the door."""
    offset = world.patients.offset[who]
    has = {key: present[:, CONDITION_INDEX[key]] for key in ("htn", "copd", "homeoxygen", "afib")}
    sys = 122 + 13 * has["htn"] + 0.25 * (age - 50) + 7 * offset[:, 1]
    rest = np.column_stack(
        [
            98.0 + 0.15 * offset[:, 3],
            76 + 5 * offset[:, 2] + 6 * has["afib"],
            16.8 + 0.4 * offset[:, 4],
            98.5 - 1.2 * has["copd"] - 2 * has["homeoxygen"] - 0.012 * (age - 40),
            sys,
            0.42 * sys + 20 - 0.12 * (age - 50),
        ]
    )
    effect = _SEVERITY_VITALS * severity[:, None] + _REASON_VITALS[reason] * severity[:, None].clip(0.35, 2.2)
    noise = rng.standard_normal(rest.shape) * _TRIAGE_NOISE
    noise[:, VITALS.index("dbp")] += 0.3 * noise[:, VITALS.index("sbp")]
    return rest, rest + effect + noise + np.array([0, 5, 0.4, 0, 7, 3])


def make_ed_care(rng: np.random.Generator, world: "World") -> EdCare:
    """The stays since the module began, and the earlier stays that share an admission by fault."""
    ed, patients, course = world.ed, world.patients, world.course
    kept = np.flatnonzero(ed.start >= MODULE_FROM)
    # As many as the fault has when it is on: their draws are made in any case.
    twice = kept[(ed.admission[kept] >= 0) & (rng.random(len(kept)) < QUIRKS["two_stays_of_one_admission"].share)]
    row = np.concatenate([kept, twice])
    size, again = len(row), np.arange(len(row)) >= len(kept)
    who, adm = ed.patient[row], ed.admission[row]
    start = ed.start[row] // 60 * 60
    end = np.where(rng.random(size) < 0.14, ed.end[row], ed.end[row] // 60 * 60)
    before = start - (rng.gamma(2.2, 2.6 * 3600, size) + 3600).astype(np.int64) // 60 * 60
    start, end = np.where(again, before, start), np.where(again, start, end)
    age = (start // DAY - patients.birth_day[who]) / 365.25
    present = patients.present(who, start // DAY)
    episode = np.where(adm >= 0, course.episode[adm], -1)
    reason = _reasons(rng, world, who, age, present, episode)
    mild = _SEVERITY[reason] * rng.lognormal(0, 0.35, size) + 0.08 * patients.frailty[who]
    at_first = course.severity[course.step_first][adm]
    severity = np.where(adm >= 0, at_first, mild).clip(0.05, 5) * np.where(again, 0.6, 1)
    kind = np.where(adm >= 0, world.stays.kind[adm], -1)
    disposition = np.where(again, _HOME, _dispositions(rng, kind, reason, severity))
    rest, triage = _vitals(rng, world, who, age, present, reason, severity)
    index = np.concatenate([kept, len(ed.patient) + np.arange(len(twice))])
    return EdCare(
        patient=who,
        admission=adm,
        stay_id=stay_ids(world, index, intensive=False),
        start=start,
        end=end,
        episode=episode,
        reason=reason,
        severity=severity,
        present=present,
        disposition=disposition,
        rest=rest,
        triage=triage,
        written=~again | world.with_quirks,
    )


def care_rows(care: EdCare, stay: np.ndarray, columns: dict[str, pa.Array]) -> Rows:
    """Rows of the stays `stay`, without those of stays that are not written."""
    if care.written.all():
        return Rows(care.patient[stay], columns)
    kept = np.flatnonzero(care.written[stay])
    return Rows(care.patient[stay[kept]], {name: column.take(pa.array(kept)) for name, column in columns.items()})


def stay_keys(world: "World", stay: np.ndarray) -> dict[str, pa.Array]:
    """Patient and stay of rows of the stays `stay`."""
    care = world.ed_care
    return {
        "subject_id": ints(world.patients.subject_id[care.patient[stay]]),
        "stay_id": ints(care.stay_id[stay]),
    }


def edstay_rows(world: "World") -> Rows:
    """Rows of edstays."""
    rng, care, patients, share = world.stream("edstays"), world.ed_care, world.patients, world.shares(QUIRKS)
    size = len(care.patient)
    who, every = care.patient, np.arange(len(care.patient))
    shift = patients.shift_days[who] * DAY
    age = (care.start // DAY - patients.birth_day[who]) / 365.25
    carried = sigmoid(-1.5 + 1.3 * (care.severity - 0.5) + 0.02 * (age - 50))
    other = choose(rng, np.array([0.87, 0.08, 0.05]), size) + 2
    transport = np.where(rng.random(size) < 0.041, other, rng.random(size) < carried)
    several = np.where(rng.random(size) < 0.3, len(RACES), patients.other_race[who])
    race = np.where(rng.random(size) < share["ed_race_differs"], several, patients.race[who])
    columns = {
        **stay_keys(world, every),
        "hadm_id": ints(world.stays.hadm[care.admission], care.admission < 0),
        "intime": stamps(care.start + shift),
        "outtime": stamps(care.end + shift),
        "gender": words(patients.male[who].astype(int), ["F", "M"]),
        "race": words(race, _ED_RACES),
        "arrival_transport": words(transport, _TRANSPORTS),
        "disposition": words(care.disposition, DISPOSITIONS),
    }
    return care_rows(care, every, columns)


def diagnosis_rows(world: "World") -> Rows:
    """Rows of diagnosis: what was found or the symptom alone, then some of what the patient has anyway."""
    rng, care = world.stream("ed diagnosis"), world.ed_care
    size = len(care.patient)
    named = (care.episode >= 0) & (rng.random(size) < 0.62)
    symptom = ~named | (rng.random(size) < 0.3)
    found = world.found[care.admission] & (care.admission >= 0)[:, None]
    coded = np.column_stack(
        [
            (np.arange(len(REASONS)) == care.reason[:, None]) & symptom[:, None],
            (np.arange(len(EPISODES)) == care.episode[:, None]) & named[:, None],
            care.present & (rng.random(care.present.shape) < _CONDITION_CODED),
            found & (rng.random(found.shape) < 0.22),
        ]
    )
    coded[~care.seen] = False
    stay, code = np.nonzero(coded)
    unseen = np.flatnonzero(~care.seen)
    version = np.where(care.start // DAY < ICD10_DAY, 9, 10)
    half = len(REASONS) + len(_CODED)
    group = np.select([code < len(REASONS), code < len(REASONS) + len(EPISODES)], [0.5, 0.0], 1.0)
    code = np.concatenate([code + half * (version[stay] == 10), 2 * half + (version[unseen] == 10)])
    stay = np.concatenate([stay, unseen])
    order = np.concatenate([group, np.zeros(len(unseen))])
    order += (order > 0) * rng.random(len(order))
    # A code that says the same as an earlier one is not billed twice.
    by_rank = np.lexsort((order, stay))
    _, first = np.unique(stay[by_rank] * len(_CODES) + _CODE_NUMBER[code[by_rank]], return_index=True)
    stay, code, order = (array[by_rank[first]] for array in (stay, code, order))
    rank = numbered(stay, order, code)
    kept = np.flatnonzero(rank <= 9)
    stay, code, rank = stay[kept], code[kept], rank[kept]
    columns = {
        **stay_keys(world, stay),
        "seq_num": ints(rank),
        "icd_code": words(code, _CODES),
        "icd_version": ints(version[stay]),
        "icd_title": words(code, _TITLES),
    }
    return care_rows(care, stay, columns)
