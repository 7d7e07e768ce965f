"""The synthetic cohort: form, determinism, integrity, densities, faults, order of times."""

import csv
import gzip
import hashlib
import re
from pathlib import Path

import duckdb
import numpy as np
import pytest

from warehouse import mimic
from warehouse.paths import REPOSITORY
from warehouse.synth import write
from warehouse.synth.block import BLOCK, block_rows
from warehouse.synth.columns import fixed, numbered, words
from warehouse.synth.conditions import CONDITIONS
from warehouse.synth.write import REAL_RATIOS, write_cohort

PATIENTS = 2 * BLOCK
SEED = 5


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every table's file, by its path below the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in ("README.md", "SYNTHETIC"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _land(folder: Path) -> duckdb.DuckDBPyConnection:
    """The files as tables, every value read as the registry's type: a value of another form raises."""
    connection = duckdb.connect()
    for table in mimic.TABLES:
        types = {column.name: column.type for column in table.columns}
        connection.execute(
            f"create table {table.name} as select * from read_csv('{folder}/{table.module}/{table.name}.csv.gz', header=true, "
            f"auto_detect=false, delim=',', quote='\"', escape='\"', columns={types})"
        )
    return connection


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "cohort"
    write_cohort(folder, PATIENTS, SEED, workers=1)
    return folder


@pytest.fixture(scope="module")
def tables(cohort) -> duckdb.DuckDBPyConnection:
    return _land(cohort)


def _one(tables: duckdb.DuckDBPyConnection, query: str):
    return tables.execute(query).fetchone()[0]


def test_headers_are_the_registrys(cohort):
    for table in mimic.TABLES:
        with gzip.open(cohort / table.module / f"{table.name}.csv.gz", "rt", newline="") as file:
            assert next(csv.reader(file)) == table.column_names
    written = {path.relative_to(cohort).as_posix() for path in cohort.rglob("*.csv.gz")}
    assert written == {f"{table.module}/{table.name}.csv.gz" for table in mimic.TABLES}


def test_the_folder_says_that_it_is_synthetic(cohort):
    assert "synthetic" in (cohort / "SYNTHETIC").read_text()
    assert "Nothing in this folder is real" in (cohort / "README.md").read_text()
    assert not list(cohort.parent.glob(".cohort*")), "the temporary folder is gone"


def test_other_readers_see_every_gzip_member(cohort, tables):
    path = cohort / "hosp" / "labevents.csv.gz"
    with gzip.open(path, "rt") as file:
        lines = sum(1 for _ in file)
    assert lines - 1 == _one(tables, "select count(*) from labevents")
    assert path.read_bytes()[4:8] == bytes(4), "no time stamp in the file"


def test_formats(cohort):
    with gzip.open(cohort / "hosp" / "labevents.csv.gz", "rt", newline="") as file:
        row = next(csv.DictReader(file))
    assert re.fullmatch(r"2[12]\d\d-\d\d-\d\d \d\d:\d\d:00", row["charttime"])
    with gzip.open(cohort / "hosp" / "omr.csv.gz", "rt", newline="") as file:
        assert re.fullmatch(r"2[12]\d\d-\d\d-\d\d", next(csv.DictReader(file))["chartdate"])


