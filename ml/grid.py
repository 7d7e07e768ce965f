"""The grid of an IsoFLOP sweep: which sizes for which budget, and how long they take.

In: budgets in FLOPs, vocabulary size and context. Out: sizes a budget, as `--size` of ml/train.py. The sizes of
a budget C span x8 in N with head around CENTRE * sqrt(C / 1e11), evenly in log N, with more of them at the
small budgets, where they are cheap and noise is larger; `size_beyond` adds one where a minimum lies at an edge.
Wrong: nothing here; sizes below what ml/ladder.py can shape are left out.
"""

import math

from ml.ladder import LARGEST, SMALLEST, shape, size_name
from ml.model import parameter_counts

CENTRE, CENTRE_BUDGET, CENTRE_POWER = 15_000, 1e11, 0.5  # N with head, measured on synthetic timelines
SPAN = 8.0
MOST, FEWEST = 6, 4  # sizes of the smallest budget, and of the third and larger ones
# FLOP/s of one core of a 2024 server by width (counted as in ml/flops.py); small widths are bound by memory and by calls.
CPU_FLOPS = {8: 7e9, 16: 14e9, 24: 20e9, 32: 26e9, 48: 36e9, 64: 45e9, 96: 56e9, 128: 65e9, 256: 75e9}
STARTUP_SECONDS = 4.0


def size_for(n_with_head: float, vocabulary_size: int, context: int) -> int:
    """Block parameters of the shape whose N with head is nearest to `n_with_head`, to two figures; by bisection."""
    low, high = float(SMALLEST), float(LARGEST)
    for _ in range(50):
        middle = math.sqrt(low * high)
        found = parameter_counts(shape(round(middle), vocabulary_size, context)).with_head
        low, high = (middle, high) if found < n_with_head else (low, middle)
    digits = 1 - math.floor(math.log10(low))
    return max(SMALLEST, round(low, digits) if digits > 0 else round(low / 10**-digits) * 10**-digits)


def auto_sizes(budget: float, how_many: int, vocabulary_size: int, context: int) -> list[str]:
    """`how_many` sizes around the expected optimum of a budget, smallest first; fewer where some coincide."""
    centre = CENTRE * (budget / CENTRE_BUDGET) ** CENTRE_POWER
    steps = [i / (how_many - 1) - 0.5 if how_many > 1 else 0.0 for i in range(how_many)]
    sizes = [size_for(centre * SPAN**step, vocabulary_size, context) for step in steps]
    return [size_name(size) for size in sorted(set(sizes))]


def size_beyond(losses: dict[int, float], vocabulary_size: int, context: int) -> str | None:
    """A size beyond the edge at which the lowest loss lies, as far as its neighbour; None where it lies inside.

    `losses`: {N with head: loss} of one budget, in order of N. None too where no smaller shape exists.
    """
    sizes = list(losses)
    if len(sizes) < 3:
        return None
    best = min(losses, key=losses.__getitem__)
    if best == sizes[0]:
        wanted = best * best / sizes[1]
    elif best == sizes[-1]:
        wanted = best * best / sizes[-2]
    else:
        return None
    size = size_for(wanted, vocabulary_size, context)
    found = parameter_counts(shape(size, vocabulary_size, context)).with_head
    return size_name(size) if not sizes[0] * 0.9 < found < sizes[-1] * 1.1 else None


def sizes_per_budget(n_budgets: int) -> list[int]:
    """6, 5, 4, 4, ... from the smallest budget to the largest."""
    return [max(FEWEST, MOST - i) for i in range(n_budgets)]


def cpu_seconds(flops: float, d_model: int) -> float:
    """Seconds one core needs for a run, start-up and scoring included."""
    widths = sorted(CPU_FLOPS)
    width = min(max(d_model, widths[0]), widths[-1])
    above = next(w for w in widths if w >= width)
    below = max(w for w in widths if w <= width)
    share = (width - below) / (above - below) if above > below else 0.0
    speed = CPU_FLOPS[below] + share * (CPU_FLOPS[above] - CPU_FLOPS[below])
    return STARTUP_SECONDS + flops / speed
