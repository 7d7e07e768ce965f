"""Checkpoints of a run: the whole state for resuming, and the weights for others.

In and out: RUN/checkpoint/step-00000033/ as torch.distributed.checkpoint writes it (weights and optimiser, each rank its
part) with run.json beside (counters, place in the data, sizes and sha256 of the files); RUN/checkpoint/model.safetensors
with Hugging Face's Llama names and the config.json that transformers wants. A checkpoint is written beside, brought to
the disk and renamed, so it is whole or not there, and it can be taken up on any number of ranks. Nothing random is in
it: what training draws is a function of (seed, step, rank).
Wrong: a disk that is full or refuses (a warning; the run goes on and the checkpoint before stays); a torn or changed
one (a warning, and the one before is taken up); none left that is whole (`UserError`).
"""

import hashlib
import json
import os
import shutil
import sys
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from safetensors import SafetensorError
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)

from ml.distributed import World
from ml.huggingface import save
from ml.model import Llama
from ml.plan import RunPlan
from ml.runs import cannot_write, sync_folder
from warehouse.errors import UserError

FORMAT = 1


@dataclass
class Tally:
    """What a run has done so far; saved with the checkpoint, so a resumed run goes on counting."""

    step: int = 0
    tokens_seen: int = 0  # D: timeline tokens predicted, over all ranks
    inputs_seen: int = 0  # real tokens processed, static prefixes included; FLOPs are counted over these
    order: str = ""  # digest of the windows seen, in order
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    wait_seconds: float = 0.0  # of the wall seconds: waiting for the next batch, mean of the ranks
    unlogged_nats: float = 0.0
    unlogged_norms: float = 0.0
    unlogged_tokens: int = 0
    unlogged_steps: int = 0
    losses: list[float] = field(default_factory=list)  # of the last lines of progress; ml/divergence.py reads them
    lowest: float | None = None  # mean loss over as many lines


