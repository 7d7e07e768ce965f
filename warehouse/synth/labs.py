"""Rows of labevents: which panels a sample is sent for, what they read, and how the laboratory writes it down.

In: `Samples` (who, when, where, the latents read) and a Generator. Out: `Rows`. Real rates of faults are in QUIRKS: scrubbed
values, results that stand in the comments alone, results never stored, rows without an admission.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.synth.columns import Rows, blank, fixed, instead, ints, joined, reals, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP, Course
from warehouse.synth.episodes import EPISODE_INDEX
from warehouse.synth.kinds import PANEL_HABITS, PANEL_REASONS
from warehouse.synth.labitems import ITEM_INDEX, ITEMS, LATENT_INDEX, PANELS, SPECIMENS, SPREAD
from warehouse.synth.patients import Patients, sigmoid
from warehouse.synth.visits import Visits

IDS_PER_BLOCK = 2**19
# Shares of rows, from the MIMIC-IV demo.
QUIRKS = {
    "before_admission_without_hadm": 0.8,
    "inside_without_hadm": 0.009,
    "scrubbed": 0.065,
    "scrubbed_without_number": 0.02,
    "only_in_comments": 0.55,
    "never_stored": 0.009,
    "unit_blank": 0.003,
    "mchc_in_percent": 0.04,
    "no_provider": 0.72,
}
_DELAY_MINUTES = np.array([62, 38, 55, 9, 75.0])
_NORMAL_WORDS = {"NEG", "NORMAL", "Clear", "Straw", "Yellow", "NONE", "ART.", "VEN.", "INTUBATED.", "NOT INTUBATED"}
_HOLD = "HOLD.  DISCARD GREATER THAN 4 HOURS OLD."
_GFR = "Using this patient's age, gender, and serum creatinine value of ___, Estimated GFR is in the range given."
_PANEL_OF = np.array([[panel.name for panel in PANELS].index(item.panel) for item in ITEMS])
_SPECIMEN_OF = np.array([PANELS[number].specimen for number in _PANEL_OF])
_SHARE = np.array([item.share for item in ITEMS])
_LOW, _HIGH = np.array([item.low for item in ITEMS]), np.array([item.high for item in ITEMS])
_DECIMALS = np.array([item.decimals for item in ITEMS])
_TEXTUAL = np.array([item.kind == "t" for item in ITEMS])
_REMARK = np.array([item.kind == "c" for item in ITEMS])
_LABELS = sorted({word for item in ITEMS for word in item.words})
_LABEL_NUMBER = np.array([float(word) if word.isdigit() else np.nan for word in _LABELS])
_LABEL_NORMAL = np.array([word in _NORMAL_WORDS for word in _LABELS])
_UNITS = sorted({item.unit for item in ITEMS if item.unit} | {" ", "%"})
_UNIT_OF = np.array([_UNITS.index(item.unit) if item.unit else -1 for item in ITEMS])
# Readings that no analyser gives, whatever the latents say.
_FLOOR = np.array(
    [
        {
            "ph": 6.7,
            "hgb": 3,
            "na": 100,
            "k": 1.5,
            "cl": 65,
            "hco3": 4,
            "mg": 0.5,
            "ca": 4,
            "phos": 0.4,
            "mcv": 55,
            "mchc": 25,
            "alb": 1,
            "neut": 0,
            "mono": 0,
            "uph": 5,
            "sg": 1.001,
            "chol": 45,
            "tibc": 70,
            "vitd": 4,
            "ft4": 0.1,
        }.get(item.name, -1e9)
        for item in ITEMS
    ]
)
_CEILING = np.array(
    [
        {
            "ph": 7.75,
            "neut": 99,
            "na": 175,
            "k": 9.5,
            "hco3": 50,
            "cr": 22,
            "bun": 230,
            "glu": 1400,
            "sg": 1.05,
            "bili": 60,
            "inr": 20,
            "ptt": 150,
            "uph": 9,
            "po2": 500,
            "eos": 60,
            "baso": 9,
            "bands": 45,
        }.get(item.name, 1e6)
        for item in ITEMS
    ]
)


@dataclass
class Samples:
    """Blood and urine samples: one row a draw. `admission` is -1 outside the hospital; `context` indexes CONTEXTS."""

    patient: np.ndarray
    admission: np.ndarray
    time: np.ndarray
    context: np.ndarray
    severity: np.ndarray
    present: np.ndarray
    episode: np.ndarray
    kind: np.ndarray
    reading: np.ndarray
    previous: np.ndarray


def inpatient_samples(rng: np.random.Generator, course: Course) -> Samples:
    """The samples drawn in the steps of a course."""
    step = np.flatnonzero(course.drawn)
    adm = course.step_admission[step]
    first = course.step_first[step]
    clock = course.step_time[step] % DAY // STEP
    size = len(step)
    inside = np.where(
        clock == 0, rng.normal(5.4, 0.3, size).clip(3, 7.5) * 3600, rng.normal(5.0, 0.5, size).clip(0.5, 7.5) * 3600
    )
    time = np.clip(course.step_time[step] + inside, course.admit[adm] + 600, course.disch[adm] - 900)
    waiting = course.admit[adm] - course.arrival[adm] * rng.uniform(0.3, 0.95, size)
    at_first = np.where(
        course.emergency[adm],
        waiting,
        np.minimum(course.admit[adm] + rng.uniform(900, 9000, size), course.disch[adm] - 900),
    )
    time = np.where(first, at_first, time).astype(np.int64) // 60 * 60
    before = np.where(course.step_first[:, None], 0.0, np.roll(course.reading, 1, axis=0))
    context = np.where(first, 0, np.where(course.icu[step], 3, np.where(clock == 0, 1, 2)))
    return Samples(
        course.patient[adm],
        adm,
        time,
        context,
        course.severity[step],
        course.present[adm],
        course.episode[adm],
        course.kind[adm],
        course.reading[step],
        before[step],
    )


def outpatient_samples(rng: np.random.Generator, patients: Patients, visits: Visits) -> Samples:
    """The samples of visits to clinics and of visits to the emergency department that end there."""
    chosen = np.flatnonzero(visits.sampled)
    who, day = visits.patient[chosen], visits.day[chosen]
    base = patients.baseline(who, day)
    state = base + 0.25 * rng.standard_normal(base.shape)
    size = len(chosen)
    return Samples(
        who,
        np.full(size, -1),
        (visits.time[chosen] + rng.integers(600, 7200, size)) // 60 * 60,
        np.full(size, 4),
        np.full(size, 0.15),
        patients.present(who, day),
        np.full(size, -1),
        np.full(size, -1),
        state,
        base,
    )


def _ordered(rng: np.random.Generator, samples: Samples) -> np.ndarray:
    """Which panels each sample is sent for: bool (samples, panels)."""
    chance = np.empty((len(samples.patient), len(PANELS)))
    for number, panel in enumerate(PANELS):
        logit = np.array(panel.base)[samples.context] + panel.severity * (samples.severity - 0.8)
        if panel.trigger:
            odd = np.abs(samples.previous[:, LATENT_INDEX[panel.trigger]])
            logit = logit + panel.trigger_weight * (odd - 1).clip(0, 4)
        for reason, weight in (panel.reasons | PANEL_REASONS.get(panel.name, {})).items():
            if reason in EPISODE_INDEX:
                logit = logit + weight * (samples.episode == EPISODE_INDEX[reason])
            else:
                logit = logit + weight * samples.present[:, CONDITION_INDEX[reason]]
        chance[:, number] = logit + np.where(samples.kind < 0, 0.0, PANEL_HABITS[samples.kind, number])
    return rng.random(chance.shape) < sigmoid(chance)


def _derived(rng: np.random.Generator, v: dict[str, np.ndarray]) -> None:
    """Fill in the items that follow from others, by the laboratory's own arithmetic."""

    def noise(sd: float) -> np.ndarray:
        """Error of one reading."""
        return sd * rng.standard_normal(len(v["na"]))

    v["ag"] = v["na"] + v["k"] - v["cl"] - v["hco3"] + noise(0.5)
    v["hct"] = 100 * v["hgb"] / v["mchc"]
    v["rbc"] = 10 * v["hct"] / v["mcv"]
    v["mch"] = 10 * v["hgb"] / v["rbc"]
    v["rdwsd"] = v["rdw"] * v["mcv"] / 27.5 + noise(0.8)
    v["pt"] = 11.2 * v["inr"] ** 0.93 + noise(0.2)
    rest = 100 - v["neut"] - v["mono"] - v["eos"] - v["baso"]
    v["lymph"] = rest.clip(0.5, 95)
    for short in ("neut", "lymph", "mono", "eos", "baso"):
        v["a" + short] = v[short] * v["wbc"] / 100
    v["tco2"] = 0.0307 * v["pco2"] * (1 + 10 ** (v["ph"] - 6.1))
    v["be"] = 0.93 * (v["tco2"] - 25.4) + 13.8 * (v["ph"] - 7.4)
    v["fca"] = (v["ca"] / 8 + noise(0.03)).clip(0.5, 2)
    v["kwb"], v["nawb"] = v["k"] - 0.1 + noise(0.15), v["na"] - 1 + noise(1)
    v["gluwb"] = v["glu"] * np.exp(noise(0.06))
    v["hgbwb"], v["hctwb"] = v["hgb"] + noise(0.3), 3 * v["hgb"] + noise(0.8)
    v["sao2"] = 100 / (1 + (23400 / (v["po2"] ** 3 + 150 * v["po2"])))
    v["ckmb"] = (2 + 0.035 * v["ck"] * (v["trop"] > 0.05) + noise(0.8)).clip(1, 700)
    v["eag"] = 28.7 * v["a1c"] - 46.7
    v["ldl"] = (v["chol"] - v["hdl"] - v["trig"] / 5).clip(10)
    v["utp"] = np.exp(2.6 + 0.05 * v["ucre"] ** 0.5 + noise(0.6))


