"""Prompts: what is known of a patient at a prediction time, as tokens.

In: the shards, a patient and the event that ends the prompt. Out: the static prefix that holds there and all tokens of
the events up to it. The end is found by event (`events.i32`), never by a token offset, so that it does not hang on how
events are written. Wrong: a patient that the shards do not have is number -1; the caller counts those.
"""

from dataclasses import dataclass

import numpy as np

from ml.data import Split
from ml.tasks import Rows


@dataclass(frozen=True)
class Prompt:
    """One patient at one time of prediction.

    tokens [n]: the timeline up to then, oldest first, of any length; statics [n_static]: the prefix that holds at its end;
    key: seeds the draws of its rollouts. Of the tasks that a simulation watches: thresholds float64 [tasks], its own where a task has
    none, NaN elsewhere (None: all NaN); watching bool [tasks], which of them want it (None: all).
    """

    tokens: np.ndarray
    statics: np.ndarray
    key: int
    thresholds: np.ndarray | None = None
    watching: np.ndarray | None = None


def prompt_of(split: Split, patient: int, event_index: int) -> Prompt:
    """The prompt of a patient (by number) that ends with event `event_index`, that event's value included.

    The key is made of patient and event, so that tasks with the same prompt share it.
    """
    n = int(np.searchsorted(split.array(patient, "events.i32"), event_index, side="right"))
    return Prompt(
        tokens=split.array(patient, "tokens.u16")[:n],
        statics=split.static_prefix(patient, max(n - 1, 0)),
        key=int(split.subjects[patient]) * (1 << 24) + event_index,
    )


def patients_of(split: Split, rows: Rows) -> np.ndarray:
    """Number in `split` of each row's patient, int64 [rows]. The shards leave out patients without any token: -1."""
    order = np.argsort(split.subjects, kind="stable")
    place = np.searchsorted(split.subjects, rows.subject_id, sorter=order)
    place = np.minimum(place, max(len(order) - 1, 0))
    if not len(order):
        return np.full(len(rows), -1)
    found = order[place]
    return np.where(split.subjects[found] == rows.subject_id, found, -1)
