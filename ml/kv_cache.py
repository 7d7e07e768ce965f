"""The decoder one token at a time, with keys and values kept: a prompt's once for all of its rollouts, a rollout's own
beside it.

In: a `Llama`, whose weights are prepared once (matrices with one input joined, gains and the scores' scale put in); prompts
as tokens; then a token a row and step. Out: logits [rows, columns] of what comes next; columns are the vocabulary, filled
up with zeros to whole `COLUMNS`, which nothing may draw. At each step one product takes the queries of all of a prompt's
rollouts to the prompt's keys, another one takes each rollout's queries to its own keys, and one softmax spans both.

All rows of a cache have made the same number of steps, so that nothing is padded. A row's logits are the same to the bit
whatever else is in the batch: products have a prompt's own length, prompts are read one by one, and the products used give
each row the same sum at any number of rows from LEAST_ROWS on (measured with torch's CPU products; a test watches it).
Wrong: nothing a user can cause; lengths are the caller's.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.attention import Documents, Heads, attend, swap_halves
from ml.model import Llama, ModelConfig

COLUMNS = 64  # logits come in whole blocks of so many: the draw adds them up block by block
LEAST_ROWS = 4  # of a product; with fewer, float32 takes another path on a CPU and rounds otherwise
# Lengths that change from step to step or from prompt to prompt are filled up to a multiple of these: the CPU's kernels in
# half precision are made anew for every shape, which takes as long as several products.
PLACES, PROMPT_PLACES = 32, 64


@dataclass(frozen=True)
class Layer:
    """A block's matrices in the products' type: queries, keys and values as one, gate and up as one, norms' gains put in."""

    qkv: Tensor
    out: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True)
