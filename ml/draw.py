"""Draws that depend on what is drawn and on nothing beside it.

In: for each rollout a key, made of seed, prompt and the rollout's number; its step; the distribution of the next token.
Out: the token. The random number is a hash of key and step: no generator is kept, rows may come, go and change places.
Wrong: nothing a user can cause.
"""

import numpy as np
import torch
from torch import Tensor

from ml.kv_cache import COLUMNS

RANDOM_BITS = 23  # of a number in [0, 1): in float32 it and its product with a sum stay below the sum


def _mix(x: np.ndarray) -> np.ndarray:
    """splitmix64 (Steele, Lea and Flood 2014): the step and the scrambling of 64 bits."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def row_keys(seed: int, keys: np.ndarray, rollouts: int) -> np.ndarray:
    """uint64 [prompts * rollouts], one for each rollout, of int64 keys [prompts]."""
    prompts = _mix(_mix(np.array([seed % (1 << 64)], np.uint64)) ^ np.asarray(keys).astype(np.uint64))
    return _mix(prompts[:, None] ^ np.arange(rollouts, dtype=np.uint64)).ravel()


def uniforms(keys: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """float32 [n] in [0, 1): the random number of each row at its step."""
    bits = _mix(keys ^ _mix(steps.astype(np.uint64))) >> np.uint64(64 - RANDOM_BITS)
    return bits.astype(np.float32) * np.float32(2.0**-RANDOM_BITS)


def draw(p: Tensor, u: Tensor) -> Tensor:
    """Token of each row by inversion of its distribution: p [n, columns], u [n] in [0, 1); int64 [n]. Never one of
    probability 0.

    Sums of COLUMNS tokens first and then within the one that was hit: a running sum over the vocabulary takes four times as
    long.
    """
    blocks = p.view(len(p), -1, COLUMNS)
    sums = blocks.sum(-1)
    running = sums.cumsum(-1)
    goal = u[:, None] * running[:, -1:]
    block = torch.searchsorted(running, goal, right=True)
    size = sums.gather(1, block)
    # Where in the block, as a share of it: below 1 even after rounding, so that a token is found.
    share = ((goal - running.gather(1, block) + size) / size).clamp_(0, 1 - 2.0**-RANDOM_BITS)
    inside = blocks.gather(1, block[..., None].expand(-1, -1, COLUMNS))[:, 0].cumsum(-1)
    return (block * COLUMNS + torch.searchsorted(inside, share * inside[:, -1:], right=True))[:, 0]
