"""Shapes of models from a target size.

In: a size such as 25k, 1M or 1B = parameters of the blocks (embedding, head and norms left out, so that a size
names the same shape under every vocabulary). Out: a `ModelConfig`, by these rules, d being the width:

    depth       2 (d / 32)^0.6, at least 2: 2 layers at 32, 16 at 1024, 24 at 2048
    width       from 12 d^2 depth = size, in steps of 4 below 64, 16 below 128, 32 below 256, 64 below 512, 128 below 1536, then 256
    heads       each about 3 sqrt(d) wide, 3.5 sqrt(d) from d = 256, evenly wide below 64, a multiple of 8 from 64 on;
                64 wide from d = 512, 128 from 1536
    kv heads    one a head below d = 128; from there 4, 3 or 2 heads share one, the most that divides and leaves two
    MLP width   what is left of the size, in steps of 2, 8 (d >= 64), 16 (d >= 128), 64 (d >= 512); about 3 d

so that width and depth never fall, the number of parameters follows the target within 3% and grows with it. Multiples of
64 and heads of 64 or 128 are what tensor cores want; small models run on CPUs, where few and wide heads are fast,
since the cost of softmax goes with their number. Tied or untied head is the caller's choice. Wrong: a size that
cannot be read or lies outside 2k .. 10B (`UserError`).
"""

import math
import re

from ml.model import ModelConfig
from warehouse.errors import UserError

SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
# A head is about so many sqrt(width) wide: 24 at 64, 56 at 256. Where there are several heads, fewer and wider ones are faster.
HEAD_SIZE, WIDE_HEAD_SIZE = 3.0, 3.5
SHARING_FROM = 128  # width from which query heads share key-value heads
SMALLEST, LARGEST = 2_000, 10_000_000_000


def parse_size(text: str) -> int:
    """Number of parameters written as 5000, 25k, 1.5M or 1B."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMbB]?)", text.strip())
    size = round(float(match[1]) * SUFFIXES[match[2].lower()]) if match else 0
    if not SMALLEST <= size <= LARGEST:
        raise UserError(f"unknown size {text!r}: give parameters of the blocks as in 25k, 1M or 1B (2k to 10B)")
    return size


def size_name(size: float) -> str:
    """Short text for a number of parameters, three figures at most; `parse_size` reads it back."""
    for suffix, unit in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if size >= unit * 0.9995:
            return f"{size / unit:.3g}{suffix}"
    return str(round(size))


def _depth(width: float) -> float:
    return max(2.0, 2 * (width / 32) ** 0.6)


def _width(size: float) -> float:
    """Width whose blocks (12 width^2 parameters a layer) have `size` parameters; by bisection."""
    low, high = 4.0, 65536.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if 12 * middle**2 * _depth(middle) < size else (low, middle)
    return low


def _step(width: float) -> int:
    """Widths are multiples of this."""
    steps = ((64, 4), (128, 16), (256, 32), (512, 64), (1536, 128), (math.inf, 256))
    return next(step for limit, step in steps if width < limit)


def _heads(width: int) -> tuple[int, int]:
    """Heads and key-value heads of a width; see the top of this file."""
    if width < 64:
        sizes = [size for size in range(2, width + 1, 2) if width % size == 0]
    elif width < SHARING_FROM:
        sizes = [size for size in range(8, width + 1, 8) if width % size == 0]
    elif width < 512:
        sizes = [size for size in range(8, width + 1, 8) if width % (2 * size) == 0]
    else:
        sizes = [64 if width < 1536 else 128]
    wanted = (HEAD_SIZE if width < 256 else WIDE_HEAD_SIZE) * math.sqrt(width)
    heads = width // min(sizes, key=lambda size: abs(math.log(size / wanted)))
    share = next(s for s in (4, 3, 2) if heads % s == 0 and heads > s) if width >= SHARING_FROM else 1
    return heads, heads // share


def shape(size: int, vocabulary_size: int, context: int, tied: bool = False) -> ModelConfig:
    """Model of about `size` block parameters; width and depth never fall as `size` grows."""
    ideal = _width(size)
    d_model = max(8, round(ideal / _step(ideal)) * _step(ideal))
    n_layers = round(_depth(ideal))
    n_heads, n_kv_heads = _heads(d_model)
    attention = 2 * d_model**2 + 2 * d_model**2 * n_kv_heads // n_heads
    grain = next(grain for limit, grain in ((64, 2), (128, 8), (512, 16), (math.inf, 64)) if d_model < limit)
    d_ff = max(grain, round((size / n_layers - attention) / (3 * d_model * grain)) * grain)
    return ModelConfig(vocabulary_size, d_model, n_layers, n_heads, n_kv_heads, d_ff, context, tied)
