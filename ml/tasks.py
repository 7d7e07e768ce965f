"""Reader of the clinical tasks: definitions, cohorts and labels.

In: a folder as `python -m warehouse.tasks` writes it: tasks.json and one Parquet file a task. Out: `TaskSet`, whose tasks
hold what a simulation watches for (`Watched`, in token ids) and their rows by split as numpy columns. A row is a prompt
(patient and the event that ends it) with its label. Wrong: a missing or damaged folder, the vocabulary of another build,
a task that nobody defined. Each is one `UserError`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.outcomes import Watched
from warehouse.errors import UserError
from warehouse.shard_format import SPLITS
from warehouse.task_format import FORMAT, LABEL_TYPES, TASKS_FILE

COLUMNS = (
    "subject_id",
    "prediction_time",
    "split",
    "label",
    "prompt_event_index",
    "threshold",
    "sex",
    "age",
    "race",
    "is_first_admission",
)


@dataclass(frozen=True)
class Rows:
    """Rows of a task in one split, ordered by patient and time. All arrays have one entry a row."""

    subject_id: np.ndarray  # int64
    prediction_time: np.ndarray  # datetime64[us]
    prompt_event_index: np.ndarray  # int32
    label: np.ndarray  # bool, int64 or float64
    threshold: np.ndarray  # float64, nan where the task has one for all or none
    sex: np.ndarray  # object
    age: np.ndarray  # float64, years
    race: np.ndarray  # object
    is_first_admission: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.subject_id)

    def take(self, places: np.ndarray) -> "Rows":
        """The rows at `places`, in that order."""
        return Rows(**{name: getattr(self, name)[places] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Task:
    """One clinical task. `prompt` names the moment of prediction: tasks that share it share prompts and rollouts."""

    name: str
    description: str
    label_type: str
    prompt: str
    watched: Watched
    simulable: bool
    reason: str | None  # why it cannot be simulated
    path: Path

    @cached_property
    def rows(self) -> dict[str, Rows]:
        """Rows by split; read once, when first asked for."""
        mend = f"export again with `python -m warehouse.tasks --out {self.path.parent}`"
        try:
            table = pq.read_table(self.path, columns=list(COLUMNS))
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{self.path} cannot be read ({type(error).__name__}): {mend}") from error
        columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
        columns["threshold"] = columns["threshold"].astype(np.float64)
        columns["is_first_admission"] = columns["is_first_admission"].astype(bool)
        split = columns.pop("split")
        return {name: Rows(**{key: values[split == name] for key, values in columns.items()}) for name in SPLITS}


@dataclass(frozen=True)
class TaskSet:
    """All tasks of an export. time_seconds: seconds that a time-interval token stands for, by token id."""

    folder: Path
    vocabulary_sha256: str
    warehouse_fingerprint: str
    time_seconds: dict[int, float]
    tasks: dict[str, Task]
    absent: dict[str, str]

    def choose(self, names: Sequence[str]) -> list[Task]:
        """The tasks of these names, or all for ["all"]; in the order of the export."""
        if list(names) == ["all"]:
            return list(self.tasks.values())
        for name in names:
            if name in self.absent:
                raise UserError(f"task {name} is not in {self.folder}: {self.absent[name]}")
            if name not in self.tasks:
                raise UserError(f"no task {name!r} in {self.folder}; there are: {', '.join(self.tasks)}")
        return [task for name, task in self.tasks.items() if name in set(names)]

    def require_vocabulary(self, sha256: str, whose: str) -> None:
        """Raise `UserError` unless the tasks were exported for the vocabulary that `whose` (a path) has."""
        if sha256 != self.vocabulary_sha256:
            raise UserError(
                f"{self.folder} has the vocabulary {self.vocabulary_sha256[:12]}, {whose} has {sha256[:12]}: "
                "they come from different builds; export shards and tasks from one warehouse"
            )


def _task(raw: dict, folder: Path) -> Task:
    if raw["label_type"] not in [name for name, _, _ in LABEL_TYPES.values()]:
        raise ValueError(f"unknown label type {raw['label_type']!r}")
    return Task(
        name=raw["name"],
        description=raw["description"],
        label_type=raw["label_type"],
        prompt=raw["prompt"],
        watched=Watched.from_json(raw),
        simulable=raw.get("simulable", True),
        reason=raw.get("reason"),
        path=folder / f"{raw['name']}.parquet",
    )


def read_tasks(folder: Path) -> TaskSet:
    """Read tasks.json of an export; the rows of a task are read when they are asked for."""
    mend = f"make it with `python -m warehouse.tasks --out {folder}`"
    path = folder / TASKS_FILE
    if not path.is_file():
        raise UserError(f"no tasks at {folder} ({path.name} is missing): {mend}")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']}, this reader knows {FORMAT}")
        tasks = [_task(entry, folder) for entry in raw["tasks"]]
        return TaskSet(
            folder=folder,
            vocabulary_sha256=raw["vocabulary_sha256"],
            warehouse_fingerprint=raw["warehouse_fingerprint"],
            time_seconds={int(token): float(seconds) for token, seconds in raw["time_tokens"].items()},
            tasks={task.name: task for task in tasks},
            absent={entry["name"]: entry["reason"] for entry in raw.get("absent", [])},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}): {mend}") from error
