"""Every model and every column is described, and what is described is there."""

import yaml

from tests.conftest import REPOSITORY
from tests.models_sql.test_timelines import PATIENT
from warehouse.mimic import SOURCES, staging_yml


def test_descriptions_name_the_columns_that_the_models_have(build, models):
    connection = build({"patients": [PATIENT]}, tasks=True)
    for node in models:
        actual = [name for name, *_ in connection.execute(f"describe {node['relation_name']}").fetchall()]
        described = {name: column["description"] for name, column in node["columns"].items()}
        assert list(described) == actual, node["name"]
        assert all(described.values()) and node["description"], node["name"]


def test_every_table_of_the_warehouse_has_a_contract(models):
    marts = [node for node in models if node["database"] == "warehouse"]
    assert {"stays", "mapping_coverage", "token_stats", "timeline_events"} <= {node["name"] for node in marts}
    assert [node["name"] for node in marts if not node["config"]["contract"]["enforced"]] == []
    # What needs no contract is rebuilt and read inside dbt alone.
    without = {node["database"] for node in models if not node["config"]["contract"]["enforced"]}
    assert without == {"scratch"}


def test_staging_descriptions_are_those_of_the_registry():
    path = REPOSITORY / "models_sql" / "staging" / "_staging.yml"
    assert path.read_text() == staging_yml(), "run `python -m warehouse.mimic`"


def test_each_raw_table_is_a_source_and_has_a_staging_model():
    sources = yaml.safe_load((REPOSITORY / "models_sql" / "staging" / "_sources.yml").read_text())["sources"]
    declared = {(source["schema"], table["name"]) for source in sources for table in source["tables"]}
    for table in SOURCES:
        assert (table.module, table.name) in declared
        assert (REPOSITORY / "models_sql" / "staging" / f"{table.staging_model}.sql").is_file()
