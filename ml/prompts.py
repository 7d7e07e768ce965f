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
    """tokens uint16 [n], oldest first, may be longer than a model's context; statics uint16 [n_static]; times int64 [n],
    seconds since 1970. `key` seeds the draws of its rollouts."""

    statics: np.ndarray
    tokens: np.ndarray
    times: np.ndarray
    key: int


def prompt_of(split: Split, patient: int, event_index: int) -> Prompt:
    """The prompt of a patient (by number) that ends with event `event_index`, that event's value included.

    The key is made of patient and event, so that tasks with the same prompt share it.
    """
    n = int(np.searchsorted(split.array(patient, "events.i32"), event_index, side="right"))
    return Prompt(
        statics=split.static_prefix(patient, max(n - 1, 0)),
        tokens=split.array(patient, "tokens.u16")[:n],
        times=split.array(patient, "times.i64")[:n],
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
