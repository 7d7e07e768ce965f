"""What is coded at discharge: rows of diagnoses_icd, procedures_icd and drgcodes, and the code dictionaries.

An admission's codes are ICD-9 when it ends before October 2015 and ICD-10 after, never both. Complications are found from
the worst laboratory readings, the peak severity and intensive care; they raise the severity class of the DRG.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, dates, ints, numbered, words
from warehouse.synth.conditions import CONDITION_INDEX, CONDITIONS
from warehouse.synth.course import DAY, Course
from warehouse.synth.episodes import COMPLICATIONS, EPISODES, PROCEDURE_INDEX, PROCEDURES
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.patients import sigmoid
from warehouse.synth.quirks import quirks
from warehouse.synth.treatments import RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

ICD10_DAY = int(np.datetime64("2015-10-01").astype(int))
MAX_CODES = 39
QUIRKS = quirks("""
procedure_outside_admission | .007 | 26: 5 of 722 rows in the demo | chartdate is the day before the admission
""")
# Share of admissions with each kind of DRG row, from the demo.
HCFA_SHARE, APR_SHARE, OBSERVED_SHARE = 0.86, 0.82, 0.12
_CODED = (*EPISODES, *CONDITIONS, *COMPLICATIONS)
_CODES = [one.icd9 for one in _CODED] + [one.icd10 for one in _CODED]
_COMPLICATION_WEIGHT = np.array([one.weight for one in COMPLICATIONS])
_CONDITION_CODED = np.array([one.coded for one in CONDITIONS])
# The diagnosis that would say the same as the episode is not coded twice.
_SAME = np.array([[one.icd10 == other.icd10 for other in (*CONDITIONS, *COMPLICATIONS)] for one in EPISODES])
_PROCEDURE_CHANCE = np.zeros((len(EPISODES), len(PROCEDURES)))
for _number, _episode in enumerate(EPISODES):
    for _key, _chance in _episode.procedures.items():
        _PROCEDURE_CHANCE[_number, PROCEDURE_INDEX[_key]] = _chance
_SEDATION = [number for number, rule in enumerate(RULES) if rule.drug in ("propofol", "midazolam")]
_DRG_LABELS = [
    f"{one.drg_title}{suffix}" for one in EPISODES for suffix in ("", " W MCC", " W CC", " W/O CC/MCC", " W/O MCC")
]
# Codes whose text means another thing in the other classification; a join on the code alone goes wrong.
_OTHER_MEANINGS = (
    ("E8881", 9, "Fall resulting in striking against other object"),
    ("E8889", 10, "Other specified metabolic disorders"),
    ("V103", 10, "Person boarding or alighting a pedal cycle injured in collision with pedestrian or animal"),
    ("V140", 10, "Pedal cycle driver injured in collision with heavy transport vehicle or bus in nontraffic accident"),
    ("V4364", 10, "Car passenger injured in collision with van in traffic accident"),
    ("V441", 10, "Car passenger injured in collision with heavy transport vehicle or bus in nontraffic accident"),
    ("V462", 10, "Person on outside of car injured in collision with other nonmotor vehicle in nontraffic accident"),
    (
        "V600",
        10,
        "Driver of heavy transport vehicle injured in collision with pedestrian or animal in nontraffic accident",
    ),
    (
        "V667",
        10,
        "Person on outside of heavy transport vehicle injured in collision with other nonmotor vehicle in traffic accident",
    ),
)


def diagnosis_dictionary() -> list[tuple[str, int, str]]:
    """(code, version, title) of every diagnosis that can be coded, and of their namesakes in the other version."""
    rows = {}
    for one in _CODED:
        rows.setdefault((one.icd9, 9), one.title)
        rows.setdefault((one.icd10, 10), one.title)
    for code, version, title in _OTHER_MEANINGS:
        rows.setdefault((code, version), title)
    return sorted((code, version, title) for (code, version), title in rows.items())


def procedure_dictionary() -> list[tuple[str, int, str]]:
    """(code, version, title) of every procedure that can be coded."""
    rows = {}
    for one in PROCEDURES:
        rows.setdefault((one.icd9, 9), one.title)
        rows.setdefault((one.icd10, 10), one.title)
    return sorted((code, version, title) for (code, version), title in rows.items())


def _version(course: Course) -> np.ndarray:
    return np.where(course.disch // DAY < ICD10_DAY, 9, 10)


def _first_steps(course: Course) -> np.ndarray:
    return np.flatnonzero(course.step_first)


def find_complications(rng: np.random.Generator, course: Course) -> np.ndarray:
    """Which complications each admission has: bool (admissions, complications)."""
    starts = _first_steps(course)
    highest = np.maximum.reduceat(course.reading, starts)
    lowest = np.minimum.reduceat(course.reading, starts)
    intensive = np.logical_or.reduceat(course.icu, starts)
    size = len(starts)
    found = np.zeros((size, len(COMPLICATIONS)), dtype=bool)
    for number, one in enumerate(COMPLICATIONS):
        kind, *rule = one.rule
        if kind == "lab":
            column = LATENT_INDEX[rule[0]]
            beyond = highest[:, column] > float(rule[2]) if rule[1] == "+" else lowest[:, column] < float(rule[2])
        else:
            chance = sigmoid(float(rule[0]) + float(rule[1]) * course.peak)
            beyond = (rng.random(size) < chance) & (intensive | (kind == "sev"))
        found[:, number] = beyond & (rng.random(size) < one.coded)
    return found & ~_SAME[course.episode][:, len(CONDITIONS) :]


def diagnosis_rows(world: "World") -> Rows:
    """Rows of diagnoses_icd: the episode first, then complications and conditions by weight and chance."""
    rng, patients, course, stays = world.stream("diagnoses_icd"), world.patients, world.course, world.stays
    thorough = np.where(course.observed, 0.75, 1.0)[:, None]
    chronic = course.present & (rng.random(course.present.shape) < 1.28 * thorough * _CONDITION_CODED)
    chronic &= ~_SAME[course.episode][:, : len(CONDITIONS)]
    coded = np.column_stack([np.arange(len(EPISODES)) == course.episode[:, None], chronic, world.found])
    adm, code = np.nonzero(coded)
    base = np.concatenate([np.zeros(len(EPISODES)), np.full(len(CONDITIONS), 2.0), 1.6 - 0.4 * _COMPLICATION_WEIGHT])
    rank = numbered(adm, base[code] + rng.random(len(adm)) * (base[code] > 0) * 1.4, code)
    kept = rank <= MAX_CODES
    adm, code, rank = adm[kept], code[kept], rank[kept]
    version = _version(course)
    columns = {
        "subject_id": ints(patients.subject_id[course.patient[adm]]),
        "hadm_id": ints(stays.hadm[adm]),
        "seq_num": ints(rank),
        "icd_code": words(code + len(_CODED) * (version[adm] == 10), _CODES),
        "icd_version": ints(version[adm]),
    }
    return Rows(course.patient[adm], columns)


def procedure_rows(world: "World") -> Rows:
    """Rows of procedures_icd: those of the episode, of organ support in intensive care, and of dialysis."""
    rng, patients, course, stays = world.stream("procedures_icd"), world.patients, world.course, world.stays
    starts = _first_steps(course)
    size = len(starts)
    ventilated = np.add.reduceat(course.treated[:, _SEDATION].any(axis=1).astype(int), starts)
    lowest = np.minimum.reduceat(course.reading[:, LATENT_INDEX["hgb"]], starts)
    days = (course.disch - course.admit) / DAY
    chance = _PROCEDURE_CHANCE[course.episode] * np.where(course.observed, 0.5, 1.0)[:, None]
    on_dialysis = course.present[:, CONDITION_INDEX["esrd"]]
    for key, more in (
        ("art", 0.15 + 0.15 * course.peak * (ventilated > 0)),
        ("cvc", 0.28 * (course.peak - 0.7).clip(0)),
        ("intub", 0.8 * (ventilated > 1)),
        ("vent", 0.9 * ((ventilated > 2) & (ventilated <= 12))),
        ("ventlong", 0.95 * (ventilated > 12)),
        ("feed", 0.6 * (ventilated > 8)),
        ("picc", 0.03 * days.clip(0, 15)),
        ("hd", 0.75 * on_dialysis),
        ("transf", 0.5 * (lowest < -2.6)),
        ("tte", 0.09 + 0 * days),
        ("mri", 0.05 + 0 * days),
        ("para", 0.25 * course.present[:, CONDITION_INDEX["ascites"]]),
        ("egd", 0.04 + 0 * days),
    ):
        column = PROCEDURE_INDEX[key]
        chance[:, column] = 1 - (1 - chance[:, column]) * (1 - np.clip(more, 0, 0.97))
    adm, code = np.nonzero(rng.random((size, len(PROCEDURES))) < chance)
    place = np.where(rng.random(len(adm)) < 0.5, 0.0, rng.beta(1.2, 2.5, len(adm)))
    day = (course.admit[adm] + place * (course.disch - course.admit)[adm]) // DAY
    day = np.where(
        rng.random(len(adm)) < world.shares(QUIRKS)["procedure_outside_admission"], course.admit[adm] // DAY - 1, day
    ).astype(np.int64)
    version = _version(course)[adm]
    codes = [one.icd9 for one in PROCEDURES] + [one.icd10 for one in PROCEDURES]
    columns = {
        "subject_id": ints(patients.subject_id[course.patient[adm]]),
        "hadm_id": ints(stays.hadm[adm]),
        "seq_num": ints(numbered(adm, rng.random(len(adm)) + (code > 30))),
        "chartdate": dates(day + patients.shift_days[course.patient[adm]]),
        "icd_code": words(code + len(PROCEDURES) * (version == 10), codes),
        "icd_version": ints(version),
    }
    return Rows(course.patient[adm], columns)


def drg_rows(world: "World") -> Rows:
    """Rows of drgcodes: an HCFA group by the gravest complication, an APR group with severity and mortality 1 to 4."""
    rng, patients, course, stays = world.stream("drgcodes"), world.patients, world.course, world.stays
    found = world.found
    size = len(course.patient)
    billed = rng.random(size) < np.where(course.observed, OBSERVED_SHARE, 1.0)
    gravest = (found * _COMPLICATION_WEIGHT).max(axis=1)
    level = 2 - gravest
    hcfa = np.flatnonzero(billed & (rng.random(size) < HCFA_SHARE))
    apr = np.flatnonzero(billed & (rng.random(size) < APR_SHARE))
    codes = [code for one in EPISODES for code in one.drg_codes]
    same = np.array([[one.drg_codes[0] == one.drg_codes[1], one.drg_codes[1] == one.drg_codes[2]] for one in EPISODES])
    alike_upper, alike_lower = same[course.episode].T
    suffix = np.select(
        [alike_upper & alike_lower, level == 0, alike_lower, (level == 1) & alike_upper, level == 1], [0, 1, 4, 1, 2], 3
    )
    points = found @ (0.5 + _COMPLICATION_WEIGHT) + 0.12 * course.present.sum(axis=1) + 0.5 * course.peak
    severity = 1 + np.searchsorted([1.5, 3.2, 6.2], points)
    mortality = 1 + np.searchsorted([1.6, 3.0, 5.4], 0.55 * points + 0.75 * course.peak + 0.02 * (course.age - 60))
    adm = np.concatenate([hcfa, apr])
    is_apr = np.arange(len(adm)) >= len(hcfa)
    episode = course.episode[adm]
    code = np.where(is_apr, len(codes) + episode, episode * 3 + level[adm])
    title = np.where(is_apr, len(_DRG_LABELS) + episode, episode * 5 + suffix[adm])
    who = course.patient[adm]
    columns: dict[str, pa.Array] = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[adm]),
        "drg_type": words(is_apr.astype(int), ["HCFA", "APR"]),
        "drg_code": words(code, codes + [one.apr_code for one in EPISODES]),
        "description": words(title, _DRG_LABELS + [one.apr_title for one in EPISODES]),
        "drg_severity": ints(severity[adm], ~is_apr),
        "drg_mortality": ints(mortality[adm], ~is_apr),
    }
    return Rows(who, columns)
