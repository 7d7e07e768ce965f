"""Approach 1: the envelope of training curves, then power laws N* ~ C^a and D* ~ C^b along it (Hoffmann 2022).

In: curves (points.Curves: compute, tokens and loss along each run). Out: a Fit with a, b and, per compute, n_opt, d_opt,
loss_opt; details: vertices (isoflop.Vertex, of the computes that are told), compute (float[grid]), winner (row of the run
that is best at each compute), kept (bool[grid]).
At each of a grid of computes the run with the least loss wins; log loss is linear in log compute between the points of a
curve. Where the winner is the smallest or the largest size that has a curve there, the optimum may lie beyond: such
computes are left out of the laws. Intervals: bootstrap over configurations (all curves of one move together).
The caveat that goes with it: a point before the end of a run was taken before its learning rate came down, so its loss is
higher than that of a run planned to end there, and the envelope is right only where decay is matched (a constant rate, a
cooled-down branch at every point, or the runs' ends alone). What is not known to be matched is said, as a warning.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.isoflop import BUDGET_NAMES, LAW_NAMES, Vertex
from analysis.points import Curves, configuration_weights
from analysis.results import Fit, Note, budget_key, percentile_interval, refused

METHOD = "envelope"
# Hoffmann reads the envelope at 1,500 computes; neighbours share a winner, so far fewer tell the same.
GRID_POINTS = 60
# The winner must have a smaller and a larger rival.
MIN_SIZES = 3
# A line through two sizes has no residual to judge it by.
MIN_WINNERS = 3
# Computes that are told one by one in estimates and tables.
SHOWN = 6


@dataclass(frozen=True)
class Grid:
    """Log loss and log tokens of every run at every compute, float[runs, grid]; NaN where a curve does not reach."""

    compute: np.ndarray
    log_loss: np.ndarray
    log_tokens: np.ndarray


def fit_envelope(curves: Curves, bootstrap: int, seed: int) -> Fit:
    """Power laws along the envelope, with 95% intervals."""
    notes = [] if curves.matched else [decay_note(curves)]
    grid = read_curves(curves)
    log_n = np.array([np.log(curves.n[curves.run == code][0]) for code in np.unique(curves.run)])
    winner, kept = envelope(grid, log_n)
    distinct = len(np.unique(log_n[winner[kept]])) if kept.any() else 0
    if distinct < MIN_WINNERS:
        text = (
            f"{distinct} sizes win the envelope between a smaller and a larger rival: a power law needs {MIN_WINNERS}. "
            "Train more sizes, or read the optimum off one budget at a time."
        )
        return refused(METHOD, LAW_NAMES, "not_identified", (*notes, Note("few_winners", "error", text)))
    edge = ~kept & (winner >= 0)
    if edge.any():
        text = f"{edge.sum()} of {len(kept)} computes left out: the winner has no rival on both sides in size."
        notes.append(Note("winner_at_edge", "info", text))
    groups = np.array([curves.configuration[curves.run == code][0] for code in np.unique(curves.run)])
    draws, winners = _bootstrap(grid, log_n, groups, bootstrap, np.random.default_rng(seed))
    found = {name: float(value[0]) for name, value in _laws(grid, log_n, winner[None], kept[None]).items()}
    freedom = distinct - 2
    intervals = {name: percentile_interval(draws[name], freedom) for name in LAW_NAMES}
    shown = np.flatnonzero(kept)[np.linspace(0, kept.sum() - 1, min(SHOWN, int(kept.sum()))).round().astype(int)]
    keys = [budget_key(grid.compute[i]) for i in shown]
    sources = {"n_opt": log_n[:, None] + 0 * grid.log_loss, "d_opt": grid.log_tokens, "loss_opt": grid.log_loss}
    for name, source in sources.items():
        found[name] = {key: float(np.exp(source[winner[i], i])) for key, i in zip(keys, shown, strict=True)}
        draws[name] = np.stack([np.exp(_picked(source, winners[:, i], i)) for i in shown], axis=1)
        ends = [percentile_interval(column, log=True) for column in draws[name].T]
        intervals[name] = dict(zip(keys, ends, strict=True))
    residual = _residual(grid, log_n, winner, kept, found["a"])
    vertices = tuple(_vertex(key, found, draws["n_opt"][:, i], draws["loss_opt"][:, i]) for i, key in enumerate(keys))
    details = {"compute": grid.compute, "winner": winner, "kept": kept, "vertices": vertices}
    details |= {"residual": residual, "freedom": freedom}
    objective = float((residual**2).sum())
    return Fit(METHOD, found, intervals, objective, "converged", tuple(notes), draws, details)


def _vertex(key: str, found: dict, n_opt: np.ndarray, loss_opt: np.ndarray) -> Vertex:
    """One shown compute's optimum in the form that tables and figures know."""
    n, d, loss = (found[name][key] for name in BUDGET_NAMES)
    errors = (
        float(np.nanstd(np.log(column))) if np.isfinite(column).any() else math.nan for column in (n_opt, loss_opt)
    )
    return Vertex(float(key), n, d, loss, *errors, np.empty(0, dtype=bool), np.zeros(3), math.log(n), (), True)


