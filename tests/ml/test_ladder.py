"""Shapes along the ladder: near the target, growing with it, and good for the hardware."""

import math
from itertools import pairwise

import pytest

from ml.ladder import parse_size, shape, size_name
from ml.model import parameter_counts
from warehouse.errors import UserError

TARGETS = [round(5_000 * 1.07**i) for i in range(181)]
CONFIGS = [shape(target, 512, 256) for target in TARGETS]


def test_ladder_is_monotone_and_follows_the_target() -> None:
    assert TARGETS[-1] > 9e8
    blocks = [parameter_counts(c).non_embedding - c.d_model * (2 * c.n_layers + 1) for c in CONFIGS]
    assert all(later > earlier for earlier, later in pairwise(blocks))
    for name in ("d_model", "n_layers"):
        values = [getattr(c, name) for c in CONFIGS]
        assert values == sorted(values)
    assert max(abs(math.log(b / t)) for b, t in zip(blocks, TARGETS, strict=True)) < 0.04
    assert all(1.5 < c.d_ff / c.d_model < 4.6 for c in CONFIGS)


def test_ladder_is_smooth() -> None:
    for c, target in zip(CONFIGS, TARGETS, strict=True):
        ideal = (target / (12 * c.n_layers)) ** 0.5  # width of a model with 12 width^2 parameters a layer
        assert 0.72 < c.d_model / ideal < 1.35, c
        assert c.n_layers == pytest.approx(2 * (c.d_model / 32) ** 0.6, abs=1.01 + 0.07 * c.n_layers), c


def test_multiples_suit_the_hardware() -> None:
    for c in CONFIGS:
        assert c.head_dim % (8 if c.d_model >= 64 else 2) == 0
        assert c.d_model % 16 == 0 or c.d_model < 64
        if c.d_model >= 512:
            assert c.d_model % 128 == 0 and c.d_ff % 64 == 0 and c.head_dim in (64, 128)
        if c.d_model >= 128:
            assert 1 < c.n_kv_heads < c.n_heads <= 4 * c.n_kv_heads
        assert 12 <= c.head_dim <= 128 or c.d_model < 24


def test_the_tables_do_not_change_the_blocks() -> None:
    small, large = shape(10**6, 512, 256), shape(10**6, 50_000, 2048, tied=True)
    assert parameter_counts(small).non_embedding == parameter_counts(large).non_embedding
    assert large.tied and not small.tied


def test_sizes_are_read_and_written() -> None:
    assert [parse_size(text) for text in ("25k", "1M", "1.5m", "1B", "5000")] == [25_000, 10**6, 1_500_000, 10**9, 5000]
    assert [parse_size(size_name(n)) for n in (5_000, 83_000, 2_700_000, 10**9)] == [5_000, 83_000, 2_700_000, 10**9]
    for text in ("huge", "10", "1T", "-5k", ""):
        with pytest.raises(UserError, match="unknown size"):
            parse_size(text)
