"""Reads points from csv, parquet or DuckDB and turns their columns into `Points`.

In: a path; FILE.duckdb may carry :schema.table (default runs.isoflop_points); optionally NAME=COLUMN overrides and
COLUMN=VALUE filters. A table with several rows per run (checkpoints) gives the last of each as a point, all as curves.
Out: `Points`, with a note on every column that was taken under another name and on every row that was dropped.
Wrong: file, table or column missing; a column without numbers; no usable row. Each is one clear line (UserError).
Nothing is guessed silently: a column counts only under the names listed in ALIASES.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np

from analysis.points import Points, make_points, points_of_runs
from analysis.results import Note
from warehouse.errors import UserError

DEFAULT_TABLE = "runs.isoflop_points"
# The first that is present is taken; compared in lower case with everything but letters and digits as "_".
ALIASES: dict[str, tuple[str, ...]] = {
    "n": (
        "n",
        "n_with_head",
        "params",
        "parameters",
        "n_params",
        "num_params",
        "n_parameters",
        "model_size",
        "model_params",
    ),
    "d": ("d", "tokens", "n_tokens", "num_tokens", "tokens_seen", "training_tokens", "train_tokens", "t"),
    "loss": (
        "loss",
        "held_out_loss",
        "val_loss",
        "validation_loss",
        "valid_loss",
        "test_loss",
        "eval_loss",
        "final_loss",
        "l",
    ),
    "flops": ("flops", "c", "flop", "compute", "training_flops", "training_flop", "total_flops", "train_flops"),
    "budget": ("budget", "flops_budget", "budget_flops", "isoflop_budget"),
    "unique_tokens": ("unique_tokens", "u", "n_unique_tokens", "unique"),
    "unique_patients": ("unique_patients", "n_patients", "num_patients", "patients"),
    "flops_per_token": ("flops_per_token",),
    "run": ("run", "run_id", "run_name"),
    "seed": ("seed", "random_seed", "seed_run"),
    "configuration": ("configuration",),
    "learning_rate": ("learning_rate", "lr"),
}
REQUIRED = ("n", "d", "loss")
# A row is of no use without these; the others may be missing in a row.
POSITIVE = ("n", "d", "loss", "flops", "budget", "flops_per_token")
TEXT = ("configuration", "run")
# What a column of losses may be called; only to help whoever has to name it.
LOSS_WORDS = ("loss", "nll", "bpb", "cross_entropy", "ce", "ppl", "perplexity")
# More columns than this make a message no one reads.
SHOWN_COLUMNS = 12
# A text column with more values than this share of the rows names rows, it does not group them.
GROUP_SHARE = 1 / 3


def read_points(
    source: str, columns: dict[str, str] | None = None, keep: dict[str, str] | None = None, matched: bool = False
) -> Points:
    """Points from `source`; `columns` maps our names to the table's where they differ, `keep` maps columns to the value
    that a row must have, `matched` says that every checkpoint was cooled down (see envelope.py)."""
    names, rows, where = _read_table(source)
    chosen, notes = _choose_columns(names, columns or {}, where)
    rows = _filtered(names, rows, keep or {}, where)
    rows, other_data = _one_corpus(names, rows)
    notes += other_data + _mixed_groups(names, rows, chosen)
    table = {ours: [row[names.index(theirs)] for row in rows] for ours, theirs in chosen.items()}
    return points_from_columns(table, where, tuple(notes), matched)


def points_from_columns(
    table: dict[str, list], where: str, notes: tuple[Note, ...] = (), matched: bool = False
) -> Points:
    """Points from columns under our names (text or None allowed); bad rows are dropped and counted in the notes."""
    found = list(notes)
    total = len(table["n"])
    if not total:
        raise UserError(f"{where}: no rows; finish some training runs first, or name another table")
    numbers = {}
    for name, values in table.items():
        if name in TEXT:
            continue
        numbers[name] = np.array([_number(value) for value in values])
        given = [value for value in values if value not in (None, "")]
        if given and not np.isfinite(numbers[name]).any():
            raise UserError(f"{where}: column for {name} holds no numbers (first value {str(given[0])[:30]!r})")
    for name in (name for name in POSITIVE if name in numbers and name not in REQUIRED):
        if not np.isfinite(numbers[name]).any():
            found.append(Note("column_empty", "info", f"The column for {name} is empty and not used."))
            del numbers[name]
    bad = row_faults(numbers)
    keep = bad == ""
    reasons = Counter(bad[~keep])
    if reasons:
        text = "; ".join(f"{count} with {reason}" for reason, count in sorted(reasons.items()))
        found.append(Note("rows_dropped", "warning", f"{(~keep).sum()} of {total} rows dropped: {text}."))
    if not keep.any():
        raise UserError(
            f"{where}: no usable row of {total} ({'; '.join(f'{c} with {r}' for r, c in sorted(reasons.items()))})"
        )
    per_token = numbers.pop("flops_per_token", None)
    if per_token is not None and "flops" not in numbers:
        numbers["flops"] = per_token * numbers["d"]
        found.append(Note("flops_from_per_token", "info", "Compute is taken as flops per token times d."))
    if "d" not in numbers:
        numbers["d"] = numbers["flops"] / (6 * numbers["n"])
        found.append(Note("d_from_flops", "warning", "No column of tokens: d is taken as compute / (6 n)."))
    columns = {name: values[keep] for name, values in numbers.items() if name != "seed"}
    if "configuration" in table:
        names = np.array(["" if v is None else str(v) for v in table["configuration"]])[keep]
        if (names == "").any():
            found.append(Note("column_empty", "info", "The column for configuration has empty cells and is not used."))
        else:
            columns["configuration"] = names
    if "run" in table:
        runs = np.array(["" if v is None else str(v) for v in table["run"]])[keep]
        return points_of_runs(columns, runs, tuple(found), matched)
    return make_points(**columns, notes=tuple(found))


def row_faults(table: Mapping[str, Sequence], required: tuple[str, ...] = REQUIRED) -> np.ndarray:
    """Per row why it cannot be fitted, text[rows], empty where nothing is amiss.

    Every column of POSITIVE must be a positive number; one that is empty throughout is of no account unless `required`.
    """
    bad = np.full(len(next(iter(table.values()))), "", dtype=object)
    for name in (name for name in POSITIVE if name in table):
        numbers = np.array([_number(value) for value in table[name]])
        missing = ~np.isfinite(numbers)
        if missing.all() and name not in required:
            continue
        for test, reason in ((missing, "missing or not a number"), (numbers <= 0, "not positive")):
            bad[(bad == "") & test] = f"{name} {reason}"
    return bad


def _read_table(source: str) -> tuple[list[str], list[tuple], str]:
    """Column names, rows and what to call the table in messages."""
    path, table = _split_source(source)
    if not path.exists():
        raise UserError(f"{path}: no such file; give a csv, a parquet or a DuckDB file (FILE.duckdb[:schema.table])")
    try:
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                return _rows(connection, f"select * from {_quoted(table)}", f"{path}:{table}")
        with duckdb.connect() as connection:
            if path.suffix == ".parquet":
                return _rows(connection, "select * from read_parquet(?)", str(path), [str(path)])
            query = "select * from read_csv(?, header = true, all_varchar = true, null_padding = false)"
            return _rows(connection, query, str(path), [str(path)])
    except duckdb.CatalogException as error:
        raise UserError(
            f"{path}: no table {table}; build the runs models first, or name one as {path}:schema.table"
        ) from error
    except duckdb.Error as error:
        raise UserError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from error


def _rows(connection, query: str, where: str, parameters: list | None = None) -> tuple[list[str], list[tuple], str]:
    """Run a query and fetch everything: points are few."""
    answer = connection.execute(query, parameters or [])
    return [column[0] for column in answer.description], answer.fetchall(), where


def _split_source(source: str) -> tuple[Path, str]:
    """FILE.duckdb:schema.table as path and table."""
    match = re.fullmatch(r"(.+\.duckdb):([\w.]+)", source)
    return (Path(match[1]), match[2]) if match else (Path(source), DEFAULT_TABLE)


def _quoted(table: str) -> str:
    return ".".join('"' + part.replace('"', "") + '"' for part in table.split("."))


def _choose_columns(names: list[str], overrides: dict[str, str], where: str) -> tuple[dict[str, str], list[Note]]:
    """Our names to the table's, with a note per column taken under an alias or left unused among several."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"), name)
    chosen, notes = {}, []
    for ours, aliases in ALIASES.items():
        if ours in overrides:
            if overrides[ours] not in names:
                raise UserError(f"{where}: no column {overrides[ours]!r}; it has {', '.join(names)}")
            chosen[ours] = overrides[ours]
            continue
        present = [alias for alias in aliases if alias in plain]
        if not present:
            continue
        chosen[ours] = plain[present[0]]
        if present[0] != ours:
            notes.append(Note("column_alias", "info", f"{ours} is read from column {chosen[ours]!r}."))
        if len(present) > 1:
            others = ", ".join(plain[alias] for alias in present[1:])
            notes.append(Note("columns_unused", "info", f"{ours} is read from {chosen[ours]!r}; not used: {others}."))
    derived = ("d",) if "flops" in chosen else ()
    missing = [name for name in REQUIRED if name not in chosen and name not in derived]
    if missing:
        text = f"no column for {', '.join(missing)}; it has {_some_columns(names, missing)}"
        raise UserError(f"{where}: {text}; name them as --columns {missing[0]}=COLUMN")
    return chosen, notes


