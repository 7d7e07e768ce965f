"""Several ranks on the CPU (gloo): the curve of one process, resuming on another number, failures; plans for eight."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.distributed.tensor import Shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from ml import runs
from ml.device import Device, choose_device
from ml.distributed import World, must_shard, shard
from ml.ladder import shape
from ml.model import Llama, parameter_groups
from ml.packing import collate
from ml.scoring import batch_loss
from ml.stream import open_corpus
from tests.ml.test_checkpoint import stopping
from tests.ml.test_train import curve, read
from warehouse.errors import UserError
from warehouse.paths import REPOSITORY

SHORT = ["--epochs", "0.5"]  # about 50 steps


def ranks(folder: Path, shards: Path, *how: str, more: Sequence[str] = ()) -> tuple[list[int], str]:
    """Two ranks, or what `how` says: how each ended, and what was written to standard error."""
    how = ("float32", *(how or ("ranks", "2")))  # rounding in bfloat16 would hide a difference
    ends, errors = stopping(folder, shards, *how, more=[*SHORT, *more])
    return [end["status"] for end in ends], errors


@pytest.fixture(scope="module")
def alone(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert ranks(folder, shards, "whole")[0] == [0]
    return folder


@pytest.fixture(scope="module")
def parted(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two ranks that part the weights."""
    folder = tmp_path_factory.mktemp("runs") / "parted"
    assert ranks(folder, shards, more=["--shard", "on"])[0] == [0, 0]
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoint" / "model.safetensors")


def assert_alike(folder: Path, other: Path) -> None:
    """The same run but for rounding: steps, tokens and order of the data agree, losses nearly."""
    lines, expected = curve(folder), curve(other)
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        assert [line[k] for k in ("step", "tokens_seen", "data_order")] == [
            wanted[k] for k in ("step", "tokens_seen", "data_order")
        ]
        # Rounding differs, and training makes differences grow: a part in a million at first, in a thousand at the end.
        assert line["train_loss"] == pytest.approx(wanted["train_loss"], rel=1e-5 if line["step"] < 30 else 5e-3)
        assert line["grad_norm"] == pytest.approx(wanted["grad_norm"], rel=1e-4 if line["step"] < 30 else 5e-2)
    for name in ("tokens_seen", "inputs_seen", "flops", "data_order", "held_out_tokens"):
        assert read(folder, "result.json")[name] == read(other, "result.json")[name]
    assert read(folder, "result.json")["held_out_loss"] == pytest.approx(
        read(other, "result.json")["held_out_loss"], rel=5e-3
    )
    assert {name: w.shape for name, w in weights(folder).items()} == {
        name: w.shape for name, w in weights(other).items()
    }


def test_two_ranks_have_the_curve_of_one_process(shards: Path, alone: Path, parted: Path, tmp_path: Path) -> None:
    assert ranks(tmp_path / "copied", shards)[0] == [0, 0]
    for folder, is_parted in ((tmp_path / "copied", False), (parted, True)):
        config, result = read(folder, "config.json"), read(folder, "result.json")
        assert (config["ranks"], config["sharded"], result["ranks"]) == (2, is_parted, 2)
        assert_alike(folder, alone)
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        expected = [".lock", "checkpoint/config.json", "checkpoint/model.safetensors", "config.json"]
        assert names == [*expected, "families.jsonl", "progress.jsonl", "result.json"]


