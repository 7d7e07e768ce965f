"""The hidden state that can be written beside the tables: risks are calibrated, and nothing else reads or changes."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tests.warehouse.test_synth import digests
from warehouse import raw
from warehouse.mimic import SOURCES
from warehouse.paths import REPOSITORY
from warehouse.synth import hazards, truth
from warehouse.synth.block import Job
from warehouse.synth.course import DAY, STEP
from warehouse.synth.world import make_world
from warehouse.synth.write import write_cohort

BLOCKS = 6
SMALL = ("hosp/patients", "hosp/admissions", "icu/icustays")


@pytest.fixture(scope="module")
def risks() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    rows = pa.concat_tables([pa.table(truth.risk_rows(make_world(9, block)).columns) for block in range(BLOCKS)])
    connection.register("risks", rows.unify_dictionaries())
    return connection


def test_risks_are_calibrated(risks):
    """Mean risk and rate agree within four standard errors, in all and among the third with the highest risks."""
    query = """
        with thirds as (
            select *, ntile(3) over (partition by prediction_point, outcome order by risk, hadm_id) as third from risks
        )
        select prediction_point, outcome, third, count(*) as n, avg(risk) as risk, avg(happened::int) as rate,
            sqrt(avg(risk * (1 - risk)) / count(*)) as error
        from thirds group by grouping sets ((1, 2), (1, 2, 3)) order by all
    """
    found = risks.execute(query).fetchall()
    assert len(found) == 4 * 14
    for point, outcome, third, _, risk, rate, error in found:
        if outcome == "death_1_year":
            error *= 1.5  # one death counts for each discharge of the year before it
        assert abs(risk - rate) < 4 * error + 0.03 * risk + 0.002, (point, outcome, third, risk, rate)


def test_the_risk_ranks_patients(risks):
    query = """
        with ranked as (
            select happened, rank() over (order by risk) + (count(*) over (partition by risk) - 1) / 2.0 as r
            from risks where prediction_point = 'admission' and outcome = ?
        ), counts as (select count(*) filter (happened) as yes, count(*) filter (not happened) as no from ranked)
        select (sum(r) filter (happened) - any_value(yes) * (any_value(yes) + 1) / 2.0) / any_value(yes * no) from ranked, counts
    """
    for outcome, least in (("in_hospital_death", 0.65), ("icu_admission", 0.8), ("stay_over_7_days", 0.8)):
        assert risks.execute(query, [outcome]).fetchone()[0] > least, outcome


def test_the_risk_of_one_patient_is_that_of_many_simulations():
    """Carrying chances along gives what drawing every death and discharge gives."""
    course = make_world(9, 0).course
    adm = int(np.argmax(course.start_severity))
    n = 4000
    rng = np.random.default_rng(1)
    severity, icu = np.full(n, 2.5), np.ones(n, bool)
    fate, start = course.fate[adm], course.admit[adm] // STEP * STEP
    flags = [np.full(n, value[adm]) for value in (course.observed, course.planned)]
    inside, died = np.ones(n, bool), np.zeros(n, bool)
    for step in range(hazards.MAX_STEPS):
        severity = hazards.severity_step(rng, severity, course.recovery[adm], course.responds[adm], step)
        icu = hazards.icu_step(rng, severity, icu)
        dead = inside & (rng.random(n) < hazards.death_chance(severity, fate))
        clock = np.full(n, (start + step * STEP) % DAY // STEP)
        left = rng.random(n) < hazards.leave_chance(severity, icu, clock, step, *flags)
        died |= dead
        inside &= ~dead & ~left
    state = {"severity": np.full(50, 2.5), "icu": np.ones(50), "step": np.zeros(50, np.int64)}
    many = truth._simulate(rng, course, np.full(50, adm), state, np.full(50, course.admit[adm]))
    assert abs(many["death"].mean() - died.mean()) < 4 * (died.std() / n**0.5) + 0.005


def test_the_option_adds_files_and_changes_none(tmp_path):
    write_cohort(tmp_path / "plain", Job(300, 4, SMALL))
    write_cohort(tmp_path / "told", Job(300, 4, SMALL, truth=True))
    plain, told = digests(tmp_path / "plain"), digests(tmp_path / "told")
    assert {name: digest for name, digest in told.items() if not name.startswith("truth/")} == plain
    assert set(told) - set(plain) == {f"{name}.parquet" for name in truth.MAKERS}
    admissions = f"read_csv('{tmp_path}/told/hosp/admissions.csv.gz')"
    query = f"select count(*), count(h.hadm_id) from '{tmp_path}/told/truth/admissions.parquet' h full join {admissions} a using (hadm_id)"
    every, ours = duckdb.sql(query).fetchone()
    assert every == ours > 0, "admissions of the cohort's patients, no others"
    assert "truth/" in (tmp_path / "told" / "README.md").read_text()


def test_the_hidden_state_is_the_same_for_any_number_of_workers(tmp_path):
    write_cohort(tmp_path / "one", Job(600, 4, ("hosp/patients",), truth=True))
    write_cohort(tmp_path / "two", Job(600, 4, ("hosp/patients",), truth=True), workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_the_pipeline_does_not_see_it(tmp_path):
    write_cohort(tmp_path / "told", Job(2, 4, truth=True))
    assert all("truth" not in str(file.path.relative_to(tmp_path)) for file in raw.locate(tmp_path / "told", SOURCES))


def test_the_query_of_the_readme_gives_the_best_achievable_auroc(tmp_path):
    write_cohort(tmp_path / "told", Job(256, 4, ("hosp/patients",), truth=True))
    query = (REPOSITORY / "warehouse/synth/README.md").read_text().split("```sql\n")[1].split("```")[0]
    found = duckdb.sql(query.replace("data/mimic-iv", str(tmp_path / "told")))
    assert found.columns == ["outcome", "prediction_point", "n", "rate", "best_auroc"]
    best = {row[:2]: row[4] for row in found.fetchall()}
    assert len(best) == 14 and best["stay_over_7_days", "admission"] > 0.7
