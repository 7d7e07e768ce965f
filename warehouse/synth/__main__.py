"""`python -m warehouse.synth`: a synthetic cohort in the form of MIMIC-IV.

In: number of patients, seed, folder. Out: hosp/, icu/ and ed/ as csv.gz or Parquet, README.md and the marker SYNTHETIC in the
folder, and a table that compares densities with MIMIC-IV. Wrong input is one line and exit status 2.
"""

import argparse
import os
import time
from pathlib import Path

from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.mimic import SOURCES
from warehouse.synth.block import ALL_TABLES, Job
from warehouse.synth.densities import comparison
from warehouse.synth.write import FORMATS, Estimate, check_target, write_cohort

_EXAMPLES = """examples:
  python -m warehouse.synth --patients 1000 --seed 0 --out data/mimic-iv
  python -m warehouse.synth --patients 50000 --seed 7 --out /data/synthetic --workers 8 --format parquet
  python -m warehouse.synth --patients 4000 --out data/mimic-iv --tables timelines
  python -m warehouse.synth --patients 1000 --out data/mimic-iv --quirks off --truth

The same seed gives the same bytes for any number of workers, and patients 1 to N are the same in every larger cohort.
The generative model is described in warehouse/synth/README.md.
"""


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        prog="python -m warehouse.synth",
        description="Write a synthetic cohort with the tables, headers and faults of MIMIC-IV v3.1.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--patients", type=int, required=True, help="how many patients")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers, 0 or more (default 0)")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write; an older synthetic cohort is replaced"
    )
    parser.add_argument(
        "--tables",
        default="all",
        help="all, timelines (those that the timelines cannot do without), or names such as hosp/patients,labevents (default all)",
    )
    parser.add_argument("--format", choices=FORMATS, default="csv.gz", help="format of the files (default csv.gz)")
    parser.add_argument(
        "--quirks", choices=("on", "off"), default="on", help="with MIMIC-IV's faults or not (default on)"
    )
    parser.add_argument(
        "--truth", action="store_true", help="write the hidden state (severity, conditions, risks) to truth/ as well"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser


def _tables(text: str) -> tuple[str, ...]:
    """The tables that --tables names, in the registry's order; UserError where one is unknown."""
    if text == "all":
        return ALL_TABLES
    if text == "timelines":
        return tuple(f"{table.module}/{table.name}" for table in SOURCES if table.is_required)
    by_name = {name: full for full in ALL_TABLES for name in (full, full.split("/")[1])}
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in by_name:
            raise UserError(f"--tables: no table {name!r} in MIMIC-IV; there are {', '.join(ALL_TABLES)}")
    chosen = {by_name[name] for name in asked}
    return tuple(name for name in ALL_TABLES if name in chosen)


def main() -> int:
    """Run the command; returns its exit status."""
    args = _parser().parse_args()
    if args.seed < 0:
        raise UserError(f"--seed {args.seed}: give 0 or more")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: give 1 or more")
    job = Job(args.patients, args.seed, _tables(args.tables), args.quirks == "on", args.format, args.truth)
    check_target(args.out, args.patients)

    def announce(estimate: Estimate) -> None:
        processes = f"{args.workers} process{'es' if args.workers > 1 else ''}"
        print(
            f"{job.patients:,} patients, {len(job.tables)} tables to {args.out}: {estimate} with {processes}",
            flush=True,
        )

    begun = time.monotonic()
    rows = write_cohort(args.out, job, args.workers, announce)
    seconds = time.monotonic() - begun
    print(comparison(rows, job.patients))
    total = sum(rows.values())
    print(
        f"{total:,} rows in {seconds:.1f} s: {total / seconds:,.0f} rows/s, {60 * job.patients / seconds:,.0f} patients/min"
    )
    return 0


if __name__ == "__main__":
    run_main(main)
