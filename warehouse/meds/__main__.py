"""`python -m warehouse.meds export --out DIR` and `python -m warehouse.meds import --root DIR`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.meds.export import DEFAULT_NAME, FILE_EVENTS, SplitWriter, export
from warehouse.meds.importing import import_dataset
from warehouse.paths import data_dir, warehouse_path

EPILOG = """examples:
  python -m warehouse.meds export --out data/meds
  python -m warehouse.meds import --root /path/to/meds
  EHR_DATA=/fast/disk/eicu python -m warehouse.meds import --root /path/to/eicu-meds --vars '{n_bins: 20}'"""


def report_export(written: dict[str, SplitWriter], out: Path) -> str:
    """What an export wrote, as a table."""
    lines = [f"{'split':<10}{'events':>16}{'files':>8}"]
    lines += [f"{split:<10}{writer.n_events:>16,}{writer.n_files:>8,}" for split, writer in written.items()]
    return "\n".join([*lines, f"MEDS dataset in {out}"])


def _parser() -> ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = ArgumentParser(
        prog="python -m warehouse.meds",
        description="Timelines out as a MEDS 0.4 dataset, and any MEDS 0.4 dataset in as timelines.",
        epilog=EPILOG,
        formatter_class=raw,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="export|import")
    out = commands.add_parser(
        "export",
        help="write the timelines of a validated warehouse as a MEDS 0.4 dataset",
        epilog="example:\n  python -m warehouse.meds export --out data/meds --name 'MIMIC-IV 3.1'",
        formatter_class=raw,
    )
    out.add_argument(
        "--out", type=Path, default=data_dir() / "meds", help="folder of the dataset (default %(default)s)"
    )
    out.add_argument("--warehouse", type=Path, default=warehouse_path(), help="DuckDB file (default %(default)s)")
    out.add_argument("--name", default=DEFAULT_NAME, help="name of the dataset in its metadata (default %(default)r)")
    out.add_argument(
        "--file-events", type=int, default=FILE_EVENTS, help="events of a file, about (default %(default)s)"
    )
    into = commands.add_parser(
        "import",
        help="build a warehouse from a MEDS 0.4 dataset in place of MIMIC-IV",
        epilog="The warehouse lies in EHR_DATA and replaces the one that is there.\n\n"
        "example:\n  EHR_DATA=/fast/disk/eicu python -m warehouse.meds import --root /path/to/eicu-meds",
        formatter_class=raw,
    )
    into.add_argument("--root", type=Path, required=True, help="folder that holds data/ and metadata/")
    into.add_argument("--vars", help="dbt vars over those of dbt_project.yml, as `dbt run --vars` takes them")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.command == "import":
        print(import_dataset(given.root, given.vars))
        return 0
    if given.file_events < 1:
        raise UserError("--file-events must be at least 1")
    print(report_export(export(given.warehouse, given.out, given.name, given.file_events), given.out))
    return 0


if __name__ == "__main__":
    run_main(main)
