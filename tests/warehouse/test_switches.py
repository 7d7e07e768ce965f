"""Which sources are on: Python and dbt say the same, and a wrong switch is a user's mistake."""

import json

import pytest

from warehouse.errors import UserError
from warehouse.mimic import SOURCES
from warehouse.switches import landed_tables, makes_events, project_vars

CHOICES = [
    {},
    {"preset": "full"},
    {"preset": "full", "sources": {"icu.chartevents": False, "hosp.omr": False}},
    {"preset": "full", "sources": {"ed.edstays": False, "hosp.emar": False}},
    {"sources": {"ed.triage": True, "sofa": False}},
]


def names(overrides: dict) -> set[str]:
    return {table.full_name for table in landed_tables(project_vars(overrides))}


@pytest.mark.parametrize("overrides", CHOICES, ids=json.dumps)
def test_dbt_lands_what_python_says(run_dbt, tmp_path, overrides):
    listed = run_dbt(
        *("ls", "--quiet", "--resource-type", "model", "--output", "name", "--vars", json.dumps(overrides)),
        env={"EHR_DATA": tmp_path / "data", "MIMIC_IV_ROOT": tmp_path / "none"},
    )
    models = set(listed.stdout.split())
    by_model = {table.staging_model: table.full_name for table in SOURCES}
    assert {by_model[model] for model in models if model in by_model} == names(overrides)


def test_the_score_needs_all_its_tables():
    assert "icu.chartevents" in names({})
    assert not {"icu.chartevents", "icu.inputevents"} & names({"sources": {"icu.outputevents": False}})
    assert not makes_events("icu.chartevents", project_vars()) and makes_events("sofa", project_vars())


def test_full_holds_all_of_paper():
    assert names({}) < names({"preset": "full"}) == {table.full_name for table in SOURCES}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"preset": "half"}, "preset 'half' does not exist: give paper or full"),
        ({"sources": {"icu.nothing": True}}, "sources: icu.nothing: True cannot be read"),
        ({"sources": {"hosp.omr": "off"}}, "sources: hosp.omr: off cannot be read"),
        ({"sources": {"hosp.patients": False}}, "hosp.patients cannot be switched off"),
    ],
)
def test_a_wrong_switch_is_one_line(overrides, message):
    with pytest.raises(UserError, match=message):
        landed_tables(project_vars(overrides))
