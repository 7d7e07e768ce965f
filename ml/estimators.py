"""Estimators of the baselines and of the probe, with their one parameter tuned on other patients.

In: features and labels of train and tuning, features to predict for. Out: `Predicted`: risks, numbers, or shares of
classes. Fits are deterministic. Wrong: nothing a user can cause; where train has one class or no row the estimator falls back
to the share of events (or the mean) and says so in `note`.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm
import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from ml.calibration import clipped

Matrix = np.ndarray | sparse.csr_matrix
RISK, NUMBER, CLASS = "risk", "number", "class"
STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # C of the logistic regression; 1 / alpha of the ridge is in proportion
MIDDLE = 0.01  # where tuning cannot tell
MOST_CLASSES = 50  # a class beyond the commonest is not predicted, and counts as wrong
LEAVES = (7, 31)
MOST_ROUNDS, PATIENCE, BLIND_ROUNDS = 600, 30, 100  # of boosting; the last where tuning cannot tell
# A round over classes grows a tree for each: fewer and bolder rounds, over fewer columns.
OF_CLASSES = {"learning_rate": 0.2, "feature_fraction": 0.1, "min_data_in_leaf": 5}
LEAVES_OF_CLASSES, ROUNDS_OF_CLASSES = (7,), 40
FEWEST_TUNING = 5  # rows of the rarer class that tuning needs to tell
BOOSTING = {
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "lambda_l2": 1.0,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True)
class Part:
    """Features [n, columns] and labels [n] of one split."""

    x: Matrix
    y: np.ndarray


@dataclass(frozen=True)
class Predicted:
    """values float64 [n], or [n, k] shares of `classes` [k]; note: what the reader should know of the fit."""

    values: np.ndarray
    classes: np.ndarray | None = None
    note: str | None = None


def kind_of(label_type: str, outcome_kind: str) -> str:
    """What is estimated: a risk, a number, or one of several classes."""
    return RISK if label_type == "boolean" else CLASS if outcome_kind == "class" else NUMBER


def common_classes(labels: np.ndarray) -> np.ndarray:
    """The commonest MOST_CLASSES classes, ascending."""
    classes, counts = np.unique(labels, return_counts=True)
    return np.sort(classes[np.argsort(-counts, kind="stable")[:MOST_CLASSES]])


def prevalence(kind: str, labels: np.ndarray, n: int) -> Predicted:
    """For everybody the same: the share of events in train, the mean, or the shares of the classes."""
    if not len(labels):
        nothing = np.full(n, 0.5 if kind == RISK else 0.0)
        of_class = (nothing[:, None], np.zeros(1, np.int64)) if kind == CLASS else (nothing, None)
        return Predicted(*of_class, "no rows in train")
    if kind != CLASS:
        return Predicted(np.full(n, float(np.mean(labels))))
    classes = common_classes(labels)
    shares = (labels[:, None] == classes).mean(0)
    return Predicted(np.tile(shares, (n, 1)), classes)


def _loss(kind: str, labels: np.ndarray, predicted: np.ndarray, classes: np.ndarray | None) -> float:
    """What tuning minimises: log-loss, or squared error."""
    if kind == NUMBER:
        return float(np.square(labels - predicted).mean())
    if kind == RISK:
        return float(log_loss(labels, clipped(predicted), labels=[False, True]))
    return float(-np.log(clipped((predicted * (labels[:, None] == classes)).sum(1))).mean())


def can_tune(kind: str, labels: np.ndarray) -> bool:
    """Whether there are enough rows, and of a risk enough of both classes, to choose by."""
    n = min(labels.sum(), len(labels) - labels.sum()) if kind == RISK else len(labels)
    return n >= FEWEST_TUNING


def _of_common_classes(part: Part, classes: np.ndarray) -> Part:
    kept = np.flatnonzero(np.isin(part.y, classes))
    return Part(part.x[kept], part.y[kept])


def _fallback(kind: str, train: Part, n: int) -> Predicted | None:
    """The same for everybody where train tells no more."""
    if len(train.y) and len(np.unique(train.y)) > 1:
        return None
    found = prevalence(kind, train.y, n)
    return Predicted(found.values, found.classes, found.note or "train has one label only")


def _linear(kind: str, strength: float, dense: bool):
    # Sparse columns keep their noughts; most are counts of few values.
    scaler = StandardScaler() if dense else MaxAbsScaler()
    if kind == NUMBER:
        return make_pipeline(scaler, Ridge(alpha=1 / strength, solver="lsqr", random_state=0))
    return make_pipeline(scaler, LogisticRegression(C=strength, max_iter=100, random_state=0))


def linear(kind: str, train: Part, tuning: Part, x: Matrix) -> Predicted:
    """Logistic regression (of several classes: multinomial) or ridge regression, penalty chosen on tuning."""
    if constant := _fallback(kind, train, x.shape[0]):
        return constant
    classes = common_classes(train.y) if kind == CLASS else None
    if kind == CLASS:
        train = _of_common_classes(train, classes)
        if constant := _fallback(kind, train, x.shape[0]):
            return constant

    def fit(strength: float) -> Callable[[Matrix], np.ndarray]:
        model = _linear(kind, strength, isinstance(train.x, np.ndarray))
        with warnings.catch_warnings():  # a fit cut at max_iter is one of the candidates like the others
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train.x, train.y)
        if kind == NUMBER:
            return model.predict
        return model.predict_proba if kind == CLASS else lambda some: model.predict_proba(some)[:, 1]

    if not can_tune(kind, tuning.y):
        return Predicted(fit(MIDDLE)(x), classes, "too few in tuning to choose the penalty")
    fits = [fit(strength) for strength in STRENGTHS]
    best = min(fits, key=lambda predict: _loss(kind, tuning.y, predict(tuning.x), classes))
    return Predicted(best(x), classes)


def boosting(kind: str, train: Part, tuning: Part, x: Matrix) -> Predicted:
    """Gradient boosting of trees (LightGBM), rounds stopped early and leaves chosen on tuning."""
    if constant := _fallback(kind, train, x.shape[0]):
        return constant
    classes, options = None, BOOSTING | {"objective": {RISK: "binary", NUMBER: "regression"}.get(kind, "multiclass")}
    if kind == CLASS:
        classes = common_classes(train.y)
        train, tuning = _of_common_classes(train, classes), _of_common_classes(tuning, classes)
        if constant := _fallback(kind, train, x.shape[0]):
            return constant
        options |= OF_CLASSES | {"num_class": len(classes)}
    leaves, rounds = (LEAVES_OF_CLASSES, ROUNDS_OF_CLASSES) if kind == CLASS else (LEAVES, MOST_ROUNDS)

    def codes(labels: np.ndarray) -> np.ndarray:
        return np.searchsorted(classes, labels) if kind == CLASS else labels.astype(np.float64)

    data = lightgbm.Dataset(train.x, codes(train.y), params={"verbose": -1}, free_raw_data=False)
    if not can_tune(kind, tuning.y):
        model = lightgbm.train(options | {"num_leaves": leaves[0]}, data, min(rounds, BLIND_ROUNDS))
        return Predicted(model.predict(x), classes, "too few in tuning to stop early")
    check = lightgbm.Dataset(tuning.x, codes(tuning.y), reference=data)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    models = [
        lightgbm.train(options | {"num_leaves": most}, data, rounds, valid_sets=[check], callbacks=[stop])
        for most in leaves
    ]
    best = min(models, key=lambda model: next(iter(model.best_score["valid_0"].values())))
    return Predicted(best.predict(x, num_iteration=best.best_iteration), classes)
