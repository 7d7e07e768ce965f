"""A study's runs, read from the warehouse: what is fitted, what is set aside and why, and where it all comes from.

In: a DuckDB file with runs.runs, runs.curves and runs.isoflop_points. Out: `Study`.
Only runs on one and the same data are compared: the shard fingerprint that most finished runs share; the others are set
aside with that reason, as are runs that failed, still run, or lack a number that the fits need. Columns that a warehouse does not
have are left out, never invented. Wrong: no file, no table, no finished run: one clear line (UserError).
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from analysis.points import Curves, Points
from analysis.readers import REQUIRED, points_from_columns, row_faults
from warehouse.errors import UserError

Row = dict[str, Any]
# Columns of runs.isoflop_points that the fits use, under the names of Points.
POINT_COLUMNS = ("n", "d", "loss", "flops", "budget", "unique_tokens", "unique_patients", "configuration")
# A run without one of these is set aside; without any counted compute in the table, compute is 6ND.
NEEDED = (*REQUIRED, "budget")
RUN_COLUMNS = (
    "run_id",
    "configuration",
    "seed",
    "status",
    "reason",
    "flops_budget",
    "n_layers",
    "d_model",
    "n_with_head",
    "n_non_embedding",
    "n_total",
    "tokens_seen",
    "unique_tokens",
    "epochs",
    "flops",
    "flops_6nd",
    "held_out_loss",
    "tuning_loss",
    "learning_rate",
    "batch_tokens",
    "steps",
    "context",
    "schedule",
    "weight_decay",
    "dtype",
    "device",
    "hardware",
    "git_commit",
    "versions",
    "shard_fingerprint",
    "vocabulary_sha256",
    "cpu_seconds",
    "wall_seconds",
)
CURVE_COLUMNS = ("run_id", "flops", "tokens_seen", "train_loss", "tuning_loss")
# What the envelope needs of a logged step. The loss of a training batch will not do: it is noisy, and low for seen data.
CURVE_POINT = ("flops", "tokens_seen", "tuning_loss")


@dataclass(frozen=True)
class Study:
    """Runs that are fitted (`used`, one per point, in the points' order), runs set aside, curves of the used ones."""

    points: Points
    used: tuple[Row, ...]
    aside: tuple[Row, ...]
    curves: dict[str, tuple[Row, ...]]
    columns: tuple[str, ...]
    shard_fingerprint: str
    vocabulary_sha256: str


def read_study(path: Path) -> Study:
    """Read the study from the warehouse at `path` (opened read-only)."""
    if not path.exists():
        raise UserError(f"{path}: no warehouse; build it with `dbt build`, or name another with --warehouse")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            runs = _rows(connection, path, "runs", RUN_COLUMNS)
            isoflop = _rows(connection, path, "isoflop_points", (*POINT_COLUMNS, "run_id", "shard_fingerprint"))
            curves = _rows(connection, path, "curves", CURVE_COLUMNS)
    except duckdb.Error as error:
        raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error
    return make_study(runs, isoflop, curves, str(path))


def make_study(runs: list[Row], isoflop: list[Row], curves: list[Row], where: str) -> Study:
    """Sort runs into those that are fitted and those set aside; pure."""
    if not isoflop:
        states = ", ".join(f"{count} {status}" for status, count in sorted(Counter(map(_status, runs)).items()))
        text = f"{where}: no finished run with a FLOPs budget ({states or 'no run at all'})"
        raise UserError(f"{text}; train some with `python ml/sweep.py`, then `dbt run --select runs`")
    fingerprint = _commonest([row.get("shard_fingerprint") for row in isoflop])
    alike = [row for row in isoflop if row.get("shard_fingerprint") == fingerprint]
    columns = {name: [row.get(name) for row in alike] for name in POINT_COLUMNS if name in NEEDED or name in alike[0]}
    # The fits drop such rows too: dropped here, points and runs stay one to one.
    faults = dict(zip([row["run_id"] for row in alike], row_faults(columns, NEEDED), strict=True))
    kept = sorted((r for r in alike if not faults[r["run_id"]]), key=lambda r: (r["budget"], r["n"]))
    if not kept:
        raise UserError(f"{where}: no finished run has a size, tokens, a budget and a held_out loss")
    by_id = {run["run_id"]: run for run in runs}
    names = [name for name in POINT_COLUMNS if name in kept[0]]
    points = points_from_columns({name: [row[name] for row in kept] for name in names}, where)
    ids = {row["run_id"] for row in kept}
    used = tuple({**row, **by_id.get(row["run_id"], {})} for row in kept)
    aside = tuple({**run, "why": _why(run, fingerprint, faults)} for run in runs if run["run_id"] not in ids)
    lines: dict[str, list[Row]] = {}
    for row in curves:
        if row["run_id"] in ids:
            lines.setdefault(row["run_id"], []).append(row)
    ordered = {key: tuple(sorted(rows, key=lambda r: r.get("tokens_seen") or 0)) for key, rows in lines.items()}
    points = replace(points, curves=_curves(kept, points, ordered))
    columns = tuple(name for name in RUN_COLUMNS if runs and name in runs[0])
    vocabulary = _commonest([row.get("vocabulary_sha256") for row in used])
    return Study(points, used, aside, ordered, columns, str(fingerprint or "unknown"), str(vocabulary or "unknown"))


def _curves(kept: list[Row], points: Points, lines: dict[str, tuple[Row, ...]]) -> Curves | None:
    """The runs' curves of loss on the tuning split, for the envelope; None where no run logged it more than once."""
    found = []
    for i, row in enumerate(kept):
        mine = [line for line in lines.get(row["run_id"], ()) if all(_positive(line.get(name)) for name in CURVE_POINT)]
        for line in mine if len(mine) > 1 else ():
            found.append((i, points.n[i], points.configuration[i], *(float(line[name]) for name in CURVE_POINT)))
    if not found:
        return None
    run, n, configuration, flops, tokens, loss = np.array(found, dtype=float).T
    return Curves(run.astype(int), n, configuration.astype(int), flops, tokens, loss)


def _rows(connection: duckdb.DuckDBPyConnection, path: Path, table: str, wanted: tuple[str, ...]) -> list[Row]:
    """The wanted columns that runs.`table` has, as one dict per row; a missing table is the user's to mend."""
    query = "select column_name from information_schema.columns where table_schema = 'runs' and table_name = ?"
    there = {name for (name,) in connection.execute(query, [table]).fetchall()}
    if not there:
        raise UserError(f"{path}: no table runs.{table}; build it with `dbt run --select runs`")
    names = [name for name in wanted if name in there]
    if "run_id" not in names:
        raise UserError(f"{path}: runs.{table} has no column run_id; build it anew with `dbt run --select runs`")
    rows = connection.execute(f"select {', '.join(names)} from runs.{table} order by run_id nulls last").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _commonest(values: list) -> Any:
    """The commonest value; the first in order among equals, so that the choice does not hang on row order."""
    return min(Counter(values).items(), key=lambda item: (-item[1], str(item[0])))[0]


def _positive(value: Any) -> bool:
    return value is not None and 0 < value < math.inf


def _status(run: Row) -> str:
    return str(run.get("status") or "unknown")


def _why(run: Row, fingerprint: Any, faults: dict[str, str]) -> str:
    """Why a run is not fitted, in a few words."""
    status = _status(run)
    if status != "done":
        return f"{status}: {run['reason']}" if run.get("reason") else status
    if run.get("shard_fingerprint") != fingerprint:
        return "other shard fingerprint: trained on other data"
    if not _positive(run.get("held_out_loss")):
        return "no held_out loss"
    if not _positive(run.get("flops_budget")):
        return "no FLOPs budget"
    return faults.get(run["run_id"]) or "not among the IsoFLOP points"
