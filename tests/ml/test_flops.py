"""The formula against torch's counter over the real model: dense attention on meta, blocks on a CPU."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ml.attention import Documents, choose_block
from ml.flops import forward_flops_per_token, six_nd, training_flops_per_token
from ml.ladder import parse_size, shape
from ml.model import Llama

SHAPES = [("5k", 64), ("25k", 256), ("442k", 128), ("2.7M", 512)]


def counted(device: str, size: str, length: int) -> tuple[float, object]:
    """FLOPs a token of a training step's products, as torch counts them; every place is scored."""
    config = shape(parse_size(size), 700, length)
    with torch.device(device):
        model = Llama(config)
        tokens = torch.zeros(2 * length, dtype=torch.long)
        starts = torch.arange(0, 2 * length + 1, length, dtype=torch.int32)
        with FlopCounterMode(display=False) as counter:
            scored = torch.arange(2 * length)
            model(tokens, Documents(starts, length), scored, tokens, torch.float32).backward()
    return counter.get_total_flops() / (2 * length), config


@pytest.mark.parametrize(("size", "length"), SHAPES, ids=str)
def test_full_attention_equals_what_torch_counts(size: str, length: int) -> None:
    flops, config = counted("meta", size, length)
    # Dense attention lets each token see both rows, under a mask.
    assert flops == pytest.approx(training_flops_per_token(config, keys=2 * length), rel=1e-3)
    assert training_flops_per_token(config) == training_flops_per_token(config, keys=length)


@pytest.mark.parametrize(("size", "length"), SHAPES, ids=str)
def test_block_attention_equals_what_torch_counts(size: str, length: int) -> None:
    flops, config = counted("cpu", size, length)
    # Probabilities are kept, so that backward multiplies exactly twice what forward does.
    assert flops == pytest.approx(
        training_flops_per_token(config, keys=(length + choose_block(np.array([length]))) / 2), rel=1e-3
    )


def test_causal_is_less_than_full_and_6nd_is_beside_it() -> None:
    config = shape(100_000, 700, 256)
    saved = config.n_layers * 4 * config.d_model * (256 - 257 / 2)
    assert forward_flops_per_token(config) - forward_flops_per_token(config, causal=True) == pytest.approx(saved)
    assert training_flops_per_token(config) == 3 * forward_flops_per_token(config)
    assert six_nd(1000, 50) == 300_000
