"""Windows and packing against a count of every token; packed loss and gradients against one document at a time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.attention import Documents
from ml.data import Split, read_manifest
from ml.device import Device
from ml.ladder import shape
from ml.model import Llama, initialise
from ml.packing import collate, cut_windows, pack
from ml.scoring import batch_loss

CONTEXT = 64


@pytest.fixture
def split(shards: Path) -> Split:
    """The train split of the tiny shards."""
    return Split(read_manifest(shards), "train")


@pytest.fixture
def model(split: Split) -> Llama:
    """A small model whose head is not zero."""
    model = Llama(shape(20_000, split.vocabulary_size, CONTEXT))
    initialise(model, 0)
    torch.nn.init.normal_(model.lm_head.weight, std=0.2, generator=torch.Generator().manual_seed(0))
    return model


def gradients(model: Llama) -> torch.Tensor:
    """All gradients as one row, which are then forgotten."""
    flat = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
    model.zero_grad()
    return flat


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_packed_loss_and_gradient_equal_one_document_at_a_time(
    split: Split, model: Llama, dtype: torch.dtype, close: float
) -> None:
    windows = cut_windows(split.lengths, split.n_static, CONTEXT, np.arange(40))
    rows = pack(windows.inputs, CONTEXT, np.random.default_rng(0))
    assert max(len(row) for row in rows) >= 3
    assert any(windows.inputs[row].sum() < CONTEXT for row in rows)
    packed = batch_loss(model, collate(split, windows, rows, CONTEXT), Device(torch.device("cpu"), dtype))
    packed.backward()
    found, alone = gradients(model), 0.0
    for window in range(len(windows)):
        patient, start, stop = (int(a[window]) for a in (windows.patient, windows.start, windows.stop))
        timeline = split.array(patient, "tokens.u16")[start:stop].astype(np.int64)
        sequence = torch.from_numpy(np.concatenate((split.static_prefix(patient, start), timeline))[:-1])
        one = Documents(torch.tensor([0, len(sequence)], dtype=torch.int32), CONTEXT)
        places = torch.arange(split.n_static - 1, len(sequence))
        loss = model(sequence, one, places, torch.from_numpy(timeline), torch.float32)
        loss.backward()
        alone += loss.item()
    wanted = gradients(model)
    assert packed.item() == pytest.approx(alone, rel=close)
    assert ((found - wanted).norm() / wanted.norm()).item() < 2 * close


def test_padding_is_left_out_on_a_cpu_and_changes_nothing(split: Split, model: Llama) -> None:
    windows = cut_windows(split.lengths, split.n_static, CONTEXT, np.arange(30))
    batch = collate(split, windows, [np.array([i]) for i in range(len(windows))], CONTEXT)
    tokens, starts, scored = batch.without_padding()
    assert len(tokens) == batch.n_inputs == starts[-1] < batch.tokens.numel()
    assert torch.equal(starts.diff(), torch.from_numpy(windows.inputs).int())
    assert torch.equal(tokens[scored], batch.tokens.view(-1)[batch.scored])
    with torch.no_grad():
        padded = Documents(batch.starts, CONTEXT)
        whole = model(batch.tokens.view(-1), padded, batch.scored, batch.targets, torch.float32)
        real = model(tokens, Documents(starts, CONTEXT), scored, batch.targets, torch.float32)
    assert real.item() == pytest.approx(whole.item(), rel=1e-5)
    assert batch.starts[-1] == batch.tokens.numel()


@pytest.mark.parametrize("context", [256, 512, 2048])
def test_padding_is_under_two_percent_on_timelines_like_real_ones(context: int) -> None:
    # Log-normal with the quartiles of the synthetic cohort: 292, 719 and 1,725 tokens.
    rng = np.random.default_rng(0)
    lengths = np.clip(np.exp(rng.normal(6.55, 1.3, 3000)), 2, 40_000).astype(np.int64)
    windows = cut_windows(lengths, 6, context)
    rows = pack(windows.inputs, context, rng)
    assert 1 - windows.inputs.sum() / (len(rows) * context) < 0.02


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 60).flatmap(lambda c: st.tuples(st.just(c), st.lists(st.integers(1, c), max_size=80))),
    st.integers(0, 9),
)
def test_packing_keeps_every_item_once_and_is_tight(case: tuple[int, list[int]], seed: int) -> None:
    capacity, items = case
    sizes = np.array(items, dtype=np.int64)
    rows = pack(sizes, capacity, np.random.default_rng(seed))
    assert sorted(i for row in rows for i in row.tolist()) == list(range(len(items)))
    filled = [int(sizes[row].sum()) for row in rows]
    assert all(0 < fill <= capacity for fill in filled)
    # No two rows would fit into one: best-fit opens a row only when no open one has the room.
    assert sum(sorted(filled)[:2]) > capacity or len(filled) < 2
    again = pack(sizes, capacity, np.random.default_rng(seed))
    assert all(np.array_equal(a, b) for a, b in zip(rows, again, strict=True))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.integers(1, 6), st.integers(0, 100))
def test_windows_part_every_timeline(lengths: list[int], n_static: int, more: int) -> None:
    context = n_static + 1 + more
    windows = cut_windows(np.array(lengths), n_static, context)
    assert (windows.inputs <= context).all() and (windows.inputs == windows.stop - windows.start + n_static - 1).all()
    covered = [[] for _ in lengths]
    for patient, start, stop in zip(windows.patient, windows.start, windows.stop, strict=True):
        covered[patient].extend(range(start, stop))
    assert covered == [list(range(length)) for length in lengths]
