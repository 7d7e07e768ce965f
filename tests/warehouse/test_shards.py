"""Export: the shards hold the token stream as it stands in the warehouse, and the same warehouse gives the same bytes."""

import hashlib
import json
import random
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import webdataset as wds
from hypothesis import given
from hypothesis import strategies as st

from tests.models_sql.test_timelines import PATIENT, lab
from warehouse import shards
from warehouse.errors import UserError

N_PATIENTS = 40


def raw_rows() -> dict[str, list[dict]]:
    """Patients with a stay each, some labs within it and a body mass index after it; one has no events at all."""
    chance = random.Random(1)
    patients = range(1, N_PATIENTS + 1)
    return {
        "patients": [PATIENT | {"subject_id": subject_id} for subject_id in range(1, N_PATIENTS + 2)],
        "admissions": [
            {
                "subject_id": subject_id,
                "hadm_id": subject_id,
                "admittime": "2150-03-01 08:00:00",
                "dischtime": "2150-03-05 12:00:00",
                "admission_type": "URGENT",
                "race": chance.choice(["WHITE", "BLACK/CAPE VERDEAN"]),
            }
            for subject_id in patients
        ],
        "labevents": [
            lab(100 * subject_id + i, f"2150-03-0{1 + i % 4} 09:00:00", subject_id=subject_id, valuenum=chance.random())
            for subject_id in patients
            for i in range(chance.randrange(1, 9))
        ],
        "omr": [
            {
                "subject_id": subject_id,
                "chartdate": "2150-04-01",
                "seq_num": 1,
                "result_name": "BMI (kg/m2)",
                "result_value": 20 + subject_id % 10,
            }
            for subject_id in patients
        ],
    }


@pytest.fixture
def warehouse(build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built warehouse file, taken for validated."""
    monkeypatch.setattr(shards, "require_valid", lambda path: "fingerprint of the warehouse")
    data = tmp_path / "data"
    data.mkdir()
    build(raw_rows(), data=data).close()
    return data / "warehouse.duckdb"


def bytes_below(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_any_webdataset_pipeline_reads_the_token_stream(warehouse, tmp_path):
    out = tmp_path / "shards"
    manifest = shards.export(warehouse, out)
    connection = duckdb.connect(str(warehouse), read_only=True)
    for split, entry in manifest["splits"].items():
        urls = [str(out / shard["name"]) for shard in entry["shards"]]
        assert urls, f"the fixture has no {split} patient"
        for sample in wds.WebDataset(urls, shardshuffle=False):
            expected = connection.execute(
                "select token_id, epoch(time)::bigint, event_index from tokens.tokens "
                "where subject_id = ? and split = ? order by event_index, position",
                [int(sample["__key__"]), split],
            ).fetchnumpy()
            tokens, times, events = expected.values()
            assert np.array_equal(np.frombuffer(sample["tokens.u16"], "<u2"), tokens)
            assert np.array_equal(np.frombuffer(sample["times.i64"], "<i8"), times)
            assert np.array_equal(np.frombuffer(sample["events.i32"], "<i4"), events)
            statics = np.frombuffer(sample["statics.u16"], "<u2").reshape(-1, manifest["n_static"])
            static_from = np.frombuffer(sample["static_from.i32"], "<i4")
            meta = json.loads(sample["meta.json"])
            assert (len(statics), len(tokens)) == (meta["n_statics"], meta["n_tokens"]) and static_from[0] == 0
    assert sum(entry["patients"] for entry in manifest["splits"].values()) == N_PATIENTS
    assert sum(manifest["patients_without_tokens"].values()) == 1


def test_the_same_rows_in_another_order_give_the_same_bytes(build, warehouse, tmp_path):
    shards.export(warehouse, tmp_path / "first", shard_bytes=5_000)
    again = tmp_path / "again"
    again.mkdir()
    shuffled = {name: random.Random(2).sample(rows, len(rows)) for name, rows in raw_rows().items()}
    build(shuffled, data=again).close()
    shards.export(again / "warehouse.duckdb", tmp_path / "second", shard_bytes=5_000)
    first = bytes_below(tmp_path / "first")
    assert len([name for name in first if name.startswith("train")]) > 1
    assert first == bytes_below(tmp_path / "second")


def test_manifest_names_vocabulary_and_shards_by_their_hashes(warehouse, tmp_path):
    out = tmp_path / "shards"
    shards.export(warehouse, out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert [entry["token_id"] for entry in manifest["vocabulary"]] == list(range(len(manifest["vocabulary"])))
    joined = "\n".join(entry["token"] for entry in manifest["vocabulary"])
    assert manifest["vocabulary_sha256"] == hashlib.sha256(joined.encode()).hexdigest()
    on_disk = bytes_below(out)
    listed = {shard["name"]: shard["sha256"] for entry in manifest["splits"].values() for shard in entry["shards"]}
    assert {name: digest for name, digest in on_disk.items() if name != "manifest.json"} == listed


def test_a_folder_of_something_else_is_left_alone(warehouse, tmp_path):
    out = tmp_path / "home"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no shards"):
        shards.export(warehouse, out)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_nothing_is_left_of_an_export_that_fails(warehouse, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, "_digest", full)
    with pytest.raises(UserError, match="No space left on device") as caught:
        shards.export(warehouse, tmp_path / "shards")
    assert caught.value.exit_status == 1
    assert not (tmp_path / "shards").exists() and not (tmp_path / "shards.partial").exists()


@given(st.lists(st.integers(1, 4), min_size=0, max_size=30), st.lists(st.integers(1, 5), min_size=30, max_size=30))
def test_grouping_does_not_see_where_batches_end(lengths, batch_sizes):
    subjects = np.repeat(np.arange(len(lengths)), lengths)
    table = pa.table({"subject_id": subjects, "value": np.arange(len(subjects))})
    batches, start = [], 0
    for size in batch_sizes:
        batches += table.slice(start, size).combine_chunks().to_batches()
        start += size
    batches += table.slice(start).combine_chunks().to_batches()
    grouped = list(shards.group_by_patient(iter(batches)))
    assert [subject_id for subject_id, _ in grouped] == list(range(len(lengths)))
    assert [len(columns["value"]) for _, columns in grouped] == lengths
    assert np.array_equal(
        np.concatenate([np.empty(0, int)] + [c["value"] for _, c in grouped]), np.arange(len(subjects))
    )


def test_static_versions_hold_from_the_first_token_of_their_event():
    events = np.array([3, 3, 5, 8, 8])
    from_event = np.repeat([0, 4, 5, 9], shards.N_STATIC)
    token_ids = np.repeat([10, 11, 12, 13], shards.N_STATIC)
    statics, static_from = shards.static_versions(events, from_event, token_ids)
    # Versions from events 4 and 5 both begin at the token of event 5: the later one stays. No token follows event 9.
    assert statics[:, 0].tolist() == [10, 12]
    assert static_from.tolist() == [0, 2]
