"""The verdicts that the checkpoint must come to, told in plain Python and without the seconds it takes to import."""

from collections.abc import Iterable

from warehouse.judgement import Expectation, Figures, Limit


def passes(limit: Limit, figure: float | int | None) -> bool:
    """Whether a figure lies within the limit; a missing one (None) never does."""
    return figure is not None and limit.low <= figure and (limit.high is None or figure <= limit.high)


def judge(expectations: Iterable[Expectation], figures: Figures) -> dict[str, bool]:
    """Verdict on each expectation, by name."""
    return {expectation.name: passes(expectation.limit, figures[expectation.name]) for expectation in expectations}
