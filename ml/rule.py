"""The rule for learning rate, batch and weight decay: what a run is given unless the user says otherwise.

In: D, the timeline tokens of the run. Out: eta of the set-up in ml/model.py, weight decay, tokens a step. N enters by way of that
set-up, in which matrices learn at eta * 32 / width. Fitted on the synthetic cohort; the scan is tests/benchmarks/rates.py, its
table and what it does not show are in ml/README.md. Wrong: nothing here.
"""

# At every N and D: the best of five at the smallest, middle and largest size of the scan, on all tokens but the values of
# measurements; on those the scan is noise, as a run finds out to look them up or does not, by chance.
ETA = 0.01
WEIGHT_DECAY = 0.1  # of the matrices, at every D / U: up to 4.4 epochs no other value is shown to be better
BATCH_SCALE, BATCH_POWER = 0.2, 0.571


def batch_tokens_for(tokens: float) -> int:
    """Tokens a step: 0.2 D^0.571, a token at least; that is 1,100 steps at D = 3e5 and 5,000 at 1e7.

    The power is Step Law's (2503.04715). Its factor, 0.58, leaves runs under 1e6 tokens too few steps: at 1e11 FLOPs the
    loss on made-up timelines was 2.54 with 0.58 and 2.29 with 0.3 (N = 25k), 2.25 with 0.3 and 2.20 with 0.2 (N = 39k).
    """
    return max(1, round(BATCH_SCALE * tokens**BATCH_POWER))
