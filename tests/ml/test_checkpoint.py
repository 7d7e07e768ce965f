"""Stopping anywhere and going on: the same bits after kills, in the middle of a checkpoint too; torn files; full disks."""

import errno
import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import ml.train as train_module
from ml import checkpoint, runs
from ml.distributed import SummedLoss
from ml.train import main
from tests.ml.test_train import curve, read, train
from warehouse.errors import UserError
from warehouse.paths import REPOSITORY

SAME = ("--epochs", "2", "--evaluate-every", "25", "--checkpoint-every", "7")
SMALL = ["--size", "5k", "--context", "48", "--batch-tokens", "96", "--device", "cpu", "--eval-tokens", "500"]


@functools.cache
def driver() -> subprocess.Popen:
    """The process that forks the runs; it ends with this one."""
    script = [sys.executable, str(REPOSITORY / "tests" / "ml" / "stopping.py")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def stopping(folder: Path, shards: Path, *how: str, more: Sequence[str] = ()) -> tuple[list[dict], str]:
    """How runs in `folder` ended that were stopped as tests/ml/stopping.py says, and what they wrote to standard error."""
    train = ["--shards", str(shards), "--run-dir", str(folder), *SMALL, *SAME, *more]
    errors = folder.with_suffix(".errors")
    errors.write_text("")
    print(json.dumps({"how": how, "train": train, "errors": str(errors)}), file=driver().stdin, flush=True)
    return json.loads(driver().stdout.readline()), errors.read_text()


@pytest.fixture(scope="module")
def whole(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped, as the others in a process with one thread."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert stopping(folder, shards, "whole")[0] == [{"status": 0}]
    return folder


def assert_same(folder: Path, whole: Path) -> None:
    """The same weights to the bit, the same curve, order of the data and losses."""
    expected, found = (load_file(f / "checkpoint" / "model.safetensors") for f in (whole, folder))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert curve(folder) == curve(whole)
    results = [read(f, "result.json") for f in (whole, folder)]
    for name in ("tokens_seen", "inputs_seen", "data_order", "held_out_loss", "tuning_loss"):
        assert results[0][name] == results[1][name]
    assert sorted(path.name for path in (folder / "checkpoint").iterdir()) == ["config.json", "model.safetensors"]


def test_killed_at_random_instants_it_ends_with_the_same_bits(shards: Path, whole: Path, tmp_path: Path) -> None:
    ends, _ = stopping(tmp_path / "run", shards, "kill", "0", "5")
    assert [end["status"] for end in ends] == [-9] * 5 + [0]
    assert_same(tmp_path / "run", whole)


def test_killed_while_a_checkpoint_is_written_it_ends_with_the_same_bits(
    shards: Path, whole: Path, tmp_path: Path
) -> None:
    """Calls of fsync in one checkpoint: tensors, metadata, run.json, its folder, after the move; then the next one's."""
    calls = [str(call) for call in (1, 2, 3, 4, 5, 8)]
    ends, _ = stopping(tmp_path / "run", shards, "fsync", *calls)
    assert [end["status"] for end in ends] == [-9] * len(calls) + [0]
    assert_same(tmp_path / "run", whole)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_writes_a_checkpoint_first(shards: Path, whole: Path, tmp_path: Path, name: str) -> None:
    ends, _ = stopping(tmp_path / "run", shards, name)
    assert [end["status"] for end in ends] == [143, 0]
    assert len(ends[0]["kept"]) in (1, 2)
    assert_same(tmp_path / "run", whole)


def test_resumed_run_has_the_same_bits_with_any_workers_and_random_draws(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = SummedLoss.forward
    monkeypatch.setattr(SummedLoss, "forward", lambda self, batch: forward(self, batch) * (0.5 + torch.rand(())))
    assert train(shards, tmp_path / "whole", *SAME) == 0
    folder = tmp_path / "resumed"
    assert train(shards, folder, *SAME, "--stop-at-step", "33", "--workers", "4") == 0
    assert runs.status(folder) == "running"
    with (folder / "progress.jsonl").open("a") as handle:  # as a kill after the checkpoint would leave it
        handle.write('{"step": 34, "train_loss": 1.0}\n{"step": 35, "tr')
    torch.manual_seed(99)
    assert train(shards, folder, *SAME, "--workers", "1") == 0
    assert_same(folder, tmp_path / "whole")


def test_tied_tables_are_saved_and_taken_up(shards: Path, tmp_path: Path) -> None:
    assert train(shards, tmp_path / "whole", *SAME, "--tied") == 0
    assert train(shards, tmp_path / "run", *SAME, "--tied", "--stop-at-step", "20") == 0
    assert train(shards, tmp_path / "run", *SAME, "--tied") == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def damage(path: Path, how: str) -> None:
    """Tear a file, flip one bit of it, or remove it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if how == "flipped" else bytes(data[: len(data) // 2]))


@pytest.mark.parametrize("how", ["torn", "flipped", "gone"])
@pytest.mark.parametrize("name", ["__0_0.distcp", ".metadata", "run.json"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture, name: str, how: str
) -> None:
    folder = tmp_path / "run"
    short = ("--epochs", "0.2", "--checkpoint-every", "2")
    assert train(shards, folder, *short, "--stop-at-step", "5") == 0
    kept = sorted((folder / "checkpoint").glob("step-*"))
    assert [path.name for path in kept] == ["step-00000004", "step-00000005"]
    damage(kept[1] / name, how)
    assert train(shards, folder, *short) == 0
    warning = capsys.readouterr().err
    assert warning.startswith(f"warning: {kept[1]} is damaged (") and warning.count("\n") == 1
    assert "taking up the checkpoint before it" in warning
    assert train(shards, tmp_path / "whole", *short) == 0
    assert_same(folder, tmp_path / "whole")


def test_with_no_whole_checkpoint_the_run_says_what_to_do(shards: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(shards, folder, "--epochs", "1", "--stop-at-step", "3", "--keep-checkpoints", "1")
    (only,) = (folder / "checkpoint").glob("step-*")
    damage(only / "__0_0.distcp", "torn")
    with pytest.raises(UserError, match=r"no checkpoint in .*checkpoint is whole: remove that folder"):
        train(shards, folder, "--epochs", "1")


def test_as_many_checkpoints_stay_as_asked(shards: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = ("--epochs", "1", "--checkpoint-every", "2", "--keep-checkpoints", "3")
    train(shards, folder, *options, "--stop-at-step", "11")
    names = sorted(path.name for path in (folder / "checkpoint").glob("*step*"))
    assert names == ["step-00000008", "step-00000010", "step-00000011"]


def test_without_a_number_of_steps_time_decides(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(name: str) -> list[str]:
        options = ("--epochs", "1", "--stop-at-step", "6", "--keep-checkpoints", "9")
        assert train(shards, tmp_path / name, *options) == 0
        return sorted(path.name for path in (tmp_path / name / "checkpoint").iterdir())

    assert kept("seldom") == ["step-00000006"]  # half a minute has not passed
    monkeypatch.setattr(train_module, "PAUSE_SECONDS", 0.0)
    assert kept("first") == ["step-00000001", "step-00000006"]  # writing it took long beside the steps
    monkeypatch.setattr(train_module, "SAVE_SHARE", 1e9)
    assert kept("always") == [f"step-0000000{step}" for step in range(1, 7)]


def test_a_full_disk_costs_a_checkpoint_and_not_the_run(shards: Path, whole: Path, tmp_path: Path) -> None:
    """Files may grow to 60 kB here: progress and weights fit, a checkpoint does not."""
    ends, errors = stopping(tmp_path / "run", shards, "limit", "60000")
    assert ends == [{"status": 0}]
    warnings = [line for line in errors.splitlines() if line.startswith("warning: ")]
    assert len(warnings) > 5 and "no checkpoint of step 7 in" in warnings[0] and "File too large" in warnings[0]
    assert "Traceback" not in errors
    assert_same(tmp_path / "run", whole)


def test_a_disk_too_full_for_progress_ends_the_run_in_one_line_and_it_can_go_on(
    shards: Path, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    ends, errors = stopping(folder, shards, "limit", "20000")
    assert [end["status"] for end in ends] == [1, 0]
    last = errors.splitlines()[-1]
    assert last.startswith(f"error: cannot write {folder}/progress.jsonl (File too large)") and "goes on" in last
    assert "Traceback" not in errors
    assert_same(folder, whole)


def test_no_room_on_the_disk_keeps_the_checkpoint_before(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    options = ("--epochs", "0.2", "--checkpoint-every", "2")
    write = checkpoint.Checkpoints._write_tensors

    def full_after_the_first(self, part: Path, *others) -> None:
        if "step-00000002" not in part.name:
            (part / "__0_0.distcp").write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, part, *others)

    monkeypatch.setattr(checkpoint.Checkpoints, "_write_tensors", full_after_the_first)
    assert train(shards, folder, *options, "--stop-at-step", "7") == 0
    assert "no checkpoint of step 4" in (text := capsys.readouterr().err) and "No space left on device" in text
    assert [path.name for path in (folder / "checkpoint").iterdir()] == ["step-00000002"]
    monkeypatch.undo()
    assert train(shards, folder, *options) == 0
    assert main(["--shards", str(shards), "--run-dir", str(tmp_path / "whole"), *SMALL, *options]) == 0
    assert_same(folder, tmp_path / "whole")