class Prefix:
    """Keys [layers][kv heads, head_dim, length] (turned, transposed: the faster way round) and values [layers][kv heads,
    length, head_dim]."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    length: int


@dataclass
class Cache:
    """What the rows of a batch have seen. Rows of a prompt are neighbours: rows starts[i] .. starts[i + 1] - 1 follow
    prefixes[i].

    keys [layers][kv heads, rows, head_dim, room], values [layers][kv heads, rows, room, head_dim]; `length` of the room's
    places are filled, the same in every row, the others zero. position int64 [rows]: of the next token. Without prefixes a
    row's keys begin with its own window.
    """

    prefixes: list[Prefix]
    starts: list[int]
    position: Tensor
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    length: int = 0

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone, int64, ascending."""
        self.position = self.position.index_select(0, rows)
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer].index_select(1, rows)
            self.values[layer] = self.values[layer].index_select(1, rows)
        starts = torch.searchsorted(rows, torch.tensor(self.starts, device=rows.device)).tolist()
        self.prefixes = [prefix for i, prefix in enumerate(self.prefixes) if starts[i + 1] > starts[i]]
        self.starts = sorted(set(starts))

    def make_room(self) -> None:
        """Room for one more place, a quarter more at a time."""
        for layer, (key, value) in enumerate(zip(self.keys, self.values, strict=True)):
            if self.length == key.shape[-1]:
                more = whole(max(PLACES, self.length // 4), PLACES)
                self.keys[layer] = F.pad(key, (0, more))
                self.values[layer] = F.pad(value, (0, 0, 0, more))


def whole(length: int, part: int) -> int:
    """The next multiple of `part`."""
    return -(-length // part) * part


def row_bytes(config: ModelConfig, dtype: torch.dtype, length: int) -> int:
    """Bytes of keys and values of one row of so many places."""
    return 2 * config.n_layers * config.n_kv_heads * config.head_dim * length * dtype.itemsize


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    """x weight^T; see LEAST_ROWS."""
    if len(x) < LEAST_ROWS:
        return F.linear(F.pad(x, (0, 0, 0, LEAST_ROWS - len(x))), weight)[: len(x)]
    return F.linear(x, weight)


def _batched(a: Tensor, b: Tensor) -> Tensor:
    """a b over batches of matrices; see LEAST_ROWS."""
    if a.shape[1] < LEAST_ROWS:
        return torch.bmm(F.pad(a, (0, 0, 0, LEAST_ROWS - a.shape[1])), b)[:, : a.shape[1]]
    return torch.bmm(a, b)


def _normalise(x: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """x / rms(x); without the means for a backward pass that ml/model.py's has."""
    scale = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    scale = scale.square_().mul_(1 / x.shape[-1]).add_(eps).rsqrt_()
    return (x * scale).to(dtype)


def _swiglu(both: Tensor) -> Tensor:
    gate, up = both.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


class Decoder:
    """A model made ready to read prompts and to go on from them. `dtype`: of products, keys and values."""

    @torch.no_grad()
    def __init__(self, model: Llama, dtype: torch.dtype, device: torch.device) -> None:
        self.config, self.dtype, self.device = model.config, dtype, device
        config = model.config
        self.heads = Heads(config.n_heads, config.n_kv_heads, config.head_dim)
        self.layers = []
        for block in model.model["layers"]:
            attn, mlp = block.self_attn, block.mlp
            qkv = torch.cat((attn.q_proj.weight, attn.k_proj.weight, attn.v_proj.weight))
            gate_up = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight)) * block.post_attention_layernorm.weight
            matrices = (qkv * block.input_layernorm.weight, attn.o_proj.weight, gate_up, mlp.down_proj.weight)
            self.layers.append(Layer(*(matrix.to(device, dtype) for matrix in matrices)))
        self.embedding = model.model["embed_tokens"].weight.detach().to(device)
        head = model.lm_head.weight * model.model["norm"].weight
        self.head = F.pad(head, (0, 0, 0, -len(head) % COLUMNS)).to(device, dtype)
        self.cos, self.sin = model.cos.to(device), model.sin.to(device)
        # The scale of the scores, put on the queries by their angles.
        n_turned = config.n_heads + config.n_kv_heads
        self.scale = torch.ones(n_turned, 1, device=device)
        self.scale[: config.n_heads] = config.head_dim**-0.5

    @torch.no_grad()
    def read(self, tokens: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Read documents of equal length, int64 [count, length].

        Gives the logits after each one's last token [count, columns], and each layer's keys and values [kv heads, count,
        length, head_dim].
        """
        count, length = tokens.shape
        tokens = F.pad(tokens, (0, whole(length, PROMPT_PLACES) - length))  # nothing sees what comes after it
        places = tokens.shape[1]
        starts = torch.arange(0, tokens.numel() + 1, places, dtype=torch.int32, device=self.device)
        documents, (h, kv, hd) = (
            Documents(starts, places),
            (self.heads.n_heads, self.heads.n_kv_heads, self.heads.head_dim),
        )
        cos, sin = (table[:places].to(self.dtype).repeat(count, 1)[:, None] for table in (self.cos, self.sin))
        x, keys, values = F.embedding(tokens.reshape(-1), self.embedding), [], []
        for layer in self.layers:
            qkv = _linear(_normalise(x, self.config.norm_eps, self.dtype), layer.qkv)
            key, value = qkv[:, h * hd :].view(len(x), 2, kv, hd).unbind(1)
            key = torch.addcmul(key * cos, swap_halves(key), sin)
            for found, part in ((keys, key), (values, value)):
                found.append(part.reshape(count, places, kv, hd)[:, :length].permute(2, 0, 1, 3))
            x = x + _linear(attend(qkv, self.cos, self.sin, documents, self.heads), layer.out)
            x = x + self._fed_forward(x, layer)
        return self._logits(x[length - 1 :: places]), keys, values

    def prompt(self, tokens: Tensor) -> tuple[Tensor, Prefix]:
        """Read one prompt, int64 [length]: logits [columns] of what comes next, and the prompt's keys and values."""
        logits, keys, values = self.read(tokens[None])
        keys = tuple(key[:, 0].transpose(1, 2).contiguous() for key in keys)
        return logits[0], Prefix(keys, tuple(value[:, 0].contiguous() for value in values), len(tokens))

    def shared(self, prefixes: list[Prefix], rollouts: int) -> Cache:
        """An empty cache for `rollouts` rows after each of the prompts."""
        rows = len(prefixes) * rollouts
        position = torch.tensor([prefix.length for prefix in prefixes], device=self.device).repeat_interleave(rollouts)
        return self._cache(Cache(prefixes, list(range(0, rows + 1, rollouts)), position), PLACES)

    def alone(self, windows: Tensor, at_once: int) -> tuple[Tensor, Cache]:
        """Read rows that share nothing, int64 [rows, length], `at_once` of them at a time: logits [rows, columns] and their
        cache."""
        rows, length = windows.shape
        position = torch.full((rows,), length, device=self.device)
        cache = self._cache(Cache([], [0], position, length=length), whole(length + 1, PLACES))
        logits = []
        for start in range(0, rows, at_once):
            found, keys, values = self.read(windows[start : start + at_once])
            for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
                cache.keys[layer][:, start : start + at_once, :, :length] = key.transpose(2, 3)
                cache.values[layer][:, start : start + at_once, :length] = value
            logits.append(found)
        return torch.cat(logits), cache

    def _cache(self, cache: Cache, room: int) -> Cache:
        """The cache with room for keys and values."""
        shape = (self.heads.n_kv_heads, len(cache.position))
        hd, kind = self.heads.head_dim, {"dtype": self.dtype, "device": self.device}
        cache.keys = [torch.zeros((*shape, hd, room), **kind) for _ in self.layers]
        cache.values = [torch.zeros((*shape, room, hd), **kind) for _ in self.layers]
        return cache

    @torch.no_grad()
    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Add a token to each row, int64 [rows]: logits [rows, columns] of what comes next."""
        config, (h, kv, hd) = self.config, (self.heads.n_heads, self.heads.n_kv_heads, self.heads.head_dim)
        cache.make_room()
        cos, sin = (table.index_select(0, cache.position)[:, None] * self.scale for table in (self.cos, self.sin))
        cos, sin = cos.to(self.dtype), sin.to(self.dtype)
        n, at = len(tokens), cache.length
        cache.length += 1
        x = F.embedding(tokens, self.embedding)
        for number, layer in enumerate(self.layers):
            qkv = _linear(_normalise(x, config.norm_eps, self.dtype), layer.qkv).view(n, h + 2 * kv, hd)
            turned = qkv[:, : h + kv]
            turned = torch.addcmul(turned * cos, swap_halves(turned), sin)
            cache.keys[number][..., at] = turned[:, h:].transpose(0, 1)
            cache.values[number][:, :, at] = qkv[:, h + kv :].transpose(0, 1)
            query = turned[:, :h].unflatten(1, (kv, h // kv)).transpose(0, 1).contiguous().view(kv, -1, hd)
            attended = self._attend(query, cache, number).view(kv, n, h // kv, hd).transpose(0, 1).reshape(n, h * hd)
            x = x + _linear(attended, layer.out)
            x = x + self._fed_forward(x, layer)
        cache.position = cache.position + 1
        return self._logits(x)

    def _attend(self, query: Tensor, cache: Cache, number: int) -> Tensor:
        """Attended values [kv heads, rows * share, head_dim] of queries of the same shape, over the prefix and the row's own."""
        kv, n = query.shape[0], len(cache.position)
        places = whole(cache.length, PLACES)
        keys = cache.keys[number][..., :places].flatten(0, 1)  # [kv * rows, head_dim, places]
        values = cache.values[number][:, :, :places].flatten(0, 1)
        own = torch.bmm(query.view(kv * n, -1, query.shape[-1]), keys)
        own[..., cache.length :] = -torch.inf
        share = own.shape[1]
        if not cache.prefixes:
            return torch.bmm(torch.softmax(own, -1), values).view(query.shape)
        own = own.view(kv, n * share, -1)
        shared, parts = [], []
        for i, prefix in enumerate(cache.prefixes):
            rows = slice(cache.starts[i] * share, cache.starts[i + 1] * share)
            scores = torch.cat((_batched(query[:, rows], prefix.keys[number]), own[:, rows]), -1)
            p = torch.softmax(scores, -1)
            shared.append(_batched(p[..., : prefix.length], prefix.values[number]))
            parts.append(p[..., prefix.length :])
        weights = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        out = torch.bmm(weights.reshape(kv * n, share, -1), values).view(query.shape)
        return out.add_(shared[0] if len(shared) == 1 else torch.cat(shared, 1))

    def _fed_forward(self, x: Tensor, layer: Layer) -> Tensor:
        return _linear(_swiglu(_linear(_normalise(x, self.config.norm_eps, self.dtype), layer.gate_up)), layer.down)

    def _logits(self, x: Tensor) -> Tensor:
        return _linear(_normalise(x, self.config.norm_eps, self.dtype), self.head)
