"""Which dbt commands need raw tables: those that build models over them."""

from types import SimpleNamespace

import pytest

from warehouse.dbt_plugin import _reads_raw_tables


@pytest.mark.parametrize(
    ("command", "selected", "reads"),
    [
        ("run", (), True),
        ("build", ("+timeline_events",), True),
        ("build", ("runs", "tokens"), True),
        ("run", ("runs",), False),
        ("run", ("path:models_sql/runs",), False),
        ("test", (), False),
        ("compile", (), False),
    ],
)
def test_only_builds_over_raw_tables_check_them(command, selected, reads):
    assert _reads_raw_tables(SimpleNamespace(WHICH=command, SELECT=selected)) is reads
