"""Discrimination: AUROC with DeLong's variance for patients with several rows, its covariance between models, and AUPRC.

In: labels and risks as arrays with one entry a row, and whose row it is. Out: `Auroc`s, `Difference`s, or weighted areas
for the bootstrap. DeLong, DeLong and Clarke-Pearson (1988) with the midranks of Sun and Xu (2014); rows of one patient are not
independent, so the structural components are summed over patients first (Obuchowski 1997). With one row a patient that
is DeLong's variance itself. Wrong: nothing a user can cause; where a class is empty the areas are NaN.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
CHUNK = 1 << 19  # numbers of an array of the bootstrap; a few such arrays are held
Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Auroc:
    """An area under the ROC curve, its standard error over patients, and its interval."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Area of the first model less that of the second on the same rows, its error and interval, and the two-sided p of no
    difference."""

    value: float
    error: float
    low: float
    high: float
    p: float


def _components(labels: np.ndarray, risks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's structural components: of each event the share of others it outranks, of each other the share of events
    that outrank it. labels bool [n], risks [n]."""
    events, others = risks[labels], risks[~labels]
    ranks = stats.rankdata(risks)
    of_events = (ranks[labels] - stats.rankdata(events)) / len(others)
    of_others = 1 - (ranks[~labels] - stats.rankdata(others)) / len(events)
    return of_events, of_others


def _sums(values: np.ndarray, owner: np.ndarray, patients: int, area: float) -> np.ndarray:
    """Per patient the sum of (component - area) over its rows; nought for a patient without such a row."""
    return np.bincount(owner, weights=values - area, minlength=patients)


def delong(labels: np.ndarray, risks: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas [k] of k models on the same rows and their covariance [k, k] over patients.

    labels bool [n], risks [k, n], patients [n] (whose row it is). NaN where a class has no row; the covariance also where fewer
    than two patients have an event, or fewer than two have none.
    """
    labels, risks = np.asarray(labels, bool), np.atleast_2d(np.asarray(risks, np.float64))
    models, n_events = len(risks), int(labels.sum())
    n_others = len(labels) - n_events
    if not n_events or not n_others:
        return np.full(models, np.nan), np.full((models, models), np.nan)
    names, owner = np.unique(patients, return_inverse=True)
    parts = [_components(labels, one) for one in risks]
    areas = np.asarray([of_events.mean() for of_events, _ in parts])
    pairs = zip(parts, areas, strict=True)
    by_patient = [
        (_sums(e, owner[labels], len(names), a), _sums(o, owner[~labels], len(names), a)) for (e, o), a in pairs
    ]
    e, o = (np.stack(columns) for columns in zip(*by_patient, strict=True))
    with_event, with_other = len(np.unique(owner[labels])), len(np.unique(owner[~labels]))
    if min(with_event, with_other) < 2:
        return areas, np.full((models, models), np.nan)
    cross = e @ o.T  # not nought only where a patient has rows of both classes
    spread = with_event / (with_event - 1) * (e @ e.T) / n_events**2
    spread += with_other / (with_other - 1) * (o @ o.T) / n_others**2
    return areas, spread + len(names) / (len(names) - 1) * (cross + cross.T) / (n_events * n_others)


def auroc(labels: np.ndarray, risks: np.ndarray, patients: np.ndarray) -> Auroc:
    """The area of one model. The interval is symmetric on the logit scale, so that it stays within 0 and 1 (Pepe 2003).

    An area of 0 or 1 has no spread by DeLong, which is no knowledge of it: error and interval are NaN.
    """
    areas, covariance = delong(labels, risks, patients)
    value, error = float(areas[0]), float(np.sqrt(covariance[0, 0].clip(0)))
    if not 0 < value < 1:
        return Auroc(value, np.nan, np.nan, np.nan)
    logit, half = np.log(value / (1 - value)), Z * error / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-(logit + side * half)))) for side in (-1, 1))
    return Auroc(value, error, low, high)


def compare(labels: np.ndarray, first: np.ndarray, second: np.ndarray, patients: np.ndarray) -> Difference:
    """Whether one model ranks the same rows better than another: paired, by DeLong's covariance over patients."""
    areas, covariance = delong(labels, np.stack([first, second]), patients)
    value = float(areas[0] - areas[1])
    error = float(np.sqrt((covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]).clip(0)))
    if not error > 1e-12:  # the same ranking, but for rounding, or unknown
        return Difference(value, error, np.nan, np.nan, 1.0 if value == 0 else np.nan)
    return Difference(value, error, value - Z * error, value + Z * error, float(2 * stats.norm.sf(abs(value) / error)))


class Ranking:
    """Rows sorted by risk once, for areas under many weightings of the rows, as the bootstrap takes."""

    def __init__(self, labels: np.ndarray, risks: np.ndarray) -> None:
        self.order = np.argsort(-risks, kind="stable")
        ranked = risks[self.order]
        self.starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # of rows with the same risk
        self.events = np.asarray(labels, bool)[self.order]

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """AUROC, and AUPRC as average precision, of rows with each of c weightings [c, n]: [c, 2]; NaN where a class has none."""
        w = weights[:, self.order]
        gain = np.add.reduceat(w * self.events, self.starts, axis=1)
        loss = np.add.reduceat(w * ~self.events, self.starts, axis=1)
        tp, fp = gain.cumsum(axis=1), loss.cumsum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            auroc = (loss * (tp - gain / 2)).sum(axis=1) / (tp[:, -1] * fp[:, -1])
            precision = np.nan_to_num(tp / (tp + fp))
            auprc = (gain * precision).sum(axis=1) / tp[:, -1]
        return np.stack([auroc, np.where(np.isnan(auroc), np.nan, auprc)], axis=1)


def resampled_patients(patients: np.ndarray, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Weights [c, n] of the rows in bootstrap replicates: how often the row's patient was drawn, with replacement.

    As many replicates at once as fit CHUNK numbers.
    """
    names, owner = np.unique(patients, return_inverse=True)
    rng, size = np.random.default_rng(seed), len(names)
    at_once = max(1, CHUNK // len(patients))
    for first in range(0, replicates, at_once):
        rows = min(at_once, replicates - first)
        drawn = rng.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts[:, owner].astype(np.float64)


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The middle 95% of bootstrap values along the first axis, those that are not finite left out; NaN where none is."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return np.nan, np.nan
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
