"""Loss of a model on a split: per token, per event, per patient-day and per token family, each with its standard error.

In: a model, a split, a number of tokens. Out: a `Score`. Whole patients are taken, in an order that depends on
the split alone, until they hold the wanted number of tokens; so all runs on one set of shards are scored on the
same tokens and differences between them are sharper than each loss. An event is a distinct event_index, a
patient-day a distinct calendar day, with at least one scored token.

Standard error: tokens of one patient are not independent, so patients are what is drawn. A loss is a ratio R = sum y / sum x
over patients (y nats; x tokens, events or days); by linearisation (Cochran, Sampling Techniques, 1977, section
6.3, with the finite-population term left out; the same as a cluster-robust error, Cameron and Miller 2015) its
standard error is sqrt(m / (m - 1) * sum (y - R x)^2) / sum x, over m patients. It says how far the split's patients stand
for others; of two models scored on the same patients the difference is known far better.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from ml.attention import Documents
from ml.data import Split
from ml.device import Device
from ml.model import Llama
from ml.packing import Batch, collate, cut_windows, pack

SECONDS_A_DAY = 86_400
ROWS_PER_BATCH = 16


@dataclass(frozen=True)
class Ratio:
    """Sum of nats over sum of units, and its standard error over patients; NaN with fewer than two patients."""

    value: float
    error: float
    units: int


def ratio(nats: np.ndarray, units: np.ndarray) -> Ratio:
    """The ratio of two columns that have a row for each patient; see the top of this file."""
    total, patients = units.sum(), len(units)
    value = float(nats.sum() / total)
    spread = np.square(nats - value * units).sum()
    error = math.sqrt(patients / (patients - 1) * spread) / total if patients > 1 else math.nan
    return Ratio(value, float(error), int(total))


@dataclass(frozen=True)
class Score:
    """Losses on a split. families: by name, those with at least one scored token."""

    token: Ratio
    event: Ratio
    patient_day: Ratio
    families: dict[str, Ratio]
    patients: int

    @property
    def nats(self) -> float:
        """Sum of -log p over the scored tokens."""
        return self.token.value * self.token.units

    @property
    def tokens(self) -> int:
        """Scored tokens."""
        return self.token.units

    def record(self, split: str) -> dict:
        """The fields of result.json for a split."""
        found = {"loss": self.token, "loss_per_event": self.event, "loss_per_patient_day": self.patient_day}
        return {
            **{f"{split}_{name}": ratio.value for name, ratio in found.items()},
            **{f"{split}_{name}_se": ratio.error for name, ratio in found.items()},
            f"{split}_tokens": self.token.units,
            f"{split}_events": self.event.units,
            f"{split}_patient_days": self.patient_day.units,
            f"{split}_patients": self.patients,
        }

    def family_records(self, split: str) -> list[dict]:
        """One flat record for each family: the lines of families.jsonl."""
        return [
            {"split": split, "family": name, "loss": ratio.value, "loss_se": ratio.error, "tokens": ratio.units}
            for name, ratio in self.families.items()
        ]


def _inputs(batch: Batch, device: Device) -> tuple[torch.Tensor, Documents, torch.Tensor, torch.Tensor, torch.dtype]:
    """What the model takes of a batch. On a CPU padding is left out; CUDA wants shapes that do not change."""
    context = batch.tokens.shape[1]
    if device.torch.type == "cpu":
        tokens, starts, scored = batch.without_padding()
        return tokens, Documents(starts, context), scored, batch.targets, device.dtype
    batch = batch.to(device.torch)
    return batch.tokens.view(-1), Documents(batch.starts, context), batch.scored, batch.targets, device.dtype


def batch_loss(model: Llama, batch: Batch, device: Device) -> torch.Tensor:
    """Sum of -log p over a batch's scored places, differentiable. Only those places go through the head."""
    return model(*_inputs(batch, device))


def choose_patients(split: Split, tokens: int) -> np.ndarray:
    """Patients, in a fixed random order, whose timelines hold at least `tokens` tokens; all when there are fewer."""
    order = np.random.default_rng(0).permutation(len(split))
    held = np.cumsum(split.lengths[order])
    return np.sort(order[: int(np.searchsorted(held, tokens)) + 1])


def count_units(split: Split, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Events and days of each patient's whole timeline, all of whose tokens are scored."""
    events = [len(np.unique(split.array(patient, "events.i32"))) for patient in patients.tolist()]
    days = [len(np.unique(split.array(patient, "times.i64") // SECONDS_A_DAY)) for patient in patients.tolist()]
    return np.asarray(events), np.asarray(days)


@torch.no_grad()
def score(model: Llama, split: Split, context: int, tokens: int, device: Device) -> Score | None:
    """Losses on about `tokens` tokens of a split; None where the split is empty."""
    if not len(split):
        return None
    patients = choose_patients(split, tokens)
    windows = cut_windows(split.lengths, split.n_static, context, patients)
    rows = pack(windows.inputs, context, np.random.default_rng(0))
    nats, targets = [], []
    for start in range(0, len(rows), ROWS_PER_BATCH):
        batch = collate(split, windows, rows[start : start + ROWS_PER_BATCH], context)
        nats.append(model(*_inputs(batch, device), each=True))  # left on the device, which need not wait
        targets.append(batch.targets)
    order = np.concatenate(rows)
    owner = np.searchsorted(patients, np.repeat(windows.patient[order], (windows.stop - windows.start)[order]))
    return _summarise(split, patients, owner, torch.cat(targets).numpy(), torch.cat(nats).double().cpu().numpy())


def _summarise(split: Split, patients: np.ndarray, owner: np.ndarray, targets: np.ndarray, nats: np.ndarray) -> Score:
    """A `Score` of tokens [n], their losses, and the patient each belongs to, as a place among `patients`."""
    names, family_of = np.unique(np.asarray(split.families), return_inverse=True)
    cell = owner * len(names) + family_of[targets]
    shape = (len(patients), len(names))
    sums = np.bincount(cell, weights=nats, minlength=shape[0] * shape[1]).reshape(shape)
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    total, (events, days) = sums.sum(1), count_units(split, patients)
    families = {str(name): ratio(sums[:, i], counts[:, i]) for i, name in enumerate(names) if counts[:, i].any()}
    return Score(ratio(total, counts.sum(1)), ratio(total, events), ratio(total, days), families, len(patients))
