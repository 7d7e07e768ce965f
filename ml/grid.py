"""The design of an IsoFLOP sweep: which sizes for which budget, and how long a run will take.

In: a centre in N with head, vocabulary size, context, losses so far. Out: sizes a budget, as `--size` of ml/train.py. The sizes
of a budget span x8 in N with head, evenly in log N, around where its optimum is expected (ml/grid_formulas.py).
Around a budget's lowest loss stand at least two sizes on each side, which is what a parabola through five needs; where they
are missing, `sizes_missing` names them. Wrong: nothing here; sizes below what ml/ladder.py can shape are left out.
"""

import math
from collections.abc import Mapping

import numpy as np

from ml.grid_formulas import SIDE, SPAN
from ml.ladder import LARGEST, SMALLEST, shape, size_name
from ml.model import parameter_counts

DISTINCT = 1.08  # sizes that are nearer to each other in N than this are one
# FLOP/s of one core of a 2024 server by width (counted as in ml/flops.py); small widths are bound by memory and by calls.
CPU_FLOPS = {8: 6.5e9, 16: 14e9, 24: 20e9, 32: 26e9, 48: 36e9, 64: 45e9, 96: 56e9, 128: 65e9, 256: 75e9}
STARTUP_SECONDS = 8.0


def with_head(size: int, vocabulary_size: int, context: int) -> int:
    """N with head of the shape of a size."""
    return parameter_counts(shape(size, vocabulary_size, context)).with_head


def size_for(n_with_head: float, vocabulary_size: int, context: int) -> int:
    """Block parameters of the shape whose N with head is nearest to `n_with_head`, to two figures; by bisection."""
    low, high = float(SMALLEST), float(LARGEST)
    for _ in range(50):
        middle = math.sqrt(low * high)
        smaller = with_head(round(middle), vocabulary_size, context) < n_with_head
        low, high = (middle, high) if smaller else (low, middle)
    digits = 1 - math.floor(math.log10(low))
    return max(SMALLEST, round(low, digits) if digits > 0 else round(low / 10**-digits) * 10**-digits)


def sizes_around(centre: float, how_many: int, vocabulary_size: int, context: int) -> list[str]:
    """`how_many` sizes around an N with head, smallest first; fewer where some all but coincide, as at the smallest widths."""
    steps = [i / (how_many - 1) - 0.5 if how_many > 1 else 0.0 for i in range(how_many)]
    kept: dict[str, int] = {}
    for size in sorted({size_for(centre * SPAN**step, vocabulary_size, context) for step in steps}):
        found = with_head(size, vocabulary_size, context)
        if not kept or found > DISTINCT * max(kept.values()):
            kept[size_name(size)] = found
    return list(kept)


def sizes_missing(losses: Mapping[int, float], vocabulary_size: int, context: int) -> list[str]:
    """Sizes beyond the edge nearest to the lowest loss, so that two lie on that side of it; none below three sizes.

    `losses`: {N with head: loss} of one budget. The steps are as wide as that between the two sizes at the edge; sizes that
    no shape has, or that are there already, are left out.
    """
    sizes = sorted(losses)
    if len(sizes) < 3:
        return []
    best = min(range(len(sizes)), key=lambda i: losses[sizes[i]])
    below, above = SIDE - best, SIDE - (len(sizes) - 1 - best)
    if below > 0 and below >= above:
        edge, step, count = sizes[0], sizes[0] / sizes[1], below
    elif above > 0:
        edge, step, count = sizes[-1], sizes[-1] / sizes[-2], above
    else:
        return []
    wanted = [size_for(edge * step ** (i + 1), vocabulary_size, context) for i in range(count)]
    found = {size: with_head(size, vocabulary_size, context) for size in wanted}
    return [size_name(s) for s in sorted(found) if not sizes[0] * 0.9 < found[s] < sizes[-1] * 1.1]


def cpu_seconds(flops: float, d_model: int) -> float:
    """Seconds one core needs for a run, start-up and scoring included."""
    widths = sorted(CPU_FLOPS)
    speed = float(np.interp(d_model, widths, [CPU_FLOPS[width] for width in widths]))
    return STARTUP_SECONDS + flops / speed
