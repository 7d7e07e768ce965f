"""Which law of repeated data predicts runs it has not seen: Muennighoff's, the rising one, or none at all.

In: points with unique tokens, base constants. Out: the mean absolute error of log loss per law, on held-out
configurations and on the runs with most epochs, and notes that name the law to use.
Both laws share the base constants, which come from single-epoch runs alone, so only the repeated part competes. A law
with more parameters must earn them: it is chosen over a simpler one only where its held-out error is lower.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.points import Points, subset
from analysis.repeated import METHOD as DECAY
from analysis.repeated import SINGLE_EPOCH, Base, fit_decay, predict
from analysis.results import Note
from analysis.rising import METHOD as RISING
from analysis.rising import best_rise, make_rise_problem, predict_rising

FRESH = "fresh"
FOLDS = 5
# The runs with most epochs, held out together: can a law be carried on to more repeats than it was fitted to?
MOST_SHARE = 0.2
# Fewer configurations that repeat leave folds of one or two runs.
MIN_CONFIGURATIONS = 10
Predictor = Callable[[Points], np.ndarray]


@dataclass(frozen=True)
class Choice:
    """Mean absolute error of log loss by law, in cross-validation and beyond the epochs fitted; the law of least error."""

    held_out: dict[str, float]
    most_epochs: dict[str, float]
    best: str

    @property
    def note(self) -> Note:
        """The choice in one sentence."""
        figures = "; ".join(
            f"{name} {error:.2%} ({self.most_epochs[name]:.2%} on the runs with most epochs)"
            for name, error in self.held_out.items()
        )
        beyond = min(self.most_epochs, key=self.most_epochs.get)
        use = (
            f"{self.best}" if beyond == self.best else f"{self.best} for as many epochs as were run, {beyond} for more"
        )
        return Note("held_out_choice", "info", f"Held-out error of log loss: {figures}. Use {use}.")


def choose_law(points: Points, base: Base, seed: int) -> Choice | None:
    """Held-out errors of the laws over configurations that repeat their data; None where they are too few."""
    again = subset(points, points.d > points.unique_tokens * SINGLE_EPOCH)
    codes = np.unique(again.configuration, return_inverse=True)[1].reshape(-1)
    count = int(codes.max()) + 1 if len(codes) else 0
    if count < MIN_CONFIGURATIONS:
        return None
    fold = np.random.default_rng(seed).permutation(count)[codes] % FOLDS
    errors: dict[str, list[np.ndarray]] = {FRESH: [], DECAY: [], RISING: []}
    for k in range(FOLDS):
        for name, error in _errors(again, base, fold == k).items():
            errors[name].append(error)
    epochs = again.d / again.unique_tokens
    most = _errors(again, base, epochs >= np.quantile(epochs, 1 - MOST_SHARE))
    held_out = {name: float(np.concatenate(parts).mean()) for name, parts in errors.items()}
    beyond = {name: float(error.mean()) for name, error in most.items()}
    return Choice(held_out, beyond, min(held_out, key=held_out.get))


def _errors(points: Points, base: Base, out: np.ndarray) -> dict[str, np.ndarray]:
    """Absolute errors of log loss of the rows `out`, by law, each fitted to the other rows."""
    rest, test = subset(points, ~out), subset(points, out)
    decay = fit_decay(rest, base, 0, 0).estimates
    rise = best_rise(make_rise_problem(rest, base))[0]
    rows = (test.n, test.d, test.unique_tokens)
    predicted = {
        FRESH: base.fresh(test.n, test.d),
        DECAY: predict(base, decay["R_D"], decay["R_N"], *rows),
        RISING: predict_rising(base, rise, *rows),
    }
    return {name: np.abs(np.log(test.loss / value)) for name, value in predicted.items()}
