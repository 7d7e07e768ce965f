"""Chunked cross-entropy against torch's, and its memory."""

import pytest
import torch

from ml.loss import cross_entropies, summed_cross_entropy


def problem(rows: int, width: int, vocabulary: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hidden states, head and targets."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(rows, width, generator=generator, requires_grad=True)
    weight = torch.randn(vocabulary, width, generator=generator, requires_grad=True)
    return hidden, weight, torch.randint(0, vocabulary, (rows,), generator=generator)


def test_chunked_cross_entropy_has_torchs_loss_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        __import__("ml.loss").loss.CHUNK_LOGITS, "cpu", 31 * 7
    )  # chunks of 7 rows, the last one shorter
    hidden, weight, targets = problem(45, 12, 31)
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="none")
    wanted = torch.autograd.grad(expected.sum() / 3, (hidden, weight))
    loss = summed_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss, expected.sum())
    torch.testing.assert_close(torch.autograd.grad(loss / 3, (hidden, weight)), wanted)
    torch.testing.assert_close(cross_entropies(hidden, weight, targets), expected.detach())


def test_bfloat16_products_keep_a_float32_softmax() -> None:
    hidden, weight, targets = problem(200, 16, 300)
    rounded = hidden.detach().bfloat16().requires_grad_()
    loss = summed_cross_entropy(rounded, weight, targets)
    loss.backward()
    exact = torch.nn.functional.cross_entropy(
        rounded.detach().float() @ weight.bfloat16().float().T, targets, reduction="sum"
    )
    assert loss.dtype == weight.grad.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=2e-3)


def test_memory_does_not_grow_with_rows_times_vocabulary() -> None:
    rows, vocabulary = 8192, 4096  # whose logits are 128 MB
    held = [0]

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                held.append(out.untyped_storage().nbytes())
            return out

    hidden, weight, targets = problem(rows, 8, vocabulary)
    with Watch():
        summed_cross_entropy(hidden, weight, targets)
    assert max(held) <= 4 << 20


def test_a_hopeless_row_costs_a_finite_loss() -> None:
    loss = summed_cross_entropy(torch.tensor([[1000.0]]), torch.tensor([[1.0], [-1.0]]), torch.tensor([1]))
    assert 80 < loss.item() < 90
