"""Rows of poe and poe_detail: every order of a patient, drugs and all else, numbered in order of time.

In: a `World`. Out: `Poe` (all orders, real seconds) and `Rows`. Orders follow the hidden course: steps, place, severity, last results
and running treatments. Later orders replace or stop earlier ones; `stops` and `stopped_by` are those pairs. Drug orders
come first, in the order of `world.orders`. Some numbers belong to orders that are never listed; faults may point there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.synth.columns import Rows, ints, joined, numbered, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP, Course, allowed
from warehouse.synth.orderitems import DETAILS, KINDS, LABELS
from warehouse.synth.patients import choose
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import PROVIDERS
from warehouse.synth.treatments import PRODUCTS

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
stops_unlisted | .0023 | section 3: 24 of 10,510 orders of the demo that stop another | the order that is stopped is not in poe
orderer_missing | .0175 | 792 of 45,154 orders in the demo | order_provider_id is NULL
""")
NEW, CHANGE, STOP, HOLD = range(4)
_TRANSACTIONS = ["New", "Change", "D/C", "H"]
_HELD, _ACTIVE = 0.0005, 0.001
# Of drug orders that follow on another of the same drug: replacing it; of those that end early: stopped by an order of their own.
_DRUG_CHANGED, _DRUG_STOPPED = 0.55, 0.62
_TEAM = 6
_FLUID = np.array([product.kind == "base" for product in PRODUCTS])
_CODE_STATUS = LABELS.index(("General Care", "Code status"))
_HAS_SUBTYPE = np.array([subtype != "~" for _, subtype in LABELS])
_LABEL = np.array([kind.label for kind in KINDS])
_LAST = np.array([kind.when == "last" for kind in KINDS])
_FIRST = np.array([kind.when == "first" for kind in KINDS])
_CHANGED = np.array([kind.change for kind in KINDS])
_STOPPED = np.array([kind.stop for kind in KINDS])


@dataclass
class Poe:
    """One row an order, drug orders first; times in real seconds. `stops` and `stopped_by` are rows, -1 for none.

    `unlisted` is a number of each admission that belongs to no listed order.
    """

    admission: np.ndarray
    time: np.ndarray
    label: np.ndarray
    transaction: np.ndarray
    stops: np.ndarray
    stopped_by: np.ndarray
    provider: np.ndarray
    sequence: np.ndarray
    unlisted: np.ndarray


def _moments(course: Course) -> dict[str, np.ndarray]:
    """Which steps an order of each kind of moment falls in, and with which share of its rate."""
    size = len(course.step_time)
    last = np.roll(course.step_first, -1)
    turn = ~course.step_first & (course.icu != np.roll(course.icu, 1))
    return {
        "first": course.step_first.astype(float),
        "last": last.astype(float),
        "toicu": (course.icu & (course.step_first | turn)).astype(float),
        "outicu": (~course.icu & turn).astype(float),
        "move": turn.astype(float),
        "day": np.full(size, STEP / DAY),
        "drawn": (course.drawn & ~course.step_first).astype(float),
    }


