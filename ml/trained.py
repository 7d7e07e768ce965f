"""A finished run's model, ready to be scored.

In: a run folder. Out: `Trained`: the model on a device, and what config.json says of the run. Wrong: no such folder, a folder
that is no run, a run without weights (planned, running, failed), the vocabulary of another build. Each is one `UserError`.
"""

from dataclasses import dataclass
from pathlib import Path

from ml import huggingface, runs
from ml.device import Device
from ml.model import Llama
from warehouse.errors import UserError

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, its folder and the record of config.json."""

    folder: Path
    model: Llama
    record: dict

    @property
    def run_id(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.resolve().name


def read_record(folder: Path, vocabulary_sha256: str | None = None) -> dict:
    """config.json of a finished run; with a vocabulary's hash only where the run was trained on that vocabulary."""
    if not folder.is_dir():
        raise UserError(f"no run at {folder}: give a run's folder, such as data/runs/ID")
    status = runs.status(folder)
    record = runs.read_json(folder / "config.json")
    if record is None:
        if status == "planned":
            raise UserError(f"{folder} is planned and was never started: run ml/sweep.py first")
        raise UserError(f"{folder} has no config.json, so it is no run: give a run's folder, such as data/runs/ID")
    weights = folder / "checkpoint" / WEIGHTS
    if status != "done":
        raise UserError(f"{folder} is {status}, only a finished run can be scored: {_mend(status, folder)}")
    if not weights.is_file():
        raise UserError(f"{weights} is missing: the run's weights were removed; train it again to score it")
    found = record.get("vocabulary_sha256")
    if vocabulary_sha256 is not None and found != vocabulary_sha256:
        raise UserError(
            f"{folder} was trained with vocabulary {str(found)[:12]}, the shards have {vocabulary_sha256[:12]}: "
            "give the shards it was trained on"
        )
    return record


def _mend(status: str, folder: Path) -> str:
    if status == "failed":
        reason = (runs.read_json(folder / "result.json") or {}).get("reason")
        return f"it failed ({reason}); train it again"
    return "wait for it, or resume it with the command that started it"


def load_run(folder: Path, device: Device, vocabulary_sha256: str | None = None) -> Trained:
    """The model of a finished run on a device. Raises `UserError` as told above."""
    record = read_record(folder, vocabulary_sha256)
    model = huggingface.load(folder / "checkpoint")
    return Trained(folder, model.to(device.torch).eval(), record)
