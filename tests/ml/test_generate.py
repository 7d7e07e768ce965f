"""Simulation: the cached path against whole sequences, windows that roll, draws that depend on nothing beside them, memory,
ends."""

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
        generate._Simulation,
        "_probabilities",
        lambda self, x, *others: (seen.append(x[:, :V]), plain(self, x, *others))[1],
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


TASKS = [
    Watched("stroke", "event", (DISCHARGE,), tokens=(STROKE,)),
    Watched("class", "class", tokens=(20, 21), labels=(4, 5)),
]


@pytest.mark.parametrize("device", [FLOAT, HALF], ids=["float32", "bfloat16"])
def test_a_prompt_gets_the_same_rollouts_to_the_bit_in_any_company(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model(ModelConfig(**{**vars(UNTIED), "n_kv_heads": 2, "context": 48}))
    prompts = [prompt(length, length) for length in (0, 1, 2, 5, 17, 30, 33, 34, 47, 48, 60, 100, 101, 102, 103, 104)]
    together = run(model, prompts, device, TASKS, rollouts=4, max_tokens=70)
    assert together.length.min() < 40 < together.length.max() == 70  # some end, some outlive their window and the cap
    company = {"one by one": prompts[::5], "backwards": prompts[::-1]}
    for name, others in company.items():
        monkeypatch.setattr(generate, "MOST_ROWS", {"one by one": 3, "backwards": 12}[name])
        found = run(model, others, device, TASKS, rollouts=3, max_tokens=70)
        places = [next(i for i, p in enumerate(prompts) if p is other) for other in others]
        for column in ("hit", "decided", "average", "against"):
            np.testing.assert_array_equal(
                getattr(found, column), getattr(together, column)[places, :, :3], err_msg=name
            )
        np.testing.assert_array_equal(found.tokens, together.tokens[places, :3])
    other_seed = run(model, prompts[:2], device, TASKS, rollouts=3, max_tokens=70, seed=1)
    assert not np.array_equal(other_seed.tokens[1], together.tokens[1, :3])
    assert len({tuple(row) for row in together.tokens.reshape(-1, 70)[4:].tolist()}) == 15 * 4


def test_rollouts_end_with_their_tasks_a_death_or_the_cap_and_only_real_tokens_are_drawn() -> None:
    model, prompts = random_model(UNTIED), [prompt(10, 1), prompt(20, 2, watching=np.array([True, False]))]
    found = run(model, prompts, tasks=TASKS, rollouts=40, max_tokens=60)
    drawn, at_end = found.tokens, np.take_along_axis(found.tokens, found.length[..., None] - 1, 2)[..., 0]
    assert drawn[np.arange(60) < found.length[..., None]].min() >= 5
    assert not drawn[np.arange(60) >= found.length[..., None]].any()
    ends = np.isin(drawn, (DEATH,)) & (np.arange(60) < found.length[..., None] - 1)
    assert not ends.any()
    # Who is watched for the stroke alone ends with it, a discharge or a death, or is cut off at the cap.
    ended = np.isin(at_end[1], (STROKE, DISCHARGE, DEATH))
    assert ended.any() and (ended | (found.length[1] == 60)).all()
    np.testing.assert_array_equal(found.decided[1, 0], ended)
    np.testing.assert_array_equal(found.hit[1, 0] == 1, at_end[1] == STROKE)
    assert np.isnan(found.hit[1, 1]).all() and not found.decided[1, 1].any()
    # Who is watched for both goes on until both are known.
    stop = [next((i for i, t in enumerate(row) if t in (STROKE, DISCHARGE, DEATH)), 99) for row in drawn[0].tolist()]
    first = [next((i for i, t in enumerate(row) if t in (20, 21, DEATH)), 99) for row in drawn[0].tolist()]
    np.testing.assert_array_equal(found.length[0], np.minimum(np.maximum(stop, first) + 1, 60))
    label = {20: 4, 21: 5, DEATH: -1}
    wanted = [label[row[i]] if i < 60 else -1 for row, i in zip(drawn[0].tolist(), first, strict=True)]
    np.testing.assert_array_equal(found.hit[0, 1], wanted)
    assert found.classes[1].shape == (2, 2) and (found.classes[1][0] > 0).all()


def test_temperature_zero_takes_the_likeliest_token_and_a_low_one_is_greedier() -> None:
    model, one = random_model(UNTIED), prompt(10, 3)
    greedy = run(model, [one], temperature=0.0, max_tokens=8).tokens[0]
    assert (greedy == greedy[0]).all()
    window = np.concatenate((STATICS, one.tokens))
    assert greedy[0, 0] == 5 + int(whole_logits(model, window)[-1, 5:].argmax())
    counts = [
        (run(model, [one], temperature=t, max_tokens=1, rollouts=200).tokens[0, :, 0] == greedy[0, 0]).mean()
        for t in (0.5, 1.0, 2.0)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_draws_follow_the_distribution_and_never_take_what_cannot_be() -> None:
    p = torch.zeros(1, 128)
    p[0, [3, 64, 65, 127]] = torch.tensor([0.5, 0.2, 0.1, 0.2])
    u = torch.from_numpy(uniforms(row_keys(0, np.array([7]), 20_000), np.zeros(20_000)))
    assert 0 <= u.min() < 0.001 and 0.999 < u.max() < 1
    token = draw(p.expand(20_000, -1).contiguous(), u)
    shares = torch.bincount(token, minlength=128) / 20_000
    torch.testing.assert_close(shares, p[0], rtol=0, atol=4 * 0.5 / 20_000**0.5)
    assert not (shares[p[0] == 0]).any()
    extremes = torch.tensor([0.0, 0.5, 0.7, 1 - 2.0**-23])
    assert draw(p.expand(4, -1).contiguous(), extremes).tolist()[-1] == 127
    assert draw(p[:, :64].contiguous(), torch.tensor([0.0])).item() == 3
    # A hash, not a sequence: neighbours are unlike each other.
    keys = row_keys(0, np.arange(100), 100)
    a, b = uniforms(keys, np.zeros(len(keys))), uniforms(keys, np.ones(len(keys)))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05 and abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.05
    assert len(np.unique(keys)) == len(keys)


def test_memory_decides_how_many_prompts_at_once() -> None:
    config = ModelConfig(vocabulary_size=4096, d_model=128, n_layers=5, n_heads=4, n_kv_heads=2, d_ff=400, context=1024)
    sampling = Sampling(rollouts=20, max_tokens=500, budget_bytes=1 << 28)
    half, single = (prompts_at_once(config, sampling, 10, dtype) for dtype in (torch.bfloat16, torch.float32))
    each = rollout_bytes(config, sampling, 10, torch.bfloat16, 500)
    assert each > 2 * 5 * 2 * 32 * 500 * 2  # keys and values alone
    assert half * 20 * each <= 1 << 28 < (half + 1) * (20 * each + 2 * 5 * 2 * 32 * 1024 * 2)
    assert 1 <= single < half
    assert prompts_at_once(config, Sampling(20, 500, budget_bytes=1), 10, torch.float32) == 1
    assert (
        prompts_at_once(config, Sampling(20, 500, budget_bytes=1 << 50), 10, torch.float32) == generate.MOST_ROWS // 20
    )


def test_chunks_come_in_order_and_mistakes_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "MOST_ROWS", 6)
    prompts, model = [prompt(4, key) for key in range(5)], random_model(UNTIED)
    parts = simulate(model, prompts, TASKS, SECONDS, free(), Sampling(3, 5), FLOAT, progress=False)
    assert [(part.first, len(part.hit)) for part in parts] == [(0, 2), (2, 2), (4, 1)]
    nobody = run(model, [prompt(4, 0, watching=np.zeros(2, bool))], tasks=TASKS)
    assert not nobody.length.any() and not nobody.decided.any()
    with pytest.raises(UserError, match="beyond the model's vocabulary"):
        run(model, [Prompt(np.array([60]), STATICS, 0)])
    with pytest.raises(UserError, match="no room"):
        run(model, [Prompt(np.array([6]), np.arange(1, 40), 0)])
    with pytest.raises(UserError, match="has no threshold"):
        run(model, prompts[:1], tasks=[Watched("k", "result", name_tokens=(6,), values={7: (0.0, 1.0)})])
    with pytest.raises(UserError, match="at least one rollout"):
        Sampling(0, 5)
    with pytest.raises(UserError, match="none of event"):
        Watched("x", "weather")
