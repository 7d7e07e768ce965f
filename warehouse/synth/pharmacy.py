"""Rows of pharmacy: how each order of a drug is filled, how often it is due, and how it ended.

In: a `World`. Out: `Rows`: one for every order of a drug, with the number that prescriptions and administrations share, and one
for every order of total parenteral nutrition, which has no prescription. How an order ended follows from the orders that
replace or stop it. Starts, stops and their faults are those of prescriptions (`drugs.written_stops`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, nothing, reals, stamps, words
from warehouse.synth.course import DAY
from warehouse.synth.drugs import AS_NEEDED_OF, HOUR_OF, INTERVAL_OF, KIND_OF, ORDERS_PER_BLOCK, written_stops
from warehouse.synth.formulary import CATALOGUE, KINDS
from warehouse.synth.orderitems import LABELS
from warehouse.synth.patients import choose
from warehouse.synth.poe import CHANGE, HOLD, NEW, poe_ids
from warehouse.synth.quirks import quirks
from warehouse.synth.treatments import DRUG_INDEX

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
order_missing | .0056 | 86 of 15,306 rows in the demo | poe_id is NULL
""")
# class|frequency|weight|doses a day (~: none is told)|hours of the day
_FREQUENCIES = """
4|Q4H|90|6|00, 04, 08, 12, 16, 20
4|Q4H|10|6|~
6|Q6H|75|4|00, 06, 12, 18
6|QID|25|4|08, 12, 16, 20
8|Q8H|55|3|~
8|TID|45|3|08, 14, 20
12|BID|72|2|08, 20
12|Q12H|22|2|~
12|Q 12H|6|2|~
24|DAILY|78|1|08
24|Q24H|11|1|10
24|BREAKFAST|6|1|08
24|QAM|3|1|08
24|DAILY16|2|1|16
evening|HS|42|1|22
evening|QPM|30|1|20
evening|QHS|20|1|22
evening|DINNER|8|1|17
48|EVERY OTHER DAY|100|~|08
96|2X/WEEK|100|~|08
168|1X/WEEK|100|~|08
once|ONCE|86|1|~
once|ONCE MR1|8|1|~
once|NOW X1|6|0|~
need|PRN|28|~|~
need|Q6H:PRN|20|~|~
need|Q4H:PRN|15|~|~
need|Q8H:PRN|10|~|~
need|BID:PRN|7|~|~
need|DAILY:PRN|7|~|~
need|Q15MIN:PRN|5|~|~
need|Q3H:PRN|5|~|~
need|X1 PRN|3|~|~
scale|ASDIR|100|~|~
drip|TITRATE TO|60|~|~
drip|TITRATE TO RASS|20|0|~
drip|INFUSION|20|~|~
fluid|ASDIR|70|~|~
fluid|ONCE|20|1|~
fluid|INFUSION|10|~|~
flush|Q8H|60|3|~
flush|PRN|40|~|~
"""
_PROCESSES = ["Unit Dose", "IV Piggyback", "IV Large Volume", "TPN", "Non-Formulary", "Miscellaneous Charges"]
_UNIT, _PIGGYBACK, _LARGE, _TPN, _NON_FORMULARY, _CHARGE = range(6)
_NON_FORMULARY_SHARE, _CHARGE_SHARE, _INTRAVENOUS_PIGGYBACK, _PCA = 0.0008, 0.0004, 0.25, 0.35
_STATUS = ["Discontinued", "Discontinued via patient discharge", "Expired", "Inactive (Due to a change order)", "H"]
_PLACES = ["Omnicell", "Floor Stock Item", "Distribution-Floor Stock", "OmniCell", "LET CALL", "IV MED", "Bulk Item"]
_PLACES += ["Pharmacy Meds", "PATIENT MAY TAKE OWN"]
_FROM = {
    _UNIT: np.array([82, 5, 2, 5, 3, 0.2, 2.2, 0.6, 0.2]),
    _PIGGYBACK: np.array([38, 14, 10, 3, 13, 16, 0, 6, 0]),
    _LARGE: np.array([10, 30, 52, 1, 5, 2, 0, 0, 0]),
}
_DURATIONS = ((24, "Hours"), (3, "Days"), (2, "Doses"), (6, "Hours"), (5, "Days"), (7, "Days"), (12, "Hours"))
_KEEPS = ((36, "Hours"), (365, "Days"), (-1, "Enter on Label"), (24, "Hours"))
_OPIOID = np.array([DRUG_INDEX["hydromorphone"], DRUG_INDEX["morphine"]])
_FEEDING = [number for number, (kind, _) in enumerate(LABELS) if kind == "TPN"]
_NAMES = [item.drug.strip() for item in CATALOGUE]
_LOCKOUT, _MOST = ["6", "8", "3"], ["2.4", "1.2", "4", "0.5"]


@dataclass(frozen=True)
class Frequency:
    """How often a drug is given, as the pharmacy writes it."""

    group: str
    name: str
    weight: float
    a_day: float
    hours: str


def _frequency(line: str) -> Frequency:
    group, name, weight, a_day, hours = line.split("|")
    return Frequency(group, name, float(weight), np.nan if a_day == "~" else float(a_day), hours)