def _some_columns(names: list[str], missing: list[str]) -> str:
    """The table's columns, those that may hold a missing loss first, cut to what a line can hold."""
    plain = [re.split(r"[^a-z0-9]+", name.lower()) for name in names]
    likely = [
        name for name, words in zip(names, plain, strict=True) if "loss" in missing and set(words) & set(LOSS_WORDS)
    ]
    ordered = [*likely, *(name for name in names if name not in likely)]
    rest = len(ordered) - SHOWN_COLUMNS
    return ", ".join(ordered[:SHOWN_COLUMNS]) + (f" and {rest} more" if rest > 0 else "")


def _filtered(names: list[str], rows: list[tuple], keep: dict[str, str], where: str) -> list[tuple]:
    """The rows that have the wanted value in each column of `keep`; numbers are compared as numbers."""
    for column, value in keep.items():
        if column not in names:
            raise UserError(
                f"{where}: --where {column}={value}: no column {column!r}; it has {_some_columns(names, [])}"
            )
        at, wanted = names.index(column), _number(value)
        there = sorted({str(row[at]) for row in rows})
        rows = [r for r in rows if str(r[at]) == value or (math.isfinite(wanted) and _number(r[at]) == wanted)]
        if not rows:
            values = ", ".join(there[:SHOWN_COLUMNS]) + (" ..." if len(there) > SHOWN_COLUMNS else "")
            raise UserError(f"{where}: --where {column}={value}: no such row; {column} has {values}")
    return rows


