"""Rows of prescriptions and emar: who is ordered what, how it is dispensed, and each dose given or not.

In: patients, course and a Generator. Out: `Rows`. Orders come from five sources: home drugs of the conditions (the same
patient keeps the same drugs), the episode, habit, reactions to results, and a long tail of rarer drugs by kind of patient.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, joined, nothing, numbered, reals, stamps, words
from warehouse.synth.conditions import CONDITIONS
from warehouse.synth.course import DAY, STEP, Course, allowed
from warehouse.synth.formulary import AS_NEEDED, BASES, CATALOGUE, EVENTS, KINDS, PRODUCT_OF, SHARE_GIVEN, event_weights
from warehouse.synth.kinds import ORDER_SETS, ROUTINES
from warehouse.synth.patients import Patients, choose, sigmoid
from warehouse.synth.stays import Stays
from warehouse.synth.treatments import DRUG_ATC, DRUG_INDEX, DRUGS, PRODUCTS, ROUTINE, RULES

ORDERS_PER_BLOCK = 2**17
QUIRKS = {
    "stop_before_start": 0.04,
    "stop_equals_start": 0.025,
    "stop_missing": 0.001,
    "ndc_zero": 0.14,
    "ndc_missing": 0.001,
    "gsn_missing": 0.14,
    "gsn_several": 0.0004,
    "medication_missing": 0.044,
    "event_missing": 0.009,
    "stored_early": 0.031,
    "pharmacy_missing": 0.16,
    "orderer_missing": 0.35,
    "enterer_missing": 0.6,
    "given_before_admission": 0.13,
    "other_location": 0.003,
}
EMAR_FROM = int(np.datetime64("2010-09-01").astype(int))
EMAR_EVERYWHERE = int(np.datetime64("2014-06-01").astype(int))
MAX_DOSES = 150
_HOME = np.zeros((len(CONDITIONS), len(DRUGS)))
for _number, _condition in enumerate(CONDITIONS):
    for _drug, _chance in _condition.drugs.items():
        _HOME[_number, DRUG_INDEX[_drug]] = np.log1p(-min(_chance, 0.995))
_RULE_DRUG = np.array([DRUG_INDEX[rule.drug] for rule in RULES])
_ROUTINE_DRUG = np.array([DRUG_INDEX[routine.drug] for routine in ROUTINE])
_PER_DAY = np.array([product.per_day for product in PRODUCTS])
_KIND = np.array([KINDS.index(product.kind) for product in PRODUCTS])
# Rounds: what is given every n hours is due at a fixed hour of the day, some of it in the evening.
_INTERVAL = np.array(
    [min((4, 6, 8, 12, 24, 48, 96, 168), key=lambda hours: abs(np.log(hours * one.per_day / 24))) for one in PRODUCTS]
)
_INTERVAL = _INTERVAL * 3600
_HOUR = (
    np.where(np.array([DRUG_ATC[number][:3] in ("C10", "N05", "N06") for number in range(len(DRUGS))]), 21, 9) * 3600
)
_AS_NEEDED = np.array([drug in AS_NEEDED for drug in DRUGS])
_BRIEF = np.random.default_rng(11).random(len(DRUGS)) < 0.42
_GIVEN = np.where(SHARE_GIVEN[_KIND] < 0.3, SHARE_GIVEN[_KIND], 0.93)
_SPELLINGS = np.array([len(product.spellings) for product in PRODUCTS])
_DOSES = np.array([len(product.doses) for product in PRODUCTS])
_BASE_DRUG_TYPE = KINDS.index("base")
# Fields of a formulary item and their columns in prescriptions.
_WRITTEN_AS = {
    "drug": "drug",
    "code": "formulary_drug_cd",
    "gsn": "gsn",
    "ndc": "ndc",
    "strength": "prod_strength",
    "dose": "dose_val_rx",
    "unit": "dose_unit_rx",
    "amount": "form_val_disp",
    "form": "form_unit_disp",
    "route": "route",
}


@dataclass
class Orders:
    """One row an order; times in real seconds."""

    admission: np.ndarray
    drug: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    spelling: np.ndarray
    dose: np.ndarray
    sequence: np.ndarray


def _standing(rng: np.random.Generator, patients: Patients, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Orders written at admission: (admission, drug), where bool (admissions, drugs) is true."""
    who, size = course.patient, len(course.patient)
    home = 1 - np.exp(course.present.astype(float) @ _HOME) * (1 - patients.drug_extra[who])
    taken = (patients.drug_threshold[who] < home) & (rng.random(home.shape) < 0.92)
    acute = rng.random(home.shape) < ORDER_SETS[course.kind]
    habit = np.zeros_like(taken)
    intensive = np.logical_or.reduceat(course.icu, np.flatnonzero(course.step_first))
    weak = np.where(course.observed, 0.45, 1.0)
    for drug, routine, chance in zip(_ROUTINE_DRUG, ROUTINE, ROUTINES[course.kind].T, strict=True):
        logit = np.log(chance / (1 - chance)) + 3 * routine.severity * (course.peak - 1)
        needed = allowed(routine.need, course.episode, course.present) & (intensive | (not routine.need.icu))
        habit[:, drug] |= (rng.random(size) < sigmoid(logit) * weak) & needed
    return np.nonzero(taken | acute | habit)