def _values(rng: np.random.Generator, reading: np.ndarray) -> np.ndarray:
    """What each item would read for each sample; for worded items the index of the word: (samples, items)."""
    v: dict[str, np.ndarray] = {}
    for item in ITEMS:
        x = reading[:, LATENT_INDEX[item.name if item.kind in "nl" else item.latent]] if item.kind in "nlt" else None
        if item.kind == "n":
            v[item.name] = item.numbers[0] + item.numbers[1] * SPREAD * x
        elif item.kind == "l":
            v[item.name] = item.numbers[0] * np.exp(item.numbers[1] * SPREAD * x)
        elif item.kind == "t":
            labels = np.array([_LABELS.index(word) for word in item.words])
            v[item.name] = labels[np.searchsorted(item.numbers, x)].astype(float)
        else:
            v[item.name] = np.zeros(len(reading))
        if item.kind in "nl":
            number = ITEM_INDEX[item.name]
            v[item.name] = v[item.name].clip(_FLOOR[number], _CEILING[number])
    _derived(rng, v)
    return np.column_stack([v[item.name] for item in ITEMS])


def lab_rows(
    rng: np.random.Generator,
    samples: Samples,
    block: int,
    patients: Patients,
    course: Course,
    hadm: np.ndarray,
    providers: list[str],
) -> Rows:
    """Rows of labevents for all samples of a block; raises RuntimeError where a block outgrows its room for ids."""
    # Whether a rarer item is part of its panel is a habit, the same for all samples of a patient.
    habit = rng.random((len(patients.number), len(ITEMS)))[samples.patient]
    included = np.where(_SHARE < 0.9, habit, rng.random(habit.shape)) < _SHARE
    wanted = _ordered(rng, samples)[:, _PANEL_OF] & included
    sample, item = np.nonzero(wanted)
    size = len(sample)
    if size >= IDS_PER_BLOCK:
        raise RuntimeError(f"{size} laboratory rows in one block of patients: more than there are ids for")
    value = np.round(_values(rng, samples.reading)[sample, item], 3)
    value = np.round(value * 10.0 ** _DECIMALS[item]) / 10.0 ** _DECIMALS[item]
    who, adm = samples.patient[sample], samples.admission[sample]
    shift = patients.shift_days[who] * DAY
    charted, text, number, comments = _written(rng, sample, item, value, samples, shift)
    outside = (adm < 0) | (rng.random(size) < QUIRKS["inside_without_hadm"])
    early = (adm >= 0) & (samples.time[sample] < course.admit[adm])
    outside |= early & (rng.random(len(samples.patient)) < QUIRKS["before_admission_without_hadm"])[sample]
    delay = _DELAY_MINUTES[_SPECIMEN_OF] * 60
    group = sample * len(SPECIMENS) + _SPECIMEN_OF[item]
    turn = rng.gamma(14.0, 1 / 14.0, len(samples.patient) * len(SPECIMENS))[group]
    stored = charted + (delay[item] * turn).astype(np.int64) // 60 * 60
    abnormal = np.where(
        _TEXTUAL[item],
        ~_LABEL_NORMAL[np.where(_TEXTUAL[item], value, 0).astype(int)],
        (number < _LOW[item]) | (number > _HIGH[item]),
    )
    urgent = np.isin(samples.context[sample], (0, 3)) ^ (rng.random(len(samples.patient)) < 0.12)[sample]
    orderer = rng.integers(0, len(providers), len(samples.patient))
    no_orderer = rng.random(len(samples.patient)) < QUIRKS["no_provider"]
    columns = {
        "labevent_id": ints(block * IDS_PER_BLOCK + 1 + np.arange(size)),
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(hadm[adm], outside),
        "specimen_id": ints(block * (IDS_PER_BLOCK // 2) + 1 + group),
        "itemid": ints(np.array([one.itemid for one in ITEMS])[item]),
        "order_provider_id": words(np.where(no_orderer, -1, orderer)[sample], providers),
        "charttime": stamps(charted),
        "storetime": stamps(stored, rng.random(size) < QUIRKS["never_stored"]),
        "value": text,
        "valuenum": reals(number),
        "valueuom": _units(rng, item),
        "ref_range_lower": reals(_LOW[item]),
        "ref_range_upper": reals(_HIGH[item]),
        "flag": words(np.where(abnormal & ~_REMARK[item], 0, -1), ["abnormal"]),
        "priority": words(
            np.where((samples.context[sample] == 4) & (rng.random(len(samples.patient)) < 0.35)[sample], -1, urgent),
            ["ROUTINE", "STAT"],
        ),
        "comments": comments,
    }
    return Rows(who, columns)


def _units(rng: np.random.Generator, item: np.ndarray) -> pa.Array:
    lost = (rng.random(len(item)) < QUIRKS["unit_blank"]) | (item == ITEM_INDEX["sg"])
    percent = (item == ITEM_INDEX["mchc"]) & (rng.random(len(item)) < QUIRKS["mchc_in_percent"])
    return words(np.select([lost, percent], [_UNITS.index(" "), _UNITS.index("%")], _UNIT_OF[item]), _UNITS)


def _written(rng, sample, item, value, samples: Samples, shift) -> tuple[np.ndarray, pa.Array, np.ndarray, pa.Array]:
    """Chart time, value as text, value as number, comments: with the scrubbing and the results kept in comments."""
    size = len(item)
    textual, remark = _TEXTUAL[item], _REMARK[item]
    label = np.where(textual, value, 0).astype(int)
    number = np.where(textual, _LABEL_NUMBER[label], np.where(remark, np.nan, value))
    below = (item == ITEM_INDEX["trop"]) & (value < 0.01)
    number = np.where(below, np.nan, number)
    text = fixed(np.where(textual | remark, 0, value), _DECIMALS[item])
    spelled = words(np.where(textual, label, -1), _LABELS)
    text = pc.if_else(pa.array(textual), spelled.cast(pa.string()), text)
    text = instead(text, below, "<0.01")
    scrubbed = ~textual & ~remark & (rng.random(size) < QUIRKS["scrubbed"])
    text = instead(text, scrubbed, "___")
    number = np.where(scrubbed & (rng.random(size) < QUIRKS["scrubbed_without_number"]), np.nan, number)
    said = textual & (rng.random(size) < QUIRKS["only_in_comments"])
    gfr = item == ITEM_INDEX["egfr"]
    text = instead(text, remark & ~gfr, _HOLD)
    comments = blank(joined(spelled, pa.array([""] * size), separator="."), ~said)
    comments = instead(instead(comments, gfr, _GFR), scrubbed, "___")
    number = np.where(said, np.nan, number)
    return samples.time[sample] + shift, blank(text, said | gfr), number, comments
