"""The decoder one token at a time, with keys and values kept: a prompt's once for all of its rollouts, a rollout's own
beside it.

In: a `Llama`, whose weights are prepared once (matrices with one input joined, gains put in, the scores' scale on the angles);
prompts as tokens; then a token a row and step. Out: logits [rows, columns] of what comes next; columns are the vocabulary, filled
up with zeros to whole `COLUMNS`, which nothing may draw. At each step one product takes the queries of all of a prompt's
rollouts to the prompt's keys, another one takes each rollout's queries to its own keys, and one softmax spans both.

All rows of a cache have made the same number of steps, so that nothing is padded. A row's logits are the same to the bit
whatever else is in the batch: products have a prompt's own length, prompts are read one by one, and the products used give
each row the same sum at any number of rows from LEAST_ROWS on (measured with torch's CPU products; a test watches it).
Wrong: nothing a user can cause; lengths are the caller's.
"""

import math
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

    keys [layers][rows, kv heads, head_dim, room], values [layers][rows, kv heads, room, head_dim]; `length` of the room's
    places are filled, the same in every row, the others zero. position int64 [rows]: of the next token.
    """

    prefixes: list[Prefix]
    starts: list[int]
    position: Tensor
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    length: int = 0
    desk: "Desk | None" = None

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone, int64, ascending."""
        self.position = self.position.index_select(0, rows)
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer].index_select(0, rows)
            self.values[layer] = self.values[layer].index_select(0, rows)
        starts = torch.searchsorted(rows, torch.tensor(self.starts, device=rows.device)).tolist()
        self.prefixes = [prefix for i, prefix in enumerate(self.prefixes) if starts[i + 1] > starts[i]]
        self.starts = sorted(set(starts))
        self.desk = None

    def add_place(self, heads: Heads, like: Tensor) -> "Desk":
        """One place more in every row, the room a quarter larger when it is full; gives the desk, of the type of `like`."""
        for layer, (key, value) in enumerate(zip(self.keys, self.values, strict=True)):
            if self.length == key.shape[-1]:
                more = whole(max(PLACES, self.length // 4), PLACES)
                self.keys[layer] = F.pad(key, (0, more))
                self.values[layer] = F.pad(value, (0, 0, 0, more))
        self.length += 1
        if self.desk is None or self.desk.room < self.length:
            self.desk = Desk(self, heads, like)
        self.desk.shut[self.length - 1] = 0
        return self.desk


class Desk:
    """Where all layers and steps do their attention in turn, as long as rows and `room` (places of their own) stay the same:
    in a small model making tensors and views anew would take as long as a product.

    keys, values: of each layer, flat [rows * kv heads, ...]. shut [room]: 0 for places that are filled, else -inf. queries,
    attended [kv heads, rows, share, head_dim], where share is the heads of a kv head. scores, weights (their softmax)
    [rows * kv heads, share, room], of the rows' own places. parts: of each prompt.
    """

    def __init__(self, cache: Cache, heads: Heads, like: Tensor) -> None:
        n, kv, share = len(cache.position), heads.n_kv_heads, heads.n_heads // heads.n_kv_heads
        self.room = whole(cache.length, PLACES)
        self.keys = [key[..., : self.room].flatten(0, 1) for key in cache.keys]
        self.values = [value[:, :, : self.room].flatten(0, 1) for value in cache.values]
        new = like.new_empty
        self.shut = new(self.room).fill_(-torch.inf)
        self.shut[: cache.length] = 0
        self.queries, self.attended = new(2, kv, n, share, heads.head_dim)
        self.scores, self.weights = new(2, n * kv, share, self.room)
        ends = zip(cache.starts, cache.starts[1:], strict=False)
        self.parts = [
            Part(self, slice(*rows), prefix.length) for rows, prefix in zip(ends, cache.prefixes, strict=True)
        ]


class Part:
    """A prompt's rows on the desk. scores, weights [kv heads, rows * share, past + room], and views of them: `past` for
    products by kv head, `own` [rows, kv heads, share, room]; `row_scores`, `row_weights`: the desk's, of the same shape."""

    def __init__(self, desk: Desk, rows: slice, past: int) -> None:
        self.queries, self.attended = (x[:, rows].flatten(1, 2) for x in (desk.queries, desk.attended))
        share, (kv, count, _) = desk.queries.shape[2], self.queries.shape
        self.row_scores, self.row_weights = (x.unflatten(0, (-1, kv))[rows] for x in (desk.scores, desk.weights))
        self.scores, self.weights = self.queries.new_empty(2, kv, count, past + desk.room)
        self.past_scores, self.past_weights = self.scores[..., :past], self.weights[..., :past]
        self.own_scores, self.own_weights = (
            x[..., past:].unflatten(1, (-1, share)).transpose(0, 1) for x in (self.scores, self.weights)
        )


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


def _batched(a: Tensor, b: Tensor, out: Tensor) -> None:
    """out = a b over batches of matrices; see LEAST_ROWS."""
    n = a.shape[1]
    if n < LEAST_ROWS:
        out.copy_(torch.bmm(F.pad(a, (0, 0, 0, LEAST_ROWS - n)), b)[:, :n])
    else:
        torch.bmm(a, b, out=out)


def _swiglu(both: Tensor) -> Tensor:
    width = both.shape[1] // 2
    return F.silu(both[:, :width]).mul_(both[:, width:])


class Decoder:
    """A model made ready to read prompts and to go on from them. `dtype`: of products, keys and values."""

    @torch.inference_mode()
    def __init__(self, model: Llama, dtype: torch.dtype, device: torch.device) -> None:
        self.config, self.dtype, self.device = model.config, dtype, device
        config = model.config
        self.heads = Heads(config.n_heads, config.n_kv_heads, config.head_dim)
        gain = math.sqrt(config.d_model)
        self.least = torch.tensor(gain * math.sqrt(config.norm_eps), device=device)
        self.layers = []
        for block in model.model["layers"]:
            attn, mlp = block.self_attn, block.mlp
            qkv = torch.cat((attn.q_proj.weight, attn.k_proj.weight, attn.v_proj.weight))
            gate_up = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight)) * (
                block.post_attention_layernorm.weight * gain
            )
            matrices = (qkv * (block.input_layernorm.weight * gain), attn.o_proj.weight, gate_up, mlp.down_proj.weight)
            self.layers.append(Layer(*(matrix.to(device, dtype) for matrix in matrices)))
        self.embedding = model.model["embed_tokens"].weight.detach().to(device)
        head = model.lm_head.weight * (model.model["norm"].weight * gain)
        self.head = F.pad(head, (0, 0, 0, -len(head) % COLUMNS)).to(device, dtype)
        self.cos, self.sin = model.cos.to(device), model.sin.to(device)
        # Cosines and sines by head, queries then keys, [places, 2, heads + kv heads, head_dim]; the scores' scale is on the
        # queries'.
        scale = torch.ones(config.n_heads + config.n_kv_heads, 1)
        scale[: config.n_heads] = config.head_dim**-0.5
        self.angles = (torch.stack((model.cos, model.sin), 1)[:, :, None].cpu() * scale).to(device, dtype)

    def _normalise(self, x: Tensor) -> Tensor:
        """x / sqrt(|x|^2 + width * eps), which is x / rms(x) but for the sqrt(width) that the matrices have."""
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True).hypot_(self.least)
        return torch.div(x, size, out=torch.empty_like(x, dtype=self.dtype))

    @torch.inference_mode()
    def read(self, tokens: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Read documents of equal length, int64 [count, length].

        Gives the logits after each one's last token [count, columns], and each layer's keys and values [count, kv heads,
        length, head_dim].
        """
        count, length = tokens.shape
        tokens = F.pad(tokens, (0, whole(length, PROMPT_PLACES) - length))  # nothing sees what comes after it
        places = tokens.shape[1]
        starts = torch.arange(0, tokens.numel() + 1, places, dtype=torch.int32, device=self.device)
        documents, (h, kv, hd) = Documents(starts, places), self._widths()
        cos, sin = self.angles[:places, :, h:].repeat(count, 1, 1, 1).unbind(1)
        x, keys, values = F.embedding(tokens.reshape(-1), self.embedding), [], []
        for layer in self.layers:
            qkv = _linear(self._normalise(x), layer.qkv)
            key, value = qkv[:, h * hd :].view(len(x), 2, kv, hd).unbind(1)
            key = torch.addcmul(key * cos, swap_halves(key), sin)
            for found, part in ((keys, key), (values, value)):
                found.append(part.reshape(count, places, kv, hd)[:, :length].transpose(1, 2))
            x += _linear(attend(qkv, self.cos, self.sin, documents, self.heads), layer.out)
            x += self._fed_forward(x, layer)
        return self._logits(x[length - 1 :: places]), keys, values

    def prompt(self, tokens: Tensor) -> tuple[Tensor, Prefix]:
        """Read one prompt, int64 [length]: logits [columns] of what comes next, and the prompt's keys and values."""
        logits, keys, values = self.read(tokens[None])
        keys = tuple(key[0].mT.contiguous() for key in keys)
        return logits[0], Prefix(keys, tuple(value[0].contiguous() for value in values), len(tokens))

    def shared(self, prefixes: list[Prefix], rollouts: int) -> Cache:
        """An empty cache for `rollouts` rows after each of the prompts."""
        rows = len(prefixes) * rollouts
        position = torch.tensor([prefix.length for prefix in prefixes], device=self.device).repeat_interleave(rollouts)
        return self._cache(Cache(prefixes, list(range(0, rows + 1, rollouts)), position), PLACES)

    @torch.inference_mode()
    def alone(self, windows: Tensor, at_once: int) -> tuple[Tensor, Cache]:
        """Read rows that share nothing, int64 [rows, length], `at_once` of them at a time: logits [rows, columns] and their
        cache, whose prefix is empty."""
        (rows, length), (_, kv, hd) = windows.shape, self._widths()
        nothing = torch.empty(kv, 0, hd, dtype=self.dtype, device=self.device)
        prefix = Prefix((nothing.mT,) * len(self.layers), (nothing,) * len(self.layers), 0)
        position = torch.full((rows,), length, device=self.device)
        cache = self._cache(Cache([prefix], [0, rows], position, length=length), whole(length + 1, PLACES))
        logits = []
        for start in range(0, rows, at_once):
            part = slice(start, start + at_once)
            found, keys, values = self.read(windows[part])
            for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
                cache.keys[layer][part, ..., :length] = key.mT
                cache.values[layer][part, :, :length] = value
            logits.append(found)
        return torch.cat(logits), cache

    def _widths(self) -> tuple[int, int, int]:
        """Heads, key-value heads, width of a head."""
        return self.heads.n_heads, self.heads.n_kv_heads, self.heads.head_dim

    @torch.inference_mode()
    def _cache(self, cache: Cache, room: int) -> Cache:
        """The cache with room for keys and values."""
        _, kv, hd = self._widths()
        shape, kind = (len(cache.position), kv), {"dtype": self.dtype, "device": self.device}
        cache.keys = [torch.zeros((*shape, hd, room), **kind) for _ in self.layers]
        cache.values = [torch.zeros((*shape, room, hd), **kind) for _ in self.layers]
        return cache

    @torch.inference_mode()
    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Add a token to each row, int64 [rows]: logits [rows, columns] of what comes next."""
        n, at, (h, kv, hd) = len(tokens), cache.length, self._widths()
        desk = cache.add_place(self.heads, self.angles)
        cos, sin = self.angles.index_select(0, cache.position).unbind(1)
        x = F.embedding(tokens, self.embedding)
        for number, layer in enumerate(self.layers):
            qkv = _linear(self._normalise(x), layer.qkv).view(n, h + 2 * kv, hd)
            turned = qkv[:, : h + kv]
            turned = torch.addcmul(turned * cos, turned.roll(hd // 2, -1), sin)
            cache.keys[number][..., at] = turned[:, h:]
            cache.values[number][:, :, at] = qkv[:, h + kv :]
            x += _linear(self._attend(turned[:, :h], cache.prefixes, desk, number), layer.out)
            x += self._fed_forward(x, layer)
        cache.position = cache.position + 1
        return self._logits(x)

    def _attend(self, query: Tensor, prefixes: list[Prefix], desk: Desk, number: int) -> Tensor:
        """Attended values [rows, heads * head_dim] of queries [rows, heads, head_dim], over the prefix and the row's own."""
        kv, n, share, hd = desk.queries.shape
        desk.queries.copy_(query.view(n, kv, share, hd).transpose(0, 1))
        torch.bmm(query.reshape(n * kv, share, hd), desk.keys[number], out=desk.scores)
        for prefix, part in zip(prefixes, desk.parts, strict=True):
            _batched(part.queries, prefix.keys[number], part.past_scores)
            torch.add(part.row_scores, desk.shut, out=part.own_scores)
            torch.softmax(part.scores, -1, out=part.weights)
            _batched(part.past_weights, prefix.values[number], part.attended)
            part.row_weights.copy_(part.own_weights)
        own = torch.bmm(desk.weights, desk.values[number]).view(n, kv, share, hd)
        return own.add_(desk.attended.transpose(0, 1)).view(n, -1)

    def _fed_forward(self, x: Tensor, layer: Layer) -> Tensor:
        return _linear(_swiglu(_linear(self._normalise(x), layer.gate_up)), layer.down)

    def _logits(self, x: Tensor) -> Tensor:
        return _linear(self._normalise(x), self.head)
