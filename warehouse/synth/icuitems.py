"""The items of intensive care: ids, labels, units and normal limits, as MIMIC-IV's table d_items has them.

In: blocks of text, an item a line. Out: `IcuItem` tuples and the Arrow columns of d_items. Items of fluids, drugs and procedures
are in fluiditems.py, those of charted values and dates below. An id that is there twice raises ValueError on import.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import ints, reals, texts


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


def parse_items(text: str, linksto: str) -> tuple[IcuItem, ...]:
    """Items of table `linksto` from lines `itemid|label|abbreviation|category|unit|param_type|low|high`; the rest may be empty."""
    found = []
    for line in text.strip().splitlines():
        number, label, short, category, unit, kind, low, high = (part.strip() for part in line.split("|"))
        limits = [float(limit) if limit else np.nan for limit in (low, high)]
        found.append(IcuItem(int(number), label, short or label, linksto, category, unit, kind, *limits))
    return tuple(found)


# itemid|label|abbreviation|category|unit|param_type|low|high
_CHARTED = """
220045|Heart Rate|HR|Routine Vital Signs|bpm|Numeric||
220179|Non Invasive Blood Pressure systolic|NBPs|Routine Vital Signs|mmHg|Numeric||
220210|Respiratory Rate|RR|Respiratory|insp/min|Numeric||
220277|O2 saturation pulseoxymetry|SpO2|Respiratory|%|Numeric||
223761|Temperature Fahrenheit|Temperature F|Routine Vital Signs|°F|Numeric||
"""
CHART_ITEMS: tuple[IcuItem, ...] = parse_items(_CHARTED, "chartevents")


def icu_items() -> dict[str, pa.Array]:
    """Columns of d_items; raises ValueError where an id is there twice."""
    items = sorted(CHART_ITEMS, key=lambda item: item.itemid)
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
