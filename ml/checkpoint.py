"""Checkpoints of a run: the weights for others, the whole state for resuming.

In and out: RUN/checkpoint/model.safetensors with Hugging Face's Llama names and the config.json that
transformers wants beside it; RUN/checkpoint/state.pt with weights, optimiser and counters, in one file so that
a kill never leaves two that disagree. Wrong: a damaged state, or one that was trained with another vocabulary
(`UserError`).
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from ml.huggingface import save
from ml.model import Llama
from ml.plan import RunPlan
from ml.runs import write_whole
from warehouse.errors import UserError


@dataclass
class Tally:
    """What a run has done so far; saved with the checkpoint, so a resumed run goes on counting."""

    step: int = 0
    tokens_seen: int = 0  # D: timeline tokens predicted
    inputs_seen: int = 0  # real tokens processed, static prefixes included; FLOPs are counted over these
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    unlogged_nats: float = 0.0
    unlogged_tokens: int = 0


def save_weights(folder: Path, model: Llama, plan: RunPlan) -> None:
    """Write checkpoint/model.safetensors and the config.json that Hugging Face expects beside it."""
    save(folder / "checkpoint", model, {key: str(plan.record[key]) for key in ("run_id", "vocabulary_sha256")})


def save_state(folder: Path, model: Llama, optimiser: torch.optim.Optimizer, tally: Tally, plan: RunPlan) -> None:
    """Write all that a resumed run needs."""
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "tally": vars(tally),
        "vocabulary_sha256": plan.record["vocabulary_sha256"],
    }
    write_whole(folder / "checkpoint" / "state.pt", lambda part: torch.save(state, part))


def load_state(folder: Path, model: Llama, optimiser: torch.optim.Optimizer, plan: RunPlan) -> Tally:
    """Take up the last checkpoint where there is one; returns what had been done by then."""
    path = folder / "checkpoint" / "state.pt"
    if not path.is_file():
        return Tally()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["vocabulary_sha256"] != plan.record["vocabulary_sha256"]:
            raise UserError(f"{path} was trained with another vocabulary than the shards have: give another --run-dir")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return Tally(**state["tally"])
    except (RuntimeError, KeyError, ValueError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}): remove it to start the run anew") from error