def test_a_run_goes_on_with_another_number_of_ranks_parted_or_not(shards: Path, alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    for stop, how, shard_ in ((9, ("ranks", "2"), "on"), (18, ("whole",), "auto"), (99, ("ranks", "3"), "on")):
        ends, errors = ranks(folder, shards, *how, more=["--shard", shard_, "--stop-at-step", str(stop)])
        assert set(ends) == {0}, errors
        assert stop == 99 or runs.last_step(folder / "progress.jsonl") == stop
    assert_alike(folder, alone)


def test_parted_runs_resume_to_the_same_bits(shards: Path, parted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    for stop in (["--stop-at-step", "23"], []):
        assert ranks(folder, shards, more=["--shard", "on", *stop])[0] == [0, 0]
    whole, stopped = weights(parted), weights(folder)
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    assert curve(parted) == curve(folder)


def test_a_rank_that_fails_ends_all_with_its_reason(shards: Path, tmp_path: Path) -> None:
    folder, reason = tmp_path / "run", "rank 1 has no memory left"
    ends, errors = ranks(folder, shards, "ranks", "2", "fail", "1", "12", reason)
    assert ends == [1, 1]
    assert errors.splitlines()[-1] == f"error: {folder}: {reason}" and "Traceback" not in errors
    result = read(folder, "result.json")
    assert (result["status"], result["reason"]) == ("failed", reason)


def test_a_rank_that_is_killed_ends_the_others_and_the_run_can_go_on(shards: Path, alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ends, errors = ranks(folder, shards, "ranks", "2", "kill", "1", "12")
    assert ends == [1, -9]
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert "another rank has gone" in line and "Traceback" not in errors
    assert runs.status(folder) == "running"
    assert ranks(folder, shards, "whole")[0] == [0]
    assert_alike(folder, alone)


def test_ranks_that_are_asked_to_stop_do_so_at_one_step(shards: Path, alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ends, errors = ranks(folder, shards, "ranks", "2", "SIGTERM", "5")
    assert ends == [143, 143], errors
    assert ranks(folder, shards, "whole")[0] == [0]
    assert_alike(folder, alone)
    ends, errors = ranks(folder, shards, more=["--seed", "1"])
    assert ends == [2, 2]
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {folder} was started with seed = 0, now it is 1")


def test_torchrun_starts_it(shards: Path, tmp_path: Path) -> None:
    script = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*script, str(REPOSITORY / "ml" / "train.py"), "--shards", str(shards), "--device", "cpu", "--size", "5k"]
    command += ["--context", "48", "--epochs", "0.1", "--eval-tokens", "300", "--run-dir", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("tuning loss") == 1 and read(tmp_path / "run", "result.json")["ranks"] == 2


@pytest.fixture
def eight_ranks():
    """A process group of eight that sends nothing; this process is rank 3."""
    dist.init_process_group("fake", store=FakeStore(), rank=3, world_size=8)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("tied", [False, True])
def test_placements_for_eight_ranks(eight_ranks: None, shards: Path, tied: bool) -> None:
    corpus = open_corpus(shards, 48, 0)
    model = Llama(shape(60_000, corpus.manifest.vocabulary_size, 48, tied))
    whole = {name: parameter.shape for name, parameter in model.named_parameters()}
    device = choose_device("cpu")
    shard(model, device, 8)
    for name, parameter in model.named_parameters():
        assert parameter.placements == (Shard(0),) and parameter.shape == whole[name]
        rows = parameter.shape[0]
        assert parameter.to_local().shape[0] == max(0, min(-(-rows // 8), rows - 3 * -(-rows // 8)))
    optimiser = torch.optim.AdamW(parameter_groups(model, 0.01, 0.1), fused=True)
    batch = collate(corpus.stream.split, corpus.stream.windows, corpus.stream.rows(0, 2), 48)
    batch_loss(model, batch, device).backward()
    assert all(parameter.grad.placements == (Shard(0),) for parameter in model.parameters())
    optimiser.step()
    moments = [state["exp_avg"] for state in optimiser.state.values()]
    assert len(moments) == len(whole) and all(moment.placements == (Shard(0),) for moment in moments)


def test_weights_are_parted_when_they_would_fill_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    device, two = choose_device("cpu"), World(0, 2)
    assert not must_shard("auto", 10**12, two, device)  # a CPU has the machine's memory
    monkeypatch.setattr(Device, "memory_bytes", lambda self: 80 * 10**9)
    assert [must_shard("auto", n, two, device) for n in (10**9, 4 * 10**9)] == [False, True]
    assert not must_shard("auto", 4 * 10**9, World(), device)
    assert must_shard("on", 10**3, two, device) and not must_shard("off", 10**12, two, device)
    with pytest.raises(UserError, match="--shard on: there is one process only"):
        must_shard("on", 10**3, World(), device)
