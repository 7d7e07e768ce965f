"""The reader against webdataset, windows and packing against a count of every token, packed loss against unpacked."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.data import MEMBERS, Split, read_manifest
from ml.device import choose_device
from ml.ladder import shape
from ml.model import Llama, initialise
from ml.packing import collate, cut_windows, pack
from ml.scoring import batch_loss, choose_patients, score
from warehouse.errors import UserError


def test_webdataset_reads_the_same_samples(shards: Path) -> None:
    manifest = read_manifest(shards)
    split = Split(manifest, "train")
    urls = [str(shards / shard["name"]) for shard in manifest.splits["train"]["shards"]]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert len(samples) == len(split) == 120
    for patient, sample in enumerate(samples):
        for member, dtype in MEMBERS.items():
            assert np.array_equal(split.array(patient, member), np.frombuffer(sample[member], dtype))


def test_prefix_is_the_latest_that_holds_at_the_start(shards: Path) -> None:
    split = Split(read_manifest(shards), "train")
    patient = int(np.argmax(split.lengths))
    middle = int(split.array(patient, "static_from.i32")[1])
    versions = split.array(patient, "statics.u16").reshape(-1, split.n_static)
    assert np.array_equal(split.static_prefix(patient, middle - 1), versions[0])
    assert np.array_equal(split.static_prefix(patient, middle), versions[1])
    assert not np.array_equal(versions[0], versions[1])


def test_packed_loss_and_gradient_equal_unpacked(shards: Path) -> None:
    split, device = Split(read_manifest(shards), "train"), choose_device("cpu")
    context = 64
    model = Llama(shape(20_000, split.vocabulary_size, context))
    initialise(model, 0)
    torch.nn.init.normal_(model.lm_head.weight, generator=torch.Generator().manual_seed(0))
    windows = cut_windows(split.lengths, split.n_static, context, np.arange(40))
    packed = pack(windows.inputs, context, np.random.default_rng(0))
    assert max(len(row) for row in packed) >= 3
    assert any(windows.inputs[row].sum() < context for row in packed)
    results = []
    for rows in (packed, [np.array([i]) for i in range(len(windows))]):
        model.zero_grad()
        loss = batch_loss(model, collate(split, windows, rows, context), device)
        loss.backward()
        results.append((loss.item(), model.model["embed_tokens"].weight.grad.clone()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-3, atol=1e-3)


@settings(max_examples=200, deadline=None)
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


def test_score_counts_tokens_events_and_days(shards: Path) -> None:
    split = Split(read_manifest(shards), "tuning")
    model = Llama(shape(20_000, split.vocabulary_size, 64))
    initialise(model, 0)
    found = score(model, split, 64, 10**9, choose_device("cpu"))
    assert found.tokens == split.lengths.sum()
    assert found.nats / found.tokens == pytest.approx(np.log(split.vocabulary_size), rel=1e-5)  # the head is zero
    times = [split.array(p, "times.i64") for p in range(len(split))]
    assert found.event.units == sum(len(set(split.array(p, "events.i32").tolist())) for p in range(len(split)))
    assert found.patient_day.units == sum(len({int(t) // 86400 for t in patient}) for patient in times)
    some = choose_patients(split, 200)
    assert 0 < len(some) < len(split) and split.lengths[some].sum() >= 200
    assert np.array_equal(some, choose_patients(split, 200))


def damage_manifest(folder: Path, change) -> None:
    """Change manifest.json of a folder in place."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_damaged_shards_are_told_apart(make_shards, tmp_path: Path) -> None:
    def fails(folder: Path, words: str) -> None:
        with pytest.raises(UserError, match=words):
            Split(read_manifest(folder), "train")

    fails(tmp_path / "nowhere", "no shards at")
    folder = make_shards("a")
    (folder / "manifest.json").write_text("{")
    fails(folder, r"manifest.json is damaged")
    (folder / "manifest.json").unlink()
    fails(folder, r"manifest.json is missing")
    folder = make_shards("b")
    damage_manifest(folder, lambda m: m["vocabulary"][5].update(token="OTHER"))
    fails(folder, "vocabulary does not have the sha256")
    folder = make_shards("c")
    shard = folder / "train" / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:3000])
    fails(folder, r"shard-000000.tar has 3000 bytes, the manifest says")
    damage_manifest(folder, lambda m: m["splits"]["train"]["shards"][0].update(bytes=3000))
    fails(folder, "ends in the middle")
    shard.unlink()
    fails(folder, "named in the manifest but missing")
    folder = make_shards("d")
    damage_manifest(folder, lambda m: m["splits"]["train"].update(tokens=1))
    fails(folder, "the manifest says 1")
    folder = make_shards("e")
    damage_manifest(folder, lambda m: m.update(format=2))
    fails(folder, "format 2")
    folder = make_shards("f")
    shard = folder / "train" / "shard-000001.tar"
    size = shard.stat().st_size
    shard.write_bytes(b"x" * size)
    fails(folder, "no readable tar")


def test_samples_that_are_not_named_by_a_patient_are_refused(make_shards) -> None:
    folder = make_shards("named")
    shard = folder / "train" / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes().replace(b"000000000001.", b"somebody0001."))
    with pytest.raises(UserError, match="is not named by a subject id"):
        Split(read_manifest(folder), "train")
