"""Drugs in the emergency department: rows of medrecon (taken at home) and pyxis (out of the dispensing cabinet).

In: a `World`. Out: `Rows`. Home drugs come of the same conditions and the same threshold of a patient and drug as the orders of
drugs.py, so a patient names what the wards will order; a tenth is forgotten, some of it always. What is given follows the
reason, the acute episode, the treatments that run from the first hours, and home drugs where the stay is long.
"""

from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.columns import Rows, ints, numbered, stamps, words
from warehouse.synth.conditions import CONDITION_INDEX, CONDITIONS
from warehouse.synth.course import DAY
from warehouse.synth.drugclasses import CABINET, CABINET_INDEX, CLASSES_OF, NAMES_OF, SUPPLIES, UNMAPPED
from warehouse.synth.emergency import EdCare, care_rows, stay_keys
from warehouse.synth.emergencyitems import REASONS
from warehouse.synth.episodes import EPISODES
from warehouse.synth.formulary import CATALOGUE, PRODUCT_OF
from warehouse.synth.patients import sigmoid
from warehouse.synth.quirks import quirks
from warehouse.synth.treatments import DRUG_INDEX, DRUGS, PRODUCTS, RULES

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
home_drug_unmapped | .002 | 30: 4 of 2,764 rows in the demo | a name of its own with gsn and ndc "0" and no class
home_ndc_zero | .004 | 30: 11 of 2,764 rows in the demo | ndc is "0", gsn is known
cabinet_before_coming | .0037 | 28: 4 of 1,082 rows in the demo | charttime before intime
""")
# Supplies are numbered after the drugs.
_CLASSES = (*CLASSES_OF, *(classes for _, classes in SUPPLIES))
_LABELS = tuple(name for names in NAMES_OF for name in names) + tuple(name for name, _ in SUPPLIES) + UNMAPPED
_NAME_COUNT = np.array([len(names) for names in NAMES_OF] + [1] * len(SUPPLIES))
_NAME_OF = np.cumsum(_NAME_COUNT) - _NAME_COUNT
_CLASS_COUNT = np.array([len(classes) for classes in _CLASSES])
_CLASS_OF = np.cumsum(_CLASS_COUNT) - _CLASS_COUNT
_CLASS_CODES = tuple(code for classes in _CLASSES for code, _ in classes)
_CLASS_WORDS = tuple(text for classes in _CLASSES for _, text in classes)
_PRODUCTS_OF = np.array([len(product.doses) for product in PRODUCTS])
_GSNS = (*(item.gsn for item in CATALOGUE), "094200", "062735", "016100", "0")
_NDCS = (*(item.ndc for item in CATALOGUE), "53885024450", "53885000810", "08290328411", "0")
_HOME = np.zeros((len(CONDITIONS), len(DRUGS)))
for _number, _condition in enumerate(CONDITIONS):
    for _drug, _chance in _condition.drugs.items():
        _HOME[_number, DRUG_INDEX[_drug]] = np.log1p(-min(_chance, 0.995))
# What can be taken at home: swallowed, inhaled, stuck on or, as insulin, injected by oneself.
_AT_HOME = np.array([product.kind in ("pill", "neb", "patch", "scale") for product in PRODUCTS])
_AT_HOME &= _CLASS_COUNT[: len(DRUGS)] > 0
_DIABETIC = [CONDITION_INDEX[key] for key in ("dm1", "insulinuse", "dm2", "dm2ckd")]

_STOCK_OF = {stock.drug: number for number, stock in enumerate(CABINET) if stock.drug >= 0}
_STOCK_DRUG = np.array([stock.drug for stock in CABINET])
_BY_REASON = np.zeros((len(REASONS), len(CABINET)))
for _number, _reason in enumerate(REASONS):
    for _key, _chance in _reason.drugs.items():
        _BY_REASON[_number, CABINET_INDEX[_key]] = _chance
_BY_EPISODE = np.zeros((len(EPISODES), len(CABINET)))
for _number, _episode in enumerate(EPISODES):
    for _drug, _chance in _episode.drugs.items():
        if DRUG_INDEX[_drug] in _STOCK_OF:
            _BY_EPISODE[_number, _STOCK_OF[DRUG_INDEX[_drug]]] = 0.38 * _chance
_RULES = np.array([number for number, rule in enumerate(RULES) if DRUG_INDEX[rule.drug] in _STOCK_OF])
_RULE_STOCK = np.array([_STOCK_OF[DRUG_INDEX[RULES[number].drug]] for number in _RULES])
# How often a drug is given again in six hours.
_AGAIN = np.zeros(len(CABINET))
for _key, _rate in (
    ("morphine", 0.7), ("hydromorphone", 0.8), ("fentanyl", 0.6), ("albuterol", 0.8), ("ipratropium", 0.4), ("lorazepam", 0.4),
    ("diazepam", 0.8), ("ondansetron", 0.25), ("propofol", 0.6), ("midazolam", 0.6), ("norepinephrine", 0.6), ("insulin", 0.5),
    ("acetaminophen", 0.15), ("metoprolol", 0.3), ("potassium", 0.3), ("nitroglycerin", 0.4), ("oxycodone", 0.2),
):  # fmt: skip
    _AGAIN[CABINET_INDEX[_key]] = _rate
_STOCK_NAMES = tuple(name for stock in CABINET for name in stock.names)
_STOCK_NAME_COUNT = np.array([len(stock.names) for stock in CABINET])
_STOCK_NAME_OF = np.cumsum(_STOCK_NAME_COUNT) - _STOCK_NAME_COUNT
_STOCK_GSNS = tuple(gsn for stock in CABINET for gsn in stock.gsns)
_STOCK_GSN_COUNT = np.array([len(stock.gsns) for stock in CABINET])
_STOCK_GSN_OF = np.cumsum(_STOCK_GSN_COUNT) - _STOCK_GSN_COUNT


def _taken_at_home(world: "World", care: EdCare) -> np.ndarray:
    """Drugs that each stay's patient takes at home: bool (stays, drugs)."""
    patients, who = world.patients, care.patient
    # Drugs without a condition to go with are rarer at home than on a ward.
    chance = 1 - np.exp(care.present.astype(float) @ _HOME) * (1 - 0.5 * patients.drug_extra[who])
    return (patients.drug_threshold[who] < chance) & _AT_HOME


