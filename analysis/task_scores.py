"""The clinical scores of a study's runs, from table runs.task_scores of the warehouse.

In: a DuckDB file and the study's runs. Out: per task and method of scoring a `Scores` (utility.py), over the configurations
that are fitted and scored. Only boolean tasks, split held_out, all patients. No table or no row: an empty dict, as before the
first evaluation. Wrong: a file that cannot be read, or a table without the columns (UserError).
"""

from pathlib import Path

import duckdb
import numpy as np

from analysis.study import Study
from analysis.utility import Scores, scores_of
from warehouse.errors import UserError

COLUMNS = ("run_id", "task", "method", "auroc", "log_loss")


def read_task_scores(path: Path, study: Study) -> dict[tuple[str, str], Scores]:
    """Scores by (task, method), in order of both."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            query = "select count(*) from information_schema.tables where table_schema = 'runs' and table_name = 'task_scores'"
            if not connection.execute(query).fetchone()[0]:
                return {}
            rows = connection.execute(
                f"select {', '.join(COLUMNS)} from runs.task_scores "
                "where subgroup = 'all' and split = 'held_out' and auroc is not null order by task, method, run_id"
            ).fetchall()
    except duckdb.Error as error:
        raise UserError(f"{path}: runs.task_scores cannot be read ({str(error).splitlines()[0]})") from error
    return join_scores(rows, study)


def join_scores(rows: list[tuple], study: Study) -> dict[tuple[str, str], Scores]:
    """Rows (run_id, task, method, auroc, log_loss) of the runs that are fitted, joined to their points; pure."""
    place = {run["run_id"]: i for i, run in enumerate(study.used)}
    groups: dict[tuple[str, str], list[tuple]] = {}
    for run_id, task, method, auroc, log_loss in rows:
        if run_id in place:
            values = (place[run_id], auroc, np.nan if log_loss is None else log_loss)
            groups.setdefault((task, method), []).append(values)
    points = study.points
    found = {}
    for key, group in sorted(groups.items()):
        at = np.array([row[0] for row in group])
        auroc, log_loss = (np.array([row[i] for row in group], dtype=float) for i in (1, 2))
        columns = {name: getattr(points, name)[at] for name in ("n", "d", "loss", "budget")}
        found[key] = scores_of(
            points.configuration[at], compute=points.flops[at], auroc=auroc, log_loss=log_loss, **columns
        )
    return found
