"""Plain-text tables and number formats, shared by the commands and the report.

In: fits. Out: rows of text and aligned text tables; an unknown number is an en dash, never "nan".
"""

import math

from analysis.results import Fit

UNKNOWN = "\N{EN DASH}"
LABELS = {
    "isoflop_parabola": "IsoFLOP, local parabola",
    "isoflop_akima": "IsoFLOP, Akima",
    "surface_least_squares": "Surface, least squares",
    "surface_huber": "Surface, Huber 1.345 sigma",
    "surface_huber_1e3": "Surface, Huber 1e-3",
    "surface_lad": "Surface, least absolute",
    "loss_compute": "Loss against compute",
    "overtrained": "One exponent (Gadre)",
    "repeated_data": "Repeated data",
    "repeated_rising": "Repeated data, rising",
    "joint_patients": "Joint law with patients",
    "envelope": "Envelope of curves",
}
# The baseline of every extrapolation: the last budget's minimum, taken for the next.
CARRIED_FORWARD = "Carried forward (baseline)"
# What an analyst chooses (sensitivity.ASPECTS), in words.
ASPECTS = {
    "reference": "As fitted",
    "delta": "Measure of error",
    "window": "Window",
    "n_definition": "What counts as N",
    "flop_formula": "Compute",
    "exclusions": "Left out",
    "epoch_cut": "Epochs",
}
STATUS_LABELS = {
    "converged": "converged",
    "bound_hit": "bound hit",
    "not_identified": "not identified",
    "failed": "failed",
}


def number(value: float, digits: int = 4) -> str:
    """A number for people: 0.4615, 23,400, 1.2e+09."""
    if not math.isfinite(value):
        return UNKNOWN
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.{max(digits - 2, 1)}e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def fixed(value: float, places: int = 3) -> str:
    """A number with a fixed number of places, for columns of one unit."""
    return f"{value:.{places}f}" if math.isfinite(value) else UNKNOWN


def count(value: float) -> str:
    """A count of parameters or tokens: 23.4k, 1.2M, 3.1B."""
    if not math.isfinite(value):
        return UNKNOWN
    for scale, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:.3g}{suffix}"
    return f"{value:.3g}"


def flops(value: float) -> str:
    """Compute in FLOPs, short: 3e11, 1.25e16."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}" if math.isfinite(value) else UNKNOWN


def interval(pair: tuple[float, float], form=number) -> str:
    """[low, high]; an unknown end is a dash."""
    low, high = (form(end) for end in pair)
    if (low, high) == (UNKNOWN, UNKNOWN):
        return UNKNOWN
    return f"[{low}, {'open' if pair[1] == math.inf else high}]"


def ends_words(pair: tuple[float, float], form=number) -> str:
    """'95% a to b', or that there is no interval."""
    return f"95% {form(pair[0])} to {form(pair[1])}" if all(map(math.isfinite, pair)) else "no interval"


def text_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: tuple[str, ...]) -> str:
        cells = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), line(tuple("-" * width for width in widths)), *(line(row) for row in rows)])


def budget_rows(fit: Fit) -> list[tuple[str, ...]]:
    """Per budget: C, N* and its interval, D* and its interval, loss and its interval, remarks."""
    rows = []
    flags = {key: vertex for key, vertex in zip(fit.estimates.get("n_opt", {}), fit.details["vertices"], strict=True)}
    for key, vertex in flags.items():
        remarks = ", ".join(flag.replace("_", " ") for flag in vertex.flags)
        cells = [flops(vertex.budget)]
        for name, form in (("n_opt", count), ("d_opt", count), ("loss_opt", lambda value: fixed(value, 4))):
            cells += [form(fit.estimates[name][key]), interval(fit.intervals[name][key], form)]
        rows.append((*cells, remarks if vertex.used else f"left out: {remarks}"))
    return rows


BUDGET_HEADER = ("budget", "N*", "95%", "D*", "95%", "loss", "95%", "remarks")


def exponent_rows(fits: dict[str, Fit]) -> list[tuple[str, ...]]:
    """Per method that gives them: a and b with intervals, and the status."""
    rows = []
    for name, fit in fits.items():
        if "a" in fit.estimates:
            cells = [LABELS[name]]
            for exponent in ("a", "b"):
                cells += [fixed(fit.estimates[exponent]), interval(fit.intervals[exponent], fixed)]
            rows.append((*cells, STATUS_LABELS[fit.status]))
    return rows


EXPONENT_HEADER = ("method", "a (N* ~ C^a)", "95%", "b (D* ~ C^b)", "95%", "status")


def parameter_rows(fits: dict[str, Fit], methods: tuple[str, ...], names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Per method that was run: the estimates of `names` with intervals, and the status."""
    rows = []
    for name, fit in fits.items():
        if name in methods:
            cells = [LABELS[name]]
            for parameter in names:
                cells += [number(fit.estimates[parameter]), interval(fit.intervals[parameter])]
            rows.append((*cells, STATUS_LABELS[fit.status]))
    return rows


def other_rows(fits: dict[str, Fit]) -> list[tuple[str, ...]]:
    """Per method and parameter that has several kinds of interval: the estimate, bootstrap, delta and profile."""
    rows = []
    for name, fit in fits.items():
        kinds = fit.other_intervals
        for parameter in fit.intervals if kinds else ():
            if any(parameter in kind for kind in kinds.values()):
                ends = (fit.intervals, kinds.get("delta", {}), kinds.get("profile", {}))
                cells = [interval(kind[parameter]) if parameter in kind else UNKNOWN for kind in ends]
                rows.append((LABELS[name], parameter, number(fit.estimates[parameter]), *cells))
    return rows


OTHER_HEADER = ("method", "parameter", "estimate", "bootstrap 95%", "delta method 95%", "profile 95%")


def parameter_header(names: tuple[str, ...]) -> tuple[str, ...]:
    """The header that goes with parameter_rows."""
    return ("method", *(cell for name in names for cell in (name, "95%")), "status")
