"""The options of the bootstrap, which every command that fits has: --bootstrap and --seed.

In: a parser, then what it parsed. Out: nothing; `options.bootstrap` and `options.seed` are fit for use after the check.
Wrong: too few draws, a seed below 0 (UserError).
"""

import argparse

from warehouse.errors import UserError

# The ends of a 95% interval of fewer draws rest on the outermost two or three alone.
LEAST_DRAWS = 100


def add_bootstrap_options(parser: argparse.ArgumentParser, draws: int) -> None:
    """--bootstrap, by default `draws`, and --seed."""
    parser.add_argument("--bootstrap", type=int, default=draws, metavar="DRAWS", help=f"bootstrap draws ({draws})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (0)")


def check_bootstrap_options(options: argparse.Namespace) -> None:
    """Refuse what no interval can be made of."""
    if options.bootstrap < LEAST_DRAWS:
        raise UserError(f"--bootstrap {options.bootstrap}: a 95% interval needs at least {LEAST_DRAWS} draws")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: a seed is 0 or more")
