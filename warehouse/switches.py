"""Which raw tables dbt reads, by its vars: the preset, and single sources switched on or off over it.

In: the vars of dbt_project.yml, and those given on dbt's command line over them. Out: the tables that are landed.
warehouse/macros/sources.sql decides the same inside dbt. Wrong: a preset or a source that does not exist (UserError).
"""

from collections.abc import Mapping
from typing import Any

import yaml

from warehouse.errors import UserError
from warehouse.mimic import SOURCES
from warehouse.paths import REPOSITORY
from warehouse.table import Table

# Who the patients are, and when they were admitted, discharged and dead.
ALWAYS_ON = ("hosp.patients", "hosp.admissions")
# A MEDS dataset, which is read in place of MIMIC-IV and beside nothing else; the tables that are always on then stand empty.
MEDS_SOURCE = "meds.data"


def project_vars(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The vars of dbt_project.yml with `overrides` over them."""
    declared = yaml.safe_load((REPOSITORY / "dbt_project.yml").read_text())["vars"]
    return declared | dict(overrides or {})


def makes_events(source: str, settings: Mapping[str, Any]) -> bool:
    """Whether the rows of a raw table (`module.name`), or the score `sofa`, become events."""
    switches = settings["sources"]
    if source == "sofa" and any(switches.get(table) is False for table in settings["sofa_tables"]):
        return False
    return switches.get(source, source in settings["presets"][settings["preset"]])


def reads_meds(settings: Mapping[str, Any]) -> bool:
    """Whether dbt reads a MEDS dataset in place of MIMIC-IV."""
    return makes_events(MEDS_SOURCE, settings)


def landed_tables(settings: Mapping[str, Any]) -> tuple[Table, ...]:
    """The raw tables that are read, in the registry's order: dictionaries, and what events or the score are made of or timed by."""
    known = {table.full_name for table in SOURCES} | {"sofa", MEDS_SOURCE}
    if settings["preset"] not in settings["presets"]:
        raise UserError(f"preset {settings['preset']!r} does not exist: give {' or '.join(settings['presets'])}")
    for source, switch in settings["sources"].items():
        if source not in known or not isinstance(switch, bool):
            raise UserError(
                f"sources: {source}: {switch} cannot be read; give one of {', '.join(sorted(known))} as true or false"
            )
        if reads_meds(settings) and switch:
            raise UserError(
                f"sources: {source}: a MEDS dataset is read beside no other source; use the preset meds alone"
            )
        if source in ALWAYS_ON and not switch:
            raise UserError(f"sources: {source} cannot be switched off: every timeline stands on it")
    return tuple(
        table
        for table in SOURCES
        if table.is_dictionary
        or table.full_name in ALWAYS_ON
        or makes_events(table.full_name, settings)
        or (table.full_name in settings["sofa_tables"] and makes_events("sofa", settings))
        or any(
            clock == table.full_name and makes_events(timed, settings) for timed, clock in settings["clocks"].items()
        )
    )
