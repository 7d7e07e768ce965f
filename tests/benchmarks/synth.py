"""How fast the synthetic cohort is written, and in how much memory: `python -m tests.benchmarks.synth --patients 1000,10000`.

For each number of patients the command runs as a user would run it; CPU seconds are those of all its processes, peak memory is
the most they hold together, looked at ten times a second. A second table tells what each table costs, over some
blocks in this process: milliseconds of CPU a patient, rows a patient, bytes a row as csv.gz.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import REPOSITORY
from warehouse.synth.block import MAKERS, TABLE_OF
from warehouse.synth.columns import csv_member
from warehouse.synth.world import BLOCK, make_world


def _memory(root: int) -> int:
    """Bytes of memory that process `root` and its descendants hold, what they share counted once (Linux)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    family, total = [root], 0
    while family:
        process = family.pop()
        family += children.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def measure(patients: int, workers: int, tables: str) -> None:
    """Write one cohort and print its line."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cohort"
        command = [sys.executable, "-m", "warehouse.synth", "--patients", str(patients), "--out", str(out)]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        process = subprocess.Popen(
            [*command, "--workers", str(workers), "--tables", tables],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.1)
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise UserError(f"warehouse.synth failed with status {process.returncode}", 1)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        last = process.stdout.read().strip().splitlines()[-1]
        rows = int(last.split(" rows")[0].replace(",", ""))
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(
        f"{patients:>9,}{workers:>9}{rows:>14,}{wall:>9.1f}{cpu:>9.1f}{rows / cpu:>12,.0f}{60 * patients / cpu:>14,.0f}"
        f"{peak / 1e6:>10.0f}{size / 1e6:>10.0f}",
        flush=True,
    )


def cost_of_tables(blocks: int) -> None:
    """Print what each table costs."""
    spent = dict.fromkeys(("hidden state", *MAKERS), 0.0)
    rows, size = dict.fromkeys(MAKERS, 0), dict.fromkeys(MAKERS, 0)
    for block in range(blocks):
        begun = time.process_time()
        world = make_world(0, block)
        spent["hidden state"] += time.process_time() - begun
        for name, maker in MAKERS.items():
            begun = time.process_time()
            made = maker(world)
            size[name] += len(csv_member(TABLE_OF[name], made.columns))
            spent[name] += time.process_time() - begun
            rows[name] += len(made.patient)
    n = blocks * BLOCK
    print(f"\n{'table':<26}{'ms a patient':>13}{'rows a patient':>16}{'bytes a row':>13}")
    for name, seconds in spent.items():
        more = f"{rows[name] / n:>16.2f}{size[name] / max(rows[name], 1):>13.1f}" if name in rows else ""
        print(f"{name:<26}{1000 * seconds / n:>13.2f}{more}")
    print(f"{'all':<26}{1000 * sum(spent.values()) / n:>13.2f}{sum(rows.values()) / n:>16.2f}")


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.synth",
        description=__doc__,
        epilog="example:\n  python -m tests.benchmarks.synth --patients 1000,10000,50000 --workers 1,2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--patients", default="1000", help="numbers of patients (default %(default)s)")
    parser.add_argument("--workers", default="1", help="numbers of processes (default %(default)s)")
    parser.add_argument("--tables", default="all", help="as for warehouse.synth (default %(default)s)")
    parser.add_argument("--blocks", type=int, default=4, help="blocks for the second table (default %(default)s)")
    arguments = parser.parse_args()
    head = f"{'patients':>9}{'workers':>9}{'rows':>14}{'wall s':>9}{'CPU s':>9}{'rows/CPU s':>12}{'pat./CPU min':>14}"
    print(f"{head}{'peak MB':>10}{'disk MB':>10}")
    for patients in arguments.patients.split(","):
        for workers in arguments.workers.split(","):
            measure(int(patients), int(workers), arguments.tables)
    cost_of_tables(arguments.blocks)


if __name__ == "__main__":
    run_main(main)