FREQUENCIES = [_frequency(line) for line in _FREQUENCIES.strip().splitlines()]
GROUPS = list(dict.fromkeys(one.group for one in FREQUENCIES))
_A_DAY = np.array([one.a_day for one in FREQUENCIES])
_HOURS = [one.hours for one in FREQUENCIES]
_SCHEDULED = np.array([one.hours != "~" for one in FREQUENCIES])
_ONCE = np.array([one.group == "once" or one.name == "ONCE" for one in FREQUENCIES])
# The group of a drug that runs for days, by its kind and hours.
_BY_KIND = {"scale": "scale", "drip": "drip", "base": "fluid", "flush": "flush"}


def _usual_group(drug: int) -> int:
    kind, hours = KINDS[KIND_OF[drug]], INTERVAL_OF[drug] // 3600
    if kind in _BY_KIND:
        return GROUPS.index(_BY_KIND[kind])
    if AS_NEEDED_OF[drug]:
        return GROUPS.index("need")
    return GROUPS.index("evening" if hours == 24 and HOUR_OF[drug] == 21 * 3600 else str(hours))


_GROUP = np.array([_usual_group(drug) for drug in range(len(KIND_OF))])


def _frequencies(rng: np.random.Generator, world: "World") -> np.ndarray:
    """Frequency of each order of a drug: index into FREQUENCIES; what runs for hours only is mostly given once."""
    orders = world.orders
    group = _GROUP[orders.drug]
    brief = (orders.stop - orders.start < 20 * 3600) & (rng.random(len(group)) < 0.6)
    single = ~np.isin(group, [GROUPS.index(name) for name in ("scale", "drip", "fluid", "need")])
    group = np.where(brief & single, GROUPS.index("once"), group)
    chosen = np.empty(len(group), np.int64)
    for number, name in enumerate(GROUPS):
        those = np.flatnonzero(group == number)
        members = [place for place, one in enumerate(FREQUENCIES) if one.group == name]
        weights = np.array([FREQUENCIES[place].weight for place in members])
        chosen[those] = np.array(members)[choose(rng, weights / weights.sum(), len(those))]
    return chosen


def _processes(rng: np.random.Generator, world: "World") -> np.ndarray:
    """How the pharmacy handles each order of a drug: index into _PROCESSES."""
    kind, draw = KIND_OF[world.orders.drug], rng.random(len(world.orders.drug))
    piggyback = np.isin(kind, [KINDS.index("bag"), KINDS.index("drip")])
    piggyback |= (kind == KINDS.index("iv")) & (draw < _INTRAVENOUS_PIGGYBACK)
    process = np.where(kind == KINDS.index("base"), _LARGE, np.where(piggyback, _PIGGYBACK, _UNIT))
    process = np.where(draw > 1 - _NON_FORMULARY_SHARE, _NON_FORMULARY, process)
    return np.where(draw > 1 - _CHARGE_SHARE, _CHARGE, process)


def _statuses(rng: np.random.Generator, world: "World", row: np.ndarray, once: np.ndarray) -> np.ndarray:
    """How the orders `row` of poe ended: index into _STATUS."""
    poe, orders, drugs = world.poe, world.orders, len(world.orders.drug)
    by = poe.stopped_by[row]
    what = np.where(by >= 0, poe.transaction[by], NEW)
    leave = world.course.disch[poe.admission[row]]
    stop = np.full(len(row), -1)
    stop[:drugs] = orders.stop
    ran_out = once | (rng.random(len(row)) < 0.4)
    choices = [poe.transaction[row] == HOLD, what == CHANGE, by >= 0, stop >= leave, ran_out]
    return np.select(choices, [4, 3, 0, 1, 2], 0)


def _pump(rng: np.random.Generator, world: "World", size: int) -> dict[str, pa.Array]:
    """Columns of patient-controlled analgesia: after operations, an opioid by vein."""
    orders = world.orders
    own = np.flatnonzero(np.isin(orders.drug, _OPIOID))
    own = own[rng.random(len(own)) < _PCA * (world.course.peak[orders.admission[own]] > 0.9)]
    lockout, most, basal = np.full(size, -1), np.full(size, -1), np.full(size, np.nan)
    lockout[own] = choose(rng, np.array([0.93, 0.04, 0.03]), len(own))
    most[own] = np.where(rng.random(len(own)) < 0.24, choose(rng, np.array([0.45, 0.3, 0.15, 0.1]), len(own)), -1)
    basal[own] = np.where(rng.random(len(own)) < 0.96, 0.0, 1.0)
    return {
        "lockout_interval": words(lockout, _LOCKOUT),
        "basal_rate": reals(basal),
        "one_hr_max": words(most, _MOST),
    }