def _reactions(course: Course) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Runs of steps with a treatment on: admission, drug, first and last step's time."""
    on = course.treated.T.ravel()
    first = np.tile(course.step_first, len(RULES))
    last = np.roll(first, -1)
    begins = np.flatnonzero(on & (first | ~np.roll(on, 1)))
    ends = np.flatnonzero(on & (last | ~np.roll(on, -1)))
    rule, step = np.divmod(begins, len(course.step_time))
    return (
        course.step_admission[step],
        _RULE_DRUG[rule],
        course.step_time[step],
        course.step_time[ends % len(course.step_time)],
    )


def make_orders(rng: np.random.Generator, patients: Patients, course: Course) -> Orders:
    """All orders of a block, numbered within each patient in order of time."""
    adm, drug = _standing(rng, patients, course)
    length = (course.disch - course.admit)[adm]
    # Orders are written together: most at one time after admission, some later.
    session = course.admit + (rng.gamma(1.6, 1.5 * 3600, len(course.admit)) + 3600).astype(np.int64)
    apart = rng.random(len(adm)) < 0.2
    start = np.where(
        apart, course.admit[adm] + (rng.gamma(1.6, 2.2 * 3600, len(adm)) + 3600).astype(np.int64), session[adm]
    )
    # Some drugs are for a day or so, others for the stay.
    brief = _BRIEF[drug] ^ (rng.random(len(adm)) < 0.08)
    stop = np.where(
        brief,
        start + (length * rng.beta(0.9, 1.6, len(adm))).astype(np.int64) + 3600,
        course.disch[adm] + rng.integers(-3, 14, len(adm)) * 3600,
    )
    early = course.emergency[adm] & (rng.random(len(adm)) < 0.02)
    start = np.where(
        early, course.admit[adm] - (course.arrival[adm] * rng.uniform(0.1, 0.9, len(adm))).astype(np.int64), start
    )
    # Doses change and orders are written anew: a long order is several.
    parts = 1 + rng.poisson(0.13 * (stop - start).clip(0) / DAY)
    index = np.repeat(np.arange(len(adm)), parts)
    piece = np.arange(len(index)) - np.repeat(np.cumsum(parts) - parts, parts)
    width = ((stop - start) / parts).astype(np.int64)[index]
    began, ended = start[index] + piece * width, start[index] + (piece + 1) * width
    r_adm, r_drug, r_start, r_end = _reactions(course)
    r_start = np.clip(r_start + rng.integers(0, STEP, len(r_adm)), course.admit[r_adm], course.disch[r_adm] - 1800)
    r_stop = np.maximum(r_end + rng.integers(0, STEP, len(r_adm)), r_start + 3600)
    adm, drug = np.concatenate([adm[index], r_adm]), np.concatenate([drug[index], r_drug])
    start, stop = np.concatenate([began, r_start]) // 3600 * 3600, np.concatenate([ended, r_stop]) // 3600 * 3600
    size = len(adm)
    if size > ORDERS_PER_BLOCK:
        raise RuntimeError(f"{size} orders in one block of patients: more than there are ids for")
    own = (patients.drug_threshold[course.patient[adm], drug] * 9973).astype(np.int64) % _DOSES[drug]
    dose = np.where(rng.random(size) < 0.7, own, rng.integers(0, 1 << 30, size) % _DOSES[drug])
    spelling = np.where(rng.random(size) < 0.7, 0, rng.integers(0, 1 << 30, size) % _SPELLINGS[drug])
    sequence = numbered(course.patient[adm], start, drug, stop)
    return Orders(adm, drug, start, np.maximum(stop, start), spelling, dose, sequence)


