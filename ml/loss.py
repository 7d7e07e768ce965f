"""Cross-entropy over the vocabulary without keeping the logits.

In: hidden states [n, d] of scored positions, head weight [vocabulary, d], targets int64 [n]. Out: the SUM of
-log p, in nats, float32. The rows are taken in chunks; gradients are computed in the forward pass while a
chunk's logits are still in cache, so that logits are made once and never stored: memory does not grow with
rows x vocabulary. Products run in the hidden states' type, soft-max and sums in float32.
"""

import torch
from torch import Tensor

# Logits of a chunk. On a CPU 2^20 keeps a chunk in the caches and the products still large; on CUDA a chunk must fill the device.
CHUNK_LOGITS = {"cpu": 1 << 20, "cuda": 1 << 28}
# The smallest probability that is told from 0: a loss of 87 nats a token is a diverged run's.
TINY = torch.finfo(torch.float32).tiny


def _in_chunks(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    grad_hidden: Tensor | None = None,
    grad_weight: Tensor | None = None,
) -> Tensor:
    """Loss of each row; where they are given, `grad_hidden` is filled and `grad_weight` (float32) added to."""
    cast, n = weight.to(hidden.dtype), len(hidden)
    chunk = max(1, min(n, CHUNK_LOGITS.get(hidden.device.type, CHUNK_LOGITS["cuda"]) // len(weight)))  # n may be 0
    losses = hidden.new_empty(n, dtype=torch.float32)
    # Two buffers serve all chunks: fresh memory costs more than the sums done in it.
    products = hidden.new_empty(chunk, len(weight))
    probabilities = hidden.new_empty(chunk, len(weight), dtype=torch.float32)
    for start in range(0, n, chunk):
        part, wanted = hidden[start : start + chunk], targets[start : start + chunk, None]
        logits, p = products[: len(part)], probabilities[: len(part)]
        torch.mm(part, cast.T, out=logits)
        torch.softmax(p.copy_(logits), -1, out=p)
        picked = p.gather(1, wanted)
        losses[start : start + chunk] = picked.squeeze(1)
        if grad_hidden is not None:
            # d(-log p[target]) / d(logits) = softmax - onehot
            error = logits.copy_(p.scatter_(1, wanted, picked - 1))
            torch.mm(error, cast, out=grad_hidden[start : start + chunk])
            grad_weight += error.T @ part
    return losses.clamp_(min=TINY).log_().neg_()


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        grads = ()
        if any(ctx.needs_input_grad):
            grads = torch.empty_like(hidden), torch.zeros_like(weight, dtype=torch.float32)
            ctx.save_for_backward(*grads)
        return _in_chunks(hidden, weight, targets, *grads).sum()

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grad_output.to(grad_hidden.dtype), grad_weight * grad_output, None


def summed_cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Sum over rows of -log softmax(hidden @ weight.T)[target], in nats; differentiable in `hidden` and `weight`."""
    return _SummedCrossEntropy.apply(hidden, weight, targets)


@torch.no_grad()
def cross_entropies(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Each row's -log softmax(hidden @ weight.T)[target], float32 [n], in nats; no gradient."""
    return _in_chunks(hidden, weight, targets)
