"""Rows of emar_detail: what was due, and each product that was scanned and given, for every entry of emar.

In: a `World`. Out: `Rows`: one row without ordinal for the entry as a whole, then one a product, 1.1, 1.2, ... 1.10 (text: as numbers
the first and the last would be one). What a row holds follows from the kind of drug and what was done; insulin by sliding
scale follows the last glucose, rates of infusions walk from entry to entry of an order.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, instead, ints, joined, words
from warehouse.synth.drugs import ORDERS_PER_BLOCK
from warehouse.synth.formulary import CATALOGUE, EVENTS, KINDS
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.patients import choose
from warehouse.synth.quirks import quirks

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
dose_scrubbed | .0027 | de-identification: 88 of 32,655 doses given in the demo | dose_given is "___"
pharmacy_unmatched | .022 | section 3: 769 of 34,788 in the demo | pharmacy_id is not in pharmacy
key_repeated | .00004 | 23: about 3,700 of 87.4 million | the row is there twice
""")
TYPES = (
    "Standard Maintenance Medication",
    "IV Flush",
    "IV Infusion",
    "Insulin SC Sliding Scale",
    "Transdermal Patch",
    "Insulin SC Fixed Dose",
    "Heparin IV Infusion",
    "PCA",
    "Sliding Scale",
    "Bolus Dose from IV Drip",
    "Heparin IV Bolus",
    "Medication Infusion",
)
(
    _STANDARD,
    _FLUSH,
    _INFUSION,
    _SCALE,
    _PATCH,
    _FIXED,
    _HEPARIN,
    _PCA,
    _BY_LAB,
    _FROM_DRIP,
    _HEPARIN_BOLUS,
    _MEDICATION,
) = range(12)
_TYPE_OF_KIND = {"flush": _FLUSH, "drip": _INFUSION, "base": _INFUSION, "scale": _SCALE, "patch": _PATCH}


def _events(*names: str) -> list[int]:
    return [EVENTS.index(name) for name in names]


