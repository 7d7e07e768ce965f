"""Rows of inputevents and ingredientevents: what goes into patients in intensive care, and what it consists of.

In: a `World`. Out: `Rows`. A stretch of an infusion or a dose is an order: a row of what is given and, where it is mixed, one of the
fluid that carries it; its ingredients share the order's number. The faults fall on orders, so both tables show them.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, reals, stamps, words
from warehouse.synth.course import DAY
from warehouse.synth.fluiditems import ITEM
from warehouse.synth.infusions import STATUSES, Infusions, weights
from warehouse.synth.quirks import quirks
from warehouse.synth.recipes import GROUPS, IN_MASS, RECIPES
from warehouse.synth.staff import CAREGIVERS

if TYPE_CHECKING:
    from warehouse.synth.world import World

ORDERS_PER_BLOCK = 2**18
QUIRKS = quirks("""
input_outside_stay | .0033 | 10: 68 of 20,404 inputs, 108 of 25,728 ingredients of the demo | starts before the stay, by hours
input_stored_early | .053 | 11: 1,088 of 20,404 inputs, 1,450 of 25,728 ingredients | storetime before starttime
dose_in_mass | .03 | 24: 13 items mix dose with mg or grams, 33 of some 1,100 rows | a dose is written as its mass
dexmedetomidine_in_mg | .175 | 24: 44 of 251 rows | mg in place of mcg
insulin_of_nothing | .043 | 24: amount 0 in 31 of 20,404, 26 of them pushes of insulin | a push of 0 units
""")  # fmt: skip
_ARRIVAL = 6 * 3600
# Charted at once; else after so many minutes (median, spread in log).
_AT_ONCE, _DELAY, _DELAY_SPREAD = 0.4, 45.0, 1.3
# The file pads this name.
_ADDITIVES = f"{'Additives':<50}{'Ampoule':<50}"
_COMPONENTS = ("Main order parameter", "Mixed solution", _ADDITIVES)
_MAIN, _MIXED, _ADDED = range(len(_COMPONENTS))
_GROUP = np.array([recipe.group for recipe in RECIPES])
_IS_ADDITIVE = [group.name for group in GROUPS].index("additive") == _GROUP
_PUSHED = np.array([group.name in ("push", "insulin", "by mouth", "prophylaxis") for group in GROUPS])[_GROUP]
_ITEM = np.array([recipe.item for recipe in RECIPES])
_CARRIER = np.array([recipe.carrier for recipe in RECIPES])
_STRENGTH = np.array([recipe.strength for recipe in RECIPES])
_INSULIN = np.isin(_ITEM, [ITEM["Insulin - Regular"], ITEM["Insulin - Humalog"]]) & _PUSHED
_UNITS = tuple(sorted({recipe.unit for recipe in RECIPES} | {unit for unit, _ in IN_MASS.values()}))
_UNIT = np.array([_UNITS.index(recipe.unit) for recipe in RECIPES])
_RATE_UNITS = tuple(sorted({recipe.rate_unit for recipe in RECIPES}))
_RATE_UNIT = np.array([_RATE_UNITS.index(recipe.rate_unit) for recipe in RECIPES])
_BY_VOLUME = _RATE_UNITS.index("mL/hour")
_MASS_UNIT = np.array([_UNITS.index(IN_MASS[item][0]) if item in IN_MASS else -1 for item in _ITEM])
_MASS = np.array([IN_MASS[item][1] if item in IN_MASS else np.nan for item in _ITEM])
_OF_DOSES = _UNITS.index("dose") == _UNIT
_PRECEDEX = np.isin(_ITEM, [ITEM["Dexmedetomidine (Precedex)"]])
_WATERY = np.array([recipe.unit == "ml" and recipe.carrier < 0 for recipe in RECIPES])
# Ingredients of all recipes one after the other, and where those of each recipe begin.
_PARTS = [part for recipe in RECIPES for part in recipe.ingredients]
_PART_UNITS = tuple(sorted({unit for _, unit, _ in _PARTS}))
_PART_ITEM, _PART_AMOUNT = np.array([item for item, _, _ in _PARTS]), np.array([amount for _, _, amount in _PARTS])
_PART_UNIT = np.array([_PART_UNITS.index(unit) for _, unit, _ in _PARTS])
_PART_COUNT = np.array([len(recipe.ingredients) for recipe in RECIPES])
_PART_FIRST = np.cumsum(_PART_COUNT) - _PART_COUNT


def order_ids(world: "World", index: np.ndarray) -> np.ndarray:
    """Ids of a block's orders, in no order of time; raises RuntimeError where there are more than ids."""
    if len(index) and index.max() >= ORDERS_PER_BLOCK:
        raise RuntimeError(f"{index.max() + 1} orders in one block of patients: more than there are ids for")
    return 1 + world.block * ORDERS_PER_BLOCK + index * 40_503 % ORDERS_PER_BLOCK


