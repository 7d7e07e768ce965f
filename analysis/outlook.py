"""What a study's fits say beyond its runs, in one value: forecasts, the largest budgets left out, and the tasks' trends.

In: the study, its fits and its task scores. Out: `Outlook`, which the report and the tables of the warehouse show. Pure; one seed.
"""

from dataclasses import dataclass

from analysis.forecast import Forecast, Foreseen, forecast, leave_largest_out
from analysis.points import Points
from analysis.results import Fit
from analysis.utility import Scores, TaskTrend, task_trend

# Compute that forecasts are shown for, over the largest budget: that budget itself, and up to where published laws held.
FACTORS = (1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Outlook:
    """Rows of forecast.py (by compute, method, quantity) and trends of utility.py (by task and method of scoring)."""

    forecasts: tuple[Forecast, ...]
    foreseen: tuple[Foreseen, ...]
    trends: tuple[TaskTrend, ...]


def look_ahead(
    points: Points, fits: dict[str, Fit], scores: dict[tuple[str, str], Scores], bootstrap: int, seed: int
) -> Outlook:
    """Forecasts at 1 to 100 times the largest budget, leave-largest-out, and a trend for every task that is scored."""
    largest = float(points.budget.max())
    forecasts = tuple(row for factor in FACTORS for row in forecast(points, fits, factor * largest, seed))
    trends = tuple(task_trend(*key, value, bootstrap, seed) for key, value in scores.items())
    return Outlook(forecasts, leave_largest_out(points, fits, seed=seed), trends)
