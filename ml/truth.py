"""The best achievable on a synthetic cohort: the risk that follows from the hidden state at the prediction time.

In: the folder that `python -m warehouse.synth --truth` wrote (or its truth/), and a task. Out: for each row of the task the
risk from truth/risks.parquet of the same admission, moment and outcome (warehouse/synth/README.md says how it is computed). Rows
are matched by admission and by the minute of the prediction; what has no match is NaN. Wrong: a folder without truth, or that of
another cohort (`UserError`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.tasks import Task
from warehouse.errors import UserError


@dataclass(frozen=True)
class Known:
    """The truth that answers a task: moment and outcome as risks.parquet names them; note: where it is not quite the task."""

    point: str
    outcome: str
    note: str | None = None


# A task that is not named here has no known best: the truth holds no risk of it.
KNOWN = {
    "hospital_mortality_at_admission": Known("admission", "in_hospital_death"),
    "hospital_mortality_at_24h": Known("24 hours", "in_hospital_death"),
    "icu_admission": Known("admission", "icu_admission"),
    "icu_mortality_at_admission": Known("icu_stay", "icu_death"),
    "icu_mortality_at_24h": Known("icu_stay 24 hours", "icu_death"),
    "mortality_1y": Known("discharge", "death_1_year"),
    "prolonged_stay_7d": Known("admission", "stay_over_7_days"),
    "prolonged_stay_10d": Known("admission", "stay_over_10_days"),
    "readmission_30d": Known(
        "discharge",
        "readmission_30_days",
        "the truth's readmissions are of any kind, the task's leave out observations",
    ),
}


@dataclass(frozen=True)
class Truth:
    """Risks by (point, outcome), each by (hadm_id, minute of the prediction since 1970)."""

    risks: dict[tuple[str, str], dict[tuple[int, int], float]]


def _keys(hadm: np.ndarray, time: np.ndarray) -> list[tuple[int, int]]:
    minutes = time.astype("datetime64[m]").astype(np.int64)
    return list(zip(hadm.tolist(), minutes.tolist(), strict=True))


def read_truth(folder: Path) -> Truth:
    """Read truth/risks.parquet below a synthetic cohort, or beside it where the truth itself is named."""
    paths = [folder / "truth" / "risks.parquet", folder / "risks.parquet"]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise UserError(
            f"no truth in {folder}: write the cohort with `python -m warehouse.synth --truth --out {folder}`"
        )
    try:
        columns = ["hadm_id", "prediction_point", "prediction_time", "outcome", "risk"]
        table = pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): write the cohort again") from error
    hadm, point, time, outcome, risk = (table.column(name).to_numpy() for name in columns)
    found = {}
    for pair in set(zip(point.tolist(), outcome.tolist(), strict=True)):
        rows = (point == pair[0]) & (outcome == pair[1])
        found[pair] = dict(zip(_keys(hadm[rows], time[rows]), risk[rows].tolist(), strict=True))
    return Truth(found)


def best_risks(truth: Truth, task: Task, split: str) -> tuple[np.ndarray, str | None] | None:
    """Risk of each row of the task in a split, NaN where the truth has none, and a note; None where the truth tells nothing
    of the task."""
    known = KNOWN.get(task.name)
    if known is None or (known.point, known.outcome) not in truth.risks:
        return None
    table = pq.read_table(task.path, columns=["split", "hadm_id", "prediction_time"])
    rows = table.column("split").to_numpy(zero_copy_only=False) == split
    hadm = table.column("hadm_id").fill_null(-1).to_numpy()[rows]
    time = table.column("prediction_time").to_numpy()[rows]
    risks = truth.risks[known.point, known.outcome]
    found = np.asarray([risks.get(key, np.nan) for key in _keys(hadm, time)], np.float64)
    if len(found) and np.isnan(found).all():
        raise UserError(f"the truth has no admission of {task.path}: name the cohort that the warehouse was built from")
    return found, known.note
