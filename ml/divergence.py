"""When a run has diverged, by a fixed rule.

In: the mean loss of each line of progress (a hundredth of the run), the mean gradient norm, and what came before, as
the run's `Tally` keeps it, so that a resumed run decides as one that was never stopped. Out: the reason, or None.
A run has diverged when (1) the loss or the gradient norm is not finite, (2) the loss is GUESSING times what guessing
costs, or (3) the loss spiked and stayed: over LINES lines it lies MARGIN above the lowest it was over as many. A
spike that comes back within LINES lines is left alone.
"""

import math

GUESSING = 2.0  # ln(vocabulary) is what a model that knows nothing pays; twice that is no start, it is an explosion
# Hundredths of a run. In the smallest runs a line is one step of a few hundred tokens: on real records, where one long stay in
# intensive care costs twice what others do, the mean over five such lines rose by 1.0 in a run that was well, over ten by 0.5.
LINES = 10
MARGIN = 1.0  # nats per token


def fault(loss: float, norm: float, vocabulary_size: int) -> str | None:
    """Rules 1 and 2 for a mean loss in nats per token and a mean gradient norm."""
    if not math.isfinite(loss):
        return f"the loss is {loss:.4g}"
    if not math.isfinite(norm):
        return f"the norm of the gradient is {norm:.4g}"
    if loss > GUESSING * math.log(vocabulary_size):
        return f"{loss:.4g} nats per token, where guessing costs {math.log(vocabulary_size):.4g}"
    return None


def spike(losses: list[float], lowest: float | None) -> tuple[float | None, str | None]:
    """Rule 3 for the losses of the last lines: the lowest mean so far and, where it is broken, the reason."""
    if len(losses) < LINES:
        return lowest, None
    mean = sum(losses[-LINES:]) / LINES
    if lowest is not None and mean > lowest + MARGIN:
        return lowest, f"a spike that stayed: {mean:.4g} nats per token after {lowest:.4g}"
    return mean if lowest is None else min(mean, lowest), None
