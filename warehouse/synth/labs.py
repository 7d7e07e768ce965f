"""Rows of labevents: which panels a sample is sent for, what they read, and how the laboratory writes it down.

In: a `World`. Out: `Samples` (who, when, where, the latents read) and `Rows`. Its faults are in QUIRKS: scrubbed values, results
never stored, results of the same minute under another specimen, rows inside an admission that do not name it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.synth.columns import Rows, blank, fixed, instead, ints, joined, reals, stamps, texts, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP, Course
from warehouse.synth.episodes import EPISODE_INDEX
from warehouse.synth.kinds import PANEL_HABITS, PANEL_REASONS
from warehouse.synth.labitems import ITEM_INDEX, ITEMS, LATENT_INDEX, PANELS, SPECIMENS, SPREAD
from warehouse.synth.patients import Patients, sigmoid
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import providers
from warehouse.synth.visits import Visits

if TYPE_CHECKING:
    from warehouse.synth.world import World

IDS_PER_BLOCK = 2**19
QUIRKS = quirks("""
inside_without_hadm | .0075 | 13: 796 of 107,727 rows in the demo | hadm_id is NULL though drawn inside an admission
value_scrubbed | .065 | 14: 6,823 of 107,727 rows in the demo | value is "___"; the number mostly stands in valuenum
scrubbed_without_number | .02 | 14: 143 of those 6,823 | valuenum is lost as well
result_in_comments | .55 | 14: 9,586 of 107,727 rows in the demo | value is NULL and the result a word in comments
never_stored | .009 | 13: storetime is NULL in 992 of 107,727 rows | storetime is NULL
unit_blank | .003 | 16: 339 of 107,727 rows in the demo | the unit is a blank
unit_missing | .8 | 16: 14,042 of 107,727 rows in the demo | no unit where the result is a word or an index of the serum
second_unit | .04 | 16: 6 items of the demo have two units | MCHC is in % and not in g/dL
repeated_under_other_specimen | .0043 | 17: 455 groups among 107,727 rows in the demo | same item and minute again, another specimen_id
charted_after_discharge | .02 | 13: 199 of 107,727 rows in the demo | a sample of the last 12 hours is charted after discharge
""")  # fmt: skip
# Of samples drawn before an admission, in the emergency department: those that do not get its number.
_EARLY_WITHOUT_HADM = 0.8
_WITHOUT_PROVIDER = 0.72
_DELAY_MINUTES = np.array([62, 38, 55, 9, 75.0])
_NORMAL_WORDS = {"NEG", "NORMAL", "Clear", "Straw", "Yellow", "NONE", "ART.", "VEN.", "INTUBATED.", "NOT INTUBATED"}
_HOLD = "HOLD.  DISCARD GREATER THAN 4 HOURS OLD."
_GFR = "Using this patient's age, gender, and serum creatinine value of ___, Estimated GFR is in the range given."
_PANEL_OF = np.array([[panel.name for panel in PANELS].index(item.panel) for item in ITEMS])
_SPECIMEN_OF = np.array([PANELS[number].specimen for number in _PANEL_OF])
_ITEMID = np.array([item.itemid for item in ITEMS])
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
# Results to which a unit adds nothing: words, and the indices of a serum's look.
_UNIT_OPEN = np.array([item.kind == "t" or item.panel == "index" for item in ITEMS])
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


def make_samples(rng: np.random.Generator, world: "World") -> Samples:
    """All samples of a block: of admissions, then of visits."""
    inside = inpatient_samples(rng, world.course)
    outside = outpatient_samples(rng, world.patients, world.visits)
    names = Samples.__dataclass_fields__
    return Samples(*(np.concatenate([getattr(inside, name), getattr(outside, name)]) for name in names))


@dataclass
class Results:
    """What the tests of the samples read, sorted by sample; `value` is a number, or a word's index where the item has words."""

    sample: np.ndarray
    item: np.ndarray
    value: np.ndarray


def make_results(rng: np.random.Generator, world: "World") -> Results:
    """The tests that each sample is sent for, with their readings before they are rounded."""
    samples = world.samples
    # Whether a rarer item is part of its panel is a habit, the same for all samples of a patient.
    habit = rng.random((len(world.patients.number), len(ITEMS)))[samples.patient]
    included = np.where(_SHARE < 0.9, habit, rng.random(habit.shape)) < _SHARE
    sample, item = np.nonzero(_ordered(rng, samples)[:, _PANEL_OF] & included)
    return Results(sample, item, _values(rng, samples.reading)[sample, item])


