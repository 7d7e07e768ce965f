"""Export: the clinical tasks of a validated warehouse as labels, with what the simulation of their outcomes needs.

In: the tables of schema tasks, what their yml entries say of them (kept as JSON in the tables' comments), timelines and vocabulary.
Out: DIR/TASK.parquet, a row for each prediction, ordered by patient and time; DIR/meds/TASK/SPLIT.parquet, the labels as MEDS has
them; DIR/tasks.json, the tasks with their counts and their outcomes as tokens. task_format.py has the columns.
What can go wrong: no warehouse, one whose validation failed or is stale, one without tasks or with tasks of other timelines, an
output folder that holds something else, a full disk; nothing is left half written. The same warehouse gives the same bytes.
"""

import argparse
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from tqdm import tqdm

from warehouse.database import open_read_only
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.fingerprint import require_valid
from warehouse.paths import data_dir, warehouse_path
from warehouse.shard_format import SPLITS, vocabulary_sha256
from warehouse.task_format import FORMAT, LABEL_TYPES, MEDS_FOLDER, TASKS_FILE, label_schema, row_schema
from warehouse.task_tokens import DAY_SECONDS, Vocabulary, outcome_of, read_vocabulary, seconds_of_time_tokens
from warehouse.whole_folder import whole_folder

BATCH_ROWS = 100_000
BUILD_TASKS = "run `dbt run --select path:models_sql/tasks`"
# The macro timelines_stamp of warehouse/macros/task.sql, which tells tasks of other timelines.
_STAMP = (
    "select cast(hash(bit_xor(hash(spans.subject_id, spans.n_events, patients.died_at, patients.split)), count(*)) as text) "
    "from timelines.timeline_spans as spans inner join timelines.patients as patients on spans.subject_id = patients.subject_id"
)
# What every task's rows are joined with: race by event, and since when a patient is no first admission.
_CONTEXT = """
create or replace temporary table races as
select events.subject_id, events.event_index, split_part(codes.code, '//', 2) as race
from timelines.ordered_events as events
inner join timelines.codes as codes on events.code_id = codes.code_id
where codes.event_kind = 'demographic' and codes.code like 'RACE//%';

create or replace temporary table first_ends as
select subject_id, min(coalesce(ended_at, started_at)) as first_end
from timelines.stays
where kind = 'hospital'
group by subject_id
"""


@dataclass(frozen=True)
class Task:
    """A task by its table and yml entry; `variant` is the one of several that share a table."""

    name: str
    table: str
    variant: str | None
    description: str
    data_type: str
    meta: dict
    missing: tuple[str, ...]

    @property
    def label_type(self) -> str:
        return LABEL_TYPES[self.data_type][0]

    @property
    def row_schema(self) -> pa.Schema:
        return row_schema(LABEL_TYPES[self.data_type][1])

    @property
    def meds_schema(self) -> pa.Schema:
        return label_schema(self.label_type, LABEL_TYPES[self.data_type][2])

    @property
    def rows(self) -> str:
        """Its rows, as SQL to select from."""
        condition = f" where variant = '{self.variant}'" if self.variant else ""
        return f"(select * from tasks.{self.table}{condition})"


