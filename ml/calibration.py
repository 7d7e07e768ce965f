"""Calibration of risks: intercept, slope, a smooth curve's mean distance (ICI), and observed shares by bins.

In: labels and risks as arrays with one entry a row. Out: a `Calibration` and `Bin`s. Risks are held within FLOOR and
1 - FLOOR first, so that a risk of 0 or 1 has a logit. Wrong: nothing a user can cause; what the rows cannot tell is NaN.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer

# A risk nearer to 0 or 1 counts as this: one patient who was given up for lost or safe, and was not, then costs at most
# 9.2 nats. No data here could tell a risk of 1 in 10,000 from a lower one.
FLOOR = 1e-4
N_BINS = 10
N_KNOTS = 5  # of the smooth curve, at quantiles of the logit; Harrell's default
WIDEST = 50.0  # the intercept is looked for within this many logits


@dataclass(frozen=True)
class Calibration:
    """intercept: shift of the logits, slope held at 1, that makes the mean risk the observed share (0 is right, below 0
    means risks are too high). slope: of the labels' logit on the risks' (1 is right, below 1 means risks are too extreme).
    ici: mean distance of the risks from a smooth curve through the labels (Austin and Steyerberg 2019)."""

    intercept: float
    slope: float
    ici: float


@dataclass(frozen=True)
class Bin:
    """Rows of similar risk, their mean risk and the share with the event."""

    bin: int
    n: int
    mean_risk: float
    observed: float


def clipped(risks: np.ndarray) -> np.ndarray:
    """Risks held within FLOOR and 1 - FLOOR."""
    return np.clip(np.asarray(risks, np.float64), FLOOR, 1 - FLOOR)


def smoothed_share(hits: np.ndarray, rollouts: np.ndarray, prior: float) -> np.ndarray:
    """Risk from rollouts that reached the outcome: (hits + prior) / (rollouts + 1).

    The prior is the share of events in train and weighs as much as one rollout, so that none or all of them hitting is no risk
    of 0 or 1.
    """
    return (np.asarray(hits, np.float64) + prior) / (np.asarray(rollouts, np.float64) + 1)


def _fit(x: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    with warnings.catch_warnings():  # separated classes have no finite fit; the caller looks at what came out
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1e6, tol=1e-6, max_iter=1000).fit(x, labels)


def _smooth_curve(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of events as a smooth function of the logit [n]: logistic regression on a cubic spline, linear at the ends."""
    knots = np.unique(np.quantile(logits, np.linspace(0.05, 0.95, N_KNOTS)))
    x = logits[:, None]
    if len(knots) > 2:
        spline = SplineTransformer(degree=3, knots=knots[:, None], extrapolation="linear", include_bias=False)
        x = np.hstack([x, spline.fit_transform(x)])
    return _fit(x, labels).predict_proba(x)[:, 1]


def calibration(labels: np.ndarray, risks: np.ndarray) -> Calibration:
    """Calibration of risks [n] for labels bool [n]; all NaN where a class is empty, slope and curve where all risks agree."""
    labels, logits = np.asarray(labels, bool), logit(clipped(risks))
    if labels.all() or not labels.any():
        return Calibration(np.nan, np.nan, np.nan)
    intercept = brentq(lambda shift: expit(logits + shift).mean() - labels.mean(), -WIDEST, WIDEST)
    if np.ptp(logits) < 1e-9:
        return Calibration(float(intercept), np.nan, float(abs(expit(logits).mean() - labels.mean())))
    slope = float(_fit(logits[:, None], labels).coef_[0, 0])
    ici = float(np.abs(_smooth_curve(logits, labels) - expit(logits)).mean())
    return Calibration(float(intercept), slope, ici)


def calibration_bins(labels: np.ndarray, risks: np.ndarray, n_bins: int = N_BINS) -> list[Bin]:
    """Bins of about equally many rows, by quantiles of the risk; equal risks are never parted, so there may be fewer."""
    labels, risks = np.asarray(labels, bool), np.asarray(risks, np.float64)
    if not len(labels):
        return []
    edges = np.unique(np.quantile(risks, np.linspace(0, 1, n_bins + 1)[1:-1]))
    member = np.searchsorted(edges, risks, side="left")
    kept = (np.flatnonzero(member == number) for number in np.unique(member))
    return [
        Bin(number, len(rows), float(risks[rows].mean()), float(labels[rows].mean()))
        for number, rows in enumerate(kept, start=1)
    ]
