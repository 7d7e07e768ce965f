"""The formulary: every product of every drug as prescriptions write it, and how doses of each kind are charted.

CATALOGUE lists, drug by drug, spelling by spelling, dose by dose, the texts of one product; PRODUCT_OF is where a drug's
products begin; the last entries are the fluids that carry what is given in a bag. Product codes are made up by checksum:
11 digits, half of them with leading zeros, as in MIMIC-IV.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from warehouse.synth.treatments import DRUGS, PRODUCTS, Product

KINDS = ("pill", "iv", "drip", "flush", "patch", "scale", "neb", "base", "bag")
# Share of due doses that make an entry: much is given only as needed.
SHARE_GIVEN = np.array([0.72, 0.6, 0.65, 0.8, 0.75, 0.75, 0.5, 0.25, 0.75])
# Drugs whose orders stand ready for a need; their doses are rare.
_AS_NEEDED = """
acetaminophen|albuterol|aluminum hydroxide|bisacodyl|dextrose|diphenhydramine|glucagon|glucose|guaifenesin|hydromorphone
ibuprofen|ipratropium-albuterol|ketorolac|labetalol|lactulose|lorazepam|magnesium hydroxide|melatonin|metoclopramide
morphine|naloxone|nitroglycerin|ondansetron|oxycodone|polyethylene glycol|prochlorperazine|senna|simethicone|tramadol
"""
AS_NEEDED = frozenset(_AS_NEEDED.strip().replace("\n", "|").split("|"))
BASES = (
    ("0.9% Sodium Chloride", "100 mL Bag", "100", "mL", "NS100CG"),
    ("5% Dextrose", "250mL Bag", "250", "mL", "D5W250"),
    ("Iso-Osmotic Dextrose", "200ml Bag", "200", "mL", "VANCOBASE"),
    ("Bag", "50 mL Bag", "1", "BAG", "BAG50"),
    ("Sterile Water", "50 mL Bag", "50", "mL", "KCLBASE2"),
    ("Iso-Osmotic Sodium Chloride", "50ml Bag", "1", "BAG", "ISONACL"),
)
EVENTS = (
    "Administered",
    "Not Given",
    "Confirmed",
    "Not Given per Sliding Scale",
    "Flushed",
    "Not Flushed",
    "Started",
    "Stopped",
    "Assessed",
    "Hold Dose",
    "Delayed Administered",
    "Administered Bolus from IV Drip",
    "Applied",
    "Removed",
    "Stopped - Unscheduled",
    "Infusion Reconciliation",
    "Not Applied",
    "Restarted",
    "Not Confirmed",
    "Not Started",
    "Partial Administered",
    "Delayed ",
    "Removed Existing / Applied New",
    "Rate Change",
    "Stopped As Directed",
    " in Other Location",
)
_WEIGHTS = {
    "pill": {
        "Administered": 82,
        "Not Given": 9,
        "Confirmed": 5.5,
        "Hold Dose": 1,
        "Delayed Administered": 1,
        "Assessed": 1,
        "Partial Administered": 0.1,
        "Delayed ": 0.1,
    },
    "iv": {
        "Administered": 76,
        "Not Given": 7,
        "Confirmed": 9,
        "Delayed Administered": 0.6,
        "Started": 2.5,
        "Stopped": 1,
        "Assessed": 2.5,
    },
    "drip": {
        "Administered": 22,
        "Confirmed": 22,
        "Started": 16,
        "Stopped": 11,
        "Stopped - Unscheduled": 7,
        "Infusion Reconciliation": 7,
        "Restarted": 3,
        "Administered Bolus from IV Drip": 7,
        "Not Started": 1,
        "Rate Change": 2,
        "Stopped As Directed": 1.5,
        "Not Confirmed": 2,
    },
    "flush": {"Flushed": 70, "Not Flushed": 26, "Administered": 4},
    "patch": {"Applied": 42, "Removed": 36, "Not Applied": 12, "Administered": 6, "Removed Existing / Applied New": 4},
    "scale": {"Administered": 62, "Not Given per Sliding Scale": 27, "Not Given": 9, "Confirmed": 2},
    "neb": {"Administered": 76, "Not Given": 23, "Delayed Administered": 1},
    "base": {
        "Administered": 42,
        "Started": 18,
        "Stopped": 12,
        "Confirmed": 14,
        "Not Given": 6,
        "Stopped - Unscheduled": 4,
        "Infusion Reconciliation": 4,
    },
    "bag": {"Administered": 82, "Not Given": 5, "Started": 6, "Stopped": 3, "Confirmed": 3, "Delayed Administered": 1},
}
_FORMS = {
    "TAB": "Tablet",
    "CAP": "Capsule",
    "VIAL": "Vial",
    "BAG": "Bag",
    "SYR": "Syringe",
    "UDCUP": "UD Cup",
    "SUPP": "Suppository",
    "NEB": "Neb",
    "PTCH": "Patch",
    "PKT": "Packet",
    "TUBE": "Tube",
    "mL": "Vial",
}


@dataclass(frozen=True)
class Item:
    """One product as prescriptions write it; all text."""

    drug: str
    code: str
    gsn: str
    ndc: str
    strength: str
    dose: str
    unit: str
    amount: str
    form: str
    route: str


def event_weights(kind: str, sicker: bool) -> np.ndarray:
    """Weights of EVENTS for a dose of this kind; the sicker miss more."""
    weights = np.array([_WEIGHTS[kind].get(event, 0.0) for event in EVENTS])
    more = np.array([1.8 if event in ("Not Given", "Hold Dose", "Not Applied") else 1.0 for event in EVENTS])
    return weights * more if sicker else weights


def _item(product: Product, spelling: str, dose: str) -> Item:
    key = zlib.crc32(f"{spelling}|{dose}".encode())
    zeros = "00" if key % 100 < 54 else "5" if key % 100 < 80 else "6"
    ndc = zeros + str(key * 7919 + 10**9)[-(11 - len(zeros)) :]
    code = "".join(letter for letter in spelling.upper() if letter.isalpha())[:4] + dose.split("-")[0].replace(",", "")
    first = dose.split("-")[0]
    amount = dose.replace(first, "1") if "-" not in dose else "1-2"
    return Item(
        spelling,
        code[:15],
        f"{zlib.crc32(spelling.encode()) % 80000:06d}",
        ndc,
        f"{first} {product.unit} {_FORMS.get(product.form, product.form)}",
        dose,
        product.unit,
        amount,
        product.form,
        product.route,
    )


def _base(name: str, strength: str, dose: str, unit: str, code: str) -> Item:
    return Item(name, code, f"{zlib.crc32(name.encode()) % 80000:06d}", "0", strength, dose, unit, dose, unit, "IV")


_ITEMS = [
    [_item(product, spelling, dose) for spelling in product.spellings for dose in product.doses] for product in PRODUCTS
]
CATALOGUE: tuple[Item, ...] = (*(item for items in _ITEMS for item in items), *(_base(*base) for base in BASES))
PRODUCT_OF: np.ndarray = np.cumsum([0] + [len(items) for items in _ITEMS[:-1]])
assert len(PRODUCT_OF) == len(DRUGS)
