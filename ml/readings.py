"""From rollouts of prompts to predictions on a task, in two readings.

In: a task, its rows, the rollouts that watched it, the labels of train. Out: `Predictions` of `rollout_hits` (what
happened in the rollouts) and of `rollout_average` (what was likely to happen at each step, ml/risk.py). A risk of 0 or 1
that rests on a few rollouts would cost a log-loss without bound, so the share of events in train weighs in as one rollout
more; a row without a decided rollout has that share alone (a number: train's mean). Wrong: nothing a user can cause.
"""

import numpy as np

from ml.calibration import smoothed_share
from ml.generate import Rollouts
from ml.risk import by_average, by_hits, number_by_average
from ml.scores import Predictions
from ml.tasks import Rows, Task

HITS, AVERAGE = "rollout_hits", "rollout_average"


def _class_shares(task: Task, rollouts: Rollouts, place: int, averaged: bool, prior: np.ndarray) -> np.ndarray:
    """Shares [n, classes] of the task's classes; a row without a decided rollout has those of train."""
    labels = np.asarray(task.watched.labels)
    if averaged:
        shares = rollouts.classes[place].astype(float)
    else:
        hit = np.where(rollouts.decided[:, place], rollouts.hit[:, place], np.nan)
        shares = (hit[..., None] == labels).mean(1)
    total = shares.sum(1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1), prior)


def predictions_of(
    task: Task, rows: Rows, rollouts: Rollouts, place: int, train_labels: np.ndarray
) -> dict[str, Predictions]:
    """Both readings of rows [n], rollouts [n, tasks, r] of the same prompts, `place`: which of the tasks it is."""
    hit, decided = rollouts.hit[:, place], rollouts.decided[:, place]
    average, against = rollouts.average[:, place], rollouts.against[:, place]
    n_decided, classes = decided.sum(1), None
    if task.watched.kind == "class":
        classes = np.asarray(task.watched.labels)
        prior = np.array([(train_labels == label).mean() for label in classes]) if len(train_labels) else 0.0
        both = {m: _class_shares(task, rollouts, place, m == AVERAGE, prior) for m in (HITS, AVERAGE)}
    elif task.label_type == "boolean":
        prior = float(train_labels.mean()) if len(train_labels) else 0.5
        sharper = np.nan_to_num(by_average(hit, decided, average, against), nan=prior)
        shares = np.nan_to_num(by_hits(hit, decided), nan=prior)
        both = {
            HITS: smoothed_share(shares * n_decided, n_decided, prior),
            AVERAGE: smoothed_share(sharper * n_decided, n_decided, prior),
        }
    else:
        mean = float(train_labels.mean()) if len(train_labels) else 0.0
        both = {
            HITS: np.nan_to_num(by_hits(hit, decided), nan=mean),
            AVERAGE: np.nan_to_num(number_by_average(hit, decided, average), nan=mean),
        }
    undecided, r = 1 - decided.mean(1), decided.shape[1]
    return {
        method: Predictions(task.label_type, rows.subject_id, rows.label, predicted, classes, r, undecided)
        for method, predicted in both.items()
    }
