"""Vital signs in the emergency department: rows of triage and vitalsign.

In: a `World` (`ed_care` says what each stay's vital signs are at the door and at rest). Out: `Rows`. A series is taken every one to
four hours, oftener of the sick, and relaxes from the door to the patient's own; who writes it down errs in units and digits.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, joined, numbered, reals, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY
from warehouse.synth.emergency import EdCare, care_rows, stay_keys
from warehouse.synth.emergencyitems import REASON_INDEX, REASONS
from warehouse.synth.patients import choose
from warehouse.synth.quirks import quirks

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
triage_celsius | .005 | 29: 1 of 196 temperatures at triage | temperature in degrees Celsius
vitals_celsius | .062 | 29: 36 of 1,038 rows, 579 of which have one | temperature in degrees Celsius
pressure_mistyped | .0015 | 29: dbp 184 and 879, sbp 11 | a digit of a blood pressure too many or too few
triage_pain_in_words | .06 | 29: 12 of 201 pains at triage | pain is text: unable, Critical, ett
triage_pain_beyond_ten | .035 | 29: "13", 7 of 201 pains at triage | pain is 13
vitals_pain_in_words | .12 | 29: 89 of 736 pains | pain is text: asleep, uta, ett
vitals_after_leaving | .065 | 29: 67 of 1,038 rows | charttime after outtime
vitals_before_coming | .002 | 29: 2 of 1,038 rows | charttime before intime
stay_without_vitals | .07 | 29: "some" of the full data, 16 of 222 stays of the demo | the stay has no row in vitalsign
""")  # fmt: skip
_RHYTHMS = (
    "Sinus Rhythm",
    "Normal Sinus Rhythm",
    "sr",
    "Atrial Fibrillation",
    "afib",
    "Sinus Tachycardia",
    "Sinus Bradycardia",
    "Paced Rhythm",
)
_PAINS = (*(str(number) for number in range(11)), "13")
_CALM_WORDS = (
    "unable",
    "asleep",
    "sleeping",
    "uta",
    "denies",
    "sleep",
    "does not scale",
    "UA",
    "Asleep",
    "8.5",
    "0/10",
)
_GRAVE_WORDS = ("unable", "Critical", "sedated", "intubated", "ett", "uta", "UA", "uncooperative")
# Weights of the words; those of the calm first.
_WORD_WEIGHTS = (np.array([17, 16, 10, 8, 7, 5, 3, 5, 2, 2, 1.0]), np.array([8, 4, 5, 3, 2, 2, 2, 1.0]))
_PAIN_LABELS = (*_PAINS, *_CALM_WORDS, *_GRAVE_WORDS)
_PAIN = np.array([reason.pain for reason in REASONS])
_ROW_NOISE = np.array([0.4, 6, 1.3, 1.0, 10, 7])
_LOWEST, _HIGHEST = np.array([92, 32, 8, 62, 52, 25.0]), np.array([106, 190, 46, 100, 240, 140.0])
_WORDS = tuple(told for reason in REASONS for told in reason.words)
_WORD_OF = np.cumsum([0] + [len(reason.words) for reason in REASONS[:-1]])
_WORD_COUNT = np.array([len(reason.words) for reason in REASONS])


def _pain(rng: np.random.Generator, usual: np.ndarray, grave: np.ndarray, in_words: float, beyond: float) -> np.ndarray:
    """Pain as an index into the labels: a number, or words where it could not be told."""
    size = len(usual)
    none = rng.random(size) < (0.8 - usual / 10).clip(0.08, 0.75)
    number = np.where(none, 0, np.rint(usual + 1.2 + 2.1 * rng.standard_normal(size)).clip(1, 10)).astype(int)
    number = np.where(rng.random(size) < beyond, 11, number)
    calm, bad = (choose(rng, weights, size) for weights in _WORD_WEIGHTS)
    word = len(_PAINS) + np.where(grave, len(_CALM_WORDS) + bad, calm)
    # Those who cannot be asked are mostly the gravest.
    return np.where(rng.random(size) < in_words * np.where(grave, 3.0, 0.8), word, number)


