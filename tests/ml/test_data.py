"""The reader against webdataset, windows and packing against a count of every token, packed loss against unpacked."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import webdataset

from ml.data import MEMBERS, Split, read_manifest
from ml.packing import RowStream, collate
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


@pytest.mark.parametrize("context", [16, 64, 512])
def test_every_token_of_every_patient_is_predicted_once_an_epoch(shards: Path, context: int) -> None:
    split = Split(read_manifest(shards), "train")
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


def test_order_depends_on_seed_and_epoch_alone_and_batches_can_start_anywhere(shards: Path) -> None:
    split = Split(read_manifest(shards), "train")
    stream, same, other = RowStream(split, 64, 5), RowStream(split, 64, 5), RowStream(split, 64, 6)
    n_rows = len(stream.epoch_rows(0))
    rows, steps = 3 * n_rows + 1, n_rows  # over three ends of epochs, the batches not all of one size
    batches = list(stream.batches(rows, steps))
    assert len(batches) == steps and sum(len(b.tokens) for b in batches) == rows
    assert {len(b.tokens) for b in batches} == {3, 4}
    one_epoch = torch.cat([b.targets for b in RowStream(split, 64, 5).batches(n_rows, 3)])
    assert len(one_epoch) == split.lengths.sum()
    later = list(same.batches(rows, steps, 7))
    assert len(later) == len(batches) - 7
    assert all(torch.equal(a.tokens, b.tokens) for a, b in zip(batches[7:], later, strict=True))
    assert not torch.equal(batches[0].tokens, next(other.batches(rows, steps)).tokens)
    assert not all(np.array_equal(a, b) for a, b in zip(stream.epoch_rows(0), stream.epoch_rows(1), strict=False))


def test_context_must_leave_room_for_the_timeline(shards: Path) -> None:
    with pytest.raises(UserError, match="--context 2 leaves no room"):
        RowStream(Split(read_manifest(shards), "train"), 2, 0)


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


def test_a_token_beyond_the_vocabulary_is_told(make_shards) -> None:
    folder = make_shards("small", vocabulary=[f"T{i}" for i in range(12)])
    split = Split(read_manifest(folder), "train")
    stream = RowStream(split, 64, 0)
    with pytest.raises(UserError, match="beyond the vocabulary"):
        next(stream.batches(50, 1))
