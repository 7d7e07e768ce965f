"""A linear probe: what the frozen model's last hidden state tells of a task, as the second reading of a run.

In: a model, the splits of the shards, a task. Out: `Predictions` on held_out. The state is that of the prompt's last token, after
the last norm and before the head; a logistic regression (multinomial for classes, ridge for numbers) is fitted on a fixed sample of
the train split's prompts and its penalty chosen on tuning. A prompt that is longer than the context keeps its static prefix
and its latest tokens, as in a rollout. Wrong: nothing a user can cause; too few rows are said in the note.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ml.attention import Documents
from ml.data import Split
from ml.device import Device
from ml.estimators import Part, kind_of, linear
from ml.model import Llama, normalise
from ml.moments import sample_order
from ml.prompts import Prompt, patients_of, prompt_of
from ml.scores import Predictions
from ml.tasks import Rows, Task

TRAIN_ROWS, TUNING_ROWS = 2_000, 1_000
BATCH_TOKENS = 16_384  # of a forward pass; as in training on a CPU


def prompt_window(prompt: Prompt, context: int) -> np.ndarray:
    """int64 [n]: the static prefix and the latest tokens of the prompt that fit the context with it."""
    room = context - len(prompt.statics)
    return np.concatenate([prompt.statics, prompt.tokens[max(0, len(prompt.tokens) - room) :]]).astype(np.int64)


@torch.no_grad()
def last_states(model: Llama, prompts: Sequence[Prompt], device: Device) -> np.ndarray:
    """float32 [prompts, d_model]: hidden state of each prompt's last token, after the last norm."""
    context, config = model.config.context, model.config
    windows = [prompt_window(prompt, context) for prompt in prompts]
    order = sorted(
        range(len(windows)), key=lambda place: len(windows[place])
    )  # documents of a batch are alike in length
    states = np.empty((len(windows), config.d_model), np.float32)
    while order:
        batch, n_tokens = [], 0
        while order and (not batch or n_tokens + len(windows[order[-1]]) <= BATCH_TOKENS):
            batch.append(order.pop())
            n_tokens += len(windows[batch[-1]])
        ends = np.cumsum([len(windows[place]) for place in batch])
        starts = torch.from_numpy(np.concatenate([[0], ends]).astype(np.int32)).to(device.torch)
        tokens = torch.from_numpy(np.concatenate([windows[place] for place in batch])).to(device.torch)
        x = model.hidden(tokens, Documents(starts, context), device.dtype)[torch.from_numpy(ends - 1).to(device.torch)]
        x = normalise(x, config.norm_eps, torch.float32) * model.model["norm"].weight
        states[batch] = x.float().cpu().numpy()
    return states


class Probe:
    """A frozen model and the states of the prompts it has read, which tasks of one moment share."""

    def __init__(self, model: Llama, splits: Mapping[str, Split], device: Device) -> None:
        self.model, self.splits, self.device = model, splits, device
        self._known: dict[tuple[str, int], np.ndarray] = {}

    def states(self, split: str, patients: np.ndarray, events: np.ndarray) -> np.ndarray:
        """float32 [n, d_model] of prompts, given by patient (number in the split) and last event."""
        pairs = zip(patients.tolist(), events.tolist(), strict=True)
        prompts = [prompt_of(self.splits[split], patient, event) for patient, event in pairs]
        new = {(split, p.key): p for p in prompts if (split, p.key) not in self._known}
        self._known |= zip(new, last_states(self.model, list(new.values()), self.device), strict=True)
        found = [self._known[split, prompt.key] for prompt in prompts]
        return np.stack(found) if found else np.empty((0, self.model.config.d_model), np.float32)

    def _part(self, split: str, rows: Rows, most: int) -> Part:
        """States and labels of the first `most` rows in the fixed order of evaluation, those without tokens left out."""
        patients = patients_of(self.splits[split], rows)
        order = sample_order(rows.subject_id, rows.prompt_event_index)
        taken = order[patients[order] >= 0][:most]
        return Part(self.states(split, patients[taken], rows.prompt_event_index[taken]), rows.label[taken])

    def predict(self, task: Task, places: np.ndarray) -> tuple[Predictions, str | None]:
        """Predictions for the rows of held_out at `places` (whose patients the shards hold), and a note."""
        rows = task.rows["held_out"].take(places)
        patients = patients_of(self.splits["held_out"], rows)
        train, tuning = (
            self._part("train", task.rows["train"], TRAIN_ROWS),
            self._part("tuning", task.rows["tuning"], TUNING_ROWS),
        )
        x = self.states("held_out", patients, rows.prompt_event_index)
        found = linear(kind_of(task.label_type, task.watched.kind), train, tuning, x)
        return Predictions(task.label_type, rows.subject_id, rows.label, found.values, found.classes), found.note
