"""Kinds of command-line options that commands of several folders share, for argparse's `type`.

In: an option's words. Out: its value. Wrong: words of another kind (ValueError, of which argparse makes one line).
"""

from collections.abc import Callable
from typing import Any


def numbers(kind: Callable[[str], Any]) -> Callable[[str], list]:
    """Parser of a comma-separated list of at least one `kind`."""

    def parse(text: str) -> list:
        values = [kind(part) for part in text.split(",") if part.strip()]
        if not values:
            raise ValueError(text)
        return values

    parse.__name__ = "comma-separated list"
    return parse