def decay_note(curves: Curves) -> Note:
    """The caveat of curves whose points stand before the end of their schedule."""
    rows = len(curves.loss) - len(np.unique(curves.run))
    text = (
        f"{rows} of {len(curves.loss)} curve points stand before the end of their run, where the learning rate is not known "
        "to have come down: their loss is too high for their compute, which moves the exponents."
    )
    return Note("decay_not_matched", "warning", text)


def read_curves(curves: Curves) -> Grid:
    """Every run at every compute of a grid from the first to the last that any two curves share."""
    codes = np.unique(curves.run)
    spans = np.array([[curves.flops[curves.run == c].min(), curves.flops[curves.run == c].max()] for c in codes])
    compute = np.geomspace(spans[:, 0].min(), spans[:, 1].max(), GRID_POINTS)
    log_c = np.log(compute)
    loss, tokens = [], []
    for code in codes:
        mine = np.flatnonzero(curves.run == code)
        mine = mine[np.argsort(curves.flops[mine], kind="stable")]
        x = np.log(curves.flops[mine])
        slack = 1e-9
        reached = (log_c >= x[0] - slack) & (log_c <= x[-1] + slack)
        loss.append(np.where(reached, np.interp(log_c, x, np.log(curves.loss[mine])), np.nan))
        tokens.append(np.where(reached, np.interp(log_c, x, np.log(curves.tokens[mine])), np.nan))
    return Grid(compute, np.array(loss), np.array(tokens))


def envelope(grid: Grid, log_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Winner per compute, int[grid] (-1: none), and whether it has a smaller and a larger rival there, bool[grid]."""
    winners, kept = _envelopes(grid.log_loss[None], log_n)
    return winners[0], kept[0]


def _envelopes(log_loss: np.ndarray, log_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """envelope for many sets of curves at once: log_loss float[draws, runs, grid]."""
    there = np.isfinite(log_loss)
    value = np.where(there, log_loss, np.inf)
    winner = value.argmin(axis=1)
    sizes = np.where(there, log_n[:, None], np.nan)
    low = np.where(there, sizes, np.inf).min(axis=1)
    high = np.where(there, sizes, -np.inf).max(axis=1)
    kept = there.any(axis=1) & (log_n[winner] > low + 1e-6) & (log_n[winner] < high - 1e-6)
    return np.where(there.any(axis=1), winner, -1), kept


def _laws(grid: Grid, log_n: np.ndarray, winner: np.ndarray, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Slopes a and b, float[draws], of log N and log D of the winners on log compute; NaN under three kept winners."""
    log_c = np.log(grid.compute)
    weight = kept.astype(float)
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    away = (log_c - (weight * log_c).sum(axis=1, keepdims=True) / total) * weight
    spread = (away**2).sum(axis=1)
    columns = np.broadcast_to(np.arange(len(log_c)), winner.shape)
    sources = {"a": log_n[winner], "b": np.where(kept, grid.log_tokens[winner, columns], 0.0)}
    few = np.array([len(np.unique(log_n[w[k]])) < MIN_WINNERS for w, k in zip(winner, kept, strict=True)])
    return {
        name: np.where(few | (spread <= 0), np.nan, (away * y).sum(axis=1) / np.where(spread > 0, spread, 1.0))
        for name, y in sources.items()
    }


def _bootstrap(
    grid: Grid, log_n: np.ndarray, groups: np.ndarray, draws: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """a and b, float[draws], and the winners, int[draws, grid], when configurations are drawn with replacement."""
    drawn = configuration_weights(groups, draws, rng) > 0
    parts = [
        _envelopes(np.where(drawn[i : i + 100, :, None], grid.log_loss, np.nan), log_n) for i in range(0, draws, 100)
    ]
    winner, kept = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _laws(grid, log_n, winner, kept), winner


def _picked(source: np.ndarray, winner: np.ndarray, at: int) -> np.ndarray:
    """source[winner, at] per draw; NaN where nothing won."""
    return np.where(winner >= 0, source[winner, at], math.nan)


def _residual(grid: Grid, log_n: np.ndarray, winner: np.ndarray, kept: np.ndarray, slope: float) -> np.ndarray:
    """log N of the kept winners minus the law's."""
    x, y = np.log(grid.compute[kept]), log_n[winner[kept]]
    return y - y.mean() - slope * (x - x.mean())
