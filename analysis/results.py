"""What every fit returns: estimates, intervals, a status and coded notes, as frozen values.

In: nothing. Out: `Fit` (one method's answer) and `Note` (one remark with a code and a severity).
A fit never prints and never raises for data it cannot fit: it says so in `status` and `notes`.
`Fit.to_json` gives the object of `python -m analysis.fit --json`: finite numbers or null, never NaN.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import stats

Status = Literal["converged", "bound_hit", "not_identified", "failed"]
Severity = Literal["info", "warning", "error"]
# A scalar estimate, or one per budget (keyed by `budget_key`).
Estimate = float | dict[str, float]
Interval = tuple[float, float] | dict[str, tuple[float, float]]

CONFIDENCE = 0.95
UNKNOWN = (math.nan, math.nan)
# No model has less than one parameter, and none trains on less than one token.
LEAST_COUNT = 1.0


@dataclass(frozen=True)
class Note:
    """One remark about a fit: a stable code, how bad it is, and a sentence for the reader."""

    code: str
    severity: Severity
    text: str


@dataclass(frozen=True)
class Search:
    """How an optimum was found: starts, how many of them reached the best basin, scaled gradient norm at the end, distance
    of the end from its start, and the parameters that stayed where they started or ended on a bound."""

    starts: int
    basin: int
    gradient: float
    moved: float
    unmoved: tuple[str, ...] = ()
    on_bound: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fit:
    """One method's answer.

    `intervals` are the ones to quote; `other_intervals` holds the same quantities by other means: "delta" (delta method,
    Student's t) and "profile" (profile likelihood). `draws` holds the bootstrap draws by estimate name, float[draws] or
    float[draws, budgets]; `details` holds what figures need (vertices, windows, residuals), by names that the method's
    module documents.
    """

    method: str
    estimates: dict[str, Estimate]
    intervals: dict[str, Interval]
    objective: float
    status: Status
    notes: tuple[Note, ...] = ()
    draws: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    details: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    search: Search | None = None
    other_intervals: Mapping[str, dict[str, Interval]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The method's entry in the --json object; what is not finite becomes null."""
        return {
            "estimates": plain(self.estimates),
            "intervals": plain(self.intervals),
            "objective": plain(self.objective),
            "status": self.status,
            "notes": [{"code": n.code, "severity": n.severity, "text": n.text} for n in self.notes],
            "other_intervals": plain(self.other_intervals),
            "search": None if self.search is None else plain(asdict(self.search)),
        }


def budget_key(budget: float) -> str:
    """The text by which a budget is named in estimates, tables and files: 1e+17, 1.25e+16."""
    return f"{budget:.6g}"


def percentile_interval(
    draws: np.ndarray, freedom: float = math.inf, log: bool = False, least: float = -math.inf
) -> tuple[float, float]:
    """The central 95% of the finite draws, float[draws]; unknown where fewer than half of them are finite.

    With few residual degrees of freedom percentiles are too short, as a normal interval is against Student's: they are
    stretched about the median by that ratio. `log` stretches on the log scale (for positive quantities). `least` is the
    smallest that the quantity can be, which stretching may pass.
    """
    finite = draws[np.isfinite(draws)]
    if finite.size == 0 or finite.size < draws.size / 2 or not freedom > 0:
        return UNKNOWN
    tail = (1 - CONFIDENCE) / 2
    stretch = stats.t.ppf(1 - tail, freedom) / stats.norm.ppf(1 - tail) if math.isfinite(freedom) else 1.0
    values = np.log(finite) if log else finite
    low, middle, high = np.quantile(values, [tail, 0.5, 1 - tail])
    ends = np.array([middle - stretch * (middle - low), middle + stretch * (high - middle)])
    ends = np.maximum(np.exp(ends) if log else ends, least)
    return float(ends[0]), float(ends[1])


def refused(method: str, names: tuple[str, ...], status: Status, notes: tuple[Note, ...]) -> Fit:
    """A fit that gives no numbers: every name is there, as unknown."""
    return Fit(method, dict.fromkeys(names, math.nan), dict.fromkeys(names, UNKNOWN), math.nan, status, notes)


def plain(value: Any) -> Any:
    """`value` for JSON: numpy's numbers made Python's and what is not finite made None, through mappings and sequences."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
