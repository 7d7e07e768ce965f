"""Order of the data: exact epochs for any ranks and workers, the same rows from any step on, nested subsets, memory."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.data import Split, read_manifest
from ml.packing import Batch, collate
from ml.stream import Loader, RowStream, nested_patients
from tests.ml.conftest import some_lengths
from warehouse.errors import UserError

CONTEXT = 64


def train_split(shards: Path) -> Split:
    return Split(read_manifest(shards), "train")


def contents(batch: Batch) -> Counter:
    """How often each row of tokens and segments occurs in a batch; none where nothing of it is scored."""
    rows = zip(batch.tokens.tolist(), batch.segments.tolist(), strict=True) if batch.n_timeline else ()
    return Counter(str(row) for row in rows)


@pytest.mark.parametrize("context", [16, 64, 512])
def test_every_token_of_every_patient_is_predicted_once_an_epoch(shards: Path, context: int) -> None:
    split = train_split(shards)
    stream = RowStream(split, context, seed=3)
    for epoch in (0, 1):
        rows = stream.epoch_rows(epoch)
        seen = np.sort(np.concatenate(rows))
        assert np.array_equal(seen, np.arange(len(stream.windows)))
        scored = np.concatenate([split.array(p, "tokens.u16") for p in range(len(split))])
        batch = collate(split, stream.windows, rows, context)
        assert np.array_equal(np.sort(batch.targets.numpy()), np.sort(scored))
        assert batch.n_inputs == int((batch.segments > 0).sum())
    for patient in range(len(split)):
        mine = stream.windows.patient == patient
        edges = [*stream.windows.start[mine].tolist(), int(split.lengths[patient])]
        assert edges[0] == 0
        assert stream.windows.stop[mine].tolist() == edges[1:]


@pytest.mark.parametrize("ranks", [1, 8])
@pytest.mark.parametrize("workers", [0, 4])
def test_epochs_are_exact_with_any_ranks_and_workers(shards: Path, ranks: int, workers: int) -> None:
    split = train_split(shards)
    stream = RowStream(split, CONTEXT, seed=3)
    epochs, steps = 3, 26  # a step has 7 or 8 rows: fewer than the ranks, and it straddles the ends of epochs
    assert 7 * steps < epochs * stream.rows_per_epoch < 8 * steps
    loaders = [Loader(stream, epochs * stream.rows_per_epoch, steps, rank, ranks, workers) for rank in range(ranks)]
    found, windows, timeline = Counter(), Counter(), 0
    for together in zip(*(loader.batches() for loader in loaders), strict=True):  # strict: all take as many steps
        step = together[0][0]
        assert sum(batch.n_timeline for _, batch in together) == step.n_timeline
        assert sum(batch.n_inputs for _, batch in together if batch.n_timeline) == step.n_inputs
        windows.update(np.concatenate(step.rows).tolist())
        timeline += step.n_timeline
        of_step = sum((contents(batch) for _, batch in together), Counter())
        assert of_step == contents(collate(split, stream.windows, step.rows, CONTEXT))
        found += of_step
    assert windows == {window: epochs for window in range(len(stream.windows))}
    assert timeline == epochs * split.lengths.sum()
    assert sum(found.values()) == epochs * stream.rows_per_epoch


def test_a_rank_without_rows_repeats_one_and_scores_nothing(shards: Path) -> None:
    stream = RowStream(train_split(shards), CONTEXT, seed=3)
    first, idle = (next(Loader(stream, 3, 1, rank=rank, ranks=8).batches())[1] for rank in (0, 5))
    assert torch.equal(idle.tokens, first.tokens) and idle.n_timeline == len(idle.scored) == 0


def test_order_depends_on_seed_and_step_alone_and_can_start_anywhere(shards: Path) -> None:
    split = train_split(shards)
    stream, same, other = (RowStream(split, CONTEXT, seed) for seed in (5, 5, 6))
    rows, steps = 3 * stream.rows_per_epoch + 1, stream.rows_per_epoch
    batches = [batch for _, batch in Loader(stream, rows, steps).batches()]
    assert len(batches) == steps and sum(len(b.tokens) for b in batches) == rows
    assert {len(b.tokens) for b in batches} == {3, 4}
    later = [batch for _, batch in Loader(same, rows, steps, workers=3).batches(7)]
    assert len(later) == len(batches) - 7
    assert all(torch.equal(a.tokens, b.tokens) for a, b in zip(batches[7:], later, strict=True))
    assert not torch.equal(batches[0].tokens, next(Loader(other, rows, steps).batches())[1].tokens)
    assert not all(np.array_equal(a, b) for a, b in zip(stream.epoch_rows(0), stream.epoch_rows(1), strict=True))


def test_digest_tells_orders_apart(shards: Path) -> None:
    split = train_split(shards)

    def digest(seed: int, steps: int, ranks: int = 1) -> str:
        stream, found = RowStream(split, CONTEXT, seed), ""
        for step, _ in Loader(stream, stream.rows_per_epoch, steps, ranks=ranks).batches():
            found = step.chain(found)
        return found

    assert digest(1, 9) == digest(1, 9, ranks=4)
    assert len({digest(1, 9), digest(2, 9), digest(1, 10)}) == 3


def test_subsets_of_patients_are_nested_and_keep_when_patients_are_added() -> None:
    subjects = np.arange(10_000_000, 10_002_000)
    all_of_them = [set(nested_patients(subjects, share).tolist()) for share in (0.01, 0.1, 0.3, 1.0)]
    assert [len(part) for part in all_of_them] == [20, 200, 600, 2000]
    assert all(small < large for small, large in pairwise(all_of_them))
    # Not the first ones, and the same order whatever the order of the shards.
    assert max(all_of_them[1]) > 1900
    shuffled = np.random.default_rng(0).permutation(subjects)
    assert set(shuffled[nested_patients(shuffled, 0.1)]) == set(subjects[nested_patients(subjects, 0.1)])
    more = np.concatenate((subjects, np.arange(20_000_000, 20_002_000)))
    first = subjects[nested_patients(subjects, 0.1)]
    assert set(more[nested_patients(more, 0.3)]) > set(first)
    for share in (0, -0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="--patients"):
            nested_patients(subjects, share)


def test_a_subset_holds_its_patients_alone(shards: Path) -> None:
    split = train_split(shards)
    stream = RowStream(split, CONTEXT, 0, share=0.25)
    patients = nested_patients(split.subjects, 0.25)
    assert stream.unique_patients == len(patients) == 30
    assert stream.unique_tokens == split.lengths[patients].sum()
    batch = collate(split, stream.windows, stream.epoch_rows(0), CONTEXT)
    assert batch.n_timeline == stream.unique_tokens
    assert set(stream.windows.patient.tolist()) == set(patients.tolist())


def test_the_loader_holds_no_more_than_it_says(make_shards) -> None:
    """Memory of this process's own, over many epochs; what is mapped from the shards belongs to the system."""

    def own_bytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    folder = make_shards("large", {**some_lengths(), "train": [400] * 1500})
    stream = RowStream(train_split(folder), 512, seed=0)
    loader = Loader(stream, 16 * stream.rows_per_epoch, 16 * stream.rows_per_epoch // 1000, workers=2)
    before, most = own_bytes(), 0
    for _ in loader.batches():
        most = max(most, own_bytes() - before)
    # Half as much again for the allocator; a batch is 20 MB, all of them 480 MB.
    assert most < 1.5 * loader.held_bytes() < 180e6


def test_context_must_leave_room_for_the_timeline(shards: Path) -> None:
    with pytest.raises(UserError, match="--context 2 leaves no room"):
        RowStream(train_split(shards), 2, 0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_token_beyond_the_vocabulary_is_told(make_shards, workers: int) -> None:
    folder = make_shards("small", vocabulary=[f"T{i}" for i in range(12)])
    stream = RowStream(train_split(folder), CONTEXT, 0)
    with pytest.raises(UserError, match="beyond the vocabulary"):
        next(Loader(stream, 50, 1, workers=workers).batches())
