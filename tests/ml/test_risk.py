"""Risk on a small Markov chain whose answer is known: both estimates unbiased, the second with less spread; undecided rollouts."""

from functools import cache

import numpy as np
import pytest
import torch

from ml.device import Device
from ml.generate import Prompt, Rollouts, Sampling, join, simulate
from ml.grammar import Grammar
from ml.model import Llama, ModelConfig
from ml.outcomes import Watched, share_beyond
from ml.risk import controlled, rollouts_needed

A, B, GAP, NAME, LOW, HIGH, STROKE, HOME, DEATH = range(1, 10)
V, GAP_SECONDS, START = 10, 3600.0, A
STOP = (HOME,)
POTASSIUM = {LOW: tuple(np.linspace(3.0, 5.0, 21)), HIGH: tuple(np.linspace(5.0, 7.0, 21))}
TASKS = {
    "rare": Watched("rare", "event", STOP, tokens=(STROKE,)),
    "common": Watched("common", "event", (), tokens=(HOME,)),
    "soon": Watched("soon", "event", STOP, horizon_seconds=2.5 * GAP_SECONDS, tokens=(STROKE,)),
    "long stay": Watched("long stay", "duration", STOP, seconds=3.5 * GAP_SECONDS),
    "hours": Watched("hours", "time_to_stop", STOP, unit_seconds=3600),
    "next": Watched("next", "result", STOP, name_tokens=(NAME,), values=POTASSIUM, threshold=5.5, decided_by="next"),
    "any": Watched("any", "result", STOP, name_tokens=(NAME,), values=POTASSIUM, threshold=5.5, decided_by="any"),
    "value": Watched("value", "value", name_tokens=(NAME,), values={LOW: 4.0, HIGH: 6.0}),
    "class": Watched("class", "class", STOP, tokens=(LOW, STROKE), labels=(3, 7)),
}
NUMBERS = ("hours", "value")


def chain() -> np.ndarray:
    """[V, V]: the chance of each token after each other."""
    p = np.zeros((V, V))
    for token in (A, B, GAP, LOW, HIGH, STROKE):
        p[token, [A, B, GAP, NAME, STROKE, HOME, DEATH]] = np.array([0.3, 0.2, 0.25, 0.12, 0.02, 0.08, 0.03])
    p[B, [A, STROKE]] = [0.22, 0.1]
    p[NAME, [LOW, HIGH]] = [0.7, 0.3]
    p[[HOME, DEATH], A] = 1  # not asked for
    return p


def model_of(p: np.ndarray) -> Llama:
    """A decoder without blocks, whose next token depends on the last one alone, by the chances p."""
    model = Llama(ModelConfig(V, d_model=V, n_layers=0, n_heads=1, n_kv_heads=1, d_ff=2, context=64))
    with torch.no_grad():
        model.model["embed_tokens"].weight.copy_(torch.eye(V))
        logits = torch.from_numpy(np.log(np.maximum(p, 1e-30)))
        model.lm_head.weight.copy_(logits.T / V**0.5)  # the norm makes the one of a row sqrt(V)
    return model


@cache
def simulated() -> Rollouts:
    """Many rollouts of all tasks from the same start, as prompts of 500 each."""
    grammar = Grammar(np.ones((1, V), bool), np.zeros((1, V), np.int32), (DEATH,))
    seconds = np.where(np.arange(V) == GAP, GAP_SECONDS, 0)
    prompts = [Prompt(np.array([START]), np.array([B]), key) for key in range(24)]
    sampling = Sampling(rollouts=500, max_tokens=600)
    device = Device(torch.device("cpu"), torch.float32)
    parts = simulate(
        model_of(chain()), prompts, list(TASKS.values()), seconds, grammar, sampling, device, progress=False
    )
    return join(list(parts))


def exact(task: Watched) -> float:
    """The expectation that rollouts estimate, by repeated substitution over (gaps so far, last token)."""
    p, gaps = chain(), 60
    shares = (
        {t: share_beyond(v, 5.5, "above") for t, v in task.values.items()} if task.kind == "result" else task.values
    )
    limit = task.seconds or task.horizon_seconds or np.inf
    value = np.zeros((gaps + 1, V))
    for _ in range(400):
        new = np.zeros_like(value)
        for token in range(1, V):
            gone = np.minimum(np.arange(gaps + 1) + (token == GAP), gaps)
            on, gain = value[gone, token].copy(), np.zeros(gaps + 1)
            late = (gone * GAP_SECONDS > limit) & (token == GAP)
            ends = token == DEATH or token in task.stop_tokens
            for last in range(1, V):
                go, got = on.copy(), gain.copy()
                if task.kind == "time_to_stop":
                    got += GAP_SECONDS / task.unit_seconds if token == GAP else 0.0
                elif token in task.tokens:
                    got, go = got + (task.labels[task.tokens.index(token)] if task.labels else 1), go * 0
                elif task.kind == "duration":
                    got, go = got + late, np.where(late, 0, go)
                elif last == NAME and token in shares:
                    got = got + shares[token]
                    go = go * (1 - shares[token]) if task.decided_by == "any" and task.kind == "result" else go * 0
                if ends or task.kind != "duration":
                    go = np.where(late | ends, 0, go)
                new[:, last] += p[last, token] * (got + go)
        value = new
    return float(value[0, START])


@pytest.mark.parametrize("name", TASKS)
def test_both_estimates_are_unbiased_and_the_second_has_less_spread(name: str) -> None:
    t, truth = list(TASKS).index(name), exact(TASKS[name])
    found = simulated()
    hit, decided, average, against = (
        x[:, t].reshape(1, -1) for x in (found.hit, found.decided, found.average, found.against)
    )
    assert decided.all()
    if name == "class":
        truth_low = found.classes[t].mean(0)
        assert hit.max() == 7
        shares = [(hit == 3).mean(), (hit == 7).mean()]
        np.testing.assert_allclose(truth_low, shares, atol=4 * 0.5 / hit.size**0.5)
        hit = np.where(hit < 0, 0, hit)
        assert abs(hit.mean() - truth) < 4 * hit.std() / hit.size**0.5
        return
    if name == "value":
        reached = np.isfinite(hit)
        hit = np.where(reached, hit, 0)
    needed = {}
    estimates = {"hits": hit, "average": average}
    if name not in NUMBERS:
        estimates["controlled"] = controlled(hit, decided, average, against)
    for way, estimate in estimates.items():
        error = estimate.std() / estimate.size**0.5
        assert abs(estimate.mean() - truth) < 4 * error + 1e-4, (way, estimate.mean(), truth, error)
        needed[way] = rollouts_needed(estimate, hit)
    print(
        f"{name}: truth {truth:.4f}, rollouts for the error of 1000 by hits:",
        {w: round(1000 * x) for w, x in needed.items()},
    )
    if name not in NUMBERS:
        assert needed["controlled"] < min(needed["average"], 1.0) + 0.01
    if name in ("rare", "soon", "next", "any"):
        assert needed["average"] < 0.9
