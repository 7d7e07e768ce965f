"""Causal attention that never leaves a document, for many documents of any length packed one after another.

In: projected queries, keys and values of n tokens, and `Documents`, which says where each document starts. Out:
attended values [n, heads * head_dim]. Positions restart with every document. Three ways to the same numbers, by
what is fastest where (`attend` chooses): on CUDA torch's variable-length flash kernel; on a CPU `BlockAttention`
below; elsewhere (and as the plain statement of what is meant) a dense mask.

On a CPU: documents are cut into blocks of 64 or 128 tokens and sorted by length, in classes whose lengths differ by less
than a factor of two. In a class the j-th blocks of all documents that reach so far are one batch of matrix products against
the first j + 1 blocks of their keys: nothing outside a document is computed, no mask is needed but the triangle on the
last block, and grouped key-value heads are not repeated: the queries that share one are rows of one product.
Probabilities are kept for the backward pass (2 bytes a pair of tokens and head in bfloat16). Wrong: nothing a
user can cause; shapes are the caller's.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

# Tokens of a block: small ones waste less above the diagonal, large ones multiply faster and need fewer calls. The large one is
# taken unless it computes more than WASTE times as much (both measured: 7 to 20% of a step at 512 tokens a document).
SMALL_BLOCK, LARGE_BLOCK = 64, 128
WASTE = 1.25


@dataclass(frozen=True)
class Heads:
    """How the columns of a projection are parted: queries, then keys, then values, each head by head."""

    n_heads: int
    n_kv_heads: int
    head_dim: int

    @property
    def widths(self) -> tuple[int, int, int]:
        """Columns of queries, keys and values."""
        kv = self.n_kv_heads * self.head_dim
        return self.n_heads * self.head_dim, kv, kv


@dataclass(frozen=True)
class Documents:
    """Documents that lie one after another. starts: int32 [k + 1], ends with n; longest: no document is longer.

    `plans` keeps what the CPU's way derives from the starts, so that all layers share it.
    """

    starts: Tensor
    longest: int
    plans: dict = field(default_factory=dict, compare=False)

    def plan(self, heads: Heads) -> "BlockPlan":
        """The CPU's layout of these documents."""
        if heads not in self.plans:
            self.plans[heads] = plan_blocks(np.diff(self.starts.numpy()), heads)
        return self.plans[heads]


@dataclass(frozen=True)
class BlockClass:
    """Documents of similar length. levels[j]: how many of them, counted from the longest, have a j-th block."""

    levels: tuple[int, ...]

    @property
    def n_documents(self) -> int:
        """Documents of the class."""
        return self.levels[0]


@dataclass(frozen=True)
class BlockPlan:
    """Where each (token, head) of a projection lies in the block layout, and back.

    A class with D documents of at most M blocks has, one after another, queries [D, kv heads, M, share * block],
    keys and values [D, kv heads, M * block], each a row of head_dim numbers. gather [rows]: row of the projection seen
    as [n * (heads + 2 kv heads), head_dim]; gather_out [query rows]: row of the output seen as [n * heads, head_dim];
    scatter, scatter_out: their inverses on real tokens; empty_out: query rows that hold no token.
    """

    block: int
    classes: tuple[BlockClass, ...]
    gather: Tensor
    scatter: Tensor
    gather_out: Tensor
    scatter_out: Tensor
    empty_out: Tensor