def file_sha256(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def warn(text: str) -> None:
    """Tell a person what went wrong where the run goes on all the same."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def read_run(folder: Path) -> dict:
    """run.json of a checkpoint, after all its files were found whole. Raises ValueError, KeyError or OSError."""
    text, _, digest = (folder / "run.json").read_text(encoding="utf-8").partition("\n")
    if hashlib.sha256(text.encode()).hexdigest() != digest.strip():
        raise ValueError("run.json is torn or changed")
    run = json.loads(text)
    for name, said in run["files"].items():
        if (folder / name).stat().st_size != said["bytes"] or file_sha256(folder / name) != said["sha256"]:
            raise ValueError(f"{name} is torn or changed")
    return run


class Checkpoints:
    """The checkpoints of one run, newest kept; every method is called by all ranks."""

    def __init__(self, folder: Path, keep: int, world: World, vocabulary_sha256: str) -> None:
        self.folder, self.keep, self.world = folder / "checkpoint", keep, world
        self.vocabulary_sha256 = vocabulary_sha256

    def steps(self) -> list[Path]:
        """Folders of the checkpoints, the newest last."""
        return sorted(self.folder.glob("step-*"))

    def save(self, model: Llama, optimiser: torch.optim.Optimizer, tally: Tally) -> bool:
        """Write the state after a step; False, with a warning, where that was not possible."""
        part = self.folder / f".step-{tally.step:08d}.part"
        try:
            self.world.from_first(lambda: self._clear_parts(part))
            self._write_tensors(part, model, optimiser)
            files = self._files(part)
            self.world.from_first(lambda: self._finish(part, tally, files))
        except (OSError, RuntimeError, CheckpointException) as error:
            if self.world.is_first:
                shutil.rmtree(part, ignore_errors=True)
                reason = root_cause(error)
                warn(
                    f"no checkpoint of step {tally.step} in {self.folder} ({reason}): the run goes on, the one before stays"
                )
            return False
        return True

    def _clear_parts(self, part: Path) -> None:
        for old in self.folder.glob(".step-*.part"):
            shutil.rmtree(old, ignore_errors=True)
        part.mkdir(parents=True)

    def _write_tensors(self, part: Path, model: Llama, optimiser: torch.optim.Optimizer) -> None:
        weights, moments = get_state_dict(model, optimiser)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a single process saves alone
            state = {"model": weights, "optimiser": moments}
            dcp.save(state, storage_writer=dcp.FileSystemWriter(part), no_dist=self.world.size == 1)

    def _files(self, part: Path) -> dict[str, dict]:
        """Size and sha256 of all files; each rank reads the ones that it wrote."""
        names = [path for path in part.glob(f"__{self.world.rank}_*") if path.is_file()]
        names += [part / ".metadata"] if self.world.is_first else []
        try:
            own = {path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in names}
        except OSError as error:
            own = error  # told to all, so that all give up together
        files: dict[str, dict] = {}
        for found in self.world.gather(own):
            if isinstance(found, OSError):
                raise found
            files |= found
        return files

    def _finish(self, part: Path, tally: Tally, files: dict[str, dict]) -> None:
        """Write run.json, move the checkpoint into place and remove the oldest."""
        run = {"format": FORMAT, "vocabulary_sha256": self.vocabulary_sha256, "tally": asdict(tally), "files": files}
        text = json.dumps(run)
        with (part / "run.json").open("w", encoding="utf-8") as handle:
            handle.write(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")
            handle.flush()
            os.fsync(handle.fileno())
        sync_folder(part)
        place = part.with_name(part.name.removeprefix(".").removesuffix(".part"))
        if place.exists():  # of a run that went on from an earlier one, this being torn
            shutil.rmtree(place)
        part.rename(place)
        sync_folder(self.folder)
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(old)

    def load(self, model: Llama, optimiser: torch.optim.Optimizer) -> Tally:
        """Take up the newest whole checkpoint where there is one; returns what had been done by then."""
        found = self.world.from_first(self._newest)
        if found is None:
            return Tally()
        folder, run = found
        if run["vocabulary_sha256"] != self.vocabulary_sha256:
            raise UserError(
                f"{folder} was trained with another vocabulary than the shards have: give another --run-dir"
            )
        weights, moments = get_state_dict(model, optimiser)
        state = {"model": weights, "optimiser": moments}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                dcp.load(state, storage_reader=dcp.FileSystemReader(folder), no_dist=self.world.size == 1)
            except (CheckpointException, RuntimeError, KeyError, ValueError) as error:
                # The files are as they were written, so they hold another model than this version of the code makes.
                raise UserError(
                    f"{folder} does not fit this run ({root_cause(error)}): give another --run-dir"
                ) from error
        set_state_dict(model, optimiser, model_state_dict=state["model"], optim_state_dict=state["optimiser"])
        return Tally(**run["tally"])

    def _newest(self) -> tuple[Path, dict] | None:
        folders = self.steps()
        for folder in reversed(folders):
            try:
                return folder, read_run(folder)
            except (OSError, ValueError, KeyError) as error:
                reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else error
                warn(f"{folder} is damaged ({reason}): taking up the checkpoint before it")
        if folders:
            raise UserError(f"no checkpoint in {self.folder} is whole: remove that folder to start the run anew")
        return None

    def clear(self) -> None:
        """Remove all; a finished run is not resumed."""
        for path in (*self.steps(), *self.folder.glob(".step-*.part")):
            shutil.rmtree(path, ignore_errors=True)


def root_cause(error: BaseException) -> str:
    """What lies under an error, in a few words; torch.distributed.checkpoint wraps one error a rank."""
    if isinstance(error, CheckpointException) and error.failures:
        error = next(iter(error.failures.values()))[0]
    while isinstance(error, RuntimeError) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0]


def whole_weights(model: Llama) -> dict[str, torch.Tensor]:
    """The weights on the CPU, gathered from all ranks where they are parted (then empty but on the first)."""
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def save_weights(folder: Path, model: Llama, weights: dict[str, torch.Tensor], plan: RunPlan) -> None:
    """Write checkpoint/model.safetensors and the config.json that Hugging Face expects beside it."""
    target = folder / "checkpoint"
    try:
        save(target, model, {key: str(plan.record[key]) for key in ("run_id", "vocabulary_sha256")}, weights)
    except SafetensorError as error:
        raise cannot_write(target / "model.safetensors", OSError(0, str(error))) from error
