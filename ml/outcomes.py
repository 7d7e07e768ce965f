"""What a simulated timeline is watched for: outcomes, stops and horizons of several tasks at once.

In: tasks as data/tasks/tasks.json tells them, the seconds that each token adds, and at each step the probabilities of the
next token and the one drawn. Out: for each rollout and task what came of it, and the same in expectation, step by step.

A task is open until a token decides it: the outcome, a stop (a death always is one), or a gap in time that leads beyond its
horizon. A token that is outcome and stop counts as outcome. `open` is 1, then 0; between the two only where a laboratory
value decides a part: a value is known by its bin, of which the share beyond the threshold is taken as hit. Time is counted
from the end of the prompt in time-interval tokens, each worth the mean of its gaps.

Two sums run along beside the outcome (SCOPE/REACH, arXiv 2602.03730): at each step, while the task is open, the model's
probability that the very next token hits (`average`), and that it decides otherwise (`against`). Whatever the model, the
outcome minus its sum has mean zero at every step (it is a martingale), hence the sums estimate the same risk as the
outcomes; see ml/risk.py. For numbers `average` is the expected number: of days that the next token adds (time_to_stop), of
the value (value). For classes it is a row of sums. Wrong: an outcome of unknown kind (`UserError`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import Tensor

from warehouse.errors import UserError

KINDS = ("event", "duration", "time_to_stop", "result", "value", "class")
NUMBERS = ("time_to_stop", "value")
NO_CLASS = -1
LEAST_OPEN = 1e-6  # less than this part of a task left open is rounding
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Watched:
    """What ends and decides a rollout for one task; fields as in tasks.json, those that the kind does not have are left
    empty.

    tokens: outcomes (event, class); labels: of the tokens (class); name_tokens: of the measurement, whose value is the next
    token (result, value); values: by value token its mean (value) or 21 ascending quantiles of its bin (result); threshold:
    None where each prompt has its own.
    """

    name: str
    kind: str
    stop_tokens: tuple[int, ...] = ()
    horizon_seconds: float | None = None
    tokens: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    seconds: float | None = None
    unit_seconds: float = SECONDS_A_DAY
    name_tokens: tuple[int, ...] = ()
    values: dict[int, float | tuple[float, ...]] = field(default_factory=dict)
    beyond: str = "above"
    threshold: float | None = None
    decided_by: str = "next"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"task {self.name}: outcome {self.kind!r} is none of {', '.join(KINDS)}")

    @classmethod
    def from_json(cls, task: dict) -> "Watched":
        """A task of tasks.json."""
        outcome = dict(task["outcome"])
        tokens = outcome.pop("tokens", ())
        labels = tuple(int(label) for label in tokens.values()) if isinstance(tokens, dict) else ()
        known = {f.name for f in fields(cls)}
        return cls(
            name=task["name"],
            stop_tokens=tuple(task["stop_tokens"]),
            horizon_seconds=task["horizon_seconds"],
            tokens=tuple(int(token) for token in tokens),
            labels=labels,
            name_tokens=tuple(outcome.pop("name_tokens", ())),
            values={int(token): value for token, value in outcome.pop("values", {}).items()},
            **{name: value for name, value in outcome.items() if name in known},
        )


def share_beyond(quantiles: Sequence[float], threshold: float, beyond: str) -> float:
    """Share of a bin's values above (or below) the threshold, not counting those that equal it.

    `quantiles` [k]: evenly spaced from the lowest value to the highest; between two of them values are taken as spread evenly.
    """
    quantiles = np.asarray(quantiles, float)
    if np.isnan(threshold):
        return np.nan
    level = np.linspace(0, 1, len(quantiles))
    side = "right" if beyond == "above" else "left"
    at = int(np.searchsorted(quantiles, threshold, side))
    if at in (0, len(quantiles)):
        below = float(at > 0)
    else:
        low, high = quantiles[at - 1], quantiles[at]
        below = level[at - 1] + (threshold - low) / (high - low) * (level[at] - level[at - 1])
    return 1 - below if beyond == "above" else below


@dataclass
class Standing:
    """Where rollouts stand, float32. elapsed [n] seconds; [n, tasks]: open, mass (the part of it that ended in a hit), hit
    (what the hit is worth: 1, the number, the label), average, against; pending [n, measured tasks]: 1 where the last token
    was a name whose value is due; classes [n, class tokens]: `average` of each.
    """

    elapsed: Tensor
    open: Tensor
    mass: Tensor
    hit: Tensor
    average: Tensor
    against: Tensor
    pending: Tensor
    classes: Tensor

    def take(self, rows: Tensor) -> "Standing":
        """Some rows, as a copy."""
        return Standing(*(value.index_select(0, rows) for value in vars(self).values()))

    def put(self, rows: Tensor, part: "Standing") -> None:
        """Write rows back."""
        for mine, theirs in zip(vars(self).values(), vars(part).values(), strict=True):
            mine.index_copy_(0, rows, theirs)

    @property
    def is_open(self) -> Tensor:
        """bool [n]: whether any task still watches."""
        return (self.open > 0).any(1)


class Watch:
    """Tables of all tasks over the vocabulary, and the step that moves rollouts on."""

    def __init__(self, tasks: list[Watched], seconds: np.ndarray, death: tuple[int, ...], device: torch.device) -> None:
        self.tasks, self.device = tasks, device
        self._codes(len(seconds), death)
        self._times(np.asarray(seconds, np.float32))
        self._measurements(len(seconds))
        self.class_tasks = [t for t, task in enumerate(tasks) if task.kind == "class"]
        classes = [(token, t) for t in self.class_tasks for token in tasks[t].tokens]
        self.class_tokens = self._ids([token for token, _ in classes])
        self.class_task = self._ids([t for _, t in classes])

    def _table(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device)

    def _ids(self, array: np.ndarray | list[int]) -> Tensor:
        return torch.from_numpy(np.asarray(array, np.int64)).to(self.device)

    def _codes(self, n_tokens: int, death: tuple[int, ...]) -> None:
        """What a token alone does to each task: hit, decide against, and what the hit is worth; [V, tasks] each, side by side."""
        hit, miss, label = (np.zeros((n_tokens, len(self.tasks)), np.float32) for _ in range(3))
        worth = np.ones(len(self.tasks), np.float32)
        for t, task in enumerate(self.tasks):
            ends = [*task.stop_tokens, *death]
            if task.kind == "time_to_stop":
                hit[ends, t], worth[t] = 1, 0  # what counts is the time gone by
                continue
            hit[list(task.tokens), t] = 1
            miss[ends, t] = 1
            label[list(task.tokens), t] = task.labels if task.kind == "class" else 1
        miss *= 1 - hit
        self.drawn = self._table(np.concatenate((hit, miss, label * worth), 1))
        used = np.flatnonzero((hit + miss).any(1))
        self.used = self._ids(used)
        self.expected = self._table(np.concatenate((hit * worth, miss), 1)[used])

    def _times(self, seconds: np.ndarray) -> None:
        """Tokens that add time; each task's limit; whether to pass it decides for the outcome, and what that is worth."""
        kinds = np.array([task.kind for task in self.tasks])
        limits = [task.seconds if task.kind == "duration" else task.horizon_seconds for task in self.tasks]
        limits = np.array([np.inf if limit is None else limit for limit in limits])
        times = np.flatnonzero(seconds > 0)
        self.times, self.times_seconds, self.seconds = (
            self._ids(times),
            self._table(seconds[times]),
            self._table(seconds),
        )
        self.limit, self.has_limit = self._table(limits), bool(np.isfinite(limits).any())
        self.late_hit, self.late_worth = (
            self._table(np.isin(kinds, ("duration", "time_to_stop"))),
            self._table(kinds == "duration"),
        )
        unit = [1 / task.unit_seconds if task.kind == "time_to_stop" else 0 for task in self.tasks]
        self.per_second, self.counts_time = self._table(np.array(unit)), any(unit)

    def _measurements(self, n_tokens: int) -> None:
        """Tasks decided by a value: their names, the value tokens that count, and what those are worth beyond a hit's 1."""
        measured = [t for t, task in enumerate(self.tasks) if task.kind in ("result", "value")]
        self.measured = measured
        values = sorted({token for t in measured for token in self.tasks[t].values})
        self.place_of_value = {token: i for i, token in enumerate(values)}
        names, counted, extra = (np.zeros((n, len(measured))) for n in (n_tokens, len(values) + 1, len(values) + 1))
        for i, task in enumerate(self.tasks[t] for t in measured):
            names[list(task.name_tokens), i] = 1
            for token, value in task.values.items():
                counted[self.place_of_value[token], i] = 1
                extra[self.place_of_value[token], i] = value - 1 if task.kind == "value" else 0
        value_of = np.full(n_tokens, len(values))  # the last place: no value that counts
        value_of[values] = np.arange(len(values))
        self.values, self.value_of, self.names = self._ids(values), self._ids(value_of), self._table(names)
        self.counted, self.extra = self._table(counted), self._table(extra)
        # Where the next value decides, one that is not beyond decides against.
        self.decides = self._table(
            [self.tasks[t].kind == "value" or self.tasks[t].decided_by == "next" for t in measured]
        )
        self.column = self._table(np.eye(len(self.tasks))[measured])  # [measured tasks, tasks]

    def shares(self, thresholds: np.ndarray) -> Tensor:
        """How much of a hit each value is, [prompts, values + 1, measured tasks]; thresholds [prompts, tasks], NaN where
        the task's own holds."""
        out = np.zeros((len(thresholds), len(self.place_of_value) + 1, len(self.measured)), np.float32)
        for i, t in enumerate(self.measured):
            task = self.tasks[t]
            own = np.nan if task.threshold is None else task.threshold
            found, which = np.unique(np.where(np.isnan(thresholds[:, t]), own, thresholds[:, t]), return_inverse=True)
            if task.kind == "result" and np.isnan(found).any():
                raise UserError(f"task {task.name}: a prompt has no threshold: export the tasks again")
            for token, value in task.values.items():
                beyond = [share_beyond(value, x, task.beyond) if task.kind == "result" else 1.0 for x in found]
                out[:, self.place_of_value[token], i] = np.array(beyond)[which]
        return self._table(out)

    def begin(self, watched: Tensor, last: Tensor) -> Standing:
        """Standing of rollouts at the end of their prompts: bool [n, tasks], who watches, and the prompts' last tokens [n]."""
        n, tasks = watched.shape
        elapsed, mass, hit, average, against, classes = (
            torch.zeros(shape, device=self.device) for shape in (n, *[(n, tasks)] * 4, (n, len(self.class_tokens)))
        )
        pending = self.names.index_select(0, last)
        return Standing(elapsed, watched.float(), mass, hit, average, against, pending, classes)

    def step(self, now: Standing, p: Tensor, token: Tensor, shares: Tensor) -> None:
        """Move on by one token, drawn from p [n, columns], int64 [n]; shares [n, values + 1, measured tasks] of the rows'
        prompts."""
        self._expect(now, p, shares)
        hit, miss, worth = self.drawn.index_select(0, token).chunk(3, 1)
        seconds = self.seconds.index_select(0, token)[:, None]
        now.elapsed = now.elapsed + seconds[:, 0]
        if self.has_limit:
            late = ((now.elapsed[:, None] > self.limit) & (seconds > 0)).float()
            hit, miss, worth = (
                hit + late * self.late_hit,
                miss + late * (1 - self.late_hit),
                worth + late * self.late_worth,
            )
        if self.measured:
            value = self.value_of.index_select(0, token)
            beyond = now.pending * shares[torch.arange(len(token), device=self.device), value]
            against = (now.pending * self.counted.index_select(0, value) - beyond) * self.decides
            more = beyond + now.pending * self.extra.index_select(0, value)
            hit, miss, worth = hit + beyond @ self.column, miss + against @ self.column, worth + more @ self.column
            now.pending = self.names.index_select(0, token)
        if self.counts_time:
            worth = worth + seconds * self.per_second
        now.mass = torch.addcmul(now.mass, now.open, hit)
        now.hit = torch.addcmul(now.hit, now.open, worth)
        left = now.open * (1 - hit - miss)
        now.open = left * (left > LEAST_OPEN)

    def _expect(self, now: Standing, p: Tensor, shares: Tensor) -> None:
        """Add what the next token is expected to bring, before it is drawn."""
        worth, against = (p.index_select(1, self.used) @ self.expected).chunk(2, 1)
        if self.has_limit or self.counts_time:
            times = p.index_select(1, self.times)
        if self.has_limit:
            late = now.elapsed[:, None, None] + self.times_seconds[:, None] > self.limit  # [n, time tokens, tasks]
            late = torch.einsum("nk,nkt->nt", times, late.float())
            worth, against = worth + late * self.late_worth, against + late * (1 - self.late_hit)
        if self.measured:
            values = p.index_select(1, self.values)
            beyond = now.pending * torch.einsum("nv,nvm->nm", values, shares[:, :-1])
            missed = (now.pending * (values @ self.counted[:-1]) - beyond) * self.decides
            more = beyond + now.pending * (values @ self.extra[:-1])
            worth, against = worth + more @ self.column, against + missed @ self.column
        if self.counts_time:
            worth = worth + (times @ self.times_seconds)[:, None] * self.per_second
        now.average = torch.addcmul(now.average, now.open, worth)
        now.against = torch.addcmul(now.against, now.open, against)
        if self.class_tasks:
            now.classes = torch.addcmul(
                now.classes, now.open.index_select(1, self.class_task), p.index_select(1, self.class_tokens)
            )