def test_same_seed_same_bytes_for_any_number_of_workers(cohort, tmp_path):
    write_cohort(tmp_path / "again", PATIENTS, SEED, workers=2)
    assert digests(tmp_path / "again") == digests(cohort)
    write_cohort(tmp_path / "other", BLOCK // 4, SEED + 1, workers=1)
    assert digests(tmp_path / "other") != digests(cohort)


@pytest.mark.parametrize("fewer", [1, BLOCK + 3])
def test_first_patients_of_a_larger_cohort_are_those_of_a_smaller_one(cohort, tables, tmp_path, fewer):
    write_cohort(tmp_path / "small", fewer, SEED, workers=1)
    small = _land(tmp_path / "small")
    subjects = [row[0] for row in small.execute("select subject_id from patients order by 1").fetchall()]
    expected = [
        row[0] for row in tables.execute(f"select subject_id from patients order by 1 limit {fewer}").fetchall()
    ]
    assert subjects == expected
    for table in mimic.TABLES:
        if table.is_dictionary:
            continue
        keys = ", ".join(table.column_names)
        ours = small.execute(f"select {keys} from {table.name} order by all").fetchall()
        theirs = tables.execute(
            f"select {keys} from {table.name} where subject_id <= {max(subjects)} order by all"
        ).fetchall()
        assert ours == theirs, table.name


def test_keys_are_unique_and_required_columns_are_filled(tables):
    for table in mimic.TABLES:
        # A table without a declared key holds no row twice.
        key = ", ".join(table.key or table.column_names)
        assert _one(tables, f"select count(*) from {table.name}") > 0, table.name
        assert (
            _one(tables, f"select count(*) from (select {key} from {table.name} group by all having count(*) > 1)") == 0
        )
        for column in table.columns:
            if not column.nullable:
                assert _one(tables, f"select count(*) from {table.name} where {column.name} is null") == 0, column


def test_references_hold(tables):
    for table in mimic.TABLES:
        names = table.column_names
        if "subject_id" in names and table.name != "patients":
            assert _one(tables, f"select count(*) from {table.name} anti join patients using (subject_id)") == 0
        if "hadm_id" in names and table.name != "admissions":
            query = f"select count(*) from {table.name} x anti join admissions using (subject_id, hadm_id) where x.hadm_id is not null"
            assert _one(tables, query) == 0, table.name
    for name, dictionary in (("diagnoses_icd", "d_icd_diagnoses"), ("procedures_icd", "d_icd_procedures")):
        assert _one(tables, f"select count(*) from {name} anti join {dictionary} using (icd_code, icd_version)") == 0
    assert _one(tables, "select count(*) from labevents anti join d_labitems using (itemid)") == 0
    assert (
        _one(
            tables,
            "select count(*) from emar e anti join prescriptions using (pharmacy_id) where e.pharmacy_id is not null",
        )
        == 0
    )
    assert _one(tables, "select count(*) from emar anti join prescriptions using (subject_id, poe_id)") == 0


def test_densities_are_near_those_of_mimic(tables):
    for name, real in REAL_RATIOS.items():
        ours = _one(tables, f"select count(*) from {name}") / PATIENTS
        assert real / 1.5 < ours < real * 1.5, (name, ours, real)
    spread = "select {}(n) from (select count(l.subject_id) n from patients left join labevents l using (subject_id) group by subject_id)"
    assert _one(tables, spread.format("max")) > 8 * _one(tables, spread.format("avg")), "a heavy tail of long records"
    assert _one(tables, spread.format("median")) < 0.6 * _one(tables, spread.format("avg")), "most records are small"


# Fault: (query for its share of rows, least, most).
FAULTS = {
    "laboratory rows without admission": ("select avg((hadm_id is null)::int) from labevents", 0.18, 0.38),
    "results never stored": ("select avg((storetime is null)::int) from labevents", 0.004, 0.02),
    "scrubbed results": ("select avg((value = '___')::int) from labevents", 0.04, 0.09),
    "scrubbed results that keep their number": (
        "select avg((valuenum is not null)::int) from labevents where value = '___'", 0.9, 0.999),
    "words for results": ("select avg((value in ('NEG', 'POS', 'TR') and valuenum is null)::int) from labevents", 0.003, 0.05),
    "results only in comments": ("select avg((value is null and comments is not null)::int) from labevents", 0.01, 0.1),
    "inequalities without number": ("select avg((value = '<0.01' and valuenum is null)::int) from labevents", 0.0001, 0.02),
    "units missing": ("select avg((valueuom is null)::int) from labevents", 0.01, 0.15),
    "blank units": ("select avg((valueuom = ' ')::int) from labevents", 0.002, 0.03),
    "two units of one item": ("select avg((valueuom = '%')::int) from labevents where itemid = 51249", 0.01, 0.1),
    "samples before admission with its id": (
        "select avg((charttime < admittime)::int) from labevents join admissions using (hadm_id)", 0.002, 0.08),
    "dead discharged at midnight": ("select avg((dischtime < deathtime)::int) from admissions where deathtime is not null", 0.05, 0.6),
    "deaths out of hospital": (
        "select avg((dod is not null and not exists (select 1 from admissions a where a.subject_id = p.subject_id and a.deathtime "
        "is not null))::int) from patients p", 0.02, 0.2),
    "observation without discharge place": (
        "select avg((discharge_location is null)::int) from admissions where admission_type = 'EU "
        "OBSERVATION'", 0.9, 1),
    "no marital status": ("select avg((marital_status is null)::int) from admissions", 0.01, 0.1),
    "ED left after admission": ("select avg((edouttime > admittime)::int) from admissions where edregtime is not null", 0.85, 1),
    "races that differ": (
        "select avg((n > 1)::int) from (select count(distinct race) n from admissions group by subject_id having count(*) > 1)", 0.01, 0.3),
    "ED visits without admission": ("select avg((hadm_id is null)::int) from transfers where eventtype = 'ED'", 0.1, 0.7),
    "discharge rows without unit": (
        "select avg((careunit is null and outtime is null)::int) from transfers where eventtype = "
        "'discharge'", 1, 1),
    "intensive care beyond discharge": (
        "select avg((i.outtime > dischtime)::int) from icustays i join admissions using "
        "(hadm_id)", 0.02, 0.4),
    "entries stored before charted": ("select avg((storetime < charttime)::int) from emar", 0.015, 0.06),
    "entries without drug": ("select avg((medication is null)::int) from emar", 0.02, 0.08),
    "entries without event": ("select avg((event_txt is null)::int) from emar", 0.003, 0.03),
    "entries without admission": ("select avg((hadm_id is null)::int) from emar", 0.01, 0.06),
    "entries without order": ("select avg((pharmacy_id is null)::int) from emar", 0.1, 0.3),
    "drugs not given": ("select avg((event_txt like 'Not Given%' or event_txt = 'Hold Dose')::int) from emar", 0.05, 0.2),
    "stop before start": ("select avg((stoptime < starttime)::int) from prescriptions", 0.02, 0.08),
    "stop equal to start": ("select avg((stoptime = starttime)::int) from prescriptions", 0.01, 0.06),
    "no stop": ("select avg((stoptime is null)::int) from prescriptions", 0.0002, 0.005),
    "stop after discharge": ("select avg((stoptime > dischtime)::int) from prescriptions join admissions using (hadm_id)", 0.1, 0.5),
    "start before admission": ("select avg((starttime < admittime)::int) from prescriptions join admissions using (hadm_id)", 0.002, 0.05),
    "unmapped products": ("select avg((ndc = '0')::int) from prescriptions", 0.08, 0.25),
    "products with leading zeros": ("select avg((length(ndc) = 11 and starts_with(ndc, '00'))::int) from prescriptions", 0.3, 0.6),
    "no sequence number": ("select avg((gsn is null)::int) from prescriptions", 0.08, 0.25),
    "doses that are not numbers": ("select avg((try_cast(dose_val_rx as double) is null)::int) from prescriptions", 0.02, 0.12),
    "trailing blanks in drugs": ("select avg((drug like '% ')::int) from prescriptions", 0.002, 0.05),
    "carriers beside drugs": ("select avg((drug_type = 'BASE')::int) from prescriptions", 0.03, 0.25),
    "procedures outside admissions": (
        "select avg((chartdate < admittime::date or chartdate > dischtime::date)::int) from procedures_icd "
        "join admissions using (hadm_id)", 0.001, 0.03),
    "repeated measurements": ("select avg((seq_num > 1)::int) from omr", 0.01, 0.12),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_occurs_at_about_its_real_rate(tables, fault):
    query, least, most = FAULTS[fault]
    assert least <= _one(tables, query) <= most


def test_codes_are_ambiguous_without_their_version(tables):
    query = "select count(*) from d_icd_diagnoses a join d_icd_diagnoses b using (icd_code) where a.icd_version < b.icd_version and {}"
    assert _one(tables, query.format("a.long_title <> b.long_title")) >= 5
    both = "select count(*) from (select {} from diagnoses_icd group by all having count(distinct icd_version) = 2)"
    assert _one(tables, both.format("hadm_id")) == 0
    assert _one(tables, both.format("subject_id")) > 0


def test_one_drug_has_several_spellings(tables):
    query = "select count(distinct drug) from prescriptions where lower(drug) like '{}%'"
    assert _one(tables, query.format("oxycodone")) >= 3
    assert _one(tables, query.format("acetaminophen")) >= 3


def test_rows_are_not_in_order_of_patients(cohort):
    with gzip.open(cohort / "hosp" / "admissions.csv.gz", "rt", newline="") as file:
        subjects = [int(row["subject_id"]) for row in csv.DictReader(file)]
    assert subjects != sorted(subjects)


def test_times_are_ordered(tables):
    wrong = {
        "stored before drawn": "select count(*) from labevents where storetime < charttime",
        "negative segments": "select count(*) from transfers where outtime < intime",
        "negative stays": "select count(*) from icustays where outtime <= intime",
        "los": "select count(*) from icustays where abs(los - epoch(outtime - intime) / 86400) > 1e-9",
        "alive admissions that end early": "select count(*) from admissions where deathtime is not null and deathtime < admittime",
        "overlapping admissions": "select count(*) from admissions a join admissions b using (subject_id) where a.hadm_id <> b.hadm_id "
        "and b.admittime between a.admittime and a.dischtime",
        "gaps between units": "select count(*) from (select intime, lag(outtime) over (partition by hadm_id order by intime, outtime "
        "nulls last) as prior from transfers where hadm_id is not null and eventtype <> 'ED') where prior > intime",
        "results after death": "select count(*) from labevents join patients using (subject_id) where charttime::date > dod",
        "clinics after death": "select count(*) from omr join patients using (subject_id) where chartdate > dod",
        "dod is not the day of death": "select count(*) from admissions join patients using (subject_id) where deathtime::date <> dod",
        "late deaths": "select count(*) from patients join (select subject_id, max(dischtime) as final from admissions group by 1) "
        "using (subject_id) where dod > final::date + 365",
        "outside the shifted years": "select count(*) from labevents where year(charttime) not between 2110 and 2200",
        "children": "select count(*) from admissions join patients using (subject_id) where anchor_age + year(admittime) "
        "- anchor_year < 18",
    }  # fmt: skip
    assert {name: _one(tables, query) for name, query in wrong.items()} == dict.fromkeys(wrong, 0)


def test_laboratory_answers_to_condition_and_treatment(tables):
    """The cohort is worth learning: results tell diagnoses, drugs follow results, and results follow drugs."""
    creatinine = (
        "select median(valuenum) from labevents where itemid = 50912 and hadm_id {} (select hadm_id from diagnoses_icd "
        "where icd_code in ('5856', 'N186'))"
    )
    assert _one(tables, creatinine.format("in")) > 2 * _one(tables, creatinine.format("not in"))
    replaced = """
        with low as (
            select hadm_id, charttime, valuenum, lead(valuenum) over (partition by hadm_id order by charttime) as following
            from labevents where itemid = 50971 and hadm_id is not null and valuenum is not null
        )
        select avg((exists (
            select 1 from prescriptions p where p.hadm_id = low.hadm_id and p.drug like 'Potassium Chloride%'
            and p.starttime between low.charttime and low.charttime + interval 16 hours
        ))::int) from low where valuenum {}
    """
    assert _one(tables, replaced.format("< 3.5")) > 2 * _one(tables, replaced.format("> 4.5"))


def test_severity_leads_to_intensive_care_and_death(tables):
    died = "select avg(hospital_expire_flag) from admissions where hadm_id {} (select hadm_id from icustays)"
    assert _one(tables, died.format("in")) > 3 * _one(tables, died.format("not in"))


def test_blocks_do_not_depend_on_each_other():
    one, two = block_rows(1, 1), block_rows(1, 2)
    ids = [set(rows["hosp", "labevents"].columns["labevent_id"].to_pylist()) for rows in (one, two)]
    assert ids[0].isdisjoint(ids[1])
    assert len(one["hosp", "patients"].patient) == BLOCK


def test_numbers_keep_their_decimals():
    text = fixed(np.array([4.0, 4.1, -0.5, 12.0, 0.05]), np.array([1, 1, 1, 0, 2]))
    assert text.to_pylist() == ["4.0", "4.1", "-0.5", "12", "0.05"]


def test_rows_are_numbered_within_their_group():
    assert numbered(np.array([2, 1, 2, 1]), np.array([9, 5, 3, 7])).tolist() == [2, 1, 1, 2]
    assert numbered(np.array([], dtype=int), np.array([])).tolist() == []


def test_a_negative_index_is_null():
    assert words(np.array([1, -1, 0]), ["a", "b"]).to_pylist() == ["b", None, "a"]


def test_conditions_have_codes_of_both_versions_and_a_long_tail():
    shares = sorted(condition.share for condition in CONDITIONS)
    assert len(shares) > 100 and shares[0] < 0.001 and shares[-1] > 0.3
    assert all(condition.icd9 and condition.icd10 for condition in CONDITIONS)


def test_the_estimate_of_disk_is_about_right(cohort):
    size = sum(path.stat().st_size for path in cohort.rglob("*") if path.is_file())
    assert 0.75 < write.estimated_bytes(PATIENTS) / size < 1.33


def test_the_seed_of_drugs_is_well_formed():
    with open(REPOSITORY / "warehouse" / "seeds" / "drug_atc.csv", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == ["drug", "atc_code", "atc_name"]
    drugs = [row["drug"] for row in rows]
    assert 250 <= len(drugs) <= 450 and drugs == sorted(set(drugs))
    assert all(drug == drug.lower().strip() for drug in drugs)
    assert all(re.fullmatch(r"[A-Z]\d\d[A-Z]{2}(\d\d)?", row["atc_code"]) and row["atc_name"] for row in rows)
    assert {row["atc_code"] for row in rows if row["drug"] == "insulin"} == {"A10AB05"}


def test_drug_names_begin_with_the_seeds_names(tables):
    with open(REPOSITORY / "warehouse" / "seeds" / "drug_atc.csv", newline="") as file:
        seed = tuple(row["drug"] for row in csv.DictReader(file))
    names = [row[0].lower() for row in tables.execute("select distinct drug from prescriptions").fetchall()]
    known = [name for name in names if name.startswith(seed)]
    assert len(known) > 0.9 * len(names)
