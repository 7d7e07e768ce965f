"""The tables that an analyst starts from agree with what they sum up, on a small synthetic cohort."""

import subprocess
import sys

import duckdb
import pytest

from tests.conftest import REPOSITORY, Build


@pytest.fixture
def warehouse(build: Build, tmp_path) -> duckdb.DuckDBPyConnection:
    command = ("-m", "warehouse.synth", "--patients", "80", "--seed", "5", "--tables", "timelines")
    subprocess.run(
        [sys.executable, *command, "--out", tmp_path / "raw"], cwd=REPOSITORY, check=True, capture_output=True
    )
    return build(tmp_path / "raw")


def test_they_agree_with_the_events_the_raw_tables_and_the_token_stream(warehouse):
    # Each admission that was used has one stay, and the patient died in it where the hospital says so.
    differing = warehouse.execute(
        "select admissions.hadm_id, stays.died_in "
        "from (from timelines.stays where kind = 'hospital') as stays "
        "full join (select hadm_id::bigint as hadm_id, hospital_expire_flag from raw.hosp.admissions) as admissions using (hadm_id) "
        "where stays.died_in is distinct from (cast(admissions.hospital_expire_flag as integer) = 1)"
    ).fetchall()
    assert differing == []

    # A stay in intensive care overlaps the one in hospital that it belongs to, and ends by the patient's death.
    icu = warehouse.execute(
        "select count(*), count(*) filter (where icu.started_at < hospital.ended_at and icu.ended_at > hospital.started_at), "
        "count(*) filter (where icu.ended_at > patients.died_at) "
        "from timelines.stays as icu inner join timelines.patients using (subject_id) "
        "left join timelines.stays as hospital on icu.hadm_id = hospital.hadm_id and hospital.kind = 'hospital' "
        "where icu.kind = 'icu'"
    ).fetchone()
    assert icu[0] == icu[1] > 0 and icu[2] == 0

    # The figures of the token stream, told without writing it out, are those of the stream written out.
    differing = warehouse.execute(
        "with written_out as (select split, family, count(*) as n_tokens, count(distinct subject_id) as n_patients "
        "from tokens.tokens inner join tokens.vocabulary using (token_id) group by grouping sets ((split, family), (split))), "
        "figures as (pivot (from tokens.token_stats where measure in ('tokens', 'patients')) on measure using sum(value)) "
        "select * from written_out full join figures on written_out.split = figures.split "
        "and coalesce(written_out.family, 'all') = figures.item "
        "where n_tokens is distinct from tokens or n_patients is distinct from patients"
    ).fetchall()
    assert differing == []

    # Every ICD-9 code and every name of a drug is reported as mapped or not.
    events = warehouse.execute(
        "select (select sum(n_events) from tokens.mapping_coverage where mapping like 'ICD%'), "
        "(select sum(n_events) from tokens.icd_mapping), "
        "(select sum(n_events) from tokens.mapping_coverage where mapping like 'drug%'), "
        "(select sum(n_events) from tokens.drug_mapping)"
    ).fetchone()
    assert events[0] == events[1] > 0 and events[2] == events[3] > 0
