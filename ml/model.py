"""A Llama decoder from scratch, its set-up for transfer over sizes, and its parameter counts.

In: a `ModelConfig`; token ids int64 [n] of documents that lie one after another, and where they start. Out: the
summed loss at the scored places, or logits [n, vocabulary]. Attention is causal and never leaves a document (see
ml/attention.py). Weights, residual stream and gradients are float32; products run in the type that is asked for.
Set-up (muP-like; Yang et al. 2022, arXiv 2203.03466): weights drawn with standard deviation
1/sqrt(fan_in), outputs into the residual stream divided by sqrt(2 n_layers), head zero, embedding 1; learning
rate eta * 32 / d_model for hidden matrices and head, 3 eta for embedding and norms. One eta then serves every
width. Wrong: a shape that heads do not divide raises `UserError`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.attention import LARGE_BLOCK, Documents, Heads, attend
from ml.loss import cross_entropies, summed_cross_entropy
from warehouse.errors import UserError

BASE_WIDTH = 32  # the width at which eta is the learning rate of the matrices
# Embedding and norms learn at this multiple of eta. It pays on short runs: the tuning loss on the synthetic cohort was 1.50
# with 3 and 1.53 with 1 at 1e12 FLOPs (N = 34k, beta2 .99), 1.71 and 1.74 at 1e11 (N = 18k, beta2 .98).
EMBEDDING_RATE = 3.0
CACHED = 1 << 18  # numbers of 2 bytes: half of a core's second cache


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a decoder. `context` is the longest row, in tokens, static prefix included."""

    vocabulary_size: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    context: int
    tied: bool = False
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.d_model % self.n_heads or (self.d_model // self.n_heads) % 2:
            raise UserError(f"width {self.d_model} over {self.n_heads} heads: each head needs the same even width")
        if self.n_heads % self.n_kv_heads:
            raise UserError(f"{self.n_heads} heads cannot share {self.n_kv_heads} key-value heads evenly")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.d_model // self.n_heads


@dataclass(frozen=True)
class ParameterCounts:
    """Three definitions of N. The norms' gains are counted in all three (they are under 1% from 100k parameters on).

    non_embedding: everything but the two vocabulary tables; with_head: that plus vocabulary x width (headline
    N, Porian 2024); total: that plus the input embedding, unless it is tied to the head.
    """

    non_embedding: int
    with_head: int
    total: int


def parameter_counts(config: ModelConfig) -> ParameterCounts:
    """Parameter counts from the shape alone."""
    d, kv_width = config.d_model, config.n_kv_heads * config.head_dim
    block = 2 * d * d + 2 * d * kv_width + 3 * d * config.d_ff + 2 * d
    non_embedding = config.n_layers * block + d
    table = config.vocabulary_size * d
    return ParameterCounts(non_embedding, non_embedding + table, non_embedding + table * (1 if config.tied else 2))


class RMSNorm(nn.Module):
    """Gain of a root-mean-square norm (Zhang and Sennrich 2019). The division is `normalise`; whoever uses the norm puts the
    gain on, onto the matrix behind it where there is one: that costs a product a weight and not one a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class _Normalise(torch.autograd.Function):
    """x / rms(x) in few passes over x, each on float32; kept for the backward pass in the products' type."""

    @staticmethod
    def forward(ctx, x: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        width = x.shape[-1]
        scale = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(width).add_(eps).rsqrt_()
        out = (x * scale).to(dtype)
        ctx.save_for_backward(out, scale)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        out, scale = ctx.saved_tensors
        grad, out = grad.float(), out.float()
        along = torch.linalg.vecdot(grad, out).div_(-out.shape[-1])
        return grad.addcmul(out, along[..., None]).mul_(scale), None, None


def normalise(x: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """x / rms(x) over the last dimension, computed in float32, given as `dtype`."""
    if x.device.type == "cpu":
        return _Normalise.apply(x, eps, dtype)
    return F.rms_norm(x, (x.shape[-1],), None, eps).to(dtype)


class _SwiGLU(torch.autograd.Function):
    """silu(gate) * up of [n, 2 width], gate first, by runs of rows that stay in a core's cache; silu is computed again in
    the backward pass, which is cheaper than to keep it."""

    @staticmethod
    def forward(ctx, both: Tensor) -> Tensor:
        ctx.save_for_backward(both)
        out = both.new_empty(len(both), both.shape[1] // 2)
        for part, rows in _in_cache(both, out):
            gate, up = part.chunk(2, dim=-1)
            torch.mul(F.silu(gate), up, out=rows)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (both,) = ctx.saved_tensors
        out = torch.empty_like(both)
        for part, part_grad, rows in _in_cache(both, grad, out):
            gate, up = part.chunk(2, dim=-1)
            grad_gate, grad_up = rows.chunk(2, dim=-1)
            torch.mul(F.silu(gate), part_grad, out=grad_up)
            torch.ops.aten.silu_backward.grad_input(part_grad * up, gate, grad_input=grad_gate)
        return out


def _in_cache(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The tensors in runs of rows, of CACHED numbers of the first one."""
    return zip(*(tensor.split(max(1, CACHED // tensors[0].shape[1])) for tensor in tensors), strict=True)


def swiglu(both: Tensor) -> Tensor:
    """SwiGLU's product (Shazeer 2020) of [n, 2 width], gate first."""
    if both.device.type == "cpu":
        return _SwiGLU.apply(both)
    gate, up = both.chunk(2, dim=-1)
    return F.silu(gate) * up


def rope_tables(head_dim: int, length: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions (Su et al. 2021), float32 [length, head_dim]; the sine's left half is negated."""
    frequency = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), frequency)
    return angle.cos().repeat(1, 2).float(), torch.cat((-angle.sin(), angle.sin()), 1).float()


class Attention(nn.Module):
    """Matrices of causal self-attention with grouped key-value heads (Ainslie et al. 2023)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d, kv_width = config.d_model, config.n_kv_heads * config.head_dim
        self.q_proj = nn.Linear(d, d, bias=False)
        self.k_proj = nn.Linear(d, kv_width, bias=False)
        self.v_proj = nn.Linear(d, kv_width, bias=False)
        self.o_proj = nn.Linear(d, d, bias=False)


class FeedForward(nn.Module):
    """Matrices of SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.up_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.down_proj = nn.Linear(config.d_ff, config.d_model, bias=False)


class Block(nn.Module):
    """Attention and feed-forward, each behind its norm and added to the residual stream.

    Weights stay float32; each product casts its matrices to `dtype`, and matrices with one input are one product.
    The residual stream is float32.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.eps = config.norm_eps
        self.heads = Heads(config.n_heads, config.n_kv_heads, config.head_dim)
        self.input_layernorm = RMSNorm(config.d_model)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.d_model)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, documents: Documents, dtype: torch.dtype) -> Tensor:
        attn, mlp = self.self_attn, self.mlp
        into = torch.cat((attn.q_proj.weight, attn.k_proj.weight, attn.v_proj.weight)) * self.input_layernorm.weight
        qkv = F.linear(normalise(x, self.eps, dtype), into.to(dtype))
        x = x + F.linear(attend(qkv, cos, sin, documents, self.heads), attn.o_proj.weight.to(dtype))
        into = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight)) * self.post_attention_layernorm.weight
        both = F.linear(normalise(x, self.eps, dtype), into.to(dtype))
        return x + F.linear(swiglu(both), mlp.down_proj.weight.to(dtype))


class Llama(nn.Module):
    """Decoder whose parameters carry the names of Hugging Face's LlamaForCausalLM (`model.layers.0.self_attn...`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(config.vocabulary_size, config.d_model),
                "layers": nn.ModuleList(Block(config) for _ in range(config.n_layers)),
                "norm": RMSNorm(config.d_model),
            }
        )
        self.lm_head = nn.Linear(config.d_model, config.vocabulary_size, bias=False)
        if config.tied:
            self.lm_head.weight = self.model["embed_tokens"].weight
        whole_blocks = -(-config.context // LARGE_BLOCK) * LARGE_BLOCK
        cos, sin = rope_tables(config.head_dim, whole_blocks, config.rope_theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def compile(self, **options) -> None:
        """Compile the blocks, one by one: they share their code, so that one pays for all, and the loss stays as it is."""
        for block in self.model["layers"]:
            block.compile(**options)

    def hidden(self, tokens: Tensor, documents: Documents, dtype: torch.dtype) -> Tensor:
        """Residual stream [n, d_model], float32, of tokens [n], before the last norm."""
        x = F.embedding(tokens, self.model["embed_tokens"].weight)
        for block in self.model["layers"]:
            x = block(x, self.cos, self.sin, documents, dtype)
        return x

    def forward(
        self,
        tokens: Tensor,
        documents: Documents,
        scored: Tensor,
        targets: Tensor,
        dtype: torch.dtype,
        each: bool = False,
    ) -> Tensor:
        """Sum of -log p, in nats, of targets [s], each predicted from the place `scored` [s] among tokens [n].

        With `each` the single terms [s], without gradient.
        """
        x = self.hidden(tokens, documents, dtype).index_select(0, scored)
        weight = self.lm_head.weight * self.model["norm"].weight
        loss = cross_entropies if each else summed_cross_entropy
        return loss(normalise(x, self.config.norm_eps, dtype), weight, targets)

    def logits(self, tokens: Tensor, documents: Documents, dtype: torch.dtype = torch.float32) -> Tensor:
        """Logits [n, vocabulary] of tokens [n], in `dtype`."""
        x = normalise(self.hidden(tokens, documents, dtype), self.config.norm_eps, dtype)
        return F.linear(x, (self.lm_head.weight * self.model["norm"].weight).to(dtype))


def initialise(model: Llama, seed: int) -> None:
    """Draw all weights, on the CPU, so that a seed gives the same model on every device."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            nn.init.ones_(parameter)
            continue
        if name == "lm_head.weight":
            nn.init.zeros_(parameter)
            continue
        std = 1 / math.sqrt(parameter.shape[1])
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            std /= math.sqrt(2 * config.n_layers)
        if name == "model.embed_tokens.weight" and not config.tied:
            std = 1.0  # a tied table is also the head and keeps the fan-in rule
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def parameter_groups(model: Llama, eta: float, weight_decay: float) -> list[dict]:
    """Optimiser groups: matrices and head at eta * 32 / d_model with decay; embedding and norms at 3 eta without."""
    table = model.model["embed_tokens"].weight
    tied = model.config.tied
    matrices = [p for p in model.parameters() if p.dim() == 2 and (p is not table or tied)]
    others = [p for p in model.parameters() if p.dim() == 1 or (p is table and not tied)]
    return [
        {"params": matrices, "lr": eta * BASE_WIDTH / model.config.d_model, "weight_decay": weight_decay},
        {"params": others, "lr": eta * EMBEDDING_RATE, "weight_decay": 0.0},
    ]
