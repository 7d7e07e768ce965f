"""A second build over other raw tables: only the patients whose rows changed are made anew, and nothing tells the result from a full build.

The second cohort has patients whom the first has not, lacks one, and differs in one laboratory value of another.
"""

import re
from pathlib import Path

import duckdb
import pytest

from tests.conftest import RunDbt
from warehouse.fingerprint import warehouse_fingerprint
from warehouse.synth.block import Job
from warehouse.synth.write import write_cohort

N_PATIENTS, N_NEW = 60, 5
VARS = "{min_values_for_breaks: 5}"
# In full and in another build's numbers alike; numbers of codes and events are each build's own.
TABLES = {
    "timelines.timeline_events": "* exclude event_number",
    "timelines.quarantine": "*",
    "timelines.codes": "* exclude code_id",
    "timelines.stays": "*",
    "timelines.ledger": "*",
    "tokens.code_counts": "*",
    "tokens.vocabulary": "*",
    "tokens.tokens": "*",
    "tokens.static_prefix": "*",
}


def select_patients(source: Path, target: Path, condition: str, changes: dict[str, str]) -> None:
    """Copy the raw tables with the patients that a condition on subject_id names; `changes` replace columns of labevents."""
    with duckdb.connect() as connection:
        for path in sorted(source.rglob("*.csv.gz")):
            rows = connection.sql(f"select * from read_csv('{path}', header = true, all_varchar = true)")
            if "subject_id" in rows.columns:
                rows = rows.filter(f"subject_id::bigint {condition}")
            if path.name == "labevents.csv.gz":
                replaced = ", ".join(f"{expression} as {column}" for column, expression in changes.items())
                rows = rows.project(f"* replace ({replaced})") if replaced else rows
            (target / path.parent.name).mkdir(parents=True, exist_ok=True)
            rows.write_csv(str(target / path.parent.name / path.name), compression="gzip")


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Raw tables before and after."""
    root = tmp_path_factory.mktemp("cohorts")
    everyone = root / "everyone"
    write_cohort(everyone, Job(patients=N_PATIENTS, seed=11))
    with duckdb.connect() as connection:
        patients = [
            row[0]
            for row in connection.sql(
                f"select subject_id from read_csv('{everyone}/hosp/patients.csv.gz') order by hash(subject_id)"
            ).fetchall()
        ]
    new, gone, other = patients[:N_NEW], patients[N_NEW], patients[N_NEW + 1]
    select_patients(everyone, root / "before", f"not in ({', '.join(map(str, new))})", {})
    changed_value = f"case when subject_id = '{other}' and valuenum is not null then '4.25' else valuenum end"
    select_patients(everyone, root / "after", f"<> {gone}", {"valuenum": changed_value})
    return root / "before", root / "after"


def build(run_dbt: RunDbt, raw: Path, data: Path, *options: str) -> str:
    done = run_dbt("run", "--vars", VARS, *options, env={"EHR_DATA": data, "MIMIC_IV_ROOT": raw})
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def added(run_dbt: RunDbt, cohorts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A warehouse that was built over the first cohort and then over the second, and what the second build printed."""
    data = tmp_path_factory.mktemp("added") / "data"
    build(run_dbt, cohorts[0], data)
    return data / "warehouse.duckdb", build(run_dbt, cohorts[1], data)


@pytest.fixture(scope="module")
def anew(run_dbt: RunDbt, cohorts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that was built over the second cohort alone."""
    data = tmp_path_factory.mktemp("anew") / "data"
    build(run_dbt, cohorts[1], data)
    return data / "warehouse.duckdb"


def test_only_patients_whose_rows_changed_are_made_anew(added: tuple[Path, str]) -> None:
    # New ones, the one who is gone and the one whose value changed, of those whom the tables now have.
    said = re.search(r"timelines of (\d+) of (\d+) patients have changed", added[1])
    assert said and said.groups() == (str(N_NEW + 2), str(N_PATIENTS - 1))


@pytest.mark.parametrize("table", TABLES)
def test_what_is_added_to_equals_what_is_built_anew(table: str, added: tuple[Path, str], anew: Path) -> None:
    with duckdb.connect() as connection:
        for name, path in (("added", added[0]), ("anew", anew)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        rows = [f"select {TABLES[table]} from {name}.{table}" for name in ("added", "anew")]
        for first, second in (rows, rows[::-1]):
            assert connection.execute(f"select count(*) from ({first} except all {second})").fetchone() == (0,)


def test_the_fingerprint_tells_no_difference(added: tuple[Path, str], anew: Path) -> None:
    prints = []
    for path in (added[0], anew):
        with duckdb.connect(str(path), read_only=True) as connection:
            prints.append(warehouse_fingerprint(connection))
    assert prints[0] == prints[1]


def test_other_rules_make_all_anew(added: tuple[Path, str], cohorts: tuple[Path, Path], run_dbt: RunDbt) -> None:
    said = run_dbt(
        *("run", "--vars", "{min_values_for_breaks: 5, icd_at: admission}", "--select", "+changed_patients"),
        env={"EHR_DATA": added[0].parent, "MIMIC_IV_ROOT": cohorts[1]},
    ).stdout
    assert "patients have changed" not in said
    with duckdb.connect(str(added[0]), read_only=True) as connection:
        present = connection.execute(
            "select count(*) from duckdb_tables() where table_name = 'sorted_candidates'"
        ).fetchone()
    assert present == (0,)
