"""Windows of timelines, packed tightly into rows, and rows into batches.

In: a `Split`, the row length ("context"). Out: `Batch`es of rows. A window is one patient's
static prefix (as known at the window's start) and then up to context + 1 - n_static timeline tokens; its last
token is only a target, so a window fills at most `context` inputs. Windows of several patients share a row;
where segments start (positions restart there) and the list of scored places keep them apart. Every timeline token of the
split is in exactly one window, hence is predicted exactly once per epoch; static tokens and padding never are.
Wrong: a context shorter than the static prefix, a token beyond the vocabulary (`UserError`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml.data import PAD, Split
from warehouse.errors import UserError


@dataclass(frozen=True)
class Windows:
    """Windows as arrays int64 [n]: patient, first and last + 1 timeline position, number of input tokens."""

    patient: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    inputs: np.ndarray

    def __len__(self) -> int:
        return len(self.patient)


def cut_windows(lengths: np.ndarray, n_static: int, context: int, patients: np.ndarray | None = None) -> Windows:
    """Cut timelines of the given lengths (of the given patients, default all) into windows, in order."""
    span = context + 1 - n_static
    if span < 2:
        raise UserError(f"--context {context} leaves no room beside {n_static} static tokens: give a longer one")
    patients = np.arange(len(lengths)) if patients is None else np.asarray(patients)
    lengths = np.asarray(lengths, dtype=np.int64)[patients]
    pieces = -(-lengths // span)
    owner = np.repeat(np.arange(len(patients)), pieces)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = (np.arange(len(owner)) - first) * span
    stop = np.minimum(start + span, lengths[owner])
    return Windows(patients[owner], start, stop, inputs=stop - start + n_static - 1)


def pack(sizes: np.ndarray, capacity: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Best-fit decreasing: put items of the given sizes into as few rows of `capacity` as it can; ties in
    random order.

    Returns for each row the numbers of its items; every item is in exactly one row. The rows that have r places
    left are found through one integer whose bit r says whether there are any.
    """
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    n_full = int(np.count_nonzero(sizes == capacity))
    rows: list[list[int]] = [[item] for item in order[:n_full].tolist()]
    by_room: list[list[int]] = [[] for _ in range(capacity + 1)]
    rooms = 0
    for item, size in zip(order[n_full:].tolist(), sizes[order[n_full:]].tolist(), strict=True):
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
            rows[row].append(item)
        else:
            room, row = capacity, len(rows)
            rows.append([item])
        left = room - size
        by_room[left].append(row)
        rooms |= 1 << left
    return [np.asarray(row) for row in rows]


@dataclass(frozen=True)
class Batch:
    """Rows for one step. tokens, segments: int64 [rows, context]; segment 0 is padding.

    starts: int32 [k], where each segment starts, counted over all rows, and the end of the last row; each row's
    padding is a segment too. scored int64 [n]: the places, counted likewise, from which a timeline token is predicted;
    targets int64 [n]: those tokens.
    """

    tokens: Tensor
    segments: Tensor
    starts: Tensor
    scored: Tensor
    targets: Tensor
    n_inputs: int  # real tokens: static prefix included, padding not

    @property
    def n_timeline(self) -> int:
        """Timeline tokens of the windows, each predicted once: what D grows by."""
        return len(self.targets)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        tensors = (self.tokens, self.segments, self.starts, self.scored, self.targets)
        return Batch(*(change(tensor) for tensor in tensors), self.n_inputs)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory, from which a CUDA device copies by itself."""
        return self._each(lambda tensor: tensor.pin_memory())

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; from page-locked memory without waiting."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def without_padding(self) -> tuple[Tensor, Tensor, Tensor]:
        """Real tokens one after another [n_inputs], where their segments start, and the scored places among them."""
        real = (self.segments > 0).view(-1)
        before = real.cumsum(0) - real.long()  # real tokens before each place
        ends = torch.cat((before, before.new_tensor([self.n_inputs])))
        starts = ends[self.starts.long()].unique_consecutive()  # padding leaves an empty segment, which goes
        return self.tokens.view(-1)[real], starts.int(), before[self.scored]


def collate(split: Split, windows: Windows, rows: list[np.ndarray], context: int) -> Batch:
    """Fill rows with their windows. The first timeline token of a window is predicted from its last static token."""
    taken = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    columns = (a[taken].tolist() for a in (windows.patient, windows.start, windows.stop, windows.inputs))
    each = zip(*columns, strict=True)
    places = np.arange(len(rows) * context)
    tokens, segments, starts = np.full(len(places), PAD), np.zeros(len(places), int), []
    n_timeline = int((windows.stop[taken] - windows.start[taken]).sum())
    scored, targets, done = np.empty(n_timeline, int), np.empty(n_timeline, int), 0
    for r, row in enumerate(rows):
        at = r * context
        for segment in range(1, len(row) + 1):
            patient, start, stop, size = next(each)
            timeline = split.array(patient, "tokens.u16")[start:stop]
            first, end, scored_end = at + split.n_static, at + size, done + stop - start
            tokens[at:first] = split.static_prefix(patient, start)
            tokens[first:end] = timeline[:-1]
            segments[at:end] = segment
            starts.append(at)
            scored[done:scored_end], targets[done:scored_end] = places[first - 1 : end], timeline
            at, done = end, scored_end
        if at < (r + 1) * context:
            starts.append(at)
    starts = np.asarray([*starts, len(places)], dtype=np.int32)
    if max(tokens.max(initial=0), targets.max(initial=0)) >= split.vocabulary_size:
        for patient in windows.patient[taken].tolist():
            split.check_tokens(patient)
    shape = (len(rows), context)
    arrays = (tokens.reshape(shape), segments.reshape(shape), starts, scored, targets)
    return Batch(*(torch.from_numpy(a) for a in arrays), int(windows.inputs[taken].sum()))
