"""Shapes of models from a target size.

In: a size such as 25k, 1M or 1B = parameters of the blocks (embedding, head and norms left out, so that a size
names the same shape under every vocabulary). Out: width, depth, heads, key-value heads and feed-forward width
of a `ModelConfig`. Depth grows as width^0.6 (2 layers at 32, 16 at 1024), the feed-forward width takes up what
rounding leaves over, so the number of parameters follows the target within 3% and grows with it. Wrong: a size
that cannot be read or lies outside 2k .. 10B (`UserError`).
"""

import math
import re

from ml.model import ModelConfig
from warehouse.errors import UserError

SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
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
    return next(step for limit, step in ((64, 4), (128, 8), (512, 16), (math.inf, 64)) if width < limit)


def _heads(width: int) -> tuple[int, int]:
    """Heads (about sqrt(width)/3, each of even width) and, from width 128 on, fewer key-value heads."""
    wanted = max(2.0, math.sqrt(width) / 3)
    parity = 1 if width < 128 else 2  # an even number of heads can share key-value heads
    candidates = (h for h in range(parity, width // 2 + 1, parity) if width % (2 * h) == 0)
    heads = min(candidates, key=lambda h: abs(math.log(h / wanted)))
    if width < 128:
        return heads, heads
    return heads, heads // (4 if heads % 8 == 0 else 2)


def shape(size: int, vocabulary_size: int, context: int, tied: bool = False) -> ModelConfig:
    """Model of about `size` block parameters; width and depth never fall as `size` grows."""
    ideal = _width(size)
    d_model = max(8, round(ideal / _step(ideal)) * _step(ideal))
    n_layers = round(_depth(ideal))
    n_heads, n_kv_heads = _heads(d_model)
    attention = 2 * d_model**2 + 2 * d_model**2 * n_kv_heads // n_heads
    grain = 2 if d_model < 64 else 8 if d_model < 512 else 64
    d_ff = max(grain, round((size / n_layers - attention) / (3 * d_model * grain)) * grain)
    return ModelConfig(vocabulary_size, d_model, n_layers, n_heads, n_kv_heads, d_ff, context, tied)