def prescription_rows(
    rng: np.random.Generator,
    patients: Patients,
    course: Course,
    stays: Stays,
    orders: Orders,
    block: int,
    providers: list[str],
) -> Rows:
    """Rows of prescriptions: a MAIN row an order (BASE for fluids), and a BASE row for what is given in a bag."""
    size = len(orders.drug)
    product = PRODUCT_OF[orders.drug] + orders.spelling * _DOSES[orders.drug] + orders.dose
    bagged = np.flatnonzero((_KIND[orders.drug] == KINDS.index("bag")) & (rng.random(size) < 0.75))
    kind = np.where(
        _KIND[orders.drug] == _BASE_DRUG_TYPE,
        1,
        np.where((_KIND[orders.drug] == KINDS.index("iv")) & (rng.random(size) < 0.015), 2, 0),
    )
    row = np.concatenate([np.arange(size), bagged])
    main = np.arange(len(row)) < size
    base = len(CATALOGUE) - len(BASES) + rng.integers(0, len(BASES), len(row))
    entry = np.where(main, product[row], base)
    adm, who = orders.admission[row], course.patient[orders.admission[row]]
    shift = patients.shift_days[who] * DAY
    draw, chance = rng.random(size)[row], rng.random(len(row))
    stop = orders.stop[row]
    stop = np.where(draw < QUIRKS["stop_before_start"], orders.start[row] - rng.integers(1, 20, len(row)) * 3600, stop)
    stop = np.where((draw > 0.5) & (draw < 0.5 + QUIRKS["stop_equals_start"]), orders.start[row], stop)
    orderer = rng.integers(0, len(providers), size)[row]
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[adm]),
        "pharmacy_id": ints(_pharmacy(block, size)[row]),
        "poe_id": joined(ints(patients.subject_id[who]), ints(orders.sequence[row])),
        "poe_seq": ints(orders.sequence[row]),
        "order_provider_id": words(np.where(chance < QUIRKS["orderer_missing"], -1, orderer), providers),
        "starttime": stamps(orders.start[row] + shift),
        "stoptime": stamps(stop + shift, draw > 1 - QUIRKS["stop_missing"]),
        "drug_type": words(np.where(main, kind[row], 1), ["MAIN", "BASE", "ADDITIVE"]),
        "form_rx": nothing(len(row)),
        "doses_per_24_hrs": reals(np.where(chance > 0.42, np.ceil(_PER_DAY[orders.drug[row]]), np.nan)),
        **_product_columns(rng, entry),
    }
    return Rows(who, columns)


def _product_columns(rng: np.random.Generator, entry: np.ndarray) -> dict[str, pa.Array]:
    """What the formulary says of the products `entry` of CATALOGUE, with its missing and unmapped codes."""
    no_ndc, no_gsn = rng.random(len(entry)), rng.random(len(entry))
    coded = {name: pa.array([getattr(item, name) for item in CATALOGUE]).dictionary_encode() for name in _WRITTEN_AS}
    index = {name: column.indices.to_numpy()[entry] for name, column in coded.items()}
    labels = {name: column.dictionary.to_pylist() for name, column in coded.items()}
    lacking = [no_ndc < QUIRKS["ndc_zero"], no_ndc > 1 - QUIRKS["ndc_missing"]]
    index["ndc"] = np.select(lacking, [len(labels["ndc"]), -1], index["ndc"])
    labels["ndc"].append("0")
    # A mixture carries the numbers of all it may hold, blank-separated.
    several = len(labels["gsn"]) + rng.integers(0, 7, len(entry))
    lacking = [no_gsn < QUIRKS["gsn_missing"], no_gsn > 1 - QUIRKS["gsn_several"]]
    index["gsn"] = np.select(lacking, [-1, several], index["gsn"])
    labels["gsn"] += [" ".join(labels["gsn"][number : number + 3]) for number in range(7)]
    return {_WRITTEN_AS[name]: words(index[name], labels[name]) for name in coded}


def _pharmacy(block: int, size: int) -> np.ndarray:
    return 1 + block * ORDERS_PER_BLOCK + np.arange(size)


