"""Shape, causality, grouped heads, set-up, parameter counts and FLOPs of the decoder."""

import math
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ml.flops import forward_flops_per_token, six_nd, training_flops_per_token
from ml.ladder import parse_size, shape, size_name
from ml.loss import summed_cross_entropy
from ml.model import Llama, ModelConfig, initialise, parameter_counts, parameter_groups, rope_tables, rotate
from warehouse.errors import UserError

GROUPED = ModelConfig(vocabulary_size=50, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=40, context=24)


def random_model(config: ModelConfig, seed: int = 0) -> Llama:
    """A model whose head is not zero, so that its logits depend on its input."""
    model = Llama(config)
    initialise(model, seed)
    with torch.no_grad():
        model.lm_head.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return model


def one_row(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, positions and segments of rows that hold one sequence each."""
    return tokens, torch.arange(tokens.shape[1]).expand_as(tokens), torch.ones_like(tokens)


@torch.no_grad()
def test_a_later_token_changes_no_earlier_logit() -> None:
    model = random_model(GROUPED)
    tokens = torch.randint(1, 50, (2, 24), generator=torch.Generator().manual_seed(0))
    before = model.logits(*one_row(tokens))
    changed = tokens.clone()
    changed[:, 15] = (changed[:, 15] + 7) % 49 + 1
    after = model.logits(*one_row(changed))
    torch.testing.assert_close(before[:, :15], after[:, :15], rtol=0, atol=1e-6)
    assert (before[:, 15:] - after[:, 15:]).abs().amin(dim=(0, 2)).max() > 0
    assert before.shape == (2, 24, 50)


@torch.no_grad()
def test_grouped_heads_equal_full_heads_with_copied_keys_and_values() -> None:
    grouped = random_model(GROUPED)
    full = random_model(ModelConfig(**{**vars(GROUPED), "n_kv_heads": 4}))
    state = grouped.state_dict()
    for name, weight in state.items():
        if "k_proj" in name or "v_proj" in name:
            state[name] = weight.view(2, 8, 32).repeat_interleave(2, dim=0).reshape(32, 32)
    full.load_state_dict(state)
    tokens = torch.randint(1, 50, (1, 24), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(grouped.logits(*one_row(tokens)), full.logits(*one_row(tokens)))


def test_rotary_products_depend_on_the_distance_only() -> None:
    cos, sin = rope_tables(8, 64, 10000.0)
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(2))

    def product(i: int, j: int) -> float:
        return float((rotate(q, cos[i], sin[i]) * rotate(k, cos[j], sin[j])).sum())

    assert product(9, 4) == pytest.approx(product(45, 40), abs=1e-5)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-3)


def test_set_up_follows_the_rule() -> None:
    config = shape(300_000, 512, 64)
    model = Llama(config)
    initialise(model, 0)
    d = config.d_model
    stds = {name: float(p.detach().std()) for name, p in model.named_parameters() if p.dim() == 2}
    assert stds["model.layers.0.self_attn.q_proj.weight"] == pytest.approx(d**-0.5, rel=0.05)
    residual = (2 * config.n_layers) ** -0.5
    assert stds["model.layers.1.mlp.down_proj.weight"] == pytest.approx(config.d_ff**-0.5 * residual, rel=0.05)
    assert stds["model.embed_tokens.weight"] == pytest.approx(1, rel=0.05)
    assert stds["lm_head.weight"] == 0
    matrices, others = parameter_groups(model, 0.02, 0.1)
    assert matrices["lr"] == pytest.approx(0.02 * 32 / d)
    assert (others["lr"], others["weight_decay"]) == (pytest.approx(0.06), 0.0)
    assert sum(p.numel() for g in (matrices, others) for p in g["params"]) == parameter_counts(config).total
    assert any(p is model.lm_head.weight for p in matrices["params"])
    assert any(p is model.model["embed_tokens"].weight for p in others["params"])


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("size", ["5k", "83k", "1M"])
def test_counts_agree_with_the_parameters(size: str, tied: bool) -> None:
    config = shape(parse_size(size), 600, 128, tied)
    model = Llama(config)
    counts = parameter_counts(config)
    assert sum(p.numel() for p in model.parameters()) == counts.total
    table = model.model["embed_tokens"].weight.numel()
    assert counts.with_head == counts.total - (0 if tied else table)
    assert counts.non_embedding == counts.with_head - table


@pytest.mark.parametrize(
    ("size", "length"), [("5k", 64), ("25k", 256), ("442k", 128), ("2.7M", 512)], ids=lambda value: str(value)
)
def test_flops_equal_what_torch_counts(size: str, length: int) -> None:
    config = shape(parse_size(size), 700, length)
    with torch.device("meta"):
        model = Llama(config)
        tokens = torch.zeros(2, length, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            model.logits(*one_row(tokens)).sum().backward()
    assert counter.get_total_flops() / (2 * length) == pytest.approx(training_flops_per_token(config), rel=1e-3)


def test_forward_flops_equal_what_torch_counts_and_causal_is_less() -> None:
    config = shape(100_000, 700, 256)
    with torch.device("meta"), torch.no_grad():
        model = Llama(config)
        with FlopCounterMode(display=False) as counter:
            model.logits(*one_row(torch.zeros(1, 256, dtype=torch.long)))
    assert counter.get_total_flops() / 256 == pytest.approx(forward_flops_per_token(config), rel=1e-3)
    saved = config.n_layers * 4 * config.d_model * (256 - 257 / 2)
    assert forward_flops_per_token(config) - forward_flops_per_token(config, causal=True) == pytest.approx(saved)
    assert six_nd(1000, 50) == 300_000


def test_ladder_is_monotone_and_follows_the_target() -> None:
    targets = [round(5_000 * 1.15**i) for i in range(88)]
    assert targets[-1] > 9e8
    configs = [shape(target, 512, 256) for target in targets]
    blocks = [parameter_counts(c).non_embedding - c.d_model * (2 * c.n_layers + 1) for c in configs]
    assert all(later > earlier for earlier, later in pairwise(blocks))
    for name in ("d_model", "n_layers"):
        values = [getattr(c, name) for c in configs]
        assert values == sorted(values)
    assert max(abs(math.log(b / t)) for b, t in zip(blocks, targets, strict=True)) < 0.04
    assert all(1.5 < c.d_ff / c.d_model < 4.6 for c in configs)
    assert shape(1_000_000_000, 512, 256).n_kv_heads < shape(1_000_000_000, 512, 256).n_heads


def test_sizes_are_read_and_written() -> None:
    assert [parse_size(text) for text in ("25k", "1M", "1.5m", "1B", "5000")] == [25_000, 10**6, 1_500_000, 10**9, 5000]
    assert [parse_size(size_name(n)) for n in (5_000, 83_000, 2_700_000, 10**9)] == [5_000, 83_000, 2_700_000, 10**9]
    for text in ("huge", "10", "1T", "-5k", ""):
        with pytest.raises(UserError, match="unknown size"):
            parse_size(text)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(UserError, match="heads"):
        ModelConfig(50, 30, 1, 4, 4, 40, 8)
    with pytest.raises(UserError, match="key-value"):
        ModelConfig(50, 32, 1, 4, 3, 40, 8)


def test_chunked_cross_entropy_has_torchs_loss_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.loss.CHUNK_BYTES", 4 * 31 * 7)  # chunks of 7 rows, the last one shorter
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(45, 12, generator=generator, requires_grad=True)
    weight = torch.randn(31, 12, generator=generator, requires_grad=True)
    targets = torch.randint(0, 31, (45,), generator=generator)
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    wanted = torch.autograd.grad(expected / 3, (hidden, weight))
    loss = summed_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss / 3, (hidden, weight)), wanted)
