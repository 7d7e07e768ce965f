"""What a study's fits say beyond its runs, in one value: forecasts, the largest budgets left out, the tasks' trends, what the
answer hangs on, what a wrong size costs, and what speaks for or against the fits.

In: the study, its fits and its task scores. Out: `Outlook`, which the report and the tables of the warehouse show. Pure; one seed.
"""

from dataclasses import dataclass

from analysis.being_wrong import Cost, costs_of_wrong
from analysis.diagnostics import Correlation, SearchLog, SeedNoise, correlation_rows, noise_rows, search_rows
from analysis.forecast import Forecast, Foreseen, forecast, leave_largest_out
from analysis.residuals import Check, Residual, check_rows, residual_rows
from analysis.results import Fit
from analysis.sensitivity import Variant, sensitivity
from analysis.study import Study
from analysis.utility import Scores, TaskTrend, adjusted, task_trend

# Compute that forecasts are shown for, over the largest budget: that budget itself, and up to where published laws held.
FACTORS = (1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Outlook:
    """Rows of forecast.py (by compute, method, quantity), utility.py (by task and method of scoring), sensitivity.py,
    being_wrong.py, diagnostics.py (noise, correlations, searches) and residuals.py (residuals, checks)."""

    forecasts: tuple[Forecast, ...]
    foreseen: tuple[Foreseen, ...]
    trends: tuple[TaskTrend, ...]
    sensitivity: tuple[Variant, ...]
    costs: tuple[Cost, ...]
    noise: tuple[SeedNoise, ...]
    residuals: tuple[Residual, ...]
    checks: tuple[Check, ...]
    correlations: tuple[Correlation, ...]
    searches: tuple[SearchLog, ...]


def look_ahead(
    study: Study, fits: dict[str, Fit], scores: dict[tuple[str, str], Scores], bootstrap: int, seed: int
) -> Outlook:
    """All of it: forecasts reach from 1 to 100 times the largest budget, and every task that is scored has a trend."""
    points = study.points
    largest = float(points.budget.max())
    return Outlook(
        forecasts=tuple(row for factor in FACTORS for row in forecast(points, fits, factor * largest, seed)),
        foreseen=leave_largest_out(points, fits, seed=seed),
        trends=adjusted(tuple(task_trend(*key, value, bootstrap, seed) for key, value in scores.items())),
        sensitivity=sensitivity(study, fits, seed),
        costs=costs_of_wrong(points, fits),
        noise=noise_rows(points),
        residuals=residual_rows(points, fits),
        checks=check_rows(points, fits),
        correlations=correlation_rows(points, fits),
        searches=search_rows(fits),
    )
