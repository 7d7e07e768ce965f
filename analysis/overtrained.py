"""Gadre's law of over-training: L = E + A/N^eta + B/D^eta, one exponent for both, so that loss at every tokens-per-parameter
ratio M = D/N is the same power of compute (Gadre 2024; theirs is E + (a M^(eta/2) + b M^(-eta/2)) C^(-eta/2), C = 6ND).

In: points. Out: a Fit with E, A, B, eta (a = b = 1/2 by the law), by least squares of the loss itself, as published.
One exponent fewer to tell apart than in the surface: five runs suffice, where one of them has another M. For each eta E, A,
B follow in closed form; eta is least over a grid, then refined: no start values, no local minima.
Not identified: fewer than 5 configurations, or all of one M (A and B cannot be told apart).
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from analysis.points import Points, configuration_weights
from analysis.results import Fit, Note, percentile_interval, refused

METHOD = "overtrained"
NAMES = ("E", "A", "B", "eta")
MIN_CONFIGURATIONS = 5
# Published exponents lie near .27; outside these bounds nothing is a scaling law.
ETA_GRID = np.geomspace(0.01, 2.0, 160)
# log M that spreads less than this is one ratio, whatever the rounding.
LEAST_SPREAD = 0.05


def fit_overtrained(points: Points, bootstrap: int, seed: int) -> Fit:
    """Least squares of the loss over E, A, B and eta, a configuration counting once; pairs bootstrap over configurations."""
    codes = np.unique(points.configuration, return_inverse=True)[1].reshape(-1)
    groups = int(codes.max()) + 1 if len(codes) else 0
    barred = _barred(points, groups)
    if barred:
        return refused(METHOD, NAMES, "not_identified", barred)
    weights = 1 / np.bincount(codes)[codes]
    rss, _ = _solve(points, weights[None], ETA_GRID)
    best = int(rss[0].argmin())
    inner = ETA_GRID[max(best - 1, 0)], ETA_GRID[min(best + 1, len(ETA_GRID) - 1)]
    options = {"xatol": 1e-9}
    found = minimize_scalar(
        lambda eta: _solve(points, weights[None], np.array([eta]))[0][0, 0],
        bounds=inner,
        method="bounded",
        options=options,
    )
    eta = float(found.x)
    least, linear = _solve(points, weights[None], np.array([eta]))
    drawn = configuration_weights(codes, bootstrap, np.random.default_rng(seed))
    draws = _draws(points, drawn * weights)
    estimates = dict(zip(NAMES, (*linear[0, 0].tolist(), eta), strict=True))
    freedom = groups - len(NAMES)
    intervals = {name: percentile_interval(draws[name], freedom) for name in NAMES}
    notes = [
        Note("search", "info", f"{len(ETA_GRID)} values of eta, E, A and B in closed form at each; the best refined.")
    ]
    text = (
        "One exponent for N and D is assumed, so that a = b = 1/2; the surface's alpha and beta tell whether it holds."
    )
    notes.append(Note("one_exponent", "info", text))
    known = np.isfinite(draws["eta"]).mean() if bootstrap else 1.0
    if known < 1:
        text = f"{1 - known:.0%} of the resamples have one ratio of tokens to parameters and give no refit."
        notes.append(Note("few_refits", "warning", text))
    status = "converged"
    if best in (0, len(ETA_GRID) - 1):
        status = "bound_hit"
        notes.append(Note("bound_hit", "error", "On a bound: eta; its value is the bound's, not the data's."))
    if min(estimates["A"], estimates["B"], estimates["E"]) < 0:
        notes.append(Note("negative", "warning", "A constant of the law is negative: these runs do not follow it."))
    residual = points.loss - predict_overtrained(estimates, points.n, points.d)
    return Fit(
        METHOD, estimates, intervals, float(least[0, 0]) / 2, status, tuple(notes), draws, {"residual": residual}
    )


def predict_overtrained(estimates: dict[str, float], n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Loss at N and D."""
    return estimates["E"] + estimates["A"] / n ** estimates["eta"] + estimates["B"] / d ** estimates["eta"]


def _barred(points: Points, groups: int) -> tuple[Note, ...]:
    """Why the law cannot be told from these runs; empty where it can."""
    if groups < MIN_CONFIGURATIONS:
        text = f"{groups} configurations: 4 parameters need at least {MIN_CONFIGURATIONS}."
        return (Note("few_configurations", "error", text),)
    if np.std(np.log(points.d / points.n)) < LEAST_SPREAD:
        text = "All runs have one ratio of tokens to parameters: A and B cannot be told apart."
        return (Note("one_ratio", "error", text),)
    return ()


def _solve(points: Points, weights: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares float[draws, grid] and (E, A, B) float[draws, grid, 3] under weights float[draws, rows]."""
    logs = [np.log(points.n), np.log(points.d)]
    centres = [float(column.mean()) for column in logs]
    powers = [np.exp(-eta[:, None] * (column - centre)) for column, centre in zip(logs, centres, strict=True)]
    design = np.stack([np.ones_like(powers[0]), *powers], axis=2)
    products = (design[..., :, None] * design[..., None, :]).reshape(len(eta), len(points), 9)
    normal = np.einsum("br,grk->bgk", weights, products, optimize=True).reshape(len(weights), len(eta), 3, 3)
    # Residuals from the mean loss keep the sums small.
    level = float(points.loss.mean())
    y = points.loss - level
    right = np.einsum("br,grk->bgk", weights, design * y[None, :, None], optimize=True)
    linear = np.einsum("bgij,bgj->bgi", np.linalg.pinv(normal, rcond=1e-13, hermitian=True), right)
    rss = (weights * y**2).sum(axis=1)[:, None] - (linear * right).sum(axis=2)
    linear[..., 0] += level
    for i, centre in enumerate(centres):
        linear[..., 1 + i] *= np.exp(eta * centre)
    return np.maximum(rss, 0.0), linear


def _draws(points: Points, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Estimates by name, float[draws], of the best eta of the grid; unknown where a resample has one ratio alone."""
    parts = [_solve(points, drawn[i : i + 100], ETA_GRID) for i in range(0, len(drawn), 100)]
    found = {name: np.full(len(drawn), math.nan) for name in NAMES}
    if not parts:
        return found
    rss, linear = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = rss.argmin(axis=1)
    rows = np.arange(len(drawn))
    ratio = np.log(points.d / points.n)
    total = drawn.sum(axis=1)
    mean = drawn @ ratio / total
    known = np.sqrt(np.maximum(drawn @ ratio**2 / total - mean**2, 0)) >= LEAST_SPREAD
    values = (*linear[rows, best].T, ETA_GRID[best])
    return {name: np.where(known, value, math.nan) for name, value in zip(NAMES, values, strict=True)}
