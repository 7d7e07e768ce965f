"""The rule for learning rate, batch and weight decay: what a run is given unless the user says otherwise.

In: D, the timeline tokens of the run, and U, the unique ones that it has. Out: eta of the set-up in ml/model.py, tokens a step,
weight decay. N enters by way of eta alone, whose matrices learn at eta * 32 / width. Fitted on the synthetic cohort;
the scan is tests/benchmarks/rates.py, its table is in ml/README.md. Wrong: nothing here.
"""

ETA = 0.01
BATCH_SCALE, BATCH_POWER = 0.2, 0.571
WEIGHT_DECAY = 0.1


def eta_for(tokens: float) -> float:
    """Peak eta of a run of D tokens."""
    return ETA


def batch_tokens_for(tokens: float) -> int:
    """Tokens a step: 0.2 D^0.571, a row at least; that is 1,100 steps at D = 3e5 and 5,000 at 1e7.

    The power is Step Law's (2503.04715). Its factor, 0.58, leaves runs under 1e6 tokens too few steps: at 1e11 FLOPs the
    loss on made-up timelines was 2.54 with 0.58 and 2.29 with 0.3 (N = 25k), 2.25 with 0.3 and 2.20 with 0.2 (N = 39k).
    """
    return max(1, round(BATCH_SCALE * tokens**BATCH_POWER))


def weight_decay_for(tokens: float, unique_tokens: float) -> float:
    """Weight decay of the matrices."""
    return WEIGHT_DECAY
