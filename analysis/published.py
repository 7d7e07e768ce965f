"""Exponents that others published, with what differs in definition: the report sets ours beside them.

In: nothing. Out: `PUBLISHED`. Sources: Zhang 2025 (2505.22964), Hoffmann 2022 (2203.15556, table 2), Porian 2024 (2406.19146).
Exponents compare only as far as the definitions do: what counts as a parameter, how compute is counted, how it is fitted.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One study: N* ~ C^a, D* ~ C^b. `derived_b`: b is 1 - a, not given by the study; `drawn`: stands in the figures."""

    study: str
    short: str
    a: float
    b: float
    counts_as_n: str
    compute: str
    how: str
    differs: str
    derived_b: bool = False
    drawn: bool = True


PUBLISHED = (
    Published(
        "Zhang 2025, EHR (MIMIC-IV)",
        "Zhang 2025, MIMIC-IV",
        0.58,
        0.44,
        "not known to us",
        "not known to us",
        "IsoFLOP parabolas",
        "second-hand figures that sum to 1.02: either N and D were regressed apart, or compute is not 6ND; about 3e8 tokens in all",
    ),
    Published(
        "Hoffmann 2022 (Chinchilla)",
        "Hoffmann 2022",
        0.50,
        0.50,
        "total",
        "counted",
        "envelope of training curves",
        "web text; their IsoFLOP parabolas give .49 and .51, their surface .46 and .54",
    ),
    Published(
        "Porian 2024, tuned",
        "Porian 2024",
        0.497,
        0.503,
        "with output head",
        "counted with the head",
        "Akima, noise bootstrap",
        "web text; learning rate and batch tuned for each size, no decay",
        derived_b=True,
    ),
    Published(
        "Kaplan 2020, as reproduced by Porian",
        "Kaplan 2020",
        0.835,
        0.165,
        "without the head",
        "without the head",
        "IsoFLOP",
        "web text; fixed warm-up and decay: what settings alone can do to an exponent",
        derived_b=True,
        drawn=False,
    ),
)
# The study that this project re-implements; its slopes are drawn through our own minima.
REFERENCE = PUBLISHED[0]
