"""A run from start to end: its folder, resuming to the same bits, refusals in one line, divergence."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ml.train as train_module
from ml import runs
from ml.arguments import EXAMPLES, parse, parser
from ml.data import read_manifest
from ml.divergence import LINES, fault, spike
from ml.peak import cpu_multiplies_bfloat16
from ml.plan import Settings, plan_run
from ml.stream import open_corpus
from ml.train import main, rate_factor
from warehouse.errors import UserError
from warehouse.paths import REPOSITORY

SMALL = ["--size", "5k", "--context", "48", "--batch-tokens", "96", "--device", "cpu", "--eval-tokens", "500"]

# What differs between two runs of the same settings.
CLOCKS = ("run_id", "tokens_per_second", "elapsed_seconds", "data_wait_share")


def train(shards: Path, folder: Path, *more: str) -> int:
    """`ml/train.py` in this process."""
    return main(["--shards", str(shards), "--run-dir", str(folder), *SMALL, *more])


def read(folder: Path, name: str) -> dict:
    """A record of a run folder."""
    return json.loads((folder / name).read_text())


def curve(folder: Path) -> list[dict]:
    """The lines of progress.jsonl without clocks."""
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in CLOCKS} for line in lines]


@pytest.fixture(scope="module")
def finished(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(shards, folder, "--epochs", "2", "--evaluate-every", "25") == 0
    return folder


def test_run_folder_tells_all(finished: Path, shards: Path) -> None:
    config, result, lines = read(finished, "config.json"), read(finished, "result.json"), curve(finished)
    manifest = read_manifest(shards)
    assert config["run_id"] == result["run_id"] == "whole"
    assert config["vocabulary_sha256"] == manifest.vocabulary_sha256
    assert (config["device"], config["flops_budget"]) == ("cpu", None)
    assert config["dtype"] == ("bfloat16" if cpu_multiplies_bfloat16() else "float32")
    assert all(value is None or isinstance(value, str | int | float | bool) for value in (config | result).values())
    assert (result["status"], result["reason"]) == ("done", None)
    assert result["tokens_seen"] == 2 * manifest.count("train", "tokens") == config["tokens_planned"]
    assert result["epochs"] == 2
    assert result["flops"] == config["flops_per_token"] * result["inputs_seen"]
    assert result["flops_6nd"] == 6 * config["n_with_head"] * result["tokens_seen"]
    assert lines[-1]["step"] == config["steps"] and lines[-1]["flops"] == result["flops"]
    assert lines[0]["train_loss"] > lines[-1]["train_loss"] + 1
    # The chain leaves three codes open of 38, so a model that learnt it is far below guessing.
    assert result["held_out_loss"] < 2.5
    assert result["held_out_loss_per_event"] > result["held_out_loss"]
    assert result["held_out_tokens"] >= 500 and result["held_out_events"] > 0
    assert [line["step"] for line in lines if line["tuning_loss"] is not None][:2] == [25, 50]
    weights = load_file(finished / "checkpoint" / "model.safetensors")
    assert weights["model.layers.0.self_attn.k_proj.weight"].shape == (16, 16)
    assert sum(w.numel() for w in weights.values()) == config["n_total"]
    assert read(finished / "checkpoint", "config.json")["hidden_size"] == config["d_model"]
    assert not list((finished / "checkpoint").glob("*step-*"))  # a finished run is not resumed
    assert 0 < result["data_wait_share"] < 1 and lines[-1]["data_order"] == result["data_order"]
    assert (result["ranks"], config["ranks"], config["sharded"]) == (1, 1, False)


def test_finished_run_says_so_and_changes_nothing(finished: Path, shards: Path, capsys: pytest.CaptureFixture) -> None:
    before = (finished / "result.json").stat().st_mtime_ns
    assert train(shards, finished, "--epochs", "2") == 0
    assert "is finished" in capsys.readouterr().out
    assert (finished / "result.json").stat().st_mtime_ns == before


def test_budget_is_met_to_half_a_percent(shards: Path, tmp_path: Path) -> None:
    assert train(shards, tmp_path / "budget", "--flops", "2e8", "--seed", "3") == 0
    config, result = (read(tmp_path / "budget", name) for name in ("config.json", "result.json"))
    # Half a row by rounding, and the rows' fill differs a little from row to row.
    assert result["flops"] == pytest.approx(2e8, rel=0.005)
    assert config["steps"] == round(2e8 / config["flops_per_token"] / 96)
    assert config["flops_budget"] == 2e8


def test_other_settings_are_refused(finished: Path, shards: Path, make_shards) -> None:
    with pytest.raises(UserError, match="was started with seed = 0, now it is 1"):
        train(shards, finished, "--epochs", "2", "--seed", "1")
    with pytest.raises(UserError, match=r"was started with learning_rate = 0.01, now it is 0.03"):
        train(shards, finished, "--epochs", "2", "--lr", "0.03")
    other = make_shards("other", vocabulary=["PAD", *(f"X{i}" for i in range(60))])
    with pytest.raises(UserError, match=r"was trained with vocabulary \w{12}, the shards have \w{12}"):
        train(other, finished, "--epochs", "2")


def test_a_run_that_another_version_packed_otherwise_is_refused(finished: Path, shards: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "copy"))
    config = read(folder, "config.json")
    (folder / "config.json").write_text(json.dumps(config | {"rows": config["rows"] + 1}))
    with pytest.raises(UserError, match="was started with rows"):
        train(shards, folder, "--epochs", "2")


def test_only_one_process_trains_in_a_folder(shards: Path, tmp_path: Path) -> None:
    with runs.only_process(tmp_path / "run"), pytest.raises(UserError, match="another process"):
        train(shards, tmp_path / "run", "--epochs", "1")


def test_divergence_is_recorded(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="diverged") as caught:
        train(shards, tmp_path / "wild", "--epochs", "2", "--lr", "1e6")
    assert caught.value.exit_status == 1
    result = read(tmp_path / "wild", "result.json")
    assert result["status"] == "failed" and "the loss diverged" in result["reason"]
    assert runs.diverged(result)


@pytest.mark.parametrize(
    ("loss", "norm", "words"),
    [
        (float("nan"), 1.0, "the loss is nan"),
        (float("inf"), 1.0, "the loss is inf"),
        (3.0, float("inf"), "the norm of the gradient is inf"),
        (2.1 * math.log(50), 1.0, "8.215 nats per token, where guessing costs 3.912"),
        (1.9 * math.log(50), 1.0, None),
    ],
)
def test_losses_that_are_no_losses_are_told(loss: float, norm: float, words: str | None) -> None:
    assert fault(loss, norm, 50) == words


def test_a_spike_ends_a_run_only_when_it_stays() -> None:
    def first_fault(losses: list[float]) -> int | None:
        lowest, kept = None, []
        for line, loss in enumerate(losses):
            kept = [*kept, loss][-LINES:]
            lowest, reason = spike(kept, lowest)
            if reason:
                return line
        return None

    falling = [4 - 0.02 * i for i in range(100)]
    assert first_fault(falling) is None
    assert first_fault([*falling[:50], 7.0, *falling[50:]]) is None  # one line that comes back
    assert first_fault([*falling[:50], *[4.2] * 20]) == 50 + LINES - 1  # 1.2 nats up for as many lines
    noise = np.random.default_rng(0).normal(0, 0.5, 100)
    assert first_fault([a + b for a, b in zip(falling, noise, strict=True)]) is None
    # One step a line, and one row in twenty is of a long stay that costs far more.
    rng = np.random.default_rng(0)
    uneven = [3.5 + rng.normal(0, 0.3, 100) + 1.8 * (rng.random(100) < 0.05) for _ in range(20)]
    assert not any(first_fault(list(losses)) for losses in uneven)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_not_finite_fails_the_run_and_is_not_saved(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    step, taken = train_module.train_step, [0]

    def broken(*args) -> tuple:
        nats, norm = step(*args)
        taken[0] += 1
        bad = torch.tensor(float("nan"))
        return (bad if what == "loss" and taken[0] == 9 else nats), (bad if taken[0] == 9 else norm)

    monkeypatch.setattr(train_module, "train_step", broken)
    folder = tmp_path / "run"
    with pytest.raises(UserError, match="the loss diverged by step 9 of"):
        train(shards, folder, "--epochs", "2", "--checkpoint-every", "4")
    reason = read(folder, "result.json")["reason"]
    assert ("the loss is nan" if what == "loss" else "the norm of the gradient is nan") in reason
    assert "step-00000008" in {path.name for path in (folder / "checkpoint").iterdir()}  # and none after it
    assert max(path.name for path in (folder / "checkpoint").iterdir()) == "step-00000008"


def test_a_share_of_the_patients_over_epochs_is_recorded(shards: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(shards, folder, "--patients", "0.2", "--epochs", "3") == 0
    config, result = read(folder, "config.json"), read(folder, "result.json")
    assert (config["patients_share"], config["unique_patients"]) == (0.2, 24)
    assert result["tokens_seen"] == 3 * config["unique_tokens"] < read_manifest(shards).count("train", "tokens")
    assert result["epochs"] == 3 and curve(folder)[-1]["epochs"] == 3
    with pytest.raises(UserError, match=r"was started with patients_share = 0.2, now it is 0.5"):
        train(shards, folder, "--patients", "0.5", "--epochs", "3")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--flops", "1e9", "--tokens", "5"], "--flops and --tokens both"),
        (["--size", "huge"], "unknown size 'huge'"),
        (["--size", "1T"], "unknown size"),
        (["--flops", "-1"], "--flops -1.0: give a number above 0"),
        (["--lr", "0"], "--lr 0.0"),
        (["--context", "3"], "leaves no room"),
        (["--checkpoint-every", "0"], "--checkpoint-every 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--warmup-share", "2"], "--warmup-share 2.0"),
        (["--weight-decay", "-1"], "--weight-decay -1.0"),
        (["--patients", "0"], "--patients 0.0"),
        (["--patients", "1.5"], "--patients 1.5"),
        (["--workers", "-1"], "--workers -1"),
        (["--keep-checkpoints", "0"], "--keep-checkpoints 0"),
        (["--shard", "on"], "--shard on: there is one process only"),
    ],
)
def test_senseless_options_are_one_line(shards: Path, tmp_path: Path, options: list[str], words: str) -> None:
    with pytest.raises(UserError) as caught:
        main(["--shards", str(shards), "--run-dir", str(tmp_path / "run"), *options])
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_is_refused_where_there_is_none(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no CUDA device"):
        main(["--shards", str(shards), "--run-dir", str(tmp_path / "run"), "--device", "cuda"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_trains_as_the_cpu_does(shards: Path, tmp_path: Path) -> None:
    for device in ("cpu", "cuda"):
        assert train(shards, tmp_path / device, "--tokens", "4000", "--device", device) == 0
    losses = [read(tmp_path / device, "result.json")["held_out_loss"] for device in ("cpu", "cuda")]
    # bfloat16 keeps eight bits: a few parts in a hundred of a loss are rounding.
    assert losses[1] == pytest.approx(losses[0], rel=0.03)


def test_empty_train_split_is_refused(make_shards, tmp_path: Path) -> None:
    folder = make_shards("empty", lengths={"train": [], "tuning": [5, 6], "held_out": [5, 6]})
    with pytest.raises(UserError, match="the train split is empty"):
        train(folder, tmp_path / "run")


def test_empty_held_out_leaves_the_loss_out(make_shards, tmp_path: Path) -> None:
    folder = make_shards("no-held-out", lengths={"train": [50] * 10, "tuning": [20, 30], "held_out": []})
    assert train(folder, tmp_path / "run", "--epochs", "1") == 0
    result = read(tmp_path / "run", "result.json")
    assert "held_out_loss" not in result and result["tuning_loss"] > 0


def test_commands_that_are_shown_are_understood() -> None:
    page = (REPOSITORY / "ml" / "README.md").read_text() + EXAMPLES
    shown = re.findall(r"ml/train\.py (--shards [^\n&]*[^\n&\s])", page.replace("\\\n", " "))
    assert len(shown) >= 8
    for command in shown:
        settings, shards, _ = parse(command.split())
        assert shards == Path("data/shards") and settings.size


def test_every_option_is_explained() -> None:
    assert all(action.help for action in parser()._actions)


def test_command_line_ends_in_one_line_and_status_2(tmp_path: Path) -> None:
    script = [sys.executable, str(REPOSITORY / "ml" / "train.py"), "--shards", str(tmp_path / "none")]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: no shards at") and ended.stderr.count("\n") == 1


def test_same_configuration_means_same_but_for_the_seed(shards: Path) -> None:
    def plan(**changes):
        settings = Settings(**{"size": "5k", "epochs": 1, "context": 48, **changes})
        corpus = open_corpus(shards, settings.context, settings.seed, settings.patients)
        return plan_run(settings, corpus.manifest, corpus.stream)

    base = plan()
    assert plan(seed=1).record["configuration"] == base.record["configuration"]
    assert plan(seed=1).run_id != base.run_id
    assert "-P0.5-" in plan(patients=0.5).run_id and "-P" not in base.run_id
    assert plan(size="5000").record["configuration"] == base.record["configuration"]
    for change in ({"eta": 0.03}, {"size": "8k"}, {"epochs": 2}, {"context": 64}, {"beta2": 0.95}, {"patients": 0.5}):
        assert plan(**change).record["configuration"] != base.record["configuration"]


def test_rate_rises_then_falls_to_a_tenth() -> None:
    rates = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1 == max(rates)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)
    assert 0.1 <= rate_factor(0, 1, 0.1) <= 1
