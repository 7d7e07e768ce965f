"""The faults of MIMIC-IV that the generator writes, each with its share and where that figure comes from.

A module that writes faults declares them in a block of text, a fault a line: `name | share | source | what`. The source is an
item of the list of faults in MIMIC-IV's documentation or code repository, or a count in the demo. With `--quirks off` all
shares are nought; the random draws are made all the same, so the rest of the cohort stays as it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    """One fault: the share of the rows it can befall, where the share comes from, and what happens."""

    name: str
    share: float
    source: str
    what: str


def quirks(text: str) -> dict[str, Quirk]:
    """The faults declared in `text`, by name; ValueError where a share is no probability or a name is there twice."""
    found: dict[str, Quirk] = {}
    for line in text.strip().splitlines():
        name, share, source, what = (part.strip() for part in line.split("|"))
        if name in found or not 0 < float(share) <= 1:
            raise ValueError(f"quirk {name!r}: name used before, or share {share} not in (0, 1]")
        found[name] = Quirk(name, float(share), source, what)
    return found