def read_tasks(connection: duckdb.DuckDBPyConnection) -> list[Task]:
    """All tasks of a warehouse, by name.

    Raises UserError where it has none, or tasks that were built over other timelines.
    """
    try:
        rows = connection.execute(
            "select comment from duckdb_tables() where database_name = current_database() and schema_name = 'tasks' "
            "and table_name in (select task from tasks.cohort_flow) order by table_name"
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        rows = []
    if not rows:
        raise UserError(f"the warehouse holds no tasks; {BUILD_TASKS}")
    stamp = connection.execute(_STAMP).fetchone()[0]
    tasks: list[Task] = []
    for (comment,) in rows:
        entry = json.loads(comment)
        if entry["timelines"] != stamp:
            raise UserError(
                f"task {entry['name']} was built over other timelines than the warehouse holds; {BUILD_TASKS}"
            )
        tasks += _variants(connection, entry)
    return sorted(tasks, key=lambda task: task.name)


def _variants(connection: duckdb.DuckDBPyConnection, entry: dict) -> list[Task]:
    """The tasks of one table: one, or one for each variant, whose name stands for {variant} in the yml entry."""
    table = entry["name"]
    columns = {name for name, *_ in connection.execute(f"describe tasks.{table}").fetchall()}
    variants: list[str | None] = [None]
    if "variant" in columns:
        found = connection.execute(f"select distinct variant from tasks.{table} order by variant").fetchall()
        variants = [variant for (variant,) in found] or [None]
    tasks = []
    for variant in variants:
        told = json.loads(json.dumps(entry).replace("{variant}", variant)) if variant else entry
        tasks.append(
            Task(
                name=f"{table}_{variant}" if variant else table,
                table=table,
                variant=variant,
                description=(f"{variant}: " if variant else "") + " ".join(told["description"].split()),
                data_type=told["label"],
                meta=told["task"],
                missing=tuple(told["missing"]),
            )
        )
    return tasks


def write_rows(connection: duckdb.DuckDBPyConnection, task: Task, folder: Path) -> None:
    """Write TASK.parquet and its MEDS label files below `folder`, batch by batch."""
    query = f"""
        select
            tasks.subject_id, tasks.prediction_time, patients.split, tasks.label, tasks.hadm_id, tasks.stay_id,
            tasks.prompt_event_index, tasks.threshold, patients.sex,
            (epoch(tasks.prediction_time) - epoch(patients.born_at)) / (365.25 * {DAY_SECONDS}) as age,
            races.race,
            coalesce(first_ends.first_end >= tasks.prediction_time, true) as is_first_admission
        from {task.rows} as tasks
        inner join timelines.patients as patients on tasks.subject_id = patients.subject_id
        asof left join races
            on tasks.subject_id = races.subject_id and tasks.prompt_event_index >= races.event_index
        left join first_ends on tasks.subject_id = first_ends.subject_id
        order by tasks.subject_id, tasks.prediction_time, tasks.hadm_id, tasks.stay_id, tasks.prompt_event_index
    """
    meds = folder / MEDS_FOLDER / task.name
    meds.mkdir(parents=True)
    with ExitStack() as stack:
        rows = stack.enter_context(
            parquet.ParquetWriter(folder / f"{task.name}.parquet", task.row_schema, compression="zstd")
        )
        by_split = {
            split: stack.enter_context(parquet.ParquetWriter(meds / f"{split}.parquet", task.meds_schema))
            for split in SPLITS
        }
        for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
            table = pa.Table.from_batches([batch]).cast(task.row_schema)
            rows.write_table(table)
            for split, writer in by_split.items():
                writer.write_table(meds_labels(table.filter(pc.equal(table["split"], split)), task))


def meds_labels(rows: pa.Table, task: Task) -> pa.Table:
    """Rows as MEDS labels. MEDS reads prediction_time as inclusive and knows no order within an instant: a task that is asked in the
    very instant of its answer is asked a microsecond sooner there."""
    times = rows["prediction_time"]
    if task.meta.get("ends_with_event"):
        times = pc.cast(pc.subtract(pc.cast(times, pa.int64()), 1), pa.timestamp("us"))
    labels = rows["label"].cast(task.meds_schema.types[-1])
    return pa.Table.from_arrays([rows["subject_id"], times, labels], schema=task.meds_schema)


def count_rows(connection: duckdb.DuckDBPyConnection, task: Task) -> dict[str, dict[str, int | None]]:
    """Rows, patients and, for a boolean label, positives of each split."""
    positives = "count(*) filter (where tasks.label)" if task.label_type == "boolean" else "null"
    found = connection.execute(
        f"select patients.split, count(*), count(distinct tasks.subject_id), {positives} from {task.rows} as tasks "
        "inner join timelines.patients as patients on tasks.subject_id = patients.subject_id group by patients.split"
    ).fetchall()
    counts = {split: {"rows": rows, "patients": patients, "positives": n} for split, rows, patients, n in found}
    nothing = {"rows": 0, "patients": 0, "positives": 0 if task.label_type == "boolean" else None}
    return {split: counts.get(split, nothing) for split in SPLITS}


def describe(connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, task: Task) -> dict:
    """The entry of a task in tasks.json."""
    outcome, stops, reason = outcome_of(connection, vocabulary, task.meta)
    horizon = task.meta.get("horizon_days")
    entry = {
        "name": task.name,
        "description": task.description,
        "label_type": task.label_type,
        "prompt": task.meta["prompt"],
        "counts": count_rows(connection, task),
        "horizon_seconds": None if horizon is None else horizon * DAY_SECONDS,
        "stop_tokens": stops,
        "outcome": outcome,
        "simulable": reason is None,
    }
    return entry if reason is None else entry | {"reason": reason}


def why_absent(connection: duckdb.DuckDBPyConnection, task: Task) -> str | None:
    """Why a task has no rows, None where it has some."""
    if task.missing:
        return f"the timelines hold no {', no '.join(task.missing)}"
    has_rows = connection.execute(f"select 1 from {task.rows} as tasks limit 1").fetchone()
    return None if has_rows else "nobody is in its cohort"


def export(warehouse: Path, out: Path) -> dict:
    """Write all tasks to `out`, whole or not at all; returns what tasks.json holds.

    Raises UserError where the warehouse is missing, not validated, stale or without tasks, or `out` holds something else.
    """
    fingerprint = require_valid(warehouse)
    with whole_folder(out, "tasks", Path(TASKS_FILE)) as partial, open_read_only(warehouse) as connection:
        tasks = read_tasks(connection)
        settings = dict(connection.execute("select name, value from timelines.settings").fetchall())
        vocabulary = read_vocabulary(connection)
        connection.execute(_CONTEXT)
        entries, absent = [], []
        for task in tqdm(tasks, desc="tasks", unit="task", disable=None):
            reason = why_absent(connection, task)
            if reason:
                absent.append({"name": task.name, "reason": reason})
                continue
            write_rows(connection, task, partial)
            entries.append(describe(connection, vocabulary, task))
        index = {
            "format": FORMAT,
            "vocabulary_sha256": vocabulary_sha256(list(vocabulary.ids)),
            "warehouse_fingerprint": fingerprint,
            "preset": json.loads(settings["preset"]),
            "time_tokens": seconds_of_time_tokens(connection, vocabulary, json.loads(settings["time_intervals"])),
            "tasks": entries,
            "absent": absent,
        }
        (partial / TASKS_FILE).write_text(json.dumps(index, indent=1) + "\n")
    return index


def main() -> None:
    parser = ArgumentParser(
        prog="python -m warehouse.tasks",
        description="Export the clinical tasks of a validated warehouse: labels, and outcomes as tokens.",
        epilog="examples:\n  python -m warehouse.tasks --out data/tasks\n"
        "  EHR_DATA=/fast/disk python -m warehouse.tasks --out /fast/disk/tasks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=data_dir() / "tasks", help="folder of the tasks (default %(default)s)"
    )
    parser.add_argument("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (default %(default)s)")
    arguments = parser.parse_args()
    index = export(arguments.warehouse, arguments.out)
    print(f"{'task':<40}{'label':<9}" + "".join(f"{split:>10}" for split in SPLITS) + f"{'positives':>11}  simulable")
    for task in index["tasks"]:
        counts = [task["counts"][split] for split in SPLITS]
        positives = sum(count["positives"] for count in counts) if task["label_type"] == "boolean" else None
        print(
            f"{task['name']:<40}{task['label_type']:<9}"
            + "".join(f"{count['rows']:>10,}" for count in counts)
            + (f"{positives:>11,}" if positives is not None else f"{'':>11}")
            + ("  yes" if task["simulable"] else f"  no: {task['reason']}")
        )
    for task in index["absent"]:
        print(f"{task['name']:<40}absent: {task['reason']}")
    print(f"{len(index['tasks'])} tasks in {arguments.out}")


if __name__ == "__main__":
    run_main(main)