def nurses(stay_id: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Who charts: the same caregiver for twelve hours of a stay."""
    return CAREGIVERS[(stay_id * 7_919 + (time + DAY // 6) // (DAY // 2) * 104_729) % len(CAREGIVERS)]


def told_early(rng: np.random.Generator, since: np.ndarray, share: float) -> np.ndarray:
    """Which rows are told to lie before the stay: a `share` of all, drawn among those of the first hours (`since` arrival)."""
    arriving = since < _ARRIVAL
    return arriving & (rng.random(len(since)) < share * len(since) / max(arriving.sum(), 1))


def _common(world: "World") -> dict[str, np.ndarray]:
    """What both tables say of each order: times with their faults, who charted, ids."""
    rng, share = world.stream("input charting"), world.shares(QUIRKS)
    given, icu = world.infusions, world.icu
    size = len(given.stay)
    early = told_early(rng, given.start - icu.start[given.stay], share["input_outside_stay"])
    back = (rng.exponential(1800, size) // 60 * 60 + 60).astype(np.int64)
    shifted = np.where(early, given.start - icu.start[given.stay] + back, 0) // 60 * 60
    start, end = given.start - shifted, given.end - shifted
    late = np.where(
        rng.random(size) < _AT_ONCE, 0, np.exp(np.log(_DELAY) + _DELAY_SPREAD * rng.standard_normal(size))
    ).clip(0, 3000)
    hasty = rng.random(size) < share["input_stored_early"]
    stored = start + 60 * np.where(hasty, -rng.integers(1, 25, size), late).astype(np.int64)
    who = icu.patient[given.stay]
    shift = world.patients.shift_days[who] * DAY
    return {
        "who": who,
        "subject_id": world.patients.subject_id[who],
        "hadm_id": world.stays.hadm[icu.admission[given.stay]],
        "stay_id": icu.stay_id[given.stay],
        "caregiver_id": nurses(icu.stay_id[given.stay], stored),
        "starttime": start + shift,
        "endtime": end + shift,
        "storetime": stored + shift,
        "orderid": order_ids(world, np.arange(size)),
        "linkorderid": order_ids(world, given.link),
    }


def _shared(common: dict[str, np.ndarray], row: np.ndarray) -> dict[str, pa.Array]:
    names = ("subject_id", "hadm_id", "stay_id", "caregiver_id", "orderid", "linkorderid")
    times = ("starttime", "endtime", "storetime")
    return {name: ints(common[name][row]) for name in names} | {name: stamps(common[name][row]) for name in times}


def _amounts(world: "World", given: Infusions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amount, unit and units of the bag's contents, with doses written by mass and pushes of nothing."""
    rng, share = world.stream("input amounts"), world.shares(QUIRKS)
    which, size = given.recipe, len(given.recipe)
    draw, nothing = rng.random(size), rng.random(size)
    in_mass = _OF_DOSES[which] & (_MASS_UNIT[which] >= 0) & (draw < share["dose_in_mass"])
    in_mg = _PRECEDEX[which] & (draw < share["dexmedetomidine_in_mg"])
    amount = np.where(in_mass, _MASS[which], np.where(in_mg, given.amount / 1000, given.amount))
    amount = np.where(_INSULIN[which] & (nothing < share["insulin_of_nothing"]), 0.0, amount)
    left = given.left * _STRENGTH[which]
    left = np.where(in_mass, _MASS[which], np.where(in_mg, left / 1000, left))
    return amount, np.where(in_mass | in_mg, _MASS_UNIT[which], _UNIT[which]), left


def input_rows(world: "World") -> Rows:
    """Rows of inputevents: what is given, then the fluids that carry it."""
    given, common = world.infusions, _common(world)
    size = len(given.stay)
    carried = np.flatnonzero(_CARRIER[given.recipe] >= 0)
    row = np.concatenate([np.arange(size), carried])
    fluid = np.arange(len(row)) >= size
    which = given.recipe[row]
    added = _IS_ADDITIVE[which]
    component = np.where(added ^ fluid, np.where(fluid, _MIXED, _ADDED), _MAIN)
    amount, unit, left = _amounts(world, given)
    millilitre, volume = _UNITS.index("ml"), given.amount / _STRENGTH[given.recipe]
    running = ~np.isnan(given.rate[row]) & ~(added & ~fluid)
    by_volume = fluid | added | (_RATE_UNIT[which] == _BY_VOLUME)
    hours = (given.end - given.start)[row] / 3600
    rate = np.where(fluid & ~added, volume[row] / hours, given.rate[row])
    # What a fluid's rate was planned at is in proportion to the drug's.
    planned = np.where(
        fluid & ~added & running,
        rate * (given.first_rate / given.rate)[row],
        np.where(added & ~fluid, 0, given.first_rate[row]),
    )
    planned = np.where(~running & ~_PUSHED[which] & ~_WATERY[which], 0.0, planned)
    group = _GROUP[which]
    columns = _shared(common, row) | {
        "itemid": ints(np.where(fluid, _CARRIER[which], _ITEM[which])),
        "amount": reals(np.where(fluid, volume[row], amount[row])),
        "amountuom": words(np.where(fluid, millilitre, unit[row]), _UNITS),
        "rate": reals(np.where(running, rate, np.nan)),
        "rateuom": words(np.where(running, np.where(by_volume, _BY_VOLUME, _RATE_UNIT[which]), -1), _RATE_UNITS),
        "ordercategoryname": words(group, [one.category for one in GROUPS]),
        "secondaryordercategoryname": _optional(group, [one.secondary for one in GROUPS]),
        "ordercomponenttypedescription": words(component, _COMPONENTS),
        "ordercategorydescription": words(group, [one.description for one in GROUPS]),
        "patientweight": reals(weights(world)[given.stay[row]]),
        "totalamount": reals(np.where(_PUSHED[which] & (_CARRIER[which] < 0), np.nan, given.bag[row])),
        "totalamountuom": words(np.where(_PUSHED[which] & (_CARRIER[which] < 0), -1, 0), ["ml"]),
        "isopenbag": ints(np.zeros(len(row))),
        "continueinnextdept": ints(np.zeros(len(row))),
        "statusdescription": words(given.status[row], STATUSES),
        "originalamount": reals(np.where(fluid, given.left[row], left[row])),
        "originalrate": reals(planned),
    }
    return Rows(common["who"][row], columns)


def _optional(codes: np.ndarray, labels: list[str]) -> pa.Array:
    """Text by index, NULL where the label is empty."""
    return words(np.where(np.array([not label for label in labels])[codes], -1, codes), labels)


def ingredient_rows(world: "World") -> Rows:
    """Rows of ingredientevents: water, calories and the like of each order, over the same time."""
    given, common = world.infusions, _common(world)
    count = _PART_COUNT[given.recipe]
    row = np.repeat(np.arange(len(count)), count)
    part = _PART_FIRST[given.recipe[row]] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    amount = given.amount[row] * _PART_AMOUNT[part]
    hours = (given.end - given.start)[row] / 3600
    calcium = _PART_ITEM[part] == ITEM["Calcium (ingr)"]
    running = ~np.isnan(given.rate[row]) & ~(calcium & _IS_ADDITIVE[given.recipe[row]])
    rate = np.where(running, amount / hours, np.nan)
    planned = np.where(running, rate * (given.first_rate / given.rate)[row], 0.0)
    columns = _shared(common, row) | {
        "itemid": ints(_PART_ITEM[part]),
        "amount": reals(amount),
        "amountuom": words(_PART_UNIT[part], _PART_UNITS),
        "rate": reals(rate),
        "rateuom": words(np.where(running, np.where(calcium, 1, 0), -1), ["mL/hour", "grams/hour"]),
        "statusdescription": words(given.status[row], STATUSES),
        "originalamount": reals(np.zeros(len(row))),
        "originalrate": reals(planned),
    }
    return Rows(common["who"][row], columns)
