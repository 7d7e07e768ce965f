"""Rollouts that are already simulated: one file for each chunk of a moment's prompts, so that work goes on where it was.

In and out: RUN/evaluation/rollouts/DIGEST/MOMENT-000000.npz, written whole or not at all. The digest covers all that
decides what comes out (weights, shards, the definitions of the moment's tasks, sampling), so that nothing stale is
taken up. As a sample grows only at its end, a larger one takes up the files of a smaller one. Wrong: a damaged file is
simulated again.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.runs import write_whole


@dataclass(frozen=True)
class Rollouts:
    """Rollouts of p prompts, watched for t tasks, r a prompt.

    value float32 [p, t, r]: 1 or 0 where the outcome was reached or not, a number, or a class; decided bool [p, t, r];
    expected float32 [p, t, r]: the lower-variance reading (ml/risk.py). n_tokens: drawn in all.
    """

    value: np.ndarray
    decided: np.ndarray
    expected: np.ndarray
    n_tokens: int


def digest_of(what: dict) -> str:
    """A short name for all that decides what is simulated."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def read_chunk(path: Path, shape: tuple[int, int, int]) -> Rollouts | None:
    """A chunk that was written; None where there is none, or none that is whole and of this shape."""
    try:
        with np.load(path) as file:
            found = Rollouts(file["value"], file["decided"], file["expected"], int(file["n_tokens"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return found if found.value.shape == found.decided.shape == found.expected.shape == shape else None


def write_chunk(path: Path, rollouts: Rollouts) -> None:
    """Write a chunk, whole or not at all."""
    arrays = {"value": rollouts.value, "decided": rollouts.decided, "expected": rollouts.expected}

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.savez_compressed(handle, n_tokens=rollouts.n_tokens, **arrays)

    write_whole(path, write)


def joined(chunks: list[Rollouts]) -> Rollouts:
    """Chunks one after another."""
    return Rollouts(
        np.concatenate([chunk.value for chunk in chunks]),
        np.concatenate([chunk.decided for chunk in chunks]),
        np.concatenate([chunk.expected for chunk in chunks]),
        sum(chunk.n_tokens for chunk in chunks),
    )
