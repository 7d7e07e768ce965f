"""Attention of packed documents: both fast ways against a loop over documents, in values and gradients."""

import numpy as np
import pytest
import torch

from ml.attention import (
    Documents,
    Heads,
    attend,
    block_attention,
    choose_block,
    dense_attention,
    flash_attention,
    plan_blocks,
)
from ml.model import rope_tables

LENGTHS = [1, 64, 65, 300, 7, 128, 200, 3, 129]
LONG = [250, 510, 384, 500, 250, 512, 510, 3]
HEADS = [Heads(4, 4, 16), Heads(4, 2, 8), Heads(6, 1, 12)]


def documents(lengths: list[int]) -> Documents:
    """Documents of these lengths."""
    return Documents(torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32), max(lengths))


def by_loop(qkv: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, lengths: list[int], heads: Heads) -> torch.Tensor:
    """The oracle: one document at a time, one head at a time, in plain sums."""
    out = []
    for part in qkv.split(lengths):
        n, hd = len(part), heads.head_dim
        half = hd // 2

        def turn(x: torch.Tensor, n: int = n, half: int = half) -> torch.Tensor:
            left, right, c, s = x[:, :half], x[:, half:], cos[:n, :half], sin[:n, half:]
            return torch.cat((left * c - right * s, right * c + left * s), 1)

        columns = part.split(hd, dim=1)
        later = torch.ones(n, n, dtype=torch.bool).triu(1)
        attended = []
        for head in range(heads.n_heads):
            kv = heads.n_heads + head * heads.n_kv_heads // heads.n_heads
            scores = turn(columns[head]) @ turn(columns[kv]).T / hd**0.5
            attended.append(scores.masked_fill(later, -torch.inf).softmax(-1) @ columns[kv + heads.n_kv_heads])
        out.append(torch.cat(attended, 1))
    return torch.cat(out)


@pytest.mark.parametrize("way", [block_attention, dense_attention])
@pytest.mark.parametrize("heads", HEADS, ids=str)
@pytest.mark.parametrize("lengths", [LENGTHS, LONG], ids=["short", "long"])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
def test_packed_attention_equals_a_loop_over_documents(
    way, heads: Heads, lengths: list[int], dtype: torch.dtype, close: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    cos, sin = rope_tables(heads.head_dim, 512, 1e4)
    qkv = torch.randn(sum(lengths), sum(heads.widths), generator=generator).to(dtype).requires_grad_()
    weights = torch.randn(sum(lengths), heads.widths[0], generator=generator)
    exact = qkv.detach().float().requires_grad_()
    wanted = by_loop(exact, cos, sin, lengths, heads)
    found = way(qkv, cos.to(dtype), sin.to(dtype), documents(lengths), heads)
    torch.testing.assert_close(found.float(), wanted, rtol=close, atol=close)
    (wanted * weights).sum().backward()
    (found.float() * weights).sum().backward()
    scale = exact.grad.abs().max().item()
    torch.testing.assert_close(qkv.grad.float(), exact.grad, rtol=close, atol=close * scale / 4)


def test_each_token_and_head_has_one_place() -> None:
    heads = Heads(6, 2, 8)
    plan = plan_blocks(np.array(LENGTHS), heads)
    n = sum(LENGTHS)
    for gather, scatter, size in (
        (plan.gather, plan.scatter, n * 10),
        (plan.gather_out, plan.scatter_out, n * 6),
    ):
        assert torch.equal(gather[scatter], torch.arange(size))
    assert len(plan.empty_out) == len(plan.gather_out) - n * 6
    assert sum(c.n_documents for c in plan.classes) == len(LENGTHS)
    # The j-th blocks of a class are those of the documents that are long enough.
    blocks = [-(-length // plan.block) for length in LENGTHS]
    assert sum(sum(c.levels) for c in plan.classes) == sum(blocks)


def test_block_is_large_where_that_wastes_little() -> None:
    assert [choose_block(np.array(lengths)) for lengths in ([512], LONG, LENGTHS, [130] * 9)] == [128, 128, 64, 64]


@pytest.mark.parametrize("head_dim", [16, 12])
def test_flash_attention_has_the_right_shapes_and_never_waits(head_dim: int) -> None:
    heads = Heads(4, 2, head_dim)
    with torch.device("meta"):  # reading a value back raises here
        qkv = torch.zeros(100, sum(heads.widths), dtype=torch.bfloat16, requires_grad=True)
        tables = [torch.zeros(64, head_dim, dtype=torch.bfloat16) for _ in range(2)]
        out = flash_attention(qkv, *tables, Documents(torch.zeros(4, dtype=torch.int32), 64), heads)
        out.sum().backward()
    assert out.shape == (100, heads.widths[0]) and qkv.grad.shape == qkv.shape


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("heads", HEADS, ids=str)
def test_cuda_equals_a_loop_over_documents(heads: Heads) -> None:
    cos, sin = rope_tables(heads.head_dim, 320, 1e4)
    qkv = torch.randn(sum(LENGTHS), sum(heads.widths), generator=torch.Generator().manual_seed(0)).bfloat16()
    wanted = by_loop(qkv.float(), cos, sin, LENGTHS, heads)
    packed = documents(LENGTHS)
    on_device = Documents(packed.starts.cuda(), packed.longest)
    found = attend(qkv.cuda(), cos.cuda(), sin.cuda(), on_device, heads)
    torch.testing.assert_close(found.cpu().float(), wanted, rtol=0.06, atol=0.06)