_GIVEN = _events("Administered", "Delayed Administered", "Applied", "Partial Administered")
_RUNNING = _events(
    "Confirmed",
    "Started",
    "Stopped",
    "Stopped - Unscheduled",
    "Infusion Reconciliation",
    "Restarted",
    "Stopped As Directed",
)
_BEGUN = _events("Started", "Confirmed", "Restarted")
_STOPPED = _events("Stopped", "Stopped - Unscheduled", "Stopped As Directed")
_DELAYED = _events("Delayed Administered", "Delayed ")
# Chance that anything was scanned, by event; the last is for entries that do not say what was done.
_SCANNED = {
    "Not Given": 0.067,
    "Not Flushed": 0.01,
    "Not Given per Sliding Scale": 0.006,
    "Assessed": 0.54,
    "Hold Dose": 0.025,
}
_SCANNED |= dict.fromkeys(
    ("Removed", "Not Applied", "Not Confirmed", "Not Started", "Delayed ", " in Other Location"), 0.0
)
_SCAN_CHANCE = np.array([_SCANNED.get(event, 0.995) for event in EVENTS] + [0.9])
# How many products make up a dose by mouth or vein.
MOST_PIECES = 12
_PIECES = np.array([0.808, 0.15, 0.03, 0.01, 8e-4, 8e-4, 2e-4, 1e-4, 5e-5, 5e-5, 2e-5, 1e-5])
_PIECES = _PIECES / _PIECES.sum()
_ORDINALS = [*(f"1.{number}" for number in range(1, MOST_PIECES + 1)), "2.1"]
_SECOND_PARENT = 0.04
_UNITS_GIVEN = [str(units) for units in range(0, 26)]
_REASONS = [
    "Discarded Packaging",
    "Barcode Damaged",
    "Hardware issue: scanner",
    "Given in O.R. Holding",
    "Hardware issue: computer",
]
_REASONS += [
    "Stopped: No Orders associated with this barcode",
    "Stopped: Barcode not found on any pharmacy products",
    "Other",
]
_REASON_WEIGHTS = np.array([0.51, 0.2, 0.16, 0.05, 0.03, 0.02, 0.02, 0.01])
_INTERVALS = [
    "within 2 hours",
    "within 4 hours",
    "within 1 hour",
    "within 1.5 hours",
    "PRN",
    "within 8 hours",
    "within 15 minutes",
]
_INTERVAL_WEIGHTS = np.array([0.36, 0.35, 0.14, 0.05, 0.04, 0.03, 0.03])
_RESTARTS = ["PRN", "within 1 hour", "within 4 hours", "within 2 hours"]
_SIDES = ["Right", "Left", "Center"]
_SITES = ["arm", "shoulder", "hip", "abdomen", "knee", "back", "back ", "lower back", "neck"]
_ADJUSTMENTS = [
    "See Flowsheet for Titration",
    "Initial Rate",
    "No Change in Rate",
    "Rate Changed",
    "Increase",
    "Decrease",
]
_RATE_UNITS = ["mL/hr", "units/hr", "mcg/kg/min", "mcg/hr", "mg/hr", "UNIT/HR", "mcg/kg/hr"]
# Unit in which a drip is titrated, by how its name begins; others in milligrams an hour.
_TITRATED_IN = {"nor": 2, "phe": 2, "pro": 2, "fen": 3, "vas": 5, "dex": 6, "pre": 6}
_NAMES = [item.drug.strip() for item in CATALOGUE]
_FIRST = np.array([float(item.dose.replace(",", "").split("-")[0]) for item in CATALOGUE])
# Text of a dose made up of so many pieces: product by product, then piece by piece.
_DOSE_TEXTS = [f"{dose / pieces:.4g}" for dose in _FIRST for pieces in range(1, MOST_PIECES + 1)]
# Code and text of the product of such a piece.
_STEM = [item.code.rstrip("0123456789.") for item in CATALOGUE]
_SHAPE = [item.strength.strip().partition(" ")[2] for item in CATALOGUE]
_PIECE_CODES = [
    stem + _DOSE_TEXTS[product * MOST_PIECES + piece]
    for product, stem in enumerate(_STEM)
    for piece in range(MOST_PIECES)
]
_PIECE_NAMES = [
    f"{_NAMES[product]} {_DOSE_TEXTS[product * MOST_PIECES + piece]} {shape}"
    for product, shape in enumerate(_SHAPE)
    for piece in range(MOST_PIECES)
]
_RATE_UNIT = np.array([_TITRATED_IN.get(name.lower()[:3], 4) for name in _NAMES])
_IS_HEPARIN_DRIP = np.array(
    [name.startswith("Heparin") and item.dose == "25,000" for name, item in zip(_NAMES, CATALOGUE, strict=True)]
)
_IS_REPLACEMENT = np.array(["Replacement" in name for name in _NAMES])
_IS_OPIOID = np.array([name.startswith(("HYDROmorphone", "Morphine")) for name in _NAMES])
_BY_MOUTH = np.array([item.route.startswith("PO") for item in CATALOGUE])


def _types(world: "World") -> np.ndarray:
    """Kind of administration of each entry: index into TYPES."""
    doses = world.doses
    by_kind = np.array([_TYPE_OF_KIND.get(kind, _STANDARD) for kind in KINDS])[doses.kind]
    heparin, event = _IS_HEPARIN_DRIP[doses.product], doses.event
    by_vein = np.isin(doses.kind, [KINDS.index("iv"), KINDS.index("bag")])
    running = np.isin(event, _RUNNING)
    cases = [
        event == EVENTS.index("Administered Bolus from IV Drip"),
        heparin & (event == EVENTS.index("Administered")),
        heparin,
        (by_kind == _SCALE) & (doses.order % 5 == 0),
        _IS_REPLACEMENT[doses.product],
        _IS_OPIOID[doses.product] & (event == EVENTS.index("Assessed")),
        by_vein & running,
    ]
    return np.select(cases, [_FROM_DRIP, _HEPARIN_BOLUS, _HEPARIN, _FIXED, _BY_LAB, _PCA, _MEDICATION], by_kind)