def _measured(rng: np.random.Generator, share: dict[str, float], celsius: str, values: np.ndarray) -> np.ndarray:
    """Vital signs as they are written down: rounded, and with the slips of who wrote."""
    size = len(values)
    values = values.clip(_LOWEST, _HIGHEST)
    values[:, 5] = np.minimum(values[:, 5], values[:, 4] - 8)
    even = rng.random(size) < 0.7
    breaths = np.where(even, np.rint(values[:, 2] / 2) * 2, np.rint(values[:, 2]))
    heat = np.round(values[:, 0], 1)
    heat = np.where(rng.random(size) < share[celsius], np.round((heat - 32) / 1.8, 1), heat)
    values = np.rint(values)
    values[:, 0], values[:, 2] = heat, breaths
    slip = rng.random(size)
    few, many = slip < share["pressure_mistyped"], slip > 1 - share["pressure_mistyped"]
    values[:, 4] = np.where(few, values[:, 4] // 10, values[:, 4])
    values[:, 5] = np.where(many, values[:, 5] * 10 + 4, values[:, 5])
    return values


def triage_rows(world: "World") -> Rows:
    """Rows of triage."""
    rng, care, share = world.stream("triage"), world.ed_care, world.shares(QUIRKS)
    size, every = len(care.patient), np.arange(len(care.patient))
    grave = care.severity > 2
    values = _measured(rng, share, "triage_celsius", care.triage.copy())
    absent = rng.random(size) < np.where(care.seen, np.where(grave, 0.2, 0.035), 0.15)
    values[absent | (rng.random(size) < 0.005)] = np.nan
    values[rng.random(size) < 0.012, 0] = np.nan
    away = absent & (rng.random(size) < 0.4)
    index = np.rint(2.98 - 0.72 * (care.severity - 0.45) + 0.5 * rng.standard_normal(size)).clip(1, 5)
    pain = _pain(rng, _PAIN[care.reason], grave, share["triage_pain_in_words"], share["triage_pain_beyond_ten"])
    told = _WORD_OF[care.reason] + (rng.random(size) ** 1.5 * _WORD_COUNT[care.reason]).astype(int)
    second = _WORD_OF[care.reason] + (rng.random(size) * _WORD_COUNT[care.reason]).astype(int)
    sent = (rng.random(size) < 0.13 * (care.admission >= 0)) & (care.reason != REASON_INDEX["transfer"])
    more = np.where(sent, len(_WORDS), np.where((rng.random(size) < 0.16) & (second != told), second, len(_WORDS) + 1))
    labels = [*(f", {word}" for word in _WORDS), ", Transfer", ""]
    columns = {
        **stay_keys(world, every),
        **dict(zip(("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp"), map(reals, values.T), strict=True)),
        "pain": words(np.where(absent | (rng.random(size) < 0.03), -1, pain), _PAIN_LABELS),
        "acuity": reals(np.where(away, np.nan, index)),
        "chiefcomplaint": joined(words(told, _WORDS), words(more, labels), separator=""),
    }
    return care_rows(care, every, columns)


def _rounds(rng: np.random.Generator, care: EdCare) -> tuple[np.ndarray, np.ndarray]:
    """Stay and real seconds of each set of vital signs: at the door, then every one to four hours."""
    size = len(care.patient)
    pace = 2.05 * 3600 / (0.65 + 0.4 * care.severity.clip(0, 3))
    gaps = 300 + rng.gamma(1.3, 1 / 1.3, (size, 24)) * pace[:, None]
    at_once = rng.random(size) < 0.55
    gaps[:, 0] = np.where(at_once, rng.integers(0, 4, size) * 60, gaps[:, 0])
    time = (care.start[:, None] + np.cumsum(gaps, axis=1).astype(np.int64)) // 60 * 60
    stay, rank = np.nonzero((time < care.end[:, None] - 60) & (care.seen[:, None] | (np.arange(24) < 1)))
    return stay, time[stay, rank]


def vitalsign_rows(world: "World") -> Rows:
    """Rows of vitalsign."""
    rng, care, share = world.stream("vitalsign"), world.ed_care, world.shares(QUIRKS)
    stay, time = _rounds(rng, care)
    size, without = len(stay), rng.random(len(care.patient)) < share["stay_without_vitals"]
    passed = (time - care.start[stay]) / 3600
    left = np.exp(-passed / (6 + 3 * care.severity[stay]))[:, None]
    values = care.rest[stay] + left * (care.triage - care.rest)[stay] + _ROW_NOISE * rng.standard_normal((size, 6))
    values = _measured(rng, share, "vitals_celsius", values)
    pulse = values[:, 1].copy()
    values[rng.random((size, 6)) < np.array([0.43, 0.008, 0.03, 0.045, 0.018, 0])] = np.nan
    values[rng.random(size) < 0.02] = np.nan
    values[np.isnan(values[:, 4]), 5] = np.nan
    # The place in the series keeps moved rows apart from each other.
    rank = numbered(stay, time)
    lag = 60 * (25 * (rng.gamma(0.8, 200, size) // 25).astype(np.int64) + rank)
    moved = rng.random(size)
    charted = np.where(moved < share["vitals_after_leaving"], (care.end[stay] // 60 + 1) * 60 + lag, time)
    charted = np.where(moved > 1 - share["vitals_before_coming"], care.start[stay] - lag, charted)
    pain = _pain(rng, 0.75 * _PAIN[care.reason[stay]], care.severity[stay] > 2, share["vitals_pain_in_words"], 0)
    kept = np.flatnonzero(~without[stay])
    columns = {
        **stay_keys(world, stay),
        "charttime": stamps(charted + world.patients.shift_days[care.patient[stay]] * DAY),
        **dict(zip(("temperature", "heartrate", "resprate", "o2sat"), map(reals, values.T[:4]), strict=True)),
        "sbp": ints(np.nan_to_num(values[:, 4]), np.isnan(values[:, 4])),
        "dbp": ints(np.nan_to_num(values[:, 5]), np.isnan(values[:, 5])),
        "rhythm": words(_rhythm(rng, care, stay, pulse), _RHYTHMS),
        "pain": words(np.where(rng.random(size) < 0.29, -1, pain), _PAIN_LABELS),
    }
    return care_rows(care, stay[kept], {name: column.take(pa.array(kept)) for name, column in columns.items()})


def _rhythm(rng: np.random.Generator, care: EdCare, stay: np.ndarray, pulse: np.ndarray) -> np.ndarray:
    size = len(stay)
    fibrillates = care.present[stay, CONDITION_INDEX["afib"]] & (rng.random(size) < 0.7)
    fibrillates |= (care.reason[stay] == REASON_INDEX["palpit"]) & (rng.random(size) < 0.4)
    paced = care.present[stay, CONDITION_INDEX["pacer"]] & (rng.random(size) < 0.5)
    sinus = choose(rng, np.array([0.7, 0.22, 0.08]), size)
    seen = np.select(
        [paced, fibrillates, pulse > 100, pulse < 55], [7, 3 + (rng.random(size) < 0.27), 5, 6], sinus
    )  # fmt: skip
    cardiac = np.isin(care.reason[stay], [REASON_INDEX[key] for key in ("palpit", "syncope", "chestpain", "arrest")])
    return np.where(rng.random(size) < 0.015 + 0.05 * cardiac + 0.03 * fibrillates, seen, -1)