def _terms(rng: np.random.Generator, process: np.ndarray, once: np.ndarray, charge: np.ndarray) -> dict[str, pa.Array]:
    """Columns of how long the order runs, how long the drug keeps, and from where it comes."""
    size = len(process)
    draw, kept = rng.random(size), choose(rng, np.array([0.46, 0.52, 0.018, 0.002]), size)
    kept = np.where((process == _PIGGYBACK) & (rng.random(size) < 0.5) | (process == _LARGE), 2, kept)
    limited = np.where(draw < 0.055, choose(rng, np.full(len(_DURATIONS), 1 / len(_DURATIONS)), size), -1)
    lasts = np.array([float(value) for value, _ in _DURATIONS])[limited]
    units = [*(unit for _, unit in _DURATIONS), "Ongoing", "Doses"]
    place = np.empty(size, np.int64)
    for number in range(len(_PROCESSES)):
        those, weights = np.flatnonzero(process == number), _FROM.get(number, _FROM[_LARGE])
        place[those] = choose(rng, weights / weights.sum(), len(those))
    value = np.array([amount for amount, _ in _KEEPS])[kept]
    return {
        "duration": reals(np.select([charge, once, limited >= 0], [np.nan, 1.0, lasts], np.nan)),
        "duration_interval": words(
            np.select([charge, once, limited >= 0], [-1, len(units) - 1, limited], len(units) - 2), units
        ),
        "expiration_value": ints(value, (value < 0) | charge),
        "expiration_unit": words(np.where(charge, -1, kept), [unit for _, unit in _KEEPS]),
        "expirationdate": pa.nulls(size, pa.timestamp("s")),
        "dispensation": words(np.where(charge, -1, place), _PLACES),
        "fill_quantity": nothing(size),
    }


def _infusion(rng: np.random.Generator, process: np.ndarray, scale: np.ndarray) -> dict[str, pa.Array]:
    """Columns of the kind of infusion and of the sliding scale."""
    draw = rng.random(len(process))
    kinds = [process == _LARGE, (process == _PIGGYBACK) & (draw < 0.02), draw < 0.006]
    infusion = np.select(kinds, [np.where(draw < 0.63, 0, np.where(draw < 0.98, 1, -1)), 1, 2], -1)
    sliding = np.select([scale, infusion == 0, infusion == 2], [0, np.where(draw < 0.05, 0, 1), 0], -1)
    return {"infusion_type": words(infusion, ["C", "B", "N"]), "sliding_scale": words(sliding, ["Y", "N"])}


def pharmacy_rows(world: "World") -> Rows:
    """Rows of pharmacy."""
    rng, share = world.stream("pharmacy"), world.shares(QUIRKS)
    poe, orders, drugs = world.poe, world.orders, len(world.orders.drug)
    feeding = np.flatnonzero(np.isin(poe.label, _FEEDING) & (poe.stops < 0))
    row = np.concatenate([np.arange(drugs), feeding])
    size, who = len(row), world.course.patient[poe.admission[row]]
    if size > ORDERS_PER_BLOCK // 2:
        raise RuntimeError(f"{size} orders in one block of patients: more than the pharmacy has ids for")
    process = np.concatenate([_processes(rng, world), np.full(len(feeding), _TPN)])
    often = np.concatenate([_frequencies(rng, world), np.full(len(feeding), -1)])
    charge = process == _CHARGE
    often = np.where(charge, -1, often)
    once = _ONCE[often] & (often >= 0)
    entered = poe.time[row] + np.where(
        rng.random(size) < 0.8, rng.gamma(1.5, 240, size), rng.gamma(2, 1800, size)
    ).astype(int)
    verified = entered + np.where(rng.random(size) < 0.995, 0, rng.integers(600, 9000, size))
    begin = (poe.time[feeding] // 3600 + 3) * 3600
    stop, endless = written_stops(world)
    shift = world.patients.shift_days[who] * DAY
    product = np.concatenate([orders.product, np.full(len(feeding), -1)])
    scale = np.concatenate([KIND_OF[orders.drug] == KINDS.index("scale"), np.zeros(len(feeding), bool)])
    routes = pa.array([item.route for item in CATALOGUE]).dictionary_encode()
    columns = {
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[poe.admission[row]]),
        "pharmacy_id": ints(1 + world.block * ORDERS_PER_BLOCK + np.arange(size)),
        "poe_id": poe_ids(world, row, rng.random(size) < share["order_missing"]),
        "starttime": stamps(np.concatenate([orders.start, begin]) + shift),
        "stoptime": stamps(np.concatenate([stop, begin + DAY]) + shift, np.concatenate([endless, begin < 0])),
        "medication": words(np.where(process == _LARGE, -1, product), _NAMES),
        "proc_type": words(process, _PROCESSES),
        "status": words(_statuses(rng, world, row, once), _STATUS),
        "entertime": stamps(entered + shift),
        "verifiedtime": stamps(verified + shift, charge),
        "route": routes.take(pa.array(product, mask=(product < 0) | charge)),
        "frequency": words(often, [one.name for one in FREQUENCIES]),
        "disp_sched": words(np.where(_SCHEDULED[often] & (often >= 0), often, -1), _HOURS),
        "doses_per_24_hrs": reals(np.where(often >= 0, _A_DAY[often], np.nan)),
        **_infusion(rng, process, scale),
        **_pump(rng, world, size),
        **_terms(rng, process, once, charge),
    }
    return Rows(who, columns)
