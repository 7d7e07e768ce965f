"""A Llama decoder from scratch, its set-up for transfer over sizes, and its parameter counts.

In: a `ModelConfig`; token ids, positions and segment ids, each int64 [rows, length]. Out: hidden states [rows,
length, d_model]. Attention is causal and never leaves a segment, so that several sequences can share a row (see
ml/packing.py). Set-up (muP-like; Yang et al. 2022, arXiv 2203.03466): weights drawn with standard deviation
1/sqrt(fan_in), outputs into the residual stream divided by sqrt(2 n_layers), head zero, embedding 1; learning
rate eta * 32 / d_model for hidden matrices and head, 3 eta for embedding and norms. One eta then serves every
width. Wrong: a shape that heads do not divide raises `UserError`.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from warehouse.errors import UserError

BASE_WIDTH = 32  # the width at which eta is the learning rate of the matrices
# Embedding and norms learn at this multiple of eta. It pays on short runs: the tuning loss on the synthetic cohort was 1.50
# with 3 and 1.53 with 1 at 1e12 FLOPs (N = 34k, beta2 .99), 1.71 and 1.74 at 1e11 (N = 18k, beta2 .98).
EMBEDDING_RATE = 3.0


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
    """Root-mean-square norm with a gain (Zhang and Sennrich 2019), computed in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.eps).to(x.dtype)


def rope_tables(head_dim: int, length: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions (Su et al. 2021), each float32 [length, head_dim]; halves repeat."""
    frequency = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), frequency).repeat(1, 2)
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate by halves. x [rows, heads, length, head_dim]; cos and sin [rows, 1, length, head_dim]."""
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


def segment_mask(segments: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive mask [rows, 1, length, length]: 0 where the key is in the query's segment and not after it, else -inf.

    Padding is a segment of its own (id 0), so no row of the mask is empty and no softmax is undefined.
    """
    length = segments.shape[1]
    same = segments[:, None, :, None] == segments[:, None, None, :]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    return torch.zeros(same.shape, dtype=dtype, device=segments.device).masked_fill_(~(same & causal), -torch.inf)


class Attention(nn.Module):
    """Causal self-attention with grouped key-value heads (Ainslie et al. 2023)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d, kv_width = config.d_model, config.n_kv_heads * config.head_dim
        self.config = config
        self.q_proj = nn.Linear(d, d, bias=False)
        self.k_proj = nn.Linear(d, kv_width, bias=False)
        self.v_proj = nn.Linear(d, kv_width, bias=False)
        self.o_proj = nn.Linear(d, d, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        rows, length, width = x.shape
        config = self.config
        q = self.q_proj(x).view(rows, length, config.n_heads, config.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(rows, length, config.n_kv_heads, config.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(rows, length, config.n_kv_heads, config.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if config.n_kv_heads < config.n_heads:
            shared = config.n_heads // config.n_kv_heads
            k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
        # Under autocast the rotation has promoted q and k to float32; the kernel wants one type.
        out = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, attn_mask=mask.to(v.dtype))
        return self.o_proj(out.transpose(1, 2).reshape(rows, length, width))


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.up_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.down_proj = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Attention and feed-forward, each behind its norm and added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.d_model, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.d_model, config.norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Decoder whose parameters carry the names of Hugging Face's LlamaForCausalLM (`model.layers.0.self_attn...`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(config.vocabulary_size, config.d_model),
                "layers": nn.ModuleList(Block(config) for _ in range(config.n_layers)),
                "norm": RMSNorm(config.d_model, config.norm_eps),
            }
        )
        self.lm_head = nn.Linear(config.d_model, config.vocabulary_size, bias=False)
        if config.tied:
            self.lm_head.weight = self.model["embed_tokens"].weight
        cos, sin = rope_tables(config.head_dim, config.context, config.rope_theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """Hidden states [rows, length, d_model] after the last norm; `lm_head.weight` turns them into logits."""
        x = self.model["embed_tokens"](tokens)
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]
        mask = segment_mask(segments, x.dtype)
        for block in self.model["layers"]:
            x = block(x, cos, sin, mask)
        return self.model["norm"](x)

    def logits(self, tokens: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """Logits [rows, length, vocabulary]."""
        return self.lm_head(self(tokens, positions, segments))


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
