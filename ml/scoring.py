"""Loss of a model on a split, per token, per event and per patient-day.

In: a model, a split, a number of tokens. Out: a `Score`. Whole patients are taken, in an order that depends on
the split alone, until they hold the wanted number of tokens; so all runs on one set of shards are scored on the
same tokens and differences between them are sharper than each loss. An event is a distinct event_index, a
patient-day a distinct calendar day, with at least one scored token.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ml.data import Split
from ml.device import Device
from ml.loss import summed_cross_entropy
from ml.model import Llama
from ml.packing import Batch, collate, cut_windows, pack

SECONDS_A_DAY = 86_400
ROWS_PER_BATCH = 16


@dataclass(frozen=True)
class Score:
    """Sum of -log p in nats over the scored tokens, and what it is divided by."""

    nats: float
    tokens: int
    events: int
    patient_days: int

    def record(self, split: str) -> dict:
        """The fields of result.json for a split."""
        return {
            f"{split}_loss": self.nats / self.tokens,
            f"{split}_loss_per_event": self.nats / self.events,
            f"{split}_loss_per_patient_day": self.nats / self.patient_days,
            f"{split}_tokens": self.tokens,
            f"{split}_events": self.events,
            f"{split}_patient_days": self.patient_days,
        }


def batch_loss(model: Llama, batch: Batch, device: Device) -> torch.Tensor:
    """Sum of -log p over a batch's scored positions, differentiable. Only those positions go through the head."""
    batch = batch.to(device.torch)
    with device.autocast():
        hidden = model(batch.tokens, batch.positions, batch.segments)
    hidden = hidden.view(-1, hidden.shape[-1])[batch.scored].to(device.dtype)
    return summed_cross_entropy(hidden, model.lm_head.weight, batch.targets)


def choose_patients(split: Split, tokens: int) -> np.ndarray:
    """Patients, in a fixed random order, whose timelines hold at least `tokens` tokens; all when there are fewer."""
    order = np.random.default_rng(0).permutation(len(split))
    held = np.cumsum(split.lengths[order])
    return np.sort(order[: int(np.searchsorted(held, tokens)) + 1])


def count_units(split: Split, patients: np.ndarray) -> tuple[int, int]:
    """Events and patient-days of whole timelines, all of whose tokens are scored."""
    events = days = 0
    for patient in patients.tolist():
        events += len(np.unique(split.array(patient, "events.i32")))
        days += len(np.unique(split.array(patient, "times.i64") // SECONDS_A_DAY))
    return events, days


@torch.no_grad()
def score(model: Llama, split: Split, context: int, tokens: int, device: Device) -> Score | None:
    """Loss on about `tokens` tokens of a split; None where the split is empty."""
    if not len(split):
        return None
    patients = choose_patients(split, tokens)
    windows = cut_windows(split.lengths, split.n_static, context, patients)
    rows = pack(windows.inputs, context, np.random.default_rng(0))
    nats, scored = 0.0, 0
    for start in range(0, len(rows), ROWS_PER_BATCH):
        batch = collate(split, windows, rows[start : start + ROWS_PER_BATCH], context)
        nats += batch_loss(model, batch, device).item()
        scored += batch.n_timeline
    return Score(nats, scored, *count_units(split, patients))
