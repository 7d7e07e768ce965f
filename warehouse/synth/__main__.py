"""`python -m warehouse.synth`: a synthetic cohort in the form of MIMIC-IV.

In: number of patients, seed, folder. Out: hosp/ and icu/ as csv.gz, README.md and the marker SYNTHETIC in the folder, and a
table that compares densities with MIMIC-IV v3.1. Wrong input is one line and exit status 2.
"""

import argparse
import os
import time
from pathlib import Path

from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.synth.write import check_target, comparison, estimated_bytes, write_cohort

_EXAMPLES = """examples:
  python -m warehouse.synth --patients 1000 --seed 0 --out data/mimic-iv
  python -m warehouse.synth --patients 50000 --seed 7 --out /data/synthetic --workers 8

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
    parser.add_argument("--format", choices=["csv.gz"], default="csv.gz", help="format of the files (default csv.gz)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser


def main() -> int:
    """Run the command; returns its exit status."""
    args = _parser().parse_args()
    if args.seed < 0:
        raise UserError(f"--seed {args.seed}: give 0 or more")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: give 1 or more")
    check_target(args.out, args.patients)
    print(f"{args.patients:,} patients to {args.out}, about {estimated_bytes(args.patients) / 1e6:,.0f} MB", flush=True)
    begun = time.monotonic()
    rows = write_cohort(args.out, args.patients, args.seed, args.workers)
    seconds = time.monotonic() - begun
    print(comparison(rows, args.patients))
    total = sum(rows.values())
    print(
        f"{total:,} rows in {seconds:.1f} s: {total / seconds:,.0f} rows/s, {60 * args.patients / seconds:,.0f} patients/min"
    )
    return 0


if __name__ == "__main__":
    run_main(main)
