"""Moments of prediction: which prompts a set of tasks needs, each once, and in which order they are taken.

In: tasks (several may share a moment: mortality and length of stay at the same admission) and one split of the shards.
Out: `Moment`: the union of the tasks' prompts, and where each task's rows lie among them. The order is a fixed one by a
hash of the patient's id, so that the first n prompts are the same for every run and every larger sample holds the
smaller. All prompts of a patient follow one another. Wrong: nothing; rows whose patient has no token are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.data import Split, hashed
from ml.prompts import Prompt, patients_of, prompt_of
from ml.tasks import Task

SAMPLE_SALT = "evaluation sample"  # parts this order from those of splits and of nested training patients


@dataclass(frozen=True)
class Moment:
    """Prompts that some tasks share, in the order in which a sample takes them.

    patient int64 [k]: number in the split; event int32 [k]: the event that ends the prompt. places[task]: int64 [k], the
    row of the task that each prompt is, -1 where the task does not have it; without_tokens[task]: rows of patients that
    the shards do not hold.
    """

    name: str
    tasks: tuple[Task, ...]
    patient: np.ndarray
    event: np.ndarray
    places: dict[str, np.ndarray]
    without_tokens: dict[str, int]

    def __len__(self) -> int:
        return len(self.patient)

    def prompts(self, split: Split, tasks: Sequence[Task], first: int, stop: int) -> list[Prompt]:
        """Prompts `first` .. stop-1, with what the tasks that watch them want of each."""
        rows = np.stack([self.places[task.name][first:stop] for task in tasks], axis=1)
        watching = rows >= 0
        thresholds = np.full(rows.shape, np.nan)
        for column, task in enumerate(tasks):
            has = watching[:, column]
            thresholds[has, column] = task.rows[split.name].threshold[rows[has, column]]
        places = zip(self.patient[first:stop].tolist(), self.event[first:stop].tolist(), strict=True)
        return [
            replace(prompt_of(split, patient, event), thresholds=thresholds[i], watching=watching[i])
            for i, (patient, event) in enumerate(places)
        ]

    def sampled(self, task: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the first n prompts those that the task has: (places among the prompts, rows of the task)."""
        rows = self.places[task][:n]
        places = np.flatnonzero(rows >= 0)
        return places, rows[places]


def sample_order(subjects: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Places in the fixed order: by a hash of the patient, then by event."""
    unique, inverse = np.unique(subjects, return_inverse=True)
    return np.lexsort((events, hashed(unique, SAMPLE_SALT)[inverse]))


def _moment(name: str, tasks: Sequence[Task], split: Split) -> Moment:
    keys, numbers, missing = {}, {}, {}
    for task in tasks:
        rows = task.rows[split.name]
        patient = patients_of(split, rows)
        numbers[task.name] = np.flatnonzero(patient >= 0)
        missing[task.name] = int((patient < 0).sum())
        pairs = np.stack([patient, rows.prompt_event_index.astype(np.int64)], axis=1)
        keys[task.name] = pairs[numbers[task.name]]
    union = np.unique(np.concatenate(list(keys.values())), axis=0)
    order = sample_order(split.subjects[union[:, 0]], union[:, 1])
    union = union[order]
    place_of = {key: place for place, key in enumerate(map(tuple, union.tolist()))}
    places = {}
    for task, pairs in keys.items():
        places[task] = np.full(len(union), -1)
        places[task][[place_of[key] for key in map(tuple, pairs.tolist())]] = numbers[task]
    return Moment(name, tuple(tasks), union[:, 0], union[:, 1].astype(np.int32), places, missing)


def moments_of(tasks: Sequence[Task], split: Split) -> list[Moment]:
    """The moments of the tasks, in the order in which the tasks name them; tasks without a row in the split are kept."""
    by_name: dict[str, list[Task]] = {}
    for task in tasks:
        by_name.setdefault(task.prompt, []).append(task)
    return [_moment(name, members, split) for name, members in by_name.items()]
