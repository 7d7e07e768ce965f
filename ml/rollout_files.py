"""Rollouts that are already simulated: one file for each chunk of a moment's prompts, so that work goes on where it was.

In and out: RUN/evaluation/rollouts/DIGEST/MOMENT-000000.npz, written whole or not at all. The digest covers all that
decides what comes out (weights, shards, the definitions of the moment's tasks, sampling), so that nothing stale is
taken up. As a sample grows only at its end, a larger one takes up the files of a smaller one. Wrong: a damaged file is
simulated again.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from ml.generate import Rollouts
from ml.runs import UNREADABLE, write_whole

ARRAYS = ("hit", "decided", "average", "against", "length")
CLASSES = "classes_"  # and the place of the task: the arrays of `Rollouts.classes`


def digest_of(what: dict) -> str:
    """A short name for all that decides what is simulated."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def read_chunk(path: Path, first: int, n_prompts: int) -> tuple[Rollouts, float] | None:
    """A chunk that was written and the seconds it took; None where there is none, or none that is whole and of so many
    prompts."""
    try:
        with np.load(path) as file:
            arrays, seconds = {name: file[name] for name in ARRAYS}, float(file["seconds"])
            classes = {int(name.removeprefix(CLASSES)): file[name] for name in file.files if name.startswith(CLASSES)}
    except UNREADABLE:
        return None
    if len(arrays["hit"]) != n_prompts:
        return None
    return Rollouts(first, **arrays, classes=classes, tokens=None), seconds


def write_chunk(path: Path, rollouts: Rollouts, seconds: float) -> None:
    """Write a chunk and the seconds it took, whole or not at all; drawn tokens are not kept."""
    arrays = {name: getattr(rollouts, name) for name in ARRAYS}
    arrays |= {f"{CLASSES}{place}": shares for place, shares in rollouts.classes.items()}

    def write(part: Path) -> None:
        with part.open("wb") as handle:
            np.savez_compressed(handle, seconds=seconds, **arrays)

    write_whole(path, write)
