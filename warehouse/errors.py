"""What a user did wrong, told in one line.

Every command runs through `run_main`: a `UserError` becomes `error: <what, where, how to mend it>` on standard error and
the exit status it carries (2 = bad usage or input, 1 = the work itself failed); anything else is a defect and keeps its trace.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn


class UserError(Exception):
    """A mistake in what the user gave us: the message says what, where and how to mend it, in one line."""

    def __init__(self, message: str, exit_status: int = 2) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, with a wrong option told in one line like every other mistake."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def run_main(main: Callable[[], int | None]) -> None:
    """Run a command's `main` and leave with its exit status; a `UserError` is one line, not a stack trace."""
    try:
        status = main() or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = error.exit_status
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # The reader of our output (head, less) went away; leave quietly, as other command-line tools do.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status)
