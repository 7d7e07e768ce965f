"""Cross-entropy over the vocabulary without keeping the logits.

In: hidden states [n, d] of scored positions, head weight [vocabulary, d], targets int64 [n]. Out: the SUM of
-log p, in nats, float32. The rows are taken in chunks; gradients are computed in the forward pass while a
chunk's logits are still in cache, so that logits are made once and never stored. Products run in the hidden
states' type (bfloat16 on CUDA), soft-max and sum in float32.
"""

import torch
from torch import Tensor

CHUNK_BYTES = 1 << 21  # logits of a chunk: 2 MiB of float32, about one core's cache


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        needs_grad = hidden.requires_grad or weight.requires_grad
        cast = weight.to(hidden.dtype)
        rows = max(1, CHUNK_BYTES // (4 * weight.shape[0])) if hidden.device.type == "cpu" else 4096
        total = hidden.new_zeros((), dtype=torch.float32)
        grad_hidden = torch.empty_like(hidden) if needs_grad else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if needs_grad else None
        for start in range(0, hidden.shape[0], rows):
            part, wanted = hidden[start : start + rows], targets[start : start + rows, None]
            log_p = (part @ cast.T).float().log_softmax(-1)
            total -= log_p.gather(1, wanted).sum()
            if needs_grad:
                # d(-log p[target]) / d(logits) = softmax - onehot
                error = log_p.exp_().scatter_add_(1, wanted, -torch.ones_like(wanted, dtype=torch.float32))
                error = error.to(hidden.dtype)
                grad_hidden[start : start + rows] = error @ cast
                grad_weight += (error.T @ part).float()
        if needs_grad:
            ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
        return total

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grad_output.to(grad_hidden.dtype), grad_weight * grad_output.to(grad_weight.dtype), None


def summed_cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Sum over rows of -log softmax(hidden @ weight.T)[target], in nats; differentiable in `hidden` and `weight`."""
    return _SummedCrossEntropy.apply(hidden, weight, targets)
