"""Selectors and exposures say what is true: what a command reads is what its exposure depends on, and a selector builds it."""

import json
import re

import pytest
import yaml

from tests.conftest import REPOSITORY, RunDbt
from warehouse.mimic import SOURCES

# The files that hold each consumer's SQL.
READERS = {
    "validation": (
        "warehouse/judgement.py",
        "warehouse/expectations.py",
        "warehouse/expectations_clock.py",
        "warehouse/expectations_codes.py",
        "warehouse/expectations_rows.py",
        "warehouse/expectations_timeline.py",
        "warehouse/expectations_tokens.py",
    ),
    "trainer": ("warehouse/shards.py",),
    "task_export": ("warehouse/tasks.py", "warehouse/task_tokens.py"),
    "analysis_report": ("analysis/study.py", "analysis/readers.py", "analysis/task_scores.py"),
}


def list_models(run_dbt: RunDbt, tmp_path, *arguments: str) -> set[str]:
    listed = run_dbt(
        *("ls", "--quiet", "--resource-type", "model", "--output", "name", *arguments),
        env={"EHR_DATA": tmp_path / "data", "MIMIC_IV_ROOT": tmp_path / "none"},
    )
    assert listed.returncode == 0, listed.stdout
    return set(listed.stdout.split())


@pytest.fixture(scope="module")
def exposures() -> dict[str, dict]:
    declared = yaml.safe_load((REPOSITORY / "models_sql" / "exposures.yml").read_text())["exposures"]
    return {exposure["name"]: exposure for exposure in declared}


@pytest.mark.parametrize("name", READERS)
def test_an_exposure_depends_on_what_its_command_reads(exposures, name):
    text = "\n".join((REPOSITORY / path).read_text() for path in READERS[name])
    known = {
        path.stem
        for folder in ("timelines", "tokens", "runs")
        for path in (REPOSITORY / "models_sql" / folder).glob("*.sql")
    }
    read = {table for table in re.findall(r"\b(?:timelines|tokens|runs)\.(\w+)", text) if table in known}
    declared = set(re.findall(r"'(\w+)'", " ".join(exposures[name]["depends_on"])))
    assert read and read == declared


def test_paper_leaves_out_the_tables_for_analysts_alone(run_dbt, tmp_path):
    everything = list_models(run_dbt, tmp_path)
    paper = list_models(run_dbt, tmp_path, "--selector", "paper")
    left_out = {name for name in everything - paper if not name.startswith("stg_")}
    report = {path.stem for path in (REPOSITORY / "models_sql" / "analysis").glob("*.sql")}
    of_runs = {"family_losses", "task_calibration"}
    assert left_out == {"mapping_coverage", "token_stats"} | of_runs | report


def test_shards_leaves_out_tasks_runs_and_report(run_dbt, tmp_path):
    shards = list_models(run_dbt, tmp_path, "--selector", "shards")
    folders = {path.stem: path.parent.name for path in (REPOSITORY / "models_sql").glob("*/*.sql")}
    assert {folders[name] for name in shards} == {"staging", "events", "timelines", "tokens"}
    assert {"written_events", "static_prefix", "vocabulary", "ledger"} <= shards


def test_shards_is_tested_by_what_asks_for_no_more(run_dbt, tmp_path):
    listed = run_dbt(
        *("ls", "--quiet", "--resource-type", "test", "--output", "json", "--output-keys", "name depends_on"),
        *("--selector", "shards"),
        env={"EHR_DATA": tmp_path / "data", "MIMIC_IV_ROOT": tmp_path / "none"},
    )
    assert listed.returncode == 0, listed.stdout
    tests = [json.loads(line) for line in listed.stdout.splitlines()]
    asked = {node.split(".")[-1] for test in tests for node in test["depends_on"]["nodes"] if node.startswith("model.")}
    assert {"written_events", "vocabulary"} & asked
    assert asked <= list_models(run_dbt, tmp_path, "--selector", "shards")


def test_full_is_every_model_of_the_sources_that_are_on(run_dbt, tmp_path):
    on = ("--vars", json.dumps({"preset": "full"}))
    full = list_models(run_dbt, tmp_path, "--selector", "full", *on)
    assert full == list_models(run_dbt, tmp_path, *on)
    assert {table.staging_model for table in SOURCES} <= full


def test_the_documentation_is_one_page_and_generated_without_a_warning(run_dbt, tmp_path):
    done = run_dbt(
        *(
            "docs",
            "generate",
            "--static",
            "--vars",
            json.dumps({"preset": "full"}),
            "--target-path",
            tmp_path / "target",
        ),
        env={"EHR_DATA": tmp_path / "data", "MIMIC_IV_ROOT": tmp_path / "none"},
    )
    assert done.returncode == 0, done.stdout
    assert "warn" not in (done.stdout + done.stderr).lower()
    assert "timeline_events" in (tmp_path / "target" / "static_index.html").read_text()
