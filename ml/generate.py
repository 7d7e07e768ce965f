"""Simulate patients' futures: many rollouts from each prompt, until every task that watches them is decided.

In: a model; prompts (a patient at a time of prediction); tasks; the seconds a time-interval token stands for; a grammar.
Out: `Rollouts` by chunks of prompts, so that a caller can write each part and go on after an interruption with the prompts
that are left.

What a rollout does depends on (seed, the prompt's key, the rollout's number) and on model, grammar, temperature, context and
cap alone: its random numbers are a hash of these and of the step, and its logits are the same to the bit whatever shares the
batch (see ml/kv_cache.py). So neither chunk size nor the other prompts nor the number of rollouts change it; tasks decide
when it ends. This holds on one machine and one build of torch, on a CPU; on CUDA random numbers are the same but products
may round otherwise.

A model sees no more than its context. A prompt keeps its static prefix and its latest tokens, and leaves a quarter of the
context free (LEFT_FREE), which all its rollouts fill while they share its keys and values. A rollout that outgrows the
context goes on with the static prefix and the latest half (KEPT) of a context, read anew, at positions from 0 as in
training; and so again each time.

A rollout ends when all its tasks are decided (ml/outcomes.py), with a death, or after `max_tokens`. Those that have ended
leave the batch every CHECK steps. Memory is bounded by `budget_bytes`: see `prompts_at_once`. Wrong: a prompt with a token
beyond the vocabulary, a context that leaves no room (`UserError`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ml.device import Device
from ml.draw import draw, row_keys, uniforms
from ml.grammar import Grammar
from ml.kv_cache import Cache, Decoder, row_bytes
from ml.model import Llama, ModelConfig
from ml.outcomes import NO_CLASS, NUMBERS, Standing, Watch, Watched
from ml.prompts import Prompt
from warehouse.errors import UserError

CHECK = 16  # steps between two looks at which rollouts have ended
COMPACT_FROM = 1 / 16  # share of ended rollouts that is worth copying the others' keys and values for
LEFT_FREE, KEPT = 1 / 4, 1 / 2  # of a context: after a prompt, before rollouts go on
MOST_ROWS = 512  # at once; more would not be faster
READ_TOKENS = 8192  # of windows read anew in one go


@dataclass(frozen=True)
class Sampling:
    """rollouts of each prompt; max_tokens: a rollout's cap; temperature: 0 takes the likeliest token; keep_tokens: give the
    drawn tokens back; budget_bytes: of memory beside the model.
    """

    rollouts: int
    max_tokens: int
    temperature: float = 1.0
    seed: int = 0
    keep_tokens: bool = False
    budget_bytes: int = 1 << 30

    def __post_init__(self) -> None:
        if self.rollouts < 1 or self.max_tokens < 1 or self.temperature < 0:
            raise UserError("simulation needs at least one rollout of one token, and a temperature of 0 or more")


@dataclass(frozen=True)
class Rollouts:
    """What came of prompts first .. first + n - 1; arrays [n, tasks, rollouts] unless said otherwise.

    hit: float32, 0 or 1 (a part of 1 where a bin straddles the threshold), or the number (NaN without one), or the class
    (-1 without one). decided: bool, all of the task was decided before the cap. average, against: sums over the steps, see
    ml/outcomes.py. classes: by class task (its place among the tasks) float32 [n, its tokens], the average of each class,
    mean over the rollouts. length: int32 [n, rollouts], tokens drawn. tokens: int32 [n, rollouts, max_tokens], 0 after the
    end, or None.
    """

    first: int
    hit: np.ndarray
    decided: np.ndarray
    average: np.ndarray
    against: np.ndarray
    classes: dict[int, np.ndarray]
    length: np.ndarray
    tokens: np.ndarray | None


def join(parts: list[Rollouts]) -> Rollouts:
    """Chunks that follow each other as one."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("hit", "decided", "average", "against", "length")
    }
    classes = {t: np.concatenate([part.classes[t] for part in parts]) for t in parts[0].classes}
    tokens = None if parts[0].tokens is None else np.concatenate([part.tokens for part in parts])
    return Rollouts(parts[0].first, **columns, classes=classes, tokens=tokens)


def prompt_places(config: ModelConfig, max_tokens: int) -> int:
    """Most tokens of a prompt, static prefix included: rollouts have room for a quarter of a context, or for all they may draw."""
    return config.context - min(max_tokens, int(config.context * LEFT_FREE))