def lab_rows(world: "World") -> Rows:
    """Rows of labevents for all samples of a block; raises RuntimeError where a block outgrows its room for ids."""
    rng, share = world.stream("labevents"), world.shares(QUIRKS)
    samples, patients, course = world.samples, world.patients, world.course
    n_samples = len(samples.patient)
    sample, item = world.results.sample, world.results.item
    again = np.flatnonzero(rng.random(len(sample)) < share["repeated_under_other_specimen"])
    repeat = np.arange(len(sample) + len(again)) >= len(sample)
    sample, item = np.concatenate([sample, sample[again]]), np.concatenate([item, item[again]])
    reading = np.concatenate([world.results.value, world.results.value[again]])
    size = len(sample)
    if size >= IDS_PER_BLOCK:
        raise RuntimeError(f"{size} laboratory rows in one block of patients: more than there are ids for")
    # The second tube of a repeated test reads a little otherwise.
    jitter = np.where(repeat & ~_TEXTUAL[item], 1 + 0.02 * rng.standard_normal(size), 1.0)
    value = np.round(reading * jitter, 3)
    value = np.round(value * 10.0 ** _DECIMALS[item]) / 10.0 ** _DECIMALS[item]
    who, adm = samples.patient[sample], samples.admission[sample]
    text, number, comments = _written(rng, share, item, value)
    charted = _drawn_at(rng, share, world)[sample] + patients.shift_days[who] * DAY
    outside = (adm < 0) | (rng.random(size) < share["inside_without_hadm"])
    early = (adm >= 0) & (samples.time[sample] < course.admit[adm])
    outside |= early & (rng.random(n_samples) < _EARLY_WITHOUT_HADM)[sample]
    group = sample * len(SPECIMENS) + _SPECIMEN_OF[item]
    turn = rng.gamma(14.0, 1 / 14.0, n_samples * len(SPECIMENS))[group]
    stored = charted + (60 * _DELAY_MINUTES[_SPECIMEN_OF][item] * turn).astype(np.int64) // 60 * 60
    columns = {
        "labevent_id": ints(world.block * IDS_PER_BLOCK + 1 + np.arange(size)),
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[adm], outside),
        "specimen_id": ints(world.block * IDS_PER_BLOCK + 1 + group + np.where(repeat, n_samples * len(SPECIMENS), 0)),
        "itemid": ints(_ITEMID[item]),
        "order_provider_id": providers(rng, n_samples, _WITHOUT_PROVIDER).take(pa.array(sample)),
        "charttime": stamps(charted),
        "storetime": stamps(stored, rng.random(size) < share["never_stored"]),
        "value": text,
        "valuenum": reals(number),
        "valueuom": _units(rng, share, item),
        "ref_range_lower": reals(_LOW[item]),
        "ref_range_upper": reals(_HIGH[item]),
        "flag": words(np.where(_abnormal(item, value, number), 0, -1), ["abnormal"]),
        "priority": _priority(rng, samples).take(pa.array(sample)),
        "comments": comments,
    }
    return Rows(who, columns)


def _drawn_at(rng: np.random.Generator, share: dict[str, float], world: "World") -> np.ndarray:
    """When each sample is charted: the last one of an admission may be charted after the discharge."""
    samples, course = world.samples, world.course
    size = len(samples.patient)
    end = course.disch[samples.admission]
    last = (samples.admission >= 0) & ~course.died[samples.admission] & (end - samples.time < DAY // 2)
    late = last & (rng.random(size) < share["charted_after_discharge"])
    return np.where(late, end // 60 * 60 + 60 * rng.integers(1, 60, size), samples.time)


def _abnormal(item: np.ndarray, value: np.ndarray, number: np.ndarray) -> np.ndarray:
    word = np.where(_TEXTUAL[item], value, 0).astype(int)
    beyond = (number < _LOW[item]) | (number > _HIGH[item])
    return np.where(_TEXTUAL[item], ~_LABEL_NORMAL[word], beyond) & ~_REMARK[item]


def _priority(rng: np.random.Generator, samples: Samples) -> pa.Array:
    size = len(samples.patient)
    urgent = np.isin(samples.context, (0, 3)) ^ (rng.random(size) < 0.12)
    unknown = (samples.context == 4) & (rng.random(size) < 0.35)
    return words(np.where(unknown, -1, urgent), ["ROUTINE", "STAT"])


def _units(rng: np.random.Generator, share: dict[str, float], item: np.ndarray) -> pa.Array:
    lost = (rng.random(len(item)) < share["unit_blank"]) | (item == ITEM_INDEX["sg"])
    without = _UNIT_OPEN[item] & (rng.random(len(item)) < share["unit_missing"])
    percent = (item == ITEM_INDEX["mchc"]) & (rng.random(len(item)) < share["second_unit"])
    return words(
        np.select([lost, without, percent], [_UNITS.index(" "), -1, _UNITS.index("%")], _UNIT_OF[item]), _UNITS
    )


def _written(
    rng: np.random.Generator, share: dict[str, float], item: np.ndarray, value: np.ndarray
) -> tuple[pa.Array, np.ndarray, pa.Array]:
    """Value as text, value as number, comments: with the scrubbing and the results kept in comments."""
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
    scrubbed = ~textual & ~remark & (rng.random(size) < share["value_scrubbed"])
    text = instead(text, scrubbed, "___")
    number = np.where(scrubbed & (rng.random(size) < share["scrubbed_without_number"]), np.nan, number)
    said = textual & (rng.random(size) < share["result_in_comments"])
    gfr = item == ITEM_INDEX["egfr"]
    text = instead(text, remark & ~gfr, _HOLD)
    comments = blank(joined(spelled, pa.array([""] * size), separator="."), ~said)
    comments = instead(instead(comments, gfr, _GFR), scrubbed, "___")
    number = np.where(said, np.nan, number)
    return blank(text, said | gfr), number, comments


def items() -> dict[str, pa.Array]:
    """Columns of d_labitems."""
    return {
        "itemid": ints(_ITEMID),
        "label": texts([item.label for item in ITEMS]),
        "fluid": texts([item.fluid for item in ITEMS]),
        "category": texts([item.category for item in ITEMS]),
    }
