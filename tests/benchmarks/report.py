"""What the refits and the report of a sweep of 60 runs take: `python -m tests.benchmarks.report`.

The sweep is simulated, with a known law, noise and scored tasks. Refits: the four surfaces with 1,000 bootstrap draws, in this
process; the commands run as a user would run them, each in a process of its own. Exit status 1 where the refits or the report
take longer than they may, by CPU seconds: each is one process that waits for nothing, so that on a core of its own its wall time
is its CPU time, and on a shared one says how busy that is.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.methods import DRAWS, fit_methods
from analysis.study import read_study
from analysis.surface import METHODS as SURFACES
from tests.analysis.conftest import add_task_scores, simulate, write_warehouse
from tests.benchmarks.__main__ import Measured, measure
from warehouse.errors import ArgumentParser, UserError, run_main

# CPU seconds that the refits and the whole report may take.
REFITS, REPORT = 60, 120
NOISE = 0.004


def measure_all(budgets: int, sizes: int, tasks: int, bootstrap: int) -> list[Measured]:
    """The refits, `analysis.fit` and `analysis.report` over one simulated warehouse."""
    columns = simulate(budgets=tuple(np.geomspace(1e11, 3e13, budgets)), sizes=sizes, noise=NOISE)
    with tempfile.TemporaryDirectory() as folder:
        path = write_warehouse(Path(folder) / "warehouse.duckdb", columns)
        add_task_scores(path, columns, tuple(f"task_{i:02d}" for i in range(tasks)))
        points = read_study(path).points
        wall, cpu = time.perf_counter(), time.process_time()
        fit_methods(points, SURFACES, bootstrap)
        rows = [Measured("refits", time.perf_counter() - wall, time.process_time() - cpu, float("nan"))]
        module, draws = [sys.executable, "-m"], ["--bootstrap", str(bootstrap)]
        rows.append(measure("fit", [*module, "analysis.fit", str(path), *draws], {}))
        command = [*module, "analysis.report", "--warehouse", str(path), "--out", str(Path(folder) / "report"), *draws]
        rows.append(measure("report", command, {}))
    return rows


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.report",
        description=__doc__,
        epilog="examples:\n  python -m tests.benchmarks.report\n"
        "  python -m tests.benchmarks.report --budgets 4 --sizes 7 --tasks 3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--budgets", type=int, default=6, help="budgets of the sweep (default %(default)s)")
    parser.add_argument("--sizes", type=int, default=10, help="sizes of each budget (default %(default)s)")
    parser.add_argument("--tasks", type=int, default=20, help="tasks, each scored in two ways (default %(default)s)")
    parser.add_argument("--bootstrap", type=int, default=DRAWS, help="bootstrap draws (default %(default)s)")
    arguments = parser.parse_args()
    rows = measure_all(arguments.budgets, arguments.sizes, arguments.tasks, arguments.bootstrap)
    print(f"{arguments.budgets * arguments.sizes} runs, {arguments.tasks} tasks, {arguments.bootstrap:,} draws")
    print(f"{'stage':<12}{'wall s':>9}{'CPU s':>9}{'peak MB':>10}")
    for row in rows:
        peak = f"{row.peak / 1e6:>10.0f}" if np.isfinite(row.peak) else f"{'':>10}"
        print(f"{row.stage:<12}{row.wall:>9.1f}{row.cpu:>9.1f}{peak}")
    found = {row.stage: row for row in rows}
    if found["refits"].cpu > REFITS or found["report"].cpu > REPORT:
        raise UserError(f"refits may take {REFITS} CPU seconds and the report {REPORT}", exit_status=1)


if __name__ == "__main__":
    run_main(main)