def _doses(rng: np.random.Generator, course: Course, orders: Orders) -> tuple[np.ndarray, np.ndarray]:
    """Entries of the administration record: order and due time (real seconds), for admissions that have the record."""
    day = course.admit // DAY
    recorded = rng.random(len(day)) < 0.98 * ((day - EMAR_FROM) / (EMAR_EVERYWHERE - EMAR_FROM)).clip(0, 1)
    # The first dose is due at the start, the others at the rounds of the ward, which are the same every day.
    interval, hour = _INTERVAL[orders.drug], _HOUR[orders.drug]
    round_1 = orders.start + interval // 2
    round_1 += (hour - round_1) % interval
    last = np.minimum(orders.stop, course.disch[orders.admission])
    count = np.where(
        recorded[orders.admission] & (last >= orders.start), 1 + ((last - round_1) // interval + 1).clip(0), 0
    )
    count = count.clip(0, MAX_DOSES)
    order = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    given = rng.random(len(order)) < np.where(_AS_NEEDED, 0.3, _GIVEN)[orders.drug[order]]
    order, nth = order[given], nth[given]
    due = np.where(nth == 0, orders.start[order], round_1[order] + (nth - 1) * interval[order])
    # Some first doses were given in the emergency department, before the admission began.
    adm = orders.admission[order]
    before = (nth == 0) & course.emergency[adm] & (rng.random(len(order)) < QUIRKS["given_before_admission"])
    waiting = course.admit[adm] - (course.arrival[adm] * rng.uniform(0.2, 0.95, len(order))).astype(np.int64)
    return order, np.where(before, waiting, due)


def emar_rows(
    rng: np.random.Generator,
    patients: Patients,
    course: Course,
    stays: Stays,
    orders: Orders,
    block: int,
    providers: list[str],
) -> Rows:
    """Rows of emar; before admission (in the emergency department) they have no admission."""
    order, due = _doses(rng, course, orders)
    size = len(order)
    adm = orders.admission[order]
    # A nurse gives what is due together; a few doses come apart.
    rounds, turn = np.unique(adm * 2**32 + due // 3600, return_inverse=True)
    late = np.where(rng.random(len(rounds)) < 0.35, 0, rng.gamma(1.2, 1500, len(rounds)) - 900)[turn]
    late = np.where(rng.random(size) < 0.06, rng.gamma(1.2, 1500, size), late).astype(np.int64)
    who = course.patient[adm]
    charted = np.minimum(due + late, course.disch[adm] - 60) // 60 * 60
    delay = np.where(
        rng.random(size) < QUIRKS["stored_early"],
        -rng.integers(1, 90, size),
        np.where(
            rng.random(size) < 0.05,
            rng.integers(0, 12, size),
            (rng.integers(0, 12, len(rounds)) * (rng.random(len(rounds)) < 0.6))[turn],
        ),
    )
    kind = _KIND[orders.drug[order]]
    sick = course.peak[adm] > 1.8
    event = np.empty(size, np.int64)
    for number in range(len(KINDS)):
        for sicker in (False, True):
            chosen = np.flatnonzero((kind == number) & (sick == sicker))
            event[chosen] = choose(rng, event_weights(KINDS[number], sicker), len(chosen))
    event = np.where(rng.random(size) < QUIRKS["other_location"], EVENTS.index(" in Other Location"), event)
    event = np.where(rng.random(size) < QUIRKS["event_missing"], -1, event)
    product = PRODUCT_OF[orders.drug] + orders.spelling * _DOSES[orders.drug] + orders.dose
    named = pa.array([item.drug for item in CATALOGUE], pa.string()).dictionary_encode()
    medication = np.where(rng.random(size) < QUIRKS["medication_missing"], -1, named.indices.to_numpy()[product[order]])
    sequence = numbered(who, charted, order, due)
    shift = patients.shift_days[who] * DAY
    subject = ints(patients.subject_id[who])
    columns = {
        "subject_id": subject,
        "hadm_id": ints(stays.hadm[adm], charted < course.admit[adm]),
        "emar_id": joined(subject, ints(sequence)),
        "emar_seq": ints(sequence),
        "poe_id": joined(subject, ints(orders.sequence[order])),
        "pharmacy_id": ints(_pharmacy(block, len(orders.drug))[order], rng.random(size) < QUIRKS["pharmacy_missing"]),
        "enter_provider_id": words(
            np.where(rng.random(size) < QUIRKS["enterer_missing"], -1, rng.integers(0, len(providers), size)), providers
        ),
        "charttime": stamps(charted + shift),
        "medication": words(medication, named.dictionary.to_pylist()),
        "event_txt": words(event, EVENTS),
        "scheduletime": stamps(due // 60 * 60 + shift, rng.random(size) < 0.02),
        "storetime": stamps(charted + delay * 60 + shift),
    }
    return Rows(who, columns)
