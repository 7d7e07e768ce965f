"""Simulation: the cached path against whole sequences, windows that roll, draws that depend on nothing beside them, memory, ends."""

import numpy as np
import pytest
import torch

from ml import generate
from ml.attention import Documents
from ml.device import Device
from ml.draw import draw, row_keys, uniforms
from ml.generate import Prompt, Rollouts, Sampling, join, prompts_at_once, rollout_bytes, simulate
from ml.grammar import Grammar
from ml.kv_cache import Decoder
from ml.model import Llama, ModelConfig
from ml.outcomes import Watched
from tests.ml.test_huggingface import KINDS, UNTIED, random_model
from warehouse.errors import UserError

CPU, V = torch.device("cpu"), 60
FLOAT, HALF = Device(CPU, torch.float32), Device(CPU, torch.bfloat16)
STATICS = np.array([1, 2, 3])
SECONDS = np.zeros(V)
DEATH, DISCHARGE, STROKE = 59, 58, 57


def free(death: tuple[int, ...] = (DEATH,), never: int = 5) -> Grammar:
    """Every token from `never` on may follow every other."""
    legal = (np.arange(V) >= never)[None]
    return Grammar(legal, np.zeros((1, V), np.int32), death)


def whole_logits(model: Llama, tokens: np.ndarray) -> torch.Tensor:
    """Logits [n, V] of one document, in float32."""
    starts = torch.tensor([0, len(tokens)], dtype=torch.int32)
    return model.logits(torch.from_numpy(tokens), Documents(starts, len(tokens)))


def prompt(length: int, key: int, **others) -> Prompt:
    return Prompt(np.random.default_rng(key).integers(5, 57, length), STATICS, key, **others)


def run(
    model: Llama, prompts: list[Prompt], device: Device = FLOAT, tasks: list[Watched] | None = None, **others
) -> Rollouts:
    sampling = Sampling(**({"rollouts": 3, "max_tokens": 20, "keep_tokens": True} | others))
    tasks = [Watched("never", "event")] if tasks is None else tasks
    return join(list(simulate(model, prompts, tasks, SECONDS, free(), sampling, device, progress=False)))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_the_cached_path_are_those_of_the_whole_sequence(kind: str) -> None:
    model, rng = random_model(ModelConfig(**{**vars(UNTIED), "context": 220, **KINDS[kind]})), np.random.default_rng(0)
    decoder, lengths, steps, rollouts = Decoder(model, torch.float32, CPU), (1, 7, 64, 130), 70, 2
    rows = [rng.integers(1, V, length + steps) for length in np.repeat(lengths, rollouts)]
    for i in range(0, len(rows), rollouts):  # of one prompt
        rows[i + 1][: lengths[i // rollouts]] = rows[i][: lengths[i // rollouts]]
    whole = [whole_logits(model, row) for row in rows]
    read = [decoder.prompt(torch.from_numpy(rows[i * rollouts][:length])) for i, length in enumerate(lengths)]
    for i, (logits, _) in enumerate(read):
        torch.testing.assert_close(logits[:V], whole[i * rollouts][lengths[i] - 1], rtol=0, atol=1e-4)
    cache, kept = decoder.shared([prefix for _, prefix in read], rollouts), list(range(len(rows)))
    for step in range(steps):
        if step == 40:  # a row and a whole prompt leave
            kept = [0, 1, 3, 6, 7]
            cache.keep(torch.tensor(kept))
        places = [lengths[i // rollouts] + step for i in kept]
        token = torch.tensor([rows[i][place] for i, place in zip(kept, places, strict=True)])
        wanted = torch.stack([whole[i][place] for i, place in zip(kept, places, strict=True)])
        torch.testing.assert_close(decoder.step(token, cache)[:, :V], wanted, rtol=0, atol=1e-4)


@torch.no_grad()
def test_windows_roll_with_the_static_prefix_and_the_latest_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every logit that a token was drawn from is that of the window that the rules say, across several readings anew."""
    model, context = random_model(ModelConfig(**{**vars(UNTIED), "n_kv_heads": 2, "context": 40})), 40
    seen: list[torch.Tensor] = []
    plain = generate._Simulation._probabilities
    monkeypatch.setattr(
        generate._Simulation, "_probabilities", lambda self, x, state: (seen.append(x[:, :V]), plain(self, x, state))[1]
    )
    for length in (5, 30, 90):
        seen.clear()
        one = prompt(length, length)
        drawn = run(model, [one], rollouts=1, max_tokens=100).tokens[0, 0]
        history, start, n = one.tokens[-(30 - 3) :], 0, len(one.tokens[-(30 - 3) :])
        history = np.concatenate((history, drawn))
        for step in range(100):
            if 3 + n + step - start > context:  # the window was full
                start = n + step - (20 - 3)
                n, start = n, start
                window = np.concatenate((STATICS, history[start : n + step]))
            window = np.concatenate((STATICS, history[start : n + step]))
            wanted = whole_logits(model, window)[-1]
            torch.testing.assert_close(seen[step][0], wanted, rtol=0, atol=1e-4)