def _listed(rng: np.random.Generator, world: "World", care: EdCare) -> tuple[np.ndarray, np.ndarray]:
    """Stay and drug (or supply) of what is told: not all are asked, not all is remembered."""
    size, n_patients = len(care.patient), len(world.patients.number)
    asked = care.seen & (rng.random(size) < sigmoid(1.2 - 0.35 * (care.severity - 0.5).clip(0)))
    known = (rng.random((n_patients, len(DRUGS))) < 0.9)[care.patient]
    told = _taken_at_home(world, care) & known & (rng.random((size, len(DRUGS))) < 0.94)
    diabetic = care.present[:, _DIABETIC] @ np.array([0.4, 0.4, 0.12, 0.12])
    supplies = rng.random((size, len(SUPPLIES))) < diabetic[:, None] * np.array([0.6, 0.5, 0.4])
    return np.nonzero(np.column_stack([told, supplies]) & asked[:, None])


def medrecon_rows(world: "World") -> Rows:
    """Rows of medrecon: one for each class of each drug."""
    rng, care, share = world.stream("medrecon"), world.ed_care, world.shares(QUIRKS)
    stay, drug = _listed(rng, world, care)
    size, is_drug = len(stay), drug < len(DRUGS)
    within = np.where(is_drug, drug, 0)
    habit = world.patients.drug_threshold[care.patient[stay], within]
    # The same patient has the same strength and mostly the same name for it.
    other = (habit * 7919 % 1 < 0.3) ^ (rng.random(size) < 0.1)
    name = _NAME_OF[drug] + np.where(other, (habit * 99991).astype(np.int64) % _NAME_COUNT[drug], 0)
    product = PRODUCT_OF[within] + (habit * 9973).astype(np.int64) % _PRODUCTS_OF[within]
    code = np.where(is_drug, product, len(CATALOGUE) + drug - len(DRUGS))
    zero = rng.random(size) < share["home_ndc_zero"]
    unmapped = (rng.random(size) < share["home_drug_unmapped"]) & (_CLASS_COUNT[drug] == 1)
    name = np.where(unmapped, len(_LABELS) - len(UNMAPPED) + rng.integers(0, len(UNMAPPED), size), name)
    length = care.end - care.start
    session = care.start[:, None] + np.column_stack(
        [900 + rng.gamma(1.6, 3600, len(length)), 2400 + rng.gamma(1.6, 5400, len(length))]
    )
    latest = (care.start + 0.9 * length)[:, None]
    session = np.where(
        session > latest, care.start[:, None] + rng.uniform(0.2, 0.8, session.shape) * length[:, None], session
    )
    chosen = (rng.random(size) < 0.25).astype(int)
    row = np.repeat(np.arange(size), _CLASS_COUNT[drug])
    nth = np.arange(len(row)) - np.repeat(np.cumsum(_CLASS_COUNT[drug]) - _CLASS_COUNT[drug], _CLASS_COUNT[drug])
    at = session[stay, chosen].astype(np.int64) // 60 * 60 + world.patients.shift_days[care.patient[stay]] * DAY
    classed = np.where(unmapped[row], -1, _CLASS_OF[drug[row]] + nth)
    columns = {
        **stay_keys(world, stay[row]),
        "charttime": stamps(at[row]),
        "name": words(name[row], _LABELS),
        "gsn": words(np.where(unmapped, len(_GSNS) - 1, code)[row], _GSNS),
        "ndc": words(np.where(unmapped | zero, len(_NDCS) - 1, code)[row], _NDCS),
        "etc_rn": ints(nth + 1),
        "etccode": words(classed, _CLASS_CODES),
        "etcdescription": words(classed, _CLASS_WORDS),
    }
    return care_rows(care, stay[row], columns)


