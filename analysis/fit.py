"""Fit scaling laws to any table of training runs: `python -m analysis.fit POINTS`.

In: csv, parquet or DuckDB with columns n, d, loss [, flops, budget, unique_tokens, unique_patients, run, seed,
configuration, learning_rate].
Out: every method's estimates with 95% intervals as tables, or one JSON object with --json.
Wrong: file, table or column missing, nothing numeric, no usable row: one line and exit status 2. Data that a method
cannot fit are no error: its status and notes say so.
"""

import argparse
import json
import math

from analysis.methods import DRAWS, JOINT, LOSS_COMPUTE, METHODS, OVERTRAINED, REPEATED, RISING, SURFACES, fit_methods
from analysis.options import add_bootstrap_options, check_bootstrap_options
from analysis.points import Points
from analysis.readers import ALIASES, read_points
from analysis.repeated import BASE, Base
from analysis.results import Fit
from analysis.tables import (
    BUDGET_HEADER,
    EXPONENT_HEADER,
    LABELS,
    OTHER_HEADER,
    budget_rows,
    exponent_rows,
    other_rows,
    parameter_header,
    parameter_rows,
    text_table,
)
from warehouse.errors import ArgumentParser, UserError, run_main

EPILOG = """examples:
  python -m analysis.fit data/warehouse.duckdb
  python -m analysis.fit data/warehouse.duckdb:runs.isoflop_points --json > fits.json
  python -m analysis.fit sweep.csv --methods isoflop_akima,surface_huber --bootstrap 4000 --seed 7
  python -m analysis.fit other.csv --columns n=size,loss=nll --where dataset=c4 --where split=val
  python -m analysis.fit repeats.csv --base E=1.87,A=521,B=1488,alpha=.353,beta=.353
  python -m analysis.fit checkpoints.csv --methods envelope

--json prints {"methods": {NAME: {"estimates", "intervals", "objective", "status", "notes"}}, "points": n}. Estimates of
IsoFLOP methods are a, b and, per budget (keyed by its FLOPs as text), n_opt, d_opt, loss_opt; so are the intervals.
Status is one of converged, bound_hit, not_identified, failed; unknown numbers are null. Beside them stand
"other_intervals" (delta method and profile likelihood, where a method has them) and "search" (starts, how many reached
the best basin, gradient, movement, parameters unmoved or on a bound).

columns are found under these names (any case):
""" + "\n".join(f"  {name}: {', '.join(aliases)}" for name, aliases in ALIASES.items())


def main(arguments: list[str] | None = None) -> int:
    """Read the points, fit, print."""
    options = _parse(arguments)
    points = read_points(options.points, options.columns, options.where, options.matched_decay)
    fits = fit_methods(points, options.methods, options.bootstrap, options.seed, options.base)
    print(json.dumps(to_json(fits, points), allow_nan=False, indent=2) if options.json else as_text(fits, points))
    return 0


def to_json(fits: dict[str, Fit], points: Points) -> dict:
    """The object of --json; notes on the points stand in front of every method's own."""
    shared = [{"code": n.code, "severity": n.severity, "text": n.text} for n in points.notes]
    methods = {name: fit.to_json() for name, fit in fits.items()}
    for entry in methods.values():
        entry["notes"] = shared + entry["notes"]
    return {"methods": methods, "points": len(points)}


