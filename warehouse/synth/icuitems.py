"""The items of intensive care: ids, labels, units and normal limits, as MIMIC-IV's table d_items has them.

In: the lines of chartitems.py, careitems.py and dateitems.py, and the items of fluiditems.py. Out: CHART_ITEMS, DATE_ITEMS and the
Arrow columns of d_items. A line that cannot be read raises ValueError on import, an id that is there twice when d_items is made.
"""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.synth.careitems import CARE
from warehouse.synth.chartitems import BEDSIDE
from warehouse.synth.columns import ints, reals, texts
from warehouse.synth.dateitems import DATES
from warehouse.synth.fluiditems import FLUID_ITEMS


@dataclass(frozen=True)
class IcuItem:
    """One row of d_items; `unit` is empty and the limits are NaN where there are none."""

    itemid: int
    label: str
    abbreviation: str
    linksto: str
    category: str
    unit: str
    param_type: str
    low: float
    high: float


_KINDS = {"N": "Numeric", "W": "Numeric with tag", "T": "Text", "C": "Checkbox"}


@dataclass(frozen=True)
class ChartItem:
    """An item of chartevents with when it is charted and what it says; chartitems.py explains the fields.

    `kind` is v, n, r, w, m or lab; `source` names a vital sign, a state ("-": none) or a laboratory item; `numbers` are the cuts, the
    shares, or mean, sd, limits and step; `words` are pairs of a text and its number (NaN: none); `unit` is charted with a value.
    """

    item: IcuItem
    rhythm: str
    gate: str
    use: float
    share: float
    kind: str
    source: str
    numbers: tuple[float, ...]
    words: tuple[tuple[str, float], ...]
    unit: str


def _word(text: str) -> tuple[str, float]:
    """`Clear` or `Obeys Commands=6`; a doubled semicolon is one of the word's own."""
    label, sign, number = text.strip().replace(";;", ";").rpartition("=")
    return (label, float(number)) if sign else (number, np.nan)


def _says(text: str) -> tuple[str, str, tuple[float, ...], tuple[tuple[str, float], ...], str]:
    """What an item says: kind, source, numbers, words, unit."""
    kind, _, rest = text.partition(" ")
    if kind in "rw":
        cuts, _, said = rest.partition(":")
        source, *numbers = cuts.split()
        return kind, source, tuple(map(float, numbers)), tuple(map(_word, re.split("(?<!;);(?!;)", said))), ""
    if kind == "m":
        pairs = [part.strip().partition(" ") for part in rest.split(";")]
        return kind, "-", tuple(float(share) for share, _, _ in pairs), tuple(_word(said) for _, _, said in pairs), ""
    source, *numbers = rest.split()
    unit = numbers.pop() if kind == "lab" and len(numbers) > 1 else ""
    return kind, source, tuple(map(float, numbers)), (), unit


def parse_charted(text: str) -> tuple[ChartItem, ...]:
    """Items of chartevents from lines in the form of chartitems.py; raises ValueError where a line has not that form."""
    found, category = [], ""
    for line in text.strip().splitlines():
        if line.startswith("@"):
            category = line[1:]
            continue
        number, label, short, unit, kind, when, says = line.split("|")
        letter, *limits = kind.split()
        low, high = ([np.nan if limit == "-" else float(limit) for limit in limits] + [np.nan, np.nan])[:2]
        rhythm, *shares = when.split()
        rhythm, _, gate = rhythm.partition(":")
        use, share = map(float, shares or ("1", "1"))
        kind, source, numbers, said, lab_unit = _says(says)
        # Numbers without a unit have the word None there.
        named = unit or ("None" if letter in "NW" else "")
        item = IcuItem(int(number), label, short or label, "chartevents", category, named, _KINDS[letter], low, high)
        if kind == "r" and len(said) != len(numbers) + 1:
            raise ValueError(f"item {number}: {len(numbers)} cuts for {len(said)} words")
        found.append(ChartItem(item, rhythm, gate, use, share, kind, source, numbers, said, unit or lab_unit))
    return tuple(found)


@dataclass(frozen=True)
class DateItem:
    """An item of datetimeevents: the device it tells of, and how often the date changes; dateitems.py explains the fields."""

    item: IcuItem
    device: str
    unit: str
    every: float
    use: float


def parse_dates(text: str) -> tuple[DateItem, ...]:
    """Items of datetimeevents from lines in the form of dateitems.py."""
    found = []
    for line in text.strip().splitlines():
        number, label, short, category, device, unit, every, use = line.split("|")
        item = IcuItem(
            int(number), label, short or label, "datetimeevents", category, "", "Date and time", np.nan, np.nan
        )
        found.append(DateItem(item, device, unit, float(every), float(use)))
    return tuple(found)


CHART_ITEMS: tuple[ChartItem, ...] = parse_charted(BEDSIDE) + parse_charted(CARE)
DATE_ITEMS: tuple[DateItem, ...] = parse_dates(DATES)


def icu_items() -> dict[str, pa.Array]:
    """Columns of d_items; raises ValueError where an id is there twice."""
    charted = [*(one.item for one in CHART_ITEMS), *(one.item for one in DATE_ITEMS)]
    items = sorted([*charted, *FLUID_ITEMS], key=lambda item: item.itemid)
    numbers = [item.itemid for item in items]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"items there twice: {sorted({one for one in numbers if numbers.count(one) > 1})}")
    return {
        "itemid": ints(np.array(numbers)),
        "label": texts([item.label for item in items]),
        "abbreviation": texts([item.abbreviation for item in items]),
        "linksto": texts([item.linksto for item in items]),
        "category": texts([item.category for item in items]),
        "unitname": texts([item.unit or None for item in items]),
        "param_type": texts([item.param_type for item in items]),
        "lownormalvalue": reals(np.array([item.low for item in items])),
        "highnormalvalue": reals(np.array([item.high for item in items])),
    }