def scale_units(world: "World", entry: np.ndarray) -> np.ndarray:
    """Units of insulin due by sliding scale at the entries: two for each standard deviation of the last glucose, at least two."""
    course, doses = world.course, world.doses
    reach = 2**40
    key = course.step_admission * reach + course.step_time
    adm = doses.admission[entry]
    step = np.searchsorted(key, adm * reach + doses.charted[entry], side="right") - 1
    step = np.maximum(step, np.searchsorted(course.step_admission, adm))
    glucose = course.reading[step, LATENT_INDEX["glu"]]
    return (2 * np.ceil(glucose)).clip(2, 16).astype(np.int64)


def _pieces(rng: np.random.Generator, world: "World", kind: np.ndarray) -> np.ndarray:
    """How many products were scanned for each entry."""
    event, size = world.doses.event, len(kind)
    several = np.isin(event, _GIVEN) & np.isin(kind, (_STANDARD, _BY_LAB, _PATCH))
    count = np.where(several, 1 + choose(rng, _PIECES, size), 1)
    return np.where(rng.random(size) < _SCAN_CHANCE[event], count, 0)


def _rates(rng: np.random.Generator, world: "World", kind: np.ndarray) -> dict[str, pa.Array]:
    """Columns of the rate of each entry: titrated by the flowsheet, or a rate that changes now and then."""
    doses, size = world.doses, len(kind)
    runs = np.flatnonzero(np.isin(kind, (_INFUSION, _HEPARIN)) & np.isin(doses.event, _RUNNING))
    order = doses.order[runs]
    runs = runs[np.lexsort((doses.charted[runs], order))]
    order, heparin = doses.order[runs], kind[runs] == _HEPARIN
    first = np.r_[True, order[1:] != order[:-1]][: len(order)]
    move = np.where(first, 0, choose(rng, np.array([0.1, 0.8, 0.1]), len(runs)) - 1)
    walked = np.cumsum(move)
    level = walked - np.repeat(walked[first], np.diff(np.r_[np.flatnonzero(first), len(runs)]))
    step = np.where(heparin, 50, 25)
    base = np.where(
        heparin, 450 + 50 * (order * 7 % 20), np.array([75, 100, 125, 150, 50, 200, 75, 100])[order * 5 % 8]
    )
    rate, prior = np.maximum(base + step * level, step), np.maximum(base + step * (level - move), step)
    drip = (doses.kind[runs] == KINDS.index("drip")) & ~heparin
    stopped = np.isin(doses.event[runs], _STOPPED)
    change = np.select(
        [drip, stopped, first, move == 0],
        [0, -1, 1, 2],
        3 + choose(rng, np.array([0.6, 0.4]), len(runs)) * (1 + (move < 0)),
    )
    unit = np.select([drip, heparin], [_RATE_UNIT[doses.product[runs]], 1], 0)

    def spread(values: np.ndarray) -> np.ndarray:
        result = np.full(size, -1)
        result[runs] = values
        return result

    shown = ~drip & ~stopped
    now, before = spread(np.where(shown, rate, -1)), spread(np.where(shown & ~first, prior, -1))
    amount = spread(np.where(shown & (change > 3), step, -1))
    return {
        "infusion_rate": ints(now, now < 0).cast(pa.string()),
        "prior_infusion_rate": ints(before, before < 0).cast(pa.string()),
        "infusion_rate_adjustment": words(spread(change), _ADJUSTMENTS),
        "infusion_rate_adjustment_amount": ints(amount, amount < 0).cast(pa.string()),
        "infusion_rate_unit": words(spread(np.where(stopped & ~drip, -1, unit)), _RATE_UNITS),
    }


