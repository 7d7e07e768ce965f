"""Rows of prescriptions and emar: who is ordered what, how it is dispensed, and each dose given or not.

In: a `World`. Out: `Orders`, `Doses` and `Rows`. Orders come from five sources: home drugs of the conditions (the same
patient keeps the same drugs), the episode, habit, reactions to results, and a long tail of rarer drugs by kind of patient.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, joined, nothing, numbered, reals, stamps, words
from warehouse.synth.conditions import CONDITIONS
from warehouse.synth.course import DAY, STEP, Course, allowed
from warehouse.synth.formulary import AS_NEEDED, BASES, CATALOGUE, EVENTS, KINDS, PRODUCT_OF, SHARE_GIVEN, event_weights
from warehouse.synth.kinds import ORDER_SETS, ROUTINES
from warehouse.synth.patients import Patients, choose, sigmoid
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import PROVIDERS, providers
from warehouse.synth.treatments import DRUG_ATC, DRUG_INDEX, DRUGS, PRODUCTS, ROUTINE, RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

ORDERS_PER_BLOCK = 2**17
QUIRKS = quirks("""
stop_before_start | .042 | 20: 753 of 18,087 prescriptions in the demo | stoptime before starttime
stop_equals_start | .025 | 20: 459 of 18,087 | stoptime equal to starttime
stop_missing | .0008 | 20: 14 of 18,087 | stoptime is NULL
ndc_zero | .14 | 21: 2,610 of 18,087 | ndc is "0"
ndc_missing | .001 | 21: 21 of 18,087 | ndc is NULL
gsn_missing | .14 | 21: 2,519 of 18,087 | gsn is NULL
trailing_blanks | .02 | 22: 360 of 18,087 | a blank after drug or prod_strength
spelling_differs | .019 | 22: 631 names, 598 but for case and blanks, 339 of 18,087 rows | drug in another case
dose_as_text | .055 | 22: 1,001 of 18,087 | dose_val_rx is no plain number: "5-10", "25,000"
gsn_several | .0004 | 21: 5 rows of 18,087 | several codes in gsn, blank-separated
medication_missing | .044 | 23: 1,576 of 35,835 entries in the demo | medication is NULL
event_missing | .009 | 23: 311 of 35,835 | event_txt is NULL
stored_early | .031 | 11: 1,117 of 35,835 | storetime before charttime
pharmacy_missing | .16 | 23: 6,463 of 35,835 | pharmacy_id is NULL
order_unlisted | .03 | section 3: 1,063 of 35,835 | poe_id is not in poe
""")  # fmt: skip
# Not known who ordered or who charted; first doses given in the emergency department; from the demo.
_WITHOUT_ORDERER, _WITHOUT_ENTERER, _GIVEN_EARLY, _OTHER_PLACE = 0.005, 0.6, 0.13, 0.003
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
KIND_OF = np.array([KINDS.index(product.kind) for product in PRODUCTS])
# Rounds: what is given every n hours is due at a fixed hour of the day, some of it in the evening.
INTERVAL_OF = np.array(
    [min((4, 6, 8, 12, 24, 48, 96, 168), key=lambda hours: abs(np.log(hours * one.per_day / 24))) for one in PRODUCTS]
)
INTERVAL_OF = INTERVAL_OF * 3600
HOUR_OF = (
    np.where(np.array([DRUG_ATC[number][:3] in ("C10", "N05", "N06") for number in range(len(DRUGS))]), 21, 9) * 3600
)
AS_NEEDED_OF = np.array([drug in AS_NEEDED for drug in DRUGS])
_BRIEF = np.random.default_rng(11).random(len(DRUGS)) < 0.42
_GIVEN = np.where(SHARE_GIVEN[KIND_OF] < 0.3, SHARE_GIVEN[KIND_OF], 0.93)
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

    @property
    def product(self) -> np.ndarray:
        """What is dispensed: index into CATALOGUE."""
        return PRODUCT_OF[self.drug] + self.spelling * _DOSES[self.drug] + self.dose

    def pharmacy_id(self, block: int) -> np.ndarray:
        """The number of each order at the pharmacy."""
        return 1 + block * ORDERS_PER_BLOCK + np.arange(len(self.drug))


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
    """All orders of drugs of a block."""
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
    if size > ORDERS_PER_BLOCK // 2:
        raise RuntimeError(f"{size} orders in one block of patients: more than there are ids for")
    own = (patients.drug_threshold[course.patient[adm], drug] * 9973).astype(np.int64) % _DOSES[drug]
    dose = np.where(rng.random(size) < 0.7, own, rng.integers(0, 1 << 30, size) % _DOSES[drug])
    spelling = np.where(rng.random(size) < 0.7, 0, rng.integers(0, 1 << 30, size) % _SPELLINGS[drug])
    return Orders(adm, drug, start, np.maximum(stop, start + 3600), spelling, dose)


def written_stops(world: "World") -> tuple[np.ndarray, np.ndarray]:
    """When prescriptions and the pharmacy say that each order ends, and where they do not say; real seconds."""
    rng, share, orders = world.stream("written stops"), world.shares(QUIRKS), world.orders
    draw, early = rng.random(len(orders.drug)), rng.integers(1, 20, len(orders.drug)) * 3600
    stop = np.where(draw < share["stop_before_start"], orders.start - early, orders.stop)
    stop = np.where((draw > 0.5) & (draw < 0.5 + share["stop_equals_start"]), orders.start, stop)
    return stop, draw > 1 - share["stop_missing"]


def prescription_rows(world: "World") -> Rows:
    """Rows of prescriptions: a MAIN row an order (BASE for fluids), and a BASE row for what is given in a bag."""
    rng, share = world.stream("prescriptions"), world.shares(QUIRKS)
    patients, course, stays, orders = world.patients, world.course, world.stays, world.orders
    size = len(orders.drug)
    bagged = np.flatnonzero((KIND_OF[orders.drug] == KINDS.index("bag")) & (rng.random(size) < 0.75))
    kind = np.where(
        KIND_OF[orders.drug] == _BASE_DRUG_TYPE,
        1,
        np.where((KIND_OF[orders.drug] == KINDS.index("iv")) & (rng.random(size) < 0.015), 2, 0),
    )
    row = np.concatenate([np.arange(size), bagged])
    main = np.arange(len(row)) < size
    base = len(CATALOGUE) - len(BASES) + rng.integers(0, len(BASES), len(row))
    entry = np.where(main, orders.product[row], base)
    adm, who = orders.admission[row], course.patient[orders.admission[row]]
    shift = patients.shift_days[who] * DAY
    chance = rng.random(len(row))
    stop, endless = written_stops(world)
    orderer = np.where(rng.random(size) < _WITHOUT_ORDERER, -1, world.poe.provider[:size])
    columns = {
        "subject_id": ints(patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[adm]),
        "pharmacy_id": ints(orders.pharmacy_id(world.block)[row]),
        "poe_id": joined(ints(patients.subject_id[who]), ints(world.poe.sequence[row])),
        "poe_seq": ints(world.poe.sequence[row]),
        "order_provider_id": words(orderer[row], PROVIDERS),
        "starttime": stamps(orders.start[row] + shift),
        "stoptime": stamps(stop[row] + shift, endless[row]),
        "drug_type": words(np.where(main, kind[row], 1), ["MAIN", "BASE", "ADDITIVE"]),
        "form_rx": nothing(len(row)),
        "doses_per_24_hrs": reals(np.where(chance > 0.42, np.ceil(_PER_DAY[orders.drug[row]]), np.nan)),
        **_product_columns(rng, share, entry),
    }
    return Rows(who, columns)


def _another_case(name: str) -> str:
    return name.lower() if name != name.lower() else name.upper()


@cache
def _written_labels() -> dict[str, list[str]]:
    """Texts of every column by product: first as they should be, then as faults write them, one list after the other."""
    labels = {name: [getattr(item, name).strip() for item in CATALOGUE] for name in _WRITTEN_AS}
    first = {" ".join(name.casefold().split()): name for name in reversed(labels["drug"])}
    named = [first[" ".join(name.casefold().split())] for name in labels["drug"]]
    other = [own if own != name else _another_case(name) for own, name in zip(labels["drug"], named, strict=True)]
    plain = [dose.replace(",", "").split("-")[0] for dose in labels["dose"]]
    odd = [
        dose if dose != number else f"{number}-{float(number) * 2:g}" if float(number) < 1000 else f"{float(number):,g}"
        for dose, number in zip(labels["dose"], plain, strict=True)
    ]
    labels["drug"] = named + other + [f"{name} " for name in named]
    labels["strength"] += [f"{strength} " for strength in labels["strength"]]
    labels["dose"] = plain + odd
    # A mixture carries the numbers of all it may hold, blank-separated.
    labels["gsn"] += [" ".join(labels["gsn"][number : number + 3]) for number in range(7)]
    labels["ndc"].append("0")
    return labels


def _product_columns(rng: np.random.Generator, share: dict[str, float], entry: np.ndarray) -> dict[str, pa.Array]:
    """What the formulary says of the products `entry` of CATALOGUE, with its faults of spelling and its missing codes."""
    size, products = len(entry), len(CATALOGUE)
    no_ndc, no_gsn, spelt, dosed = rng.random((4, size))
    labels, index = _written_labels(), dict.fromkeys(_WRITTEN_AS, entry)
    lacking = [no_ndc < share["ndc_zero"], no_ndc > 1 - share["ndc_missing"]]
    index["ndc"] = np.select(lacking, [products, -1], entry)
    lacking = [no_gsn < share["gsn_missing"], no_gsn > 1 - share["gsn_several"]]
    index["gsn"] = np.select(lacking, [-1, products + rng.integers(0, 7, size)], entry)
    # Three in four blanks follow the drug, the others its strength.
    blank = share["trailing_blanks"]
    faults = [spelt < 0.75 * blank, spelt > 1 - share["spelling_differs"]]
    index["drug"] = entry + products * np.select(faults, [2, 1], 0)
    index["strength"] = entry + products * ((spelt >= 0.75 * blank) & (spelt < blank))
    index["dose"] = entry + products * (dosed < share["dose_as_text"])
    return {column: words(index[name], labels[name]) for name, column in _WRITTEN_AS.items()}


@dataclass
class Doses:
    """Entries of the administration record, one row an entry; times in real seconds. `event` indexes EVENTS, -1: none."""

    order: np.ndarray
    patient: np.ndarray
    admission: np.ndarray
    due: np.ndarray
    charted: np.ndarray
    stored: np.ndarray
    event: np.ndarray
    sequence: np.ndarray
    product: np.ndarray
    kind: np.ndarray
    pharmacy_missing: np.ndarray


def _due(rng: np.random.Generator, course: Course, orders: Orders) -> tuple[np.ndarray, np.ndarray]:
    """Order and due time (real seconds) of every dose, for admissions that have the record."""
    day = course.admit // DAY
    recorded = rng.random(len(day)) < 0.98 * ((day - EMAR_FROM) / (EMAR_EVERYWHERE - EMAR_FROM)).clip(0, 1)
    # The first dose is due at the start, the others at the rounds of the ward, which are the same every day.
    interval, hour = INTERVAL_OF[orders.drug], HOUR_OF[orders.drug]
    round_1 = orders.start + interval // 2
    round_1 += (hour - round_1) % interval
    last = np.minimum(orders.stop, course.disch[orders.admission])
    count = np.where(
        recorded[orders.admission] & (last >= orders.start), 1 + ((last - round_1) // interval + 1).clip(0), 0
    )
    count = count.clip(0, MAX_DOSES)
    order = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    given = rng.random(len(order)) < np.where(AS_NEEDED_OF, 0.3, _GIVEN)[orders.drug[order]]
    order, nth = order[given], nth[given]
    due = np.where(nth == 0, orders.start[order], round_1[order] + (nth - 1) * interval[order])
    # Some first doses were given in the emergency department, before the admission began.
    adm = orders.admission[order]
    before = (nth == 0) & course.emergency[adm] & (rng.random(len(order)) < _GIVEN_EARLY)
    waiting = course.admit[adm] - (course.arrival[adm] * rng.uniform(0.2, 0.95, len(order))).astype(np.int64)
    return order, np.where(before, waiting, due)


def make_doses(rng: np.random.Generator, world: "World") -> Doses:
    """Every dose that was due and charted: given, withheld or otherwise, by kind of drug and severity."""
    course, orders, share = world.course, world.orders, world.shares(QUIRKS)
    order, due = _due(rng, course, orders)
    size = len(order)
    adm = orders.admission[order]
    # A nurse gives what is due together; a few doses come apart.
    rounds, turn = np.unique(adm * 2**32 + due // 3600, return_inverse=True)
    late = np.where(rng.random(len(rounds)) < 0.35, 0, rng.gamma(1.2, 1500, len(rounds)) - 900)[turn]
    late = np.where(rng.random(size) < 0.06, rng.gamma(1.2, 1500, size), late).astype(np.int64)
    who = course.patient[adm]
    charted = np.minimum(due + late, course.disch[adm] - 60) // 60 * 60
    early = rng.random(size) < share["stored_early"]
    together = (rng.integers(0, 12, len(rounds)) * (rng.random(len(rounds)) < 0.6))[turn]
    delay = np.where(rng.random(size) < 0.05, rng.integers(0, 12, size), together)
    delay = np.where(early, -rng.integers(1, 90, size), delay)
    kind = KIND_OF[orders.drug[order]]
    sick = course.peak[adm] > 1.8
    event = np.empty(size, np.int64)
    for number in range(len(KINDS)):
        for sicker in (False, True):
            chosen = np.flatnonzero((kind == number) & (sick == sicker))
            event[chosen] = choose(rng, event_weights(KINDS[number], sicker), len(chosen))
    event = np.where(rng.random(size) < _OTHER_PLACE, EVENTS.index(" in Other Location"), event)
    event = np.where(rng.random(size) < share["event_missing"], -1, event)
    return Doses(
        order=order,
        patient=who,
        admission=adm,
        due=due,
        charted=charted,
        stored=charted + delay * 60,
        event=event,
        sequence=numbered(who, charted, order, due),
        product=orders.product[order],
        kind=kind,
        pharmacy_missing=rng.random(size) < share["pharmacy_missing"],
    )


def emar_rows(world: "World") -> Rows:
    """Rows of emar; before admission (in the emergency department) they have no admission."""
    rng, share = world.stream("emar"), world.shares(QUIRKS)
    doses, orders = world.doses, world.orders
    size = len(doses.order)
    unnamed = rng.random(size) < share["medication_missing"]
    medication = np.where(unnamed, -1, doses.product)
    lost = rng.random(len(orders.drug)) < share["order_unlisted"]
    number = np.where(lost, world.poe.unlisted[orders.admission], world.poe.sequence[: len(lost)])[doses.order]
    shift = world.patients.shift_days[doses.patient] * DAY
    subject = ints(world.patients.subject_id[doses.patient])
    columns = {
        "subject_id": subject,
        "hadm_id": ints(world.stays.hadm[doses.admission], doses.charted < world.course.admit[doses.admission]),
        "emar_id": joined(subject, ints(doses.sequence)),
        "emar_seq": ints(doses.sequence),
        "poe_id": joined(subject, ints(number)),
        "pharmacy_id": ints(orders.pharmacy_id(world.block)[doses.order], doses.pharmacy_missing),
        "enter_provider_id": providers(rng, size, _WITHOUT_ENTERER),
        "charttime": stamps(doses.charted + shift),
        "medication": words(medication, _written_labels()["drug"]),
        "event_txt": words(doses.event, EVENTS),
        "scheduletime": stamps(doses.due // 60 * 60 + shift, rng.random(size) < 0.02),
        "storetime": stamps(doses.stored + shift),
    }
    return Rows(doses.patient, columns)