def _mixed_groups(names: list[str], rows: list[tuple], chosen: dict[str, str]) -> list[Note]:
    """A warning where a text column that no fit uses tells kinds of rows apart: they may be different experiments.

    A column that follows from n is a name for sizes, and one with a value for nearly every row a name for runs.
    """
    used = {*chosen.values(), "shard_fingerprint"}
    size = names.index(chosen["n"])
    kinds = {}
    for at, name in enumerate(names):
        values = {row[at] for row in rows if row[at] not in (None, "")}
        text = not any(math.isfinite(_number(value)) for value in values)
        of_size = len({(row[size], row[at]) for row in rows}) == len({row[size] for row in rows})
        if name not in used and text and not of_size and 1 < len(values) <= len(rows) * GROUP_SHARE:
            kinds[name] = len(values)
    if not kinds:
        return []
    listed = ", ".join(f"{name} ({count} values)" for name, count in kinds.items())
    text = (
        f"Rows differ in columns that no fit uses: {listed}. All are fitted as one study, and rows that agree in n and d "
        f"count as seeds; choose a part with --where {next(iter(kinds))}=VALUE."
    )
    return [Note("mixed_groups", "warning", text)]


def _one_corpus(names: list[str], rows: list[tuple]) -> tuple[list[tuple], list[Note]]:
    """The rows trained on the commonest shards, with a note on those left out: losses of other data cannot be compared."""
    if "shard_fingerprint" not in names:
        return rows, []
    column = names.index("shard_fingerprint")
    counts = Counter(row[column] for row in rows)
    if len(counts) < 2:
        return rows, []
    # The first in order among equals, so that the choice does not hang on the order of rows.
    commonest = min(counts, key=lambda value: (-counts[value], str(value)))
    kept = [row for row in rows if row[column] == commonest]
    text = (
        f"{len(rows) - len(kept)} of {len(rows)} rows were trained on other shards than the commonest and are left out."
    )
    return kept, [Note("mixed_data", "warning", text)]


def _number(value: object) -> float:
    """A float, NaN for what is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan
