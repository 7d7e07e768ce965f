"""Wall time, CPU time and peak memory of every stage, from raw tables to report, as one table.

Each stage is the command a user would run, in a process of its own, over a fresh folder; CPU time and peak memory are those of
the process and its children. Timings of a shared machine differ from run to run: compare CPU seconds, and ratios within a run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import REPOSITORY

PYTHON = sys.executable
DBT = str(Path(PYTHON).with_name("dbt"))


@dataclass(frozen=True)
class Measured:
    """What one stage took: seconds of wall and CPU, peak memory of its largest process in bytes."""

    stage: str
    wall: float
    cpu: float
    peak: float


def measure(stage: str, command: list[str], env: dict[str, str]) -> Measured:
    """Run one command to its end and read what it used.

    Raises UserError with the end of its output where it fails.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=os.environ | env, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status != 0:
            output.seek(0)
            tail = output.read().decode(errors="replace").strip().splitlines()[-1:]
            raise UserError(f"stage {stage} failed: {' '.join(tail)}", exit_status=1)
    # Linux gives ru_maxrss in KiB.
    return Measured(stage, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def stages(patients: int, raw: Path | None, budgets: str, data: Path) -> list[tuple[str, list[str]]]:
    """The commands of the chain, in order; with `raw` the cohort is read there and not generated."""
    module = [PYTHON, "-m"]
    chain = []
    if raw is None:
        synth = [*module, "warehouse.synth", "--patients", str(patients), "--tables", "timelines"]
        chain.append(("synth", [*synth, "--out", str(data / "mimic-iv")]))
    chain += [
        ("dbt run", [DBT, "run"]),
        ("dbt test", [DBT, "test"]),
        ("validate", [*module, "warehouse.validate"]),
        ("shards", [*module, "warehouse.shards", "--out", str(data / "shards")]),
    ]
    if budgets:
        sweep = [PYTHON, "ml/sweep.py", "--shards", str(data / "shards"), "--budgets", budgets]
        chain += [
            ("sweep", [*sweep, "--runs-dir", str(data / "runs")]),
            ("runs marts", [DBT, "run", "--select", "runs"]),
            ("fit", [*module, "analysis.fit", str(data / "warehouse.duckdb")]),
            ("report", [*module, "analysis.report", "--out", str(data / "report")]),
        ]
    return chain


def print_table(measured: list[Measured], data: Path) -> None:
    print(f"{'stage':<12}{'wall s':>9}{'CPU s':>9}{'peak MB':>10}")
    for row in measured:
        print(f"{row.stage:<12}{row.wall:>9.1f}{row.cpu:>9.1f}{row.peak / 1e6:>10.0f}")
    print(f"{'all':<12}{sum(row.wall for row in measured):>9.1f}{sum(row.cpu for row in measured):>9.1f}")
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        counts = connection.execute(
            "select (select sum(n_rows) from timelines.ledger where outcome = 'read'), "
            "(select count(*) from timelines.timeline_events), (select sum(len(token_ids)) from tokens.written_events), "
            "(select count(*) from tokens.vocabulary), (select count(*) from timelines.patients)"
        ).fetchone()
    rows, events, tokens, vocabulary, patients = counts
    cpu = {row.stage: row.cpu for row in measured}
    print(
        f"{patients:,} patients, {rows:,} raw rows, {events:,} events, {tokens:,} tokens, vocabulary {vocabulary:,}; "
        f"{events / cpu['dbt run']:,.0f} events per CPU second from raw files to tokens, "
        f"{events / (cpu['dbt run'] + cpu['shards']):,.0f} to shards"
    )


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog="examples:\n  python -m tests.benchmarks --patients 1000\n"
        "  python -m tests.benchmarks --raw ../shared/data/mimic-iv-demo --budgets ''",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--patients", type=int, default=1000, help="synthetic patients (default %(default)s)")
    parser.add_argument("--raw", type=Path, help="measure on these raw tables and not on synthetic ones")
    parser.add_argument(
        "--budgets", default="1e10,3e10", help="budgets of the sweep; '' leaves the sweep out (default %(default)s)"
    )
    parser.add_argument("--vars", default="{}", help="dbt vars, as for dbt --vars")
    parser.add_argument(
        "--selector",
        default="full",
        help="what dbt runs, as for dbt --selector: shards leaves the tasks out (default %(default)s)",
    )
    parser.add_argument("--data", type=Path, help="keep what is produced in this new folder (default: a temporary one)")
    arguments = parser.parse_args()
    if arguments.data is not None and arguments.data.exists():
        raise UserError(f"{arguments.data} exists; name a new folder with --data")
    with tempfile.TemporaryDirectory() as temporary:
        data = (arguments.data or Path(temporary)).resolve()
        raw = arguments.raw.resolve() if arguments.raw else None
        env = {
            "EHR_DATA": str(data),
            "MIMIC_IV_ROOT": str(raw or data / "mimic-iv"),
            "DBT_TARGET_PATH": str(data / "target"),
        }
        measured = []
        for stage, command in stages(arguments.patients, raw, arguments.budgets, data):
            if command[0] == DBT:
                command = [*command, "--vars", arguments.vars]
            if command[0] == DBT and "--select" not in command:
                command = [*command, "--selector", arguments.selector]
            measured.append(measure(stage, command, env))
            print(json.dumps({"stage": stage, "cpu_seconds": round(measured[-1].cpu, 1)}), file=sys.stderr)
        print_table(measured, data)


if __name__ == "__main__":
    run_main(main)