def rollout_bytes(config: ModelConfig, sampling: Sampling, n_tasks: int, dtype: torch.dtype, places: int) -> int:
    """Bytes of one rollout that keeps `places` keys and values: those (a quarter more for growth, and a copy of a layer),
    a layer's scores and weights, four float32 numbers a token of the vocabulary, what was drawn, twice seven numbers a task.
    """
    kept = row_bytes(config, dtype, places) * (1.25 + 1 / max(1, config.n_layers))
    scores = 2 * config.n_heads * config.context * dtype.itemsize
    return int(kept) + scores + 16 * config.vocabulary_size + 4 * sampling.max_tokens + 56 * n_tasks


def prompts_at_once(config: ModelConfig, sampling: Sampling, n_tasks: int, dtype: torch.dtype) -> int:
    """How many prompts' rollouts fit the budget (and MOST_ROWS), at least one. A prompt's own keys and values count too."""
    places = min(sampling.max_tokens, config.context)
    rollouts = sampling.rollouts * rollout_bytes(config, sampling, n_tasks, dtype, places)
    fits = sampling.budget_bytes // (row_bytes(config, dtype, config.context) + rollouts)
    return max(1, min(fits, MOST_ROWS // sampling.rollouts))


@dataclass
class _Rows:
    """Rollouts by row: those of a chunk, or some of them. keys uint64 [n], of the draws; prompt [n], by place in the chunk;
    state [n], of the grammar; length [n], tokens drawn; going bool [n], not ended.
    """

    keys: np.ndarray
    prompt: Tensor
    standing: Standing
    state: Tensor
    length: Tensor
    going: Tensor

    def take(self, rows: Tensor) -> "_Rows":
        """Some rows, as a copy."""
        tensors = (x.index_select(0, rows) for x in (self.prompt, self.state, self.length, self.going))
        prompt, state, length, going = tensors
        return _Rows(self.keys[rows.cpu().numpy()], prompt, self.standing.take(rows), state, length, going)

    def put(self, rows: Tensor, part: "_Rows") -> None:
        """Write rows back."""
        self.standing.put(rows, part.standing)
        for name in ("state", "length", "going"):
            getattr(self, name).index_copy_(0, rows, getattr(part, name))


class _Simulation:
    """A model, tasks and a grammar, ready for chunks of prompts."""

    def __init__(
        self,
        model: Llama,
        tasks: list[Watched],
        seconds: np.ndarray,
        grammar: Grammar,
        sampling: Sampling,
        device: Device,
    ) -> None:
        self.sampling, self.device, self.grammar, self.tasks = sampling, device.torch, grammar, tasks
        self.decoder = Decoder(model, device.dtype, self.device)
        self.context, self.vocabulary = model.config.context, model.config.vocabulary_size
        self.watch = Watch(tasks, seconds, grammar.death, self.device)
        mask = torch.full((len(grammar.legal), len(self.decoder.head)), -torch.inf)
        mask[:, : self.vocabulary].masked_fill_(torch.from_numpy(grammar.legal), 0)
        self.mask = mask.to(self.device)
        self.after = torch.from_numpy(grammar.after.astype(np.int64).ravel()).to(self.device)
        self.is_death = torch.zeros(self.vocabulary, dtype=torch.bool, device=self.device)
        self.is_death[list(grammar.death)] = True
        self.at_once = prompts_at_once(model.config, sampling, len(tasks), device.dtype)
        each = rollout_bytes(model.config, sampling, len(tasks), device.dtype, self.context)
        self.alone_at_once = max(1, min(sampling.budget_bytes // each, MOST_ROWS))

    @torch.inference_mode()
    def chunk(self, prompts: list[Prompt], first: int) -> Rollouts:
        """Simulate some prompts to the end."""
        rollouts, nothing = self.sampling.rollouts, np.empty(0, np.int64)
        places = prompt_places(self.decoder.config, self.sampling.max_tokens)
        windows = [torch.from_numpy(self._window(prompt, nothing, places)).to(self.device) for prompt in prompts]
        every = self._begin(prompts)
        shares = self.watch.shares(self._thresholds(prompts))
        tokens = torch.zeros((len(every.keys), self.sampling.max_tokens), dtype=torch.int32, device=self.device)
        read = [self.decoder.prompt(window) for window in windows]
        logits = torch.stack([logits for logits, _ in read]).repeat_interleave(rollouts, 0)
        cache = self.decoder.shared([prefix for _, prefix in read], rollouts)
        full = self._run(every, torch.arange(len(logits), device=self.device), tokens, shares, logits, cache)
        places = int(self.context * KEPT)
        while len(full):  # these go on, each with a window of its own
            still = []
            for rows in full.split(self.alone_at_once):
                drawn, ends = tokens[rows].cpu().numpy(), every.length[rows].tolist()
                each = zip(every.prompt[rows].tolist(), drawn, ends, strict=True)
                windows = np.stack([self._window(prompts[i], past[:end], places) for i, past, end in each])
                windows = torch.from_numpy(windows).to(self.device)
                logits, cache = self.decoder.alone(windows, max(1, READ_TOKENS // places))
                still.append(self._run(every, rows, tokens, shares, logits, cache))
            full = torch.cat(still)
        return self._outcomes(every, tokens, prompts, first)

    def _window(self, prompt: Prompt, drawn: np.ndarray, places: int) -> np.ndarray:
        """int64 [at most places]: static prefix and the latest tokens."""
        room = places - len(prompt.statics)
        if room < 1:
            raise UserError(f"a context of {self.context} leaves no room for timelines beside the static prefix")
        window = np.concatenate((prompt.statics, np.concatenate((prompt.tokens, drawn))[-room:])).astype(np.int64)
        if window.max() >= self.vocabulary:
            raise UserError(f"a prompt holds token {window.max()}, beyond the model's vocabulary of {self.vocabulary}")
        return window

    def _watching(self, prompts: list[Prompt]) -> np.ndarray:
        every = np.ones(len(self.tasks), bool)
        return np.stack([every if prompt.watching is None else prompt.watching for prompt in prompts])

    def _thresholds(self, prompts: list[Prompt]) -> np.ndarray:
        """[prompts, tasks]; none is needed where nobody watches."""
        unknown = np.full(len(self.tasks), np.nan)
        thresholds = np.stack([unknown if prompt.thresholds is None else prompt.thresholds for prompt in prompts])
        return np.where(self._watching(prompts), thresholds, 0.0)

    def _begin(self, prompts: list[Prompt]) -> _Rows:
        """All rollouts at the end of their prompts."""
        rollouts = self.sampling.rollouts

        def rows(values: np.ndarray | list[int]) -> Tensor:
            return torch.from_numpy(np.asarray(values)).to(self.device).repeat_interleave(rollouts, 0)

        last = [int(prompt.tokens[-1] if len(prompt.tokens) else prompt.statics[-1]) for prompt in prompts]
        standing = self.watch.begin(rows(self._watching(prompts)), rows(last))
        state = rows([self.grammar.state(np.asarray(prompt.tokens)) for prompt in prompts])
        keys = row_keys(self.sampling.seed, np.array([prompt.key for prompt in prompts]), rollouts)
        return _Rows(keys, rows(np.arange(len(prompts))), standing, state, torch.zeros_like(state), standing.is_open)

    def _run(self, every: _Rows, ids: Tensor, tokens: Tensor, shares: Tensor, logits: Tensor, cache: Cache) -> Tensor:
        """Let rows `ids` go on until they have ended or filled the context; gives the ids of those that have filled it.

        shares: of the chunk's prompts; tokens: of the chunk, written here; logits [rows, columns]: of the first token.
        """
        full, last = [], self.sampling.max_tokens
        now = every.take(ids)
        if not now.going.any():  # nobody watches
            return ids[:0]
        while True:
            left = min(last - int(now.length[now.going].max()), self.context - int(cache.position.max()) + 1)
            steps = min(CHECK, left)
            token = self._steps(now, ids, tokens, shares.index_select(0, now.prompt), logits, cache, steps)
            is_full = now.going & (cache.position >= self.context)
            stay = torch.nonzero(now.going & ~is_full)[:, 0]
            every.put(ids, now)
            full.append(ids[is_full])
            if not len(stay):
                return torch.cat(full)
            if steps == left or len(ids) - len(stay) >= COMPACT_FROM * len(ids):
                cache.keep(stay)
                ids, token, now = ids[stay], token[stay], now.take(stay)
            logits = self.decoder.step(token, cache)

    def _steps(
        self, now: _Rows, ids: Tensor, tokens: Tensor, shares: Tensor, logits: Tensor, cache: Cache, steps: int
    ) -> Tensor:
        """Some steps of the same rows, the last token not yet read; gives that token. Stops where no row goes on."""
        places = now.length.cpu().numpy() + np.arange(steps)[:, None]
        numbers = torch.from_numpy(uniforms(now.keys, places)).to(self.device)
        live = torch.nonzero(now.going)[:, 0]
        first, drawn, token = now.length[live], [], ids  # a token of the right shape
        room = torch.empty(
            2, *logits.shape, device=self.device
        )  # used again and again: new memory costs more than the work
        for step in range(steps):
            if step:
                logits = self.decoder.step(token, cache)
            p = self._probabilities(logits, now.state, room)
            token = draw(p, numbers[step])
            self.watch.step(now.standing, p, token, shares)
            drawn.append(token)
            now.length = now.length + now.going
            now.state = self.after.index_select(0, now.state * self.vocabulary + token)
            now.going = now.going & now.standing.is_open & ~self.is_death.index_select(0, token)
            if self.device.type == "cpu" and not now.going.any():  # a device should not wait for each step
                break
        now.going &= now.length < self.sampling.max_tokens
        drawn = torch.stack(
            drawn, 1
        )  # of a row that ended on the way also what is behind its end, where nothing is read
        tokens[ids[live, None], first[:, None] + torch.arange(drawn.shape[1], device=self.device)] = drawn[live].int()
        return token

    def _probabilities(self, logits: Tensor, state: Tensor, room: Tensor) -> Tensor:
        """float32 [n, columns] of what may come next; scores and result are written into `room` [2, n, columns]."""
        scores, p = room
        torch.index_select(self.mask, 0, state, out=scores).add_(logits)
        if self.sampling.temperature == 0:
            return p.zero_().scatter_(1, scores.argmax(1, keepdim=True), 1.0)
        if self.sampling.temperature != 1:
            scores /= self.sampling.temperature
        return torch.softmax(scores, -1, out=p)

    def _outcomes(self, rows: _Rows, tokens: Tensor, prompts: list[Prompt], first: int) -> Rollouts:
        """What `Rollouts` says, of all rows of a chunk."""
        n, rollouts, now = len(prompts), self.sampling.rollouts, rows.standing

        def by_task(values: Tensor) -> np.ndarray:
            return values.view(n, rollouts, -1).transpose(1, 2).cpu().numpy()

        watching = self._watching(prompts)[..., None]
        still_open, mass = by_task(now.open), by_task(now.mass)
        hit, average, against = by_task(now.hit), by_task(now.average), by_task(now.against)
        for t, task in enumerate(self.tasks):
            if task.kind in NUMBERS:
                hit[:, t] = np.where(mass[:, t] > 0, hit[:, t], np.nan)
            elif task.kind == "class":
                hit[:, t] = np.where(mass[:, t] > 0, hit[:, t], NO_CLASS)
        hit, average, against = (np.where(watching, x, np.nan) for x in (hit, average, against))
        classes = now.classes.view(n, rollouts, -1).mean(1)
        classes = {t: classes[:, self.watch.class_task == t].cpu().numpy() for t in self.watch.class_tasks}
        length = rows.length.view(n, rollouts).cpu().numpy().astype(np.int32)
        drawn = None
        if self.sampling.keep_tokens:
            drawn = tokens.view(n, rollouts, -1).cpu().numpy()
            drawn = np.where(np.arange(drawn.shape[2]) < length[..., None], drawn, 0)
        return Rollouts(first, hit, (still_open == 0) & watching, average, against, classes, length, drawn)


def simulate(
    model: Llama,
    prompts: list[Prompt],
    tasks: list[Watched],
    time_seconds: np.ndarray,
    grammar: Grammar,
    sampling: Sampling,
    device: Device,
    progress: bool = True,
) -> Iterator[Rollouts]:
    """Rollouts of all prompts, chunk by chunk, in order; time_seconds [V]: what each token adds to the time gone by.

    `progress` shows a bar on a terminal.
    """
    simulation = _Simulation(model, tasks, time_seconds, grammar, sampling, device)
    with tqdm(total=len(prompts), unit="prompt", disable=None if progress else True, dynamic_ncols=True) as bar:
        for first in range(0, len(prompts), simulation.at_once):
            part = prompts[first : first + simulation.at_once]
            yield simulation.chunk(part, first)
            bar.update(len(part))