def choose_block(lengths: np.ndarray) -> int:
    """Tokens of a block for documents of these lengths."""

    def computed(block: int) -> int:
        blocks = -(-lengths // block)
        return int((blocks * (blocks + 1)).sum()) * block**2

    return LARGE_BLOCK if computed(LARGE_BLOCK) <= WASTE * computed(SMALL_BLOCK) else SMALL_BLOCK


def plan_blocks(lengths: np.ndarray, heads: Heads) -> BlockPlan:
    """Lay out documents of the given lengths, in tokens."""
    lengths = np.asarray(lengths, dtype=np.int64)
    starts, block = np.cumsum(lengths) - lengths, choose_block(lengths)
    blocks = -(-lengths // block)
    order = np.argsort(-blocks, kind="stable")
    order = order[blocks[order] > 0]
    power = np.ceil(np.log2(blocks[order])).astype(int)
    h, kv, share = heads.n_heads, heads.n_kv_heads, heads.n_heads // heads.n_kv_heads
    classes, gather, gather_out, filled, filled_out = [], [], [], [], []
    for documents in (order[power == p] for p in np.unique(power)):
        most = int(blocks[documents].max())
        classes.append(BlockClass(tuple(int((blocks[documents] > j).sum()) for j in range(most))))
        place = np.arange(most * block)
        real = place < lengths[documents, None]  # [D, M * block]
        token = np.where(real, starts[documents, None] + place, 0)
        # Queries by block, so that the heads that share keys are neighbours: [D, kv, M, share, block].
        by_block = token.reshape(-1, 1, most, 1, block)
        head = np.arange(h).reshape(1, kv, 1, share, 1)
        shape = (len(documents), kv, most, share, block)
        rows = [(by_block * (h + 2 * kv) + head).ravel()]
        real_queries = np.broadcast_to(real.reshape(-1, 1, most, 1, block), shape).ravel()
        for first in (h, h + kv):
            rows.append((token[:, None] * (h + 2 * kv) + first + np.arange(kv)[:, None]).ravel())
        real_keys = np.broadcast_to(real[:, None], (len(documents), kv, most * block)).ravel()
        gather += rows
        filled += [real_queries, real_keys, real_keys]
        gather_out.append((by_block * h + head).ravel())
        filled_out.append(real_queries)
    n = int(lengths.sum())
    joined, joined_out = np.concatenate(gather), np.concatenate(gather_out)
    full, full_out = np.concatenate(filled), np.concatenate(filled_out)
    return BlockPlan(
        block,
        tuple(classes),
        torch.from_numpy(joined),
        torch.from_numpy(_inverse(joined, full, n * (h + 2 * kv))),
        torch.from_numpy(joined_out),
        torch.from_numpy(_inverse(joined_out, full_out, n * h)),
        torch.from_numpy(np.flatnonzero(~full_out)),
    )


def _inverse(gather: np.ndarray, filled: np.ndarray, size: int) -> np.ndarray:
    """For each of `size` sources the filled place that it is gathered into; each has exactly one."""
    inverse = np.empty(size, dtype=np.int64)
    places = np.flatnonzero(filled)
    inverse[gather[places]] = places
    return inverse


def swap_halves(x: Tensor) -> Tensor:
    """The two halves of the last dimension, exchanged."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((right, left), dim=-1)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x * cos + swapped x * sin, where sin carries the sign of each half (negative on the left)."""
    return torch.addcmul(x * cos, swap_halves(x), sin)


def _rotate_back(grad: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Gradient of `_rotate`: the rotation by the opposite angle."""
    return torch.addcmul(grad * cos, swap_halves(grad), sin, value=-1)


class _Views:
    """A class's queries [D * kv, M, share * block, hd], keys and values [D * kv, M * block, hd] in a flat layout."""

    def __init__(self, rows: Tensor, at: int, members: BlockClass, heads: Heads, block: int) -> None:
        batch, most = members.n_documents * heads.n_kv_heads, len(members.levels)
        share, self.block = heads.n_heads // heads.n_kv_heads, block
        n_query, n_key = batch * most * share * block, batch * most * block
        self.end = at + n_query + 2 * n_key
        query, key, value = rows[at : self.end].split((n_query, n_key, n_key))
        self.query = query.view(batch, most, share * block, heads.head_dim)
        self.key = key.view(batch, most * block, heads.head_dim)
        self.value = value.view(batch, most * block, heads.head_dim)

    def rotated(self, cos: Tensor, sin: Tensor, rotate) -> tuple[Tensor, Tensor]:
        """Queries and keys turned by `rotate`; the queries' blocks repeat the angles for each head that shares."""
        (batch, most, rows, width), block = self.query.shape, self.block
        places, shape = most * block, (batch, most, rows // block, block, width)
        scale = width**-0.5  # of the scores, put on the queries
        angles = [table[:places] for table in (cos, sin)]
        by_block = [(a * scale).view(most, 1, block, width) for a in angles]
        if rows == block:  # one run of numbers for each head and document
            by_block = [a.view(most, block, width) for a in by_block]
            shape = self.query.shape
        query = rotate(self.query.view(shape), *by_block).view(self.query.shape)
        return query, rotate(self.key, *angles)


class BlockAttention(torch.autograd.Function):
    """The CPU's way; see the top. qkv [n, (heads + 2 kv heads) * head_dim]; cos, signed sin [longest, up to whole blocks, head_dim]."""

    @staticmethod
    def forward(ctx, qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> Tensor:
        plan, hd, kv = documents.plan(heads), heads.head_dim, heads.n_kv_heads
        block = plan.block
        rows = qkv.reshape(-1, hd).index_select(0, plan.gather)
        mask = torch.full((block, block), -torch.inf, dtype=qkv.dtype).triu_(1)
        out = rows.new_empty(len(plan.gather_out), hd)
        at, at_out, kept = 0, 0, []
        for members in plan.classes:
            views = _Views(rows, at, members, heads, block)
            query, key = views.rotated(cos, sin, _rotate)
            size = query.numel() // hd
            mine = out[at_out : at_out + size].view(query.shape)
            probabilities = []
            for j, n in enumerate(members.levels):
                keys = (j + 1) * block
                scores = torch.bmm(query[: n * kv, j], key[: n * kv, :keys].transpose(1, 2))
                scores.view(n * kv, -1, block, keys)[..., -block:].add_(mask)
                p = torch.softmax(scores, -1, out=scores)
                mine[: n * kv, j] = torch.bmm(p, views.value[: n * kv, :keys])
                probabilities.append(p)
            kept.append((query, key, views.value, probabilities))
            at, at_out = views.end, at_out + size
        ctx.save_for_backward(cos, sin)
        ctx.kept, ctx.plan, ctx.heads = kept, plan, heads
        return out.index_select(0, plan.scatter_out).view(len(qkv), -1)

    @staticmethod
    def backward(ctx, grad_out: Tensor) -> tuple[Tensor, None, None, None, None]:
        plan, heads, (cos, sin) = ctx.plan, ctx.heads, ctx.saved_tensors
        block = plan.block
        hd, kv = heads.head_dim, heads.n_kv_heads
        n = len(grad_out)
        grad_out = grad_out.reshape(-1, hd).index_select(0, plan.gather_out).index_fill_(0, plan.empty_out, 0)
        grad = grad_out.new_empty(len(plan.gather), hd)
        at, at_out = 0, 0
        for members, (query, key, value, probabilities) in zip(plan.classes, ctx.kept, strict=True):
            views = _Views(grad, at, members, heads, block)
            size = query.numel() // hd
            mine = grad_out[at_out : at_out + size].view(query.shape)
            # Sums over up to `longest / block` levels, hence in float32.
            grad_key, grad_value = (torch.zeros_like(key, dtype=torch.float32) for _ in range(2))
            for j, n_documents in enumerate(members.levels):
                b, keys = n_documents * kv, (j + 1) * block
                p, g = probabilities[j], mine[:b, j]
                grad_value[:b, :keys] += torch.bmm(p.transpose(1, 2), g)
                grad_p = torch.bmm(g, value[:b, :keys].transpose(1, 2))
                grad_scores = torch.ops.aten._softmax_backward_data(grad_p, p, -1, p.dtype)
                views.query[:b, j] = torch.bmm(grad_scores, key[:b, :keys])
                grad_key[:b, :keys] += torch.bmm(grad_scores.transpose(1, 2), query[:b, j])
                probabilities[j] = None  # the memory serves the next layer
            views.value.copy_(grad_value)
            views.key.copy_(grad_key)
            grad_query, turned_key = views.rotated(cos, sin, _rotate_back)
            views.query.copy_(grad_query)
            views.key.copy_(turned_key)
            at, at_out = views.end, at_out + size
        return grad.index_select(0, plan.scatter).view(n, -1), None, None, None, None


def dense_attention(qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> Tensor:
    """The plain statement: softmax over the keys of the query's document that are not after it. Memory n^2."""
    n = len(qkv)
    query, key, value = _by_head(qkv, cos, sin, documents, heads)
    place = torch.arange(n, device=qkv.device)
    document = torch.bucketize(place, documents.starts, right=True)
    allowed = (document[:, None] == document[None, :]) & (place[:, None] >= place[None, :])
    query, key, value = (x.transpose(0, 1)[None] for x in (query, key, value))
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed, enable_gqa=True)
    return out[0].transpose(0, 1).reshape(n, -1)


def flash_attention(qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> Tensor:
    """CUDA's way, in half precision. The kernel wants heads whose width is a multiple of 8: zeros make them so."""
    missing = -heads.head_dim % 8
    query, key, value = (F.pad(x, (0, missing)) for x in _by_head(qkv, cos, sin, documents, heads))
    out = varlen_attn(
        query,
        key,
        value,
        documents.starts,
        documents.starts,
        documents.longest,
        documents.longest,
        scale=heads.head_dim**-0.5,
        window_size=(-1, 0),  # causal
        enable_gqa=heads.n_kv_heads < heads.n_heads,
    )
    return out[..., : heads.head_dim].reshape(len(qkv), -1)


def _by_head(qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> tuple[Tensor, ...]:
    """Turned queries and keys, and values, each [n, heads, head_dim]."""
    place = torch.arange(len(qkv), device=qkv.device)
    starts = documents.starts
    position = place - starts[torch.bucketize(place, starts, right=True) - 1]
    query, key, value = (x.reshape(len(x), -1, heads.head_dim) for x in qkv.split(heads.widths, dim=-1))
    cos, sin = cos[position][:, None], sin[position][:, None]
    return _rotate(query, cos, sin), _rotate(key, cos, sin), value


@torch.compiler.disable
def block_attention(qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> Tensor:
    """`BlockAttention`, whose loops over documents a compiler would unroll anew for every batch."""
    return BlockAttention.apply(qkv, cos, sin, documents, heads)


def attend(qkv: Tensor, cos: Tensor, sin: Tensor, documents: Documents, heads: Heads) -> Tensor:
    """Causal attention inside documents. qkv [n, columns of `heads`]; cos, sin [whole blocks, head_dim]; out [n, heads * hd]."""
    if qkv.device.type == "cpu":
        way = block_attention
    elif qkv.device.type == "cuda" and qkv.dtype != torch.float32:
        way = flash_attention
    else:
        way = dense_attention
    return way(qkv, cos.to(qkv.dtype), sin.to(qkv.dtype), documents, heads)
