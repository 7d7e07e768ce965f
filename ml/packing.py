"""Windows of timelines, packed tightly into rows, and rows into batches.

In: a `Split`, the row length ("context"), a seed. Out: `Batch`es of rows. A window is one patient's
static prefix (as known at the window's start) and then up to context + 1 - n_static timeline tokens; its last
token is only a target, so a window fills at most `context` inputs. Windows of several patients share a row;
where segments start (positions restart there) and the list of scored places keep them apart. Every timeline token of the
split is in exactly one window, hence is predicted exactly once per epoch; static tokens and padding never are.
The order is a pure function of (seed, epoch). Wrong: a context shorter than the static prefix (`UserError`).
"""

from collections.abc import Iterator
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

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; to CUDA from pinned memory and without waiting."""
        if device.type == "cpu":
            return self
        pinned = device.type == "cuda"
        tensors = (self.tokens, self.segments, self.starts, self.scored, self.targets)
        moved = ((t.pin_memory() if pinned else t).to(device, non_blocking=True) for t in tensors)
        return Batch(*moved, self.n_inputs)

    def without_padding(self) -> tuple[Tensor, Tensor, Tensor]:
        """Real tokens one after another [n_inputs], where their segments start, and the scored places among them."""
        real = (self.segments > 0).view(-1)
        before = real.cumsum(0) - real.long()  # real tokens before each place
        ends = torch.cat((before, before.new_tensor([self.n_inputs])))
        starts = ends[self.starts.long()].unique_consecutive()  # padding leaves an empty segment, which goes
        return self.tokens.view(-1)[real], starts.int(), before[self.scored]


def collate(split: Split, windows: Windows, rows: list[np.ndarray], context: int) -> Batch:
    """Fill rows with their windows. The first timeline token of a window is predicted from its last static token."""
    tokens = np.full((len(rows), context), PAD, dtype=np.int64)
    segments = np.zeros_like(tokens)
    starts, scored, targets, n_inputs = [], [], [], 0
    for r, row in enumerate(rows):
        at = 0
        for s, window in enumerate(row.tolist(), start=1):
            patient, start, stop = (int(a[window]) for a in (windows.patient, windows.start, windows.stop))
            timeline = split.array(patient, "tokens.u16")[start:stop]
            sequence = np.concatenate((split.static_prefix(patient, start), timeline))
            split.check_tokens(sequence, patient)
            size = len(sequence) - 1
            tokens[r, at : at + size] = sequence[:-1]
            segments[r, at : at + size] = s
            starts.append(r * context + at)
            scored.append(np.arange(r * context + at + split.n_static - 1, r * context + at + size))
            targets.append(timeline)
            at += size
        if at < context:
            starts.append(r * context + at)
        n_inputs += at
    starts.append(len(rows) * context)
    joined = (np.concatenate(parts).astype(np.int64) for parts in (scored, targets))
    arrays = (tokens, segments, np.asarray(starts, dtype=np.int32), *joined)
    return Batch(*(torch.from_numpy(a) for a in arrays), n_inputs)


class RowStream:
    """Endless rows of a split: epoch after epoch, each packed and shuffled anew by (seed, epoch).

    Batches may hold the end of one epoch and the start of the next; the state of the stream is the step number alone.
    """

    def __init__(self, split: Split, context: int, seed: int) -> None:
        self.split, self.context, self.seed = split, context, seed
        self.windows = cut_windows(split.lengths, split.n_static, context)
        self._epochs: dict[int, list[np.ndarray]] = {}

    def epoch_rows(self, epoch: int) -> list[np.ndarray]:
        """Rows of an epoch, in order. Packing differs between epochs, the number of rows by a few at most."""
        if epoch not in self._epochs:
            rng = np.random.default_rng([self.seed, epoch])
            rows = pack(self.windows.inputs, self.context, rng)
            self._epochs = {e: kept for e, kept in self._epochs.items() if e == epoch - 1}
            self._epochs[epoch] = [rows[i] for i in rng.permutation(len(rows))]
        return self._epochs[epoch]

    def batches(self, rows: int, steps: int, first: int = 0) -> Iterator[Batch]:
        """The batches `first` .. steps-1 that part the first `rows` rows, over all epochs, as evenly as whole rows allow."""
        epoch, before = 0, 0  # `before`: rows of the epochs that are over
        for step in range(first, steps):
            at, stop = step * rows // steps, (step + 1) * rows // steps
            batch: list[np.ndarray] = []
            while at < stop:
                while at - before >= len(self.epoch_rows(epoch)):
                    before += len(self.epoch_rows(epoch))
                    epoch += 1
                new = self.epoch_rows(epoch)[at - before : stop - before]
                batch += new
                at += len(new)
            yield collate(self.split, self.windows, batch, self.context)
