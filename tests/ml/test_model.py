"""Causality, grouped heads, set-up, parameter counts, pieces of the step and the whole step without a device."""

import pytest
import torch

import ml.model
from ml.attention import Documents, flash_attention
from ml.ladder import parse_size, shape
from ml.model import Llama, ModelConfig, initialise, normalise, parameter_counts, parameter_groups, swiglu
from warehouse.errors import UserError

GROUPED = ModelConfig(vocabulary_size=50, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=40, context=24)


def random_model(config: ModelConfig, seed: int = 0) -> Llama:
    """A model whose head is not zero, so that its logits depend on its input."""
    model = Llama(config)
    initialise(model, seed)
    with torch.no_grad():
        model.lm_head.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return model


def logits(model: Llama, tokens: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Logits of rows that hold one document each: [rows, length, vocabulary]."""
    rows, length = tokens.shape
    starts = torch.arange(0, rows * length + 1, length, dtype=torch.int32)
    return model.logits(tokens.reshape(-1), Documents(starts, length), dtype).view(rows, length, -1)


@torch.no_grad()
def test_a_later_token_changes_no_earlier_logit() -> None:
    model = random_model(GROUPED)
    tokens = torch.randint(1, 50, (2, 24), generator=torch.Generator().manual_seed(0))
    before = logits(model, tokens)
    changed = tokens.clone()
    changed[:, 15] = (changed[:, 15] + 7) % 49 + 1
    after = logits(model, changed)
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
    torch.testing.assert_close(logits(grouped, tokens), logits(full, tokens))


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


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(UserError, match="heads"):
        ModelConfig(50, 30, 1, 4, 4, 40, 8)
    with pytest.raises(UserError, match="key-value"):
        ModelConfig(50, 32, 1, 4, 3, 40, 8)


def test_pieces_have_the_gradients_of_their_plain_statements() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(9, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(9, 12, generator=generator)

    def plain_norm(x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()

    def plain_swiglu(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.silu(x[:, :6]) * x[:, 6:]

    for fast, plain in ((lambda x: normalise(x, 1e-5, torch.float32), plain_norm), (swiglu, plain_swiglu)):
        found, wanted = fast(x.float()), plain(x)
        torch.testing.assert_close(found, wanted.float())
        grads = [torch.autograd.grad((y * weights[:, : y.shape[1]]).sum(), x)[0] for y in (found, wanted)]
        torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_bfloat16_products_change_logits_by_rounding_only() -> None:
    model = random_model(shape(100_000, 50, 128))
    tokens = torch.randint(1, 50, (2, 128), generator=torch.Generator().manual_seed(3))
    exact, rounded = logits(model, tokens), logits(model, tokens, torch.bfloat16)
    assert ((rounded - exact).norm() / exact.norm()).item() < 0.02


@pytest.mark.parametrize("compiled", [False, True])
def test_the_cuda_step_runs_without_a_device_and_never_waits_for_one(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On meta tensors, which hold no values: reading one back raises, as does mixing devices; `fullgraph` refuses breaks."""

    def as_on_cuda(qkv: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *others) -> torch.Tensor:
        return flash_attention(qkv, cos.to(qkv.dtype), sin.to(qkv.dtype), *others)

    monkeypatch.setattr(ml.model, "attend", as_on_cuda)
    with torch.device("meta"):
        model = Llama(GROUPED)
        if compiled:
            model.compile(backend="aot_eager", fullgraph=True)
        optimiser = torch.optim.AdamW(parameter_groups(model, 0.01, 0.1))
        tokens, starts = torch.zeros(48, dtype=torch.long), torch.zeros(4, dtype=torch.int32)
        loss = model(tokens, Documents(starts, 24), tokens[:30], tokens[:30], torch.bfloat16)
        (loss / 30).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    assert loss.dtype == torch.float32
    assert all(p.grad.dtype == torch.float32 for p in model.parameters())
