"""Who orders, enters and charts: the codes of providers and the numbers of caregivers.

As many of each as MIMIC-IV v2.2 lists. They are the same in every cohort; nothing about a patient follows from them.
"""

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import ints, texts, words

_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# A product with a number prime to the number of codes visits each code once.
PROVIDERS: tuple[str, ...] = tuple(
    "P" + "".join(_LETTERS[number * 7_919_003 % 34**5 // 34**place % 34] for place in range(5))
    for number in range(40_508)
)
CAREGIVERS: np.ndarray = np.sort(np.arange(15_468) * 61_813 % 99_991 + 1)


def providers(rng: np.random.Generator, size: int, missing: float) -> pa.Array:
    """`size` providers; NULL in a share `missing`."""
    absent = rng.random(size) < missing
    return words(np.where(absent, -1, rng.integers(0, len(PROVIDERS), size)), PROVIDERS)


def provider_columns() -> dict[str, pa.Array]:
    """Columns of the table provider."""
    return {"provider_id": texts(sorted(PROVIDERS))}


def caregiver_columns() -> dict[str, pa.Array]:
    """Columns of the table caregiver."""
    return {"caregiver_id": ints(CAREGIVERS)}