def _written(rng: np.random.Generator, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Step and kind of every order that is no drug."""
    moments, above = _moments(course), (course.severity - 1).clip(-0.8, 2)
    steps, kinds = [], []
    for number, kind in enumerate(KINDS):
        rate = kind.often * moments[kind.when] * np.exp(kind.severity * above)
        need = kind.need
        if need.flag or need.reasons:
            rate *= allowed(need, course.episode, course.present)[course.step_admission]
        if need.icu:
            rate *= course.icu
        if need.severity:
            rate *= course.severity >= need.severity
        if kind.latent >= 0:
            rate *= kind.direction * course.reading[:, kind.latent] > kind.cut
        if kind.treatment >= 0:
            rate *= course.treated[:, kind.treatment]
        count = np.floor(rate + rng.random(len(rate))).astype(np.int64)
        step = np.repeat(np.arange(len(count)), count)
        steps.append(step)
        kinds.append(np.full(len(step), number))
    return np.concatenate(steps), np.concatenate(kinds)


def _times(rng: np.random.Generator, course: Course, step: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """When those orders are written: several at once, those of admission soon, discharge shortly before it."""
    adm, size = course.step_admission[step], len(step)
    time = course.step_time[step] + rng.integers(0, STEP, size)
    soon = course.admit[adm] + rng.gamma(1.3, 3600, size).astype(np.int64)
    waiting = course.emergency[adm] & (rng.random(size) < 0.2)
    early = course.admit[adm] - (course.arrival[adm] * rng.uniform(0.05, 0.8, size)).astype(np.int64)
    time = np.where(_FIRST[kind], np.where(waiting, early, soon), time)
    time = np.where(_LAST[kind], course.disch[adm] - rng.gamma(2, 5400, size).astype(np.int64), time)
    # Twenty minutes are one sitting of a provider.
    time = time // 1200 * 1200 + rng.integers(0, 200, size)
    return np.clip(time, course.admit[adm] - course.arrival[adm] * course.emergency[adm], course.disch[adm] - 60)


def _drug_times(rng: np.random.Generator, world: "World") -> np.ndarray:
    """When drugs are ordered: mostly within the hour before the start, in any case before the first dose."""
    orders, doses, size = world.orders, world.doses, len(world.orders.drug)
    _, sitting = np.unique(orders.admission * 2**32 + orders.start // 3600, return_inverse=True)
    before = rng.integers(0, 3600, sitting.max(initial=-1) + 1)[sitting] - rng.integers(0, 300, size)
    ahead = rng.random(size) < 0.13
    time = orders.start - np.where(ahead, rng.integers(3600, 12 * 3600, size), before)
    admit = world.course.admit[orders.admission]
    time = np.where(orders.start >= admit, np.maximum(time, admit), time)
    first = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first, doses.order, np.minimum(doses.due, doses.charted))
    return np.minimum(time, first - 120)


def _followers(admission: np.ndarray, what: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of neighbours in time among orders of the same thing in one admission: (earlier rows, later rows)."""
    order = np.lexsort((time, what, admission))
    same = (np.diff(admission[order]) == 0) & (np.diff(what[order]) == 0) & (np.diff(time[order]) > 0)
    return order[:-1][same], order[1:][same]


def make_poe(rng: np.random.Generator, world: "World") -> Poe:
    """All orders of a block."""
    course, orders = world.course, world.orders
    step, kind = _written(rng, course)
    drugs, others = len(orders.drug), len(step)
    size = drugs + others
    admission = np.concatenate([orders.admission, course.step_admission[step]])
    time = np.concatenate([_drug_times(rng, world), _times(rng, course, step, kind)])
    label = np.concatenate([_FLUID[orders.drug].astype(np.int64), _LABEL[kind]])
    transaction = np.where(rng.random(size) < _HELD, HOLD, NEW)
    stops, stopped_by = np.full(size, -1), np.full(size, -1)

    # An order of the same thing may replace the one before it.
    what = np.concatenate([len(LABELS) + orders.drug, _LABEL[kind]])
    changed = np.concatenate([np.full(drugs, _DRUG_CHANGED), _CHANGED[kind]])
    earlier, later = _followers(admission, what, time)
    apart = (later < drugs) & (orders.stop[earlier % drugs] > orders.start[later % drugs]) if drugs else later < 0
    replaced = (rng.random(len(later)) < changed[later]) & ~apart
    earlier, later = earlier[replaced], later[replaced]
    transaction[later], stops[later], stopped_by[earlier] = CHANGE, earlier, later

    # Others are stopped by an order of their own.
    end = course.disch[admission]
    end[:drugs] = np.minimum(orders.stop, end[:drugs])
    ends_early = end[:drugs] < course.disch[orders.admission] - 7200
    chance = np.concatenate([_DRUG_STOPPED * ends_early, _STOPPED[kind]])
    target = np.flatnonzero((rng.random(size) < chance) & (stopped_by < 0))
    latest = course.disch[admission[target]] - 60
    at = np.where(target < drugs, end[target], time[target] + rng.random(len(target)) ** 2 * (latest - time[target]))
    at = np.minimum(np.maximum(at.astype(np.int64), time[target] + 60), np.maximum(latest, time[target] + 60))
    stopped_by[target] = size + np.arange(len(target))
    admission = np.concatenate([admission, admission[target]])
    time = np.concatenate([time, at])
    sequence, unlisted = _numbers(rng, course, admission, time)
    return Poe(
        admission=admission,
        time=time,
        label=np.concatenate([label, label[target]]),
        transaction=np.concatenate([transaction, np.full(len(target), STOP)]),
        stops=np.concatenate([stops, target]),
        stopped_by=np.concatenate([stopped_by, np.full(len(target), -1)]),
        provider=_team(rng, world.stays.hadm[admission]),
        sequence=sequence,
        unlisted=unlisted,
    )


def _numbers(
    rng: np.random.Generator, course: Course, admission: np.ndarray, time: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The number of every order within its patient, and of an unlisted one of each admission."""
    hidden = np.concatenate(
        [np.arange(len(course.patient)), rng.choice(len(course.patient), 8 * len(course.patient))]
        if len(course.patient)
        else [np.empty(0, np.int64)]
    )
    stay = np.maximum(course.disch - course.admit, 3600)[hidden]
    moment = course.admit[hidden] + (rng.random(len(hidden)) * stay).astype(np.int64)
    number = numbered(
        course.patient[np.concatenate([admission, hidden])],
        np.concatenate([time, moment]),
        np.arange(len(admission) + len(hidden)),
    )
    return number[: len(admission)], number[len(admission) : len(admission) + len(course.patient)]


def _team(rng: np.random.Generator, hadm: np.ndarray) -> np.ndarray:
    """Who orders: one of the few providers of the admission, the first most often."""
    member = (rng.random(len(hadm)) ** 2 * _TEAM).astype(np.int64)
    return (hadm * 7919 + member * 104_729) % len(PROVIDERS)


def poe_ids(world: "World", row: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """The name of the orders `row`, patient and number; NULL where `missing`."""
    subject = world.patients.subject_id[world.course.patient[world.poe.admission[row]]]
    return joined(ints(subject), ints(world.poe.sequence[row], missing))


def poe_rows(world: "World") -> Rows:
    """Rows of poe."""
    rng, share, poe = world.stream("poe rows"), world.shares(QUIRKS), world.poe
    who, size = world.course.patient[poe.admission], len(poe.admission)
    subject = world.patients.subject_id[who]
    named = joined(ints(subject), ints(poe.sequence))
    lost = (poe.stops >= 0) & (rng.random(size) < share["stops_unlisted"])
    stopped = named.take(pa.array(poe.stops, mask=poe.stops < 0))
    unlisted = joined(ints(subject), ints(poe.unlisted[poe.admission]))
    unknown, active = rng.random(size) < share["orderer_missing"], rng.random(size) < _ACTIVE
    columns = {
        "poe_id": named,
        "poe_seq": ints(poe.sequence),
        "subject_id": ints(subject),
        "hadm_id": ints(world.stays.hadm[poe.admission]),
        "ordertime": stamps(poe.time + world.patients.shift_days[who] * DAY),
        "order_type": words(poe.label, [kind for kind, _ in LABELS]),
        "order_subtype": words(np.where(_HAS_SUBTYPE[poe.label], poe.label, -1), [subtype for _, subtype in LABELS]),
        "transaction_type": words(poe.transaction, _TRANSACTIONS),
        "discontinue_of_poe_id": pc.if_else(pa.array(lost), unlisted, stopped),
        "discontinued_by_poe_id": named.take(pa.array(poe.stopped_by, mask=poe.stopped_by < 0)),
        "order_provider_id": words(np.where(unknown, -1, poe.provider), PROVIDERS),
        "order_status": words(
            ((poe.stopped_by < 0) & (poe.transaction != STOP) & active).astype(int), ["Inactive", "Active"]
        ),
    }
    return Rows(who, columns)


def detail_rows(world: "World") -> Rows:
    """Rows of poe_detail; who is not to be resuscitated says so in the order of the code status."""
    rng, poe, course = world.stream("poe_detail"), world.poe, world.course
    fields = list(dict.fromkeys(detail.field for detail in DETAILS))
    labels = list(dict.fromkeys(value for detail in DETAILS for value in detail.values))
    row, field, value = [], [], []
    ordered = np.flatnonzero((poe.transaction != STOP) & (poe.label > 1))
    declined = course.present[:, CONDITION_INDEX["dnr"]]
    for detail in DETAILS:
        those = ordered[poe.label[ordered] == detail.label]
        those = those[rng.random(len(those)) < detail.often]
        chosen = choose(rng, detail.weights, len(those))
        if detail.label == _CODE_STATUS:
            # The first two values are full code, the others not.
            chosen = np.where(declined[poe.admission[those]], 2 + chosen % 2, chosen)
        row.append(those)
        field.append(np.full(len(those), fields.index(detail.field)))
        value.append(np.array([labels.index(one) for one in detail.values])[chosen])
    row, field, value = np.concatenate(row), np.concatenate(field), np.concatenate(value)
    who = course.patient[poe.admission[row]]
    timed = np.flatnonzero(value == labels.index("TIME"))
    at = poe.time[row[timed]] + rng.integers(300, 7200, len(timed)) + world.patients.shift_days[who[timed]] * DAY
    # Dictionary of the fixed values, then one text for each time.
    moments = pc.strftime(stamps(at), "%Y-%m-%d %H:%M:%S").to_pylist()
    value[timed] = len(labels) + np.arange(len(timed))
    columns = {
        "poe_id": poe_ids(world, row),
        "poe_seq": ints(poe.sequence[row]),
        "subject_id": ints(world.patients.subject_id[who]),
        "field_name": words(field, fields),
        "field_value": words(value, labels + moments),
    }
    return Rows(who, columns)
