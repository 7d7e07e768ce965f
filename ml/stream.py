"""Order of the training data: which rows make which step, for any number of ranks and of loader workers.

In: the train split, the row length, a seed, a share of the patients. Out: batches, one a step and rank, made ahead by
worker threads. The order is a pure function of (seed, step) and batches are handed out in the order of steps, so
workers change nothing but the speed and a run can start at any step. Every window of the chosen patients is in exactly
one row of an epoch, every row in exactly one step, and the ranks part a step's rows among them. Memory:
`Loader.held_bytes`; the shards are mapped, their pages belong to the system. Wrong: an empty train split, a share
outside 0 .. 1, a context shorter than the static prefix, a token beyond the vocabulary (`UserError`).
"""

import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ml.data import Manifest, Split, hashed, read_manifest
from ml.packing import Batch, collate, cut_windows, pack
from warehouse.errors import UserError

AHEAD = 2  # batches made ahead for each worker: one to take, one in the making
SUBSET_SALT = "training subset"  # parts this order from that of the splits, which hash the same subject ids
INDEX_BYTES_A_PATIENT = 11 * 8 + 8  # ml/data.py: place and size of five members, shard, subject id
ORDER_BYTES_A_WINDOW = 4 * 8 + 2 * 2 * 8  # four figures a window; numbers and row ends of two epochs


def nested_patients(subjects: np.ndarray, share: float) -> np.ndarray:
    """Numbers, ascending, of the share of patients that come first in a fixed order by a hash of the subject id.

    The 10% of one set of shards are within the 30%, and the order does not change when patients are added.
    At least one patient where there are any.
    """
    if not 0 < share <= 1:
        raise UserError(f"--patients {share}: give a share above 0 and up to 1, as in 0.1")
    wanted = max(1, round(share * len(subjects)))
    if wanted >= len(subjects):
        return np.arange(len(subjects))
    return np.sort(np.argsort(hashed(subjects, SUBSET_SALT), kind="stable")[:wanted])


