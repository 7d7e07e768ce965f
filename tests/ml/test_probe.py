"""The linear probe, and the loading of a finished run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ml import huggingface
from ml.attention import Documents
from ml.data import Split, read_manifest
from ml.device import Device
from ml.model import Llama, ModelConfig, initialise
from ml.probe import Probe, last_states, prompt_window
from ml.prompts import patients_of, prompt_of
from ml.scores import records
from ml.tasks import read_tasks
from ml.trained import load_run, read_record
from tests.ml.conftest import VOCABULARY, write_shards
from tests.ml.made_tasks import definition, write_tasks
from tests.ml.shortened import Changed
from tests.ml.test_baselines import count_of, relabel
from warehouse.errors import UserError

CPU = Device(torch.device("cpu"), torch.float32)
SHAPE = ModelConfig(len(VOCABULARY), d_model=32, n_layers=2, n_heads=4, n_kv_heads=4, d_ff=48, context=24)
SPLITS = ("train", "tuning", "held_out")


@pytest.fixture(scope="module")
def model() -> Llama:
    """A model with weights as drawn, whose norm has gains."""
    made = Llama(SHAPE)
    initialise(made, 0)
    with torch.no_grad():
        made.model["norm"].weight.copy_(torch.linspace(0.5, 2, 32))
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Shards with a task that depends on the last tokens, and one by chance."""
    folder = tmp_path_factory.mktemp("probe")
    shards = write_shards(folder / "shards", {"train": [40] * 300, "tuning": [40] * 60, "held_out": [40] * 100})
    definitions = [definition("late", "noon"), definition("chance", "noon")]
    tasks = write_tasks(folder / "tasks", read_manifest(shards), definitions, {"late": 0.6, "chance": 0.6})
    relabel(tasks, "late", last_is_high, shards)
    return shards, tasks


def last_is_high(split: Split, patient: int, event: int) -> bool:
    """Whether the prompt's last token has a high number."""
    assert count_of(split, patient, event, 0) == 0
    return bool(split.array(patient, "tokens.u16")[split.array(patient, "events.i32") <= event][-1] > 28)


def test_states_are_those_of_each_prompt_alone(model: Llama, made: tuple[Path, Path]) -> None:
    split = Split(read_manifest(made[0]), "tuning")
    prompts = [
        prompt_of(split, patient, event) for patient, event in ((0, -1), (1, 2), (2, 9), (3, 10_000), (4, 10_000))
    ]
    assert [len(prompt_window(p, 24)) for p in prompts][::3] == [3, 24]
    assert prompt_window(prompts[3], 24).tolist() == [*prompts[3].statics, *prompts[3].tokens[-21:]]
    found = last_states(model, prompts, CPU)
    for prompt, state in zip(prompts, found, strict=True):
        tokens = torch.from_numpy(prompt_window(prompt, 24))
        one = Documents(torch.tensor([0, len(tokens)], dtype=torch.int32), 24)
        x = torch.nn.functional.rms_norm(model.hidden(tokens, one, torch.float32)[-1], (32,), None, SHAPE.norm_eps)
        wanted = x * model.model["norm"].weight
        np.testing.assert_allclose(state, wanted.detach().numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("how", ["permuted", "removed"])
def test_what_comes_after_the_prompt_changes_no_prediction(how: str, model: Llama, made: tuple[Path, Path]) -> None:
    manifest, task = read_manifest(made[0]), read_tasks(made[1]).tasks["late"]
    splits = {name: Split(manifest, name) for name in SPLITS}
    changed = {}
    for name in SPLITS:
        rows = task.rows[name]
        patients = patients_of(splits[name], rows).tolist()
        changed[name] = Changed(manifest, name, dict(zip(patients, rows.prompt_event_index.tolist(), strict=True)), how)
    found, again = (Probe(model, s, CPU).predict(task, np.arange(100))[0].predicted for s in (splits, changed))
    np.testing.assert_array_equal(found, again)


def test_probe_reads_what_the_state_holds_and_no_more(model: Llama, made: tuple[Path, Path]) -> None:
    manifest, tasks = read_manifest(made[0]), read_tasks(made[1]).tasks
    probe = Probe(model, {name: Split(manifest, name) for name in SPLITS}, CPU)
    scored = {}
    for name, task in tasks.items():
        predictions, note = probe.predict(task, np.arange(10, 100))
        assert note is None and len(predictions) == 90
        (scored[name],) = records(name, "probe", predictions, {"all": np.ones(90, bool)})
    assert scored["late"]["auroc"] > 0.8
    assert scored["chance"]["auroc_low"] < 0.5 < scored["chance"]["auroc_high"]


def write_run(folder: Path, model: Llama, status: str | None, vocabulary: str = "abc") -> Path:
    """A run's folder as training leaves it."""
    huggingface.save(folder / "checkpoint", model, {})
    (folder / "config.json").write_text(json.dumps({"run_id": folder.name, "vocabulary_sha256": vocabulary}))
    if status:
        (folder / "result.json").write_text(json.dumps({"status": status, "reason": "the loss diverged"}))
    return folder


def test_a_finished_run_is_loaded(model: Llama, tmp_path: Path) -> None:
    trained = load_run(write_run(tmp_path / "one", model, "done"), CPU, "abc")
    assert trained.run_id == "one" and trained.record["vocabulary_sha256"] == "abc" and not trained.model.training
    for ours, theirs in zip(model.parameters(), trained.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_run_that_cannot_be_scored_is_told_in_one_line(model: Llama, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run at"):
        read_record(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no config\.json"):
        read_record(tmp_path / "empty")
    (tmp_path / "planned").mkdir()
    (tmp_path / "planned" / "plan.json").write_text("{}")
    with pytest.raises(UserError, match="was never started"):
        read_record(tmp_path / "planned")
    with pytest.raises(UserError, match="is running, only a finished run"):
        read_record(write_run(tmp_path / "running", model, None))
    with pytest.raises(UserError, match=r"it failed \(the loss diverged\)"):
        read_record(write_run(tmp_path / "failed", model, "failed"))
    with pytest.raises(UserError, match="trained with vocabulary abc, the shards have def"):
        read_record(write_run(tmp_path / "other", model, "done"), "def")
    (tmp_path / "other" / "checkpoint" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="weights were removed"):
        read_record(tmp_path / "other")