def _whole(rng: np.random.Generator, world: "World", kind: np.ndarray, unscanned: np.ndarray) -> dict[str, pa.Array]:
    """Columns of the rows without ordinal, one an entry."""
    doses, size = world.doses, len(kind)
    event, product = doses.event, doses.product
    draw, other, third = rng.random((3, size))
    given, standard = np.isin(event, _GIVEN), np.isin(kind, (_STANDARD, _BY_LAB, _FIXED, _SCALE))
    infusion, running = np.isin(kind, (_INFUSION, _HEPARIN)), np.isin(event, _RUNNING)
    scale = np.flatnonzero(kind == _SCALE)
    due = np.where(infusion & (draw < 0.35), -1, product + len(_UNITS_GIVEN))
    due[scale] = np.where(given[scale], scale_units(world, scale), np.where(draw[scale] < 0.5, 0, -1))
    route = np.select([draw < 0.54, draw < 0.555], [0, 1], -1)
    late = np.isin(event, _DELAYED) | (other < 0.004)
    bag = infusion & np.isin(event, _BEGUN) & (draw < 0.17)
    patched = (kind == _PATCH) & (event == EVENTS.index("Applied"))
    pause = running & (event == EVENTS.index("Stopped - Unscheduled")) & (draw < 0.7)
    reason = choose(rng, _REASON_WEIGHTS, size)
    flag = lambda where: words(np.where(where, 0, -1), ["Y"])  # noqa: E731
    return {
        "administration_type": words(np.where(draw < 0.0002, -1, kind), TYPES),
        "reason_for_no_barcode": words(np.where(unscanned, reason, -1), _REASONS),
        "complete_dose_not_given": words(np.where(given & standard & (other < 0.6), other < 0.003, -1), ["No", "Yes"]),
        "dose_due": words(due, [*_UNITS_GIVEN, *(item.dose for item in CATALOGUE)]),
        "dose_due_unit": words(product, [item.unit for item in CATALOGUE]),
        "will_remainder_of_dose_be_given": words(
            np.where(third < 0.52 * (1 - infusion), third < 0.009, -1), ["No", "Yes"]
        ),
        "route": words(np.where(given & (kind == _STANDARD) & _BY_MOUTH[product], route, -1), ["PO", "NG"]),
        "infusion_complete": words(
            np.where(infusion & np.isin(event, _STOPPED) & (third < 0.85), draw < 0.34, -1), ["Y", "N"]
        ),
        "completion_interval": words(np.where(late, choose(rng, _INTERVAL_WEIGHTS, size), -1), _INTERVALS),
        "new_iv_bag_hung": flag(bag),
        "continued_infusion_in_other_location": flag(infusion & (event == EVENTS.index(" in Other Location"))),
        "restart_interval": words(
            np.where(pause, choose(rng, np.array([0.75, 0.18, 0.05, 0.02]), size), -1), _RESTARTS
        ),
        "side": words(np.where(patched, choose(rng, np.array([0.45, 0.35, 0.2]), size), -1), _SIDES),
        "site": words(np.where(patched, rng.integers(0, len(_SITES), size), -1), _SITES),
        "non_formulary_visual_verification": flag((kind == _STANDARD) & (third > 0.9955)),
        **_rates(rng, world, kind),
    }