def as_text(fits: dict[str, Fit], points: Points) -> str:
    """Every method's estimates with intervals, then the notes."""
    parts = [f"{len(points)} points, {len(set(points.configuration.tolist()))} configurations"]
    rows = exponent_rows(fits)
    if rows:
        parts.append("Compute-optimal exponents\n" + text_table(EXPONENT_HEADER, rows))
    for name, fit in fits.items():
        if fit.estimates.get("n_opt"):
            parts.append(f"Optimum per budget, {LABELS[name]}\n" + text_table(BUDGET_HEADER, budget_rows(fit)))
    for title, methods, names in (
        ("L = E + A/N^alpha + B/D^beta", SURFACES, ("E", "A", "B", "alpha", "beta")),
        ("L* = E + A C^-g", (LOSS_COMPUTE,), ("E", "A", "g")),
        ("L = E + A/N^eta + B/D^eta", (OVERTRAINED,), ("E", "A", "B", "eta")),
        ("Worth of repeated data", (REPEATED,), ("R_D", "R_N")),
        ("Repeated data, with P R^delta (N/U)^kappa", (RISING,), ("P", "delta", "kappa")),
        ("L = E + A/N^alpha + B/D^beta + G/M^gamma", (JOINT,), ("E", "A", "B", "G", "alpha", "beta", "gamma")),
    ):
        rows = parameter_rows(fits, methods, names)
        if rows:
            parts.append(f"{title}\n" + text_table(parameter_header(names), rows))
    rows = other_rows(fits)
    if rows:
        parts.append("Three kinds of interval\n" + text_table(OTHER_HEADER, rows))
    lines = [f"  {note.severity}: {note.text}" for note in points.notes]
    said: dict[tuple[str, str], list[str]] = {}
    for name, fit in fits.items():
        for note in fit.notes:
            said.setdefault((note.severity, note.text), []).append(LABELS[name])
    lines += [f"  {severity}, {' / '.join(names)}: {text}" for (severity, text), names in said.items()]
    if lines:
        parts.append("Notes\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line, with methods and columns taken apart."""
    parser = ArgumentParser(
        prog="python -m analysis.fit",
        description="Fit scaling laws with honest error bars to any table of training runs.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    parser.add_argument("points", metavar="POINTS", help="FILE.csv, FILE.parquet or FILE.duckdb[:schema.table]")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    add_bootstrap_options(parser, DRAWS)
    parser.add_argument("--methods", metavar="NAME,...", help="methods to run (all that the columns allow)")
    parser.add_argument("--columns", default="", metavar="NAME=COLUMN,...", help="columns that have other names")
    parser.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE", help="only rows with this value"
    )
    parser.add_argument("--base", metavar="E=..,A=..", help="constants for fresh data, for the laws of repeated data")
    parser.add_argument(
        "--matched-decay", action="store_true", help="every checkpoint was cooled down: the envelope needs no caveat"
    )
    options = parser.parse_args(arguments)
    options.methods = tuple(options.methods.replace(" ", "").split(",")) if options.methods is not None else None
    unknown = [name for name in options.methods or () if name not in METHODS]
    if unknown:
        raise UserError(f"--methods: unknown method {unknown[0]!r}; choose among {', '.join(METHODS)}")
    check_bootstrap_options(options)
    options.columns = _pairs("--columns", options.columns.split(","), tuple(ALIASES))
    options.where = _pairs("--where", options.where)
    options.base = _base(options.base)
    return options


def _pairs(option: str, given: list[str], names: tuple[str, ...] = ()) -> dict[str, str]:
    """NAME=VALUE pairs as a dict; the name among `names` where there are any."""
    pairs = [pair.partition("=") for pair in given if pair]
    wrong = [pair for pair in pairs if (names and pair[0] not in names) or not all(pair)]
    if wrong:
        among = f"NAME=COLUMN with NAME among {', '.join(names)}" if names else "COLUMN=VALUE"
        raise UserError(f"{option}: {''.join(wrong[0])!r} is not {among}")
    return {name: value for name, _, value in pairs}


def _base(given: str | None) -> Base | None:
    """E=..,A=..,B=..,alpha=..,beta=.. as base constants."""
    if given is None:
        return None
    pairs = _pairs("--base", given.split(","), BASE)
    try:
        values = {name: float(pairs[name]) for name in BASE}
    except KeyError as error:
        raise UserError(f"--base: {error.args[0]} is missing; give all of {', '.join(BASE)}") from error
    except ValueError as error:
        raise UserError(f"--base {given}: {error}") from error
    if not all(math.isfinite(value) and value > 0 for value in values.values()):
        raise UserError(f"--base {given}: every constant is a positive number")
    return Base(**values)


if __name__ == "__main__":
    run_main(main)