class RowStream:
    """Endless rows of the chosen patients: epoch after epoch, each packed and shuffled anew by (seed, epoch)."""

    def __init__(self, split: Split, context: int, seed: int, share: float = 1.0) -> None:
        self.split, self.context, self.seed = split, context, seed
        patients = nested_patients(split.subjects, share)
        self.windows = cut_windows(split.lengths, split.n_static, context, patients)
        self.unique_patients = len(patients)
        self.unique_tokens = int(split.lengths[patients].sum())
        self._epochs: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._packing = threading.Lock()  # one thread packs an epoch, the others wait for it
        self.rows_per_epoch = 0  # known once the first epoch is packed; packing goes by sizes alone, so all are equal
        self.rows_per_epoch = len(self._epoch(0)[1]) - 1

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows of an epoch, in order, and where each row begins and the last ends; this one and one more are kept."""
        with self._packing:
            if epoch not in self._epochs:
                rng = np.random.default_rng([self.seed, epoch])
                rows = pack(self.windows.inputs, self.context, rng)
                if self.rows_per_epoch not in (0, len(rows)):
                    raise RuntimeError(f"epoch {epoch} packs into {len(rows)} rows, the first: {self.rows_per_epoch}")
                shuffled = [rows[i] for i in rng.permutation(len(rows)).tolist()]
                bounds = np.cumsum([0, *(len(row) for row in shuffled)])
                self._epochs = dict(list(self._epochs.items())[-1:])
                self._epochs[epoch] = (np.concatenate(shuffled), bounds)
            return self._epochs[epoch]

    def rows(self, first: int, stop: int) -> list[np.ndarray]:
        """Rows `first` .. stop-1, counted over all epochs, each as the numbers of its windows."""
        found = []
        for number in range(first, stop):
            epoch, place = divmod(number, self.rows_per_epoch)
            windows, bounds = self._epoch(epoch)
            found.append(windows[bounds[place] : bounds[place + 1]])
        return found

    def epoch_rows(self, epoch: int) -> list[np.ndarray]:
        """All rows of an epoch, in order."""
        return self.rows(epoch * self.rows_per_epoch, (epoch + 1) * self.rows_per_epoch)


@dataclass(frozen=True)
class Corpus:
    """The shards of a run: train as a stream of rows, the other two as they are."""

    manifest: Manifest
    stream: RowStream
    tuning: Split
    held_out: Split


def open_corpus(folder: Path, context: int, seed: int, share: float = 1.0) -> Corpus:
    """Open and check the shards; an empty train split is refused."""
    manifest = read_manifest(folder)
    train = Split(manifest, "train")
    if not len(train):
        raise UserError(f"{folder}: the train split is empty: export a warehouse with more patients")
    stream = RowStream(train, context, seed, share)
    return Corpus(manifest, stream, Split(manifest, "tuning"), Split(manifest, "held_out"))


@dataclass(frozen=True)
class Step:
    """The rows of one step over all ranks, and what they hold."""

    rows: list[np.ndarray]
    n_timeline: int
    n_inputs: int

    def chain(self, digest: str) -> str:
        """The digest of the order up to this step, from that of the steps before: two runs that agree in it have seen
        the same windows in the same rows and steps."""
        parts = [digest.encode(), *(b"|" + row.astype("<i8").tobytes() for row in self.rows)]
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


class Loader:
    """The batches of one rank of a run that takes `rows` rows in `steps` steps, as evenly as whole rows allow.

    Workers are threads: what they do is a millisecond of copying a batch, so handing it over must cost nothing. A
    process would have to send it, which on two cores took five times as long as making it.
    """

    def __init__(
        self,
        stream: RowStream,
        rows: int,
        steps: int,
        rank: int = 0,
        ranks: int = 1,
        workers: int = 0,
        pin: bool = False,
    ) -> None:
        self.stream, self.total_rows, self.steps = stream, rows, steps
        self.rank, self.ranks, self.workers, self.pin = rank, ranks, workers, pin

    def step(self, step: int) -> Step:
        """The rows of a step over all ranks. A step may hold the end of one epoch and the start of the next."""
        first, stop = step * self.total_rows // self.steps, (step + 1) * self.total_rows // self.steps
        rows, windows = self.stream.rows(first, stop), self.stream.windows
        taken = np.concatenate(rows)
        timeline = int((windows.stop[taken] - windows.start[taken]).sum())
        return Step(rows, timeline, int(windows.inputs[taken].sum()))

    def make(self, number: int) -> tuple[Step, Batch]:
        """A step as a whole and this rank's batch of it, in page-locked memory where that is wanted."""
        step, stream = self.step(number), self.stream
        own = step.rows[self.rank :: self.ranks]
        # A rank that is left without rows repeats one and scores nothing of it, so that all ranks take the step.
        batch = collate(stream.split, stream.windows, own or step.rows[:1], stream.context)
        if not own:
            batch = replace(batch, scored=batch.scored[:0], targets=batch.targets[:0])
        return step, batch.pin_memory() if self.pin else batch

    def batches(self, first: int = 0) -> Iterator[tuple[Step, Batch]]:
        """Steps `first` .. steps-1, each as a whole and as this rank's batch."""
        if not self.workers:
            yield from map(self.make, range(first, self.steps))
            return
        pool, waiting = ThreadPoolExecutor(self.workers), deque()
        try:
            for number in range(first, self.steps):
                waiting.append(pool.submit(self.make, number))
                if len(waiting) == AHEAD * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also where the run stops before its end
            pool.shutdown(cancel_futures=True)

    def held_bytes(self) -> int:
        """Upper bound of the memory held by index, order and batches; what packing takes for a moment is left out."""
        stream = self.stream
        index = INDEX_BYTES_A_PATIENT * len(stream.split) + ORDER_BYTES_A_WINDOW * len(stream.windows)
        rows = -(-(self.total_rows // self.steps + 1) // self.ranks)
        batch = 5 * 8 * rows * stream.context  # tokens, positions, segments, scored, targets: int64
        return index + (AHEAD * self.workers + 1) * batch  # and the one in use
