"""The reader of the shards against webdataset, and damaged shards."""

import json
from pathlib import Path

import numpy as np
import pytest
import webdataset

from ml.data import MEMBERS, Split, read_manifest
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