def _scanned(
    rng: np.random.Generator,
    world: "World",
    kind: np.ndarray,
    unscanned: np.ndarray,
    entry: np.ndarray,
    pieces: np.ndarray,
) -> dict[str, pa.Array]:
    """Columns of the products scanned, one row each; `pieces` is how many make up the dose."""
    doses, size = world.doses, len(entry)
    share = world.shares(QUIRKS)
    product, kind, event = doses.product[entry], kind[entry], doses.event[entry]
    draw, other, described = rng.random((3, size))
    infusion, insulin = np.isin(kind, (_INFUSION, _HEPARIN, _MEDICATION)), np.isin(kind, (_SCALE, _FIXED))
    partial = 1 + (event == EVENTS.index("Partial Administered"))
    piece = product * MOST_PIECES + pieces - 1
    part = len(_UNITS_GIVEN) + product * MOST_PIECES + np.minimum(pieces * partial, MOST_PIECES) - 1
    scale = np.flatnonzero(kind == _SCALE)
    part[scale] = scale_units(world, entry[scale])
    dose = np.where(infusion & (draw < 0.75) | (draw < 0.02), -1, part)
    given = words(dose, [*_UNITS_GIVEN, *_DOSE_TEXTS])
    given = instead(given, (dose >= 0) & (rng.random(size) < share["dose_scrubbed"]), "___")
    by_bag = infusion | (doses.kind[entry] == KINDS.index("bag"))
    barcode = np.select([unscanned[entry] & (draw < 0.9), draw < 0.011, draw > 0.998, by_bag], [-1, 2, 3, 1], 0)
    unmatched = rng.random(size) < share["pharmacy_unmatched"]
    pharmacy = world.orders.pharmacy_id(world.block)[doses.order[entry]] + np.where(unmatched, ORDERS_PER_BLOCK // 2, 0)
    unnamed = described < np.where(insulin, 0.97, 0.14)
    other_name = np.where(
        unnamed & (other < np.where(insulin, 0.95, 0.2)), np.where(insulin, len(_NAMES) + (draw < 0.2), product), -1
    )
    counted = ~infusion & ~insulin & (other > 0.015)
    return {
        "pharmacy_id": ints(pharmacy, (draw > 0.96) & (draw < 0.995)),
        "barcode_type": words(barcode, ["if", "iv", "bc", "pmto"]),
        "dose_given": given,
        "dose_given_unit": words(np.where((dose >= 0) | (draw > 0.98), product, -1), [item.unit for item in CATALOGUE]),
        "product_amount_given": words(
            np.where(counted, product, -1), [item.amount.split("-")[0] for item in CATALOGUE]
        ),
        "product_unit": words(
            np.where(counted | infusion & (draw < 0.8), product, -1), [item.form for item in CATALOGUE]
        ),
        "product_code": words(np.where(other > 0.05, piece, -1), _PIECE_CODES),
        "product_description": words(np.where(unnamed, -1, piece), _PIECE_NAMES),
        "product_description_other": words(
            other_name, [*_NAMES, "Insulin - Insulin Humalog", "Insulin - Insulin Regular"]
        ),
    }


def _padded(columns: dict[str, pa.Array], row: np.ndarray) -> dict[str, pa.Array]:
    """The columns' values of each row, NULL where it is negative."""
    taken = pa.array(row, mask=row < 0)
    return {name: column.take(taken) for name, column in columns.items()}


def emar_detail_rows(world: "World") -> Rows:
    """Rows of emar_detail."""
    rng, share, doses = world.stream("emar_detail"), world.shares(QUIRKS), world.doses
    kind = _types(world)
    size = len(kind)
    count = _pieces(rng, world, kind)
    unscanned = rng.random(size) < 0.04
    child = np.repeat(np.arange(size), count)
    nth = 1 + np.arange(len(child)) - np.repeat(np.cumsum(count) - count, count)
    ordinal = np.where(
        (nth == 2) & (count[child] == 2) & (rng.random(len(child)) < _SECOND_PARENT), MOST_PIECES, nth - 1
    )
    entry = np.concatenate([np.arange(size), child])
    who = doses.patient[entry]
    subject = ints(world.patients.subject_id[doses.patient])
    columns = {
        "subject_id": subject.take(pa.array(entry)),
        "emar_id": joined(subject, ints(doses.sequence)).take(pa.array(entry)),
        "emar_seq": ints(doses.sequence[entry]),
        "parent_field_ordinal": words(np.concatenate([np.full(size, -1), ordinal]), _ORDINALS),
        **_padded(_whole(rng, world, kind, unscanned), np.r_[np.arange(size), np.full(len(child), -1)]),
        **_padded(
            _scanned(rng, world, kind, unscanned, child, count[child]), np.r_[np.full(size, -1), np.arange(len(child))]
        ),
    }
    again = np.flatnonzero(rng.random(len(entry)) < share["key_repeated"])
    if len(again):
        row = pa.array(np.concatenate([np.arange(len(entry)), again]))
        columns, who = {name: column.take(row) for name, column in columns.items()}, np.r_[who, who[again]]
    return Rows(who, columns)