def _chances(world: "World", care: EdCare) -> np.ndarray:
    """How likely each drug of the cabinet is given in each stay: (stays, cabinet)."""
    admitted = care.admission >= 0
    left = 1 - _BY_REASON[care.reason] * np.where(admitted, 0.95, 1.0)[:, None]
    left *= 1 - np.where(admitted[:, None], _BY_EPISODE[care.episode], 0)
    running = world.course.treated[world.course.step_first][:, _RULES][care.admission] & admitted[:, None]
    for number, stock in enumerate(_RULE_STOCK):
        left[:, stock] *= 1 - 0.45 * running[:, number]
    hours = (care.end - care.start) / 3600
    home = _taken_at_home(world, care)[:, _STOCK_DRUG] & (_STOCK_DRUG >= 0)
    left *= 1 - home * (0.4 * sigmoid((hours - 11) / 2.5))[:, None]
    return (1 - left) * care.seen[:, None]


def pyxis_rows(world: "World") -> Rows:
    """Rows of pyxis: one for each generic sequence number of each drug taken out."""
    rng, care, share = world.stream("pyxis"), world.ed_care, world.shares(QUIRKS)
    stay, stock = np.nonzero(rng.random((len(care.patient), len(CABINET))) < _chances(world, care))
    length = (care.end - care.start)[stay]
    times = 1 + rng.poisson(_AGAIN[stock] * (length / (6 * 3600)).clip(0, 3))
    row = np.repeat(np.arange(len(stay)), times)
    stay, stock, length = stay[row], stock[row], length[row]
    size = len(stay)
    # Most goes out early, together with other drugs of the same order.
    visits = care.start[:, None] + ((care.end - care.start)[:, None] * rng.beta(1.3, 2.0, (len(care.patient), 3)))
    alone = care.start[stay] + length * rng.beta(1.2, 1.5, size)
    at = np.where(rng.random(size) < 0.5, alone, visits[stay, rng.integers(0, 3, size)]).astype(np.int64) // 60 * 60
    early = rng.random(size) < share["cabinet_before_coming"]
    at = np.where(early, care.start[stay] - rng.integers(2, 60, size) * 60, np.maximum(at, care.start[stay] + 120))
    other = rng.random(size) < 0.4
    name = _STOCK_NAME_OF[stock] + np.where(other, rng.integers(0, 60, size) % _STOCK_NAME_COUNT[stock], 0)
    turn = numbered(stay, at, stock, np.arange(size))
    repeats = np.maximum(_STOCK_GSN_COUNT[stock], 1)
    row = np.repeat(np.arange(size), repeats)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    unmapped = _STOCK_GSN_COUNT[stock[row]] == 0
    columns = {
        **stay_keys(world, stay[row]),
        "charttime": stamps((at + world.patients.shift_days[care.patient[stay]] * DAY)[row]),
        "med_rn": ints(turn[row]),
        "name": words(name[row], _STOCK_NAMES),
        "gsn_rn": ints(nth + 1),
        "gsn": words(np.where(unmapped, -1, _STOCK_GSN_OF[stock[row]] + nth), _STOCK_GSNS),
    }
    return care_rows(care, stay[row], columns)
