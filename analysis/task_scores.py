"""The clinical scores of a study's runs and of the baselines, from table runs.task_scores of the warehouse.

In: a DuckDB file and the study's runs. Out: `ScoreRow`s (one a run or baseline, task and method of scoring), and of those per
task and method a `Scores` (utility.py) over the configurations that are fitted and scored. Only tasks with an AUROC, split
held_out, all patients. No table or no row: nothing, as before the first evaluation.
Wrong: a file that cannot be read, or a table without the columns (UserError).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from analysis.study import Study
from analysis.utility import Scores, scores_of
from warehouse.errors import UserError

COLUMNS = (
    "run_id, task, method, auroc, auroc_low, auroc_high, log_loss, n_rows, n_events, n_with_head, flops_budget, "
    "held_out_loss, undecided_share"
)


@dataclass(frozen=True)
class ScoreRow:
    """A run's score on a task, or a baseline's (run_id None; then n, flops and held_out_loss are NaN).

    `rows`: predictions; `undecided`: the share of rollouts that ended at their cap with neither outcome, NaN for other methods.
    """

    run_id: str | None
    task: str
    method: str
    auroc: float
    low: float
    high: float
    log_loss: float
    rows: int
    events: int
    n: float
    flops: float
    held_out_loss: float
    undecided: float = float("nan")


@dataclass(frozen=True)
class NotShown:
    """What of the scores on held_out and all patients is not in the rows: tasks without any AUROC (numbers, classes, no event),
    further scores of runs without one, and scores of runs that are not fitted."""

    tasks: tuple[str, ...] = ()
    scores: int = 0
    other_runs: int = 0


def read_task_scores(path: Path, study: Study) -> tuple[tuple[ScoreRow, ...], NotShown]:
    """Scores of the study's fitted runs and of the baselines of its shards, by task, method and run; and what is left out."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            query = "select count(*) from information_schema.tables where table_schema = 'runs' and table_name = 'task_scores'"
            if not connection.execute(query).fetchone()[0]:
                return (), NotShown()
            # A run belongs to the study by its name, a baseline by its shards.
            rows = connection.execute(
                f"select {COLUMNS} from runs.task_scores "
                "where subgroup = 'all' and split = 'held_out' "
                "and (run_id is not null or starts_with(?, shard_fingerprint)) order by task, method, run_id",
                [study.shard_fingerprint],
            ).fetchall()
    except duckdb.Error as error:
        raise UserError(f"{path}: runs.task_scores cannot be read ({str(error).splitlines()[0]})") from error
    fitted = {run["run_id"] for run in study.used}
    mine = [row for row in rows if row[0] is None or row[0] in fitted]
    told = tuple(_score_row(row) for row in mine if row[3] is not None)
    without = [row for row in mine if row[0] is not None and row[3] is None]
    tasks = tuple(sorted({row[1] for row in without} - {row.task for row in told}))
    others = sum(row[1] not in tasks for row in without)
    return told, NotShown(tasks, others, len(rows) - len(mine))


def scores_by_task(rows: Iterable[ScoreRow], study: Study) -> dict[tuple[str, str], Scores]:
    """Per (task, method), in order of both: the scores of the runs, joined to their points; pure."""
    place = {run["run_id"]: i for i, run in enumerate(study.used)}
    groups: dict[tuple[str, str], list[ScoreRow]] = {}
    for row in rows:
        if row.run_id in place:
            groups.setdefault((row.task, row.method), []).append(row)
    points = study.points
    found = {}
    for key, group in sorted(groups.items()):
        at = np.array([place[row.run_id] for row in group])
        auroc, log_loss = (np.array([getattr(row, name) for row in group]) for name in ("auroc", "log_loss"))
        columns = {name: getattr(points, name)[at] for name in ("n", "d", "loss", "budget")}
        found[key] = scores_of(
            points.configuration[at], compute=points.flops[at], auroc=auroc, log_loss=log_loss, **columns
        )
    return found


def _score_row(row: tuple) -> ScoreRow:
    """A row of COLUMNS; an unknown number is NaN, an unknown count 0."""
    run_id, task, method, auroc, low, high, log_loss, rows, events, *others = row
    numbers = [float("nan") if value is None else float(value) for value in (auroc, low, high, log_loss)]
    rest = [float("nan") if value is None else float(value) for value in others]
    return ScoreRow(run_id, task, method, *numbers, int(rows or 0), int(events or 0), *rest)
