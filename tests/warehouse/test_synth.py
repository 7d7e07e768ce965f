"""The synthetic cohort: form, determinism, integrity, densities, faults, order of times."""

import csv
import dataclasses
import gzip
import hashlib
import importlib
import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from warehouse import mimic
from warehouse.paths import REPOSITORY
from warehouse.synth import movements, stays
from warehouse.synth.block import ALL_TABLES, QUIRKS, Job
from warehouse.synth.columns import fixed, numbered, words
from warehouse.synth.conditions import CONDITIONS
from warehouse.synth.densities import DENSITIES, comparison
from warehouse.synth.labs import lab_rows
from warehouse.synth.world import BLOCK, make_world
from warehouse.synth.write import Estimate, write_cohort

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
        if not (folder / table.module / f"{table.name}.csv.gz").exists():
            continue
        types = {column.name: column.type for column in table.columns}
        connection.execute(
            f"create table {table.name} as select * from read_csv('{folder}/{table.module}/{table.name}.csv.gz', header=true, "
            f"auto_detect=false, delim=',', quote='\"', escape='\"', columns={types})"
        )
    return connection


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "cohort"
    write_cohort(folder, Job(PATIENTS, SEED))
    return folder


@pytest.fixture(scope="module")
def tables(cohort) -> duckdb.DuckDBPyConnection:
    return _land(cohort)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """The same patients without faults; the tables that are tested here."""
    folder = tmp_path_factory.mktemp("faultless") / "cohort"
    write_cohort(
        folder,
        Job(
            PATIENTS,
            SEED,
            tuple(f"{one.module}/{one.name}" for one in mimic.SOURCES if one.is_required),
            with_quirks=False,
        ),
    )
    return _land(folder)


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
    write_cohort(tmp_path / "again", Job(PATIENTS, SEED), workers=2)
    assert digests(tmp_path / "again") == digests(cohort)
    write_cohort(tmp_path / "other", Job(BLOCK // 4, SEED + 1))
    assert digests(tmp_path / "other") != digests(cohort)


@pytest.mark.parametrize("fewer", [1, BLOCK + 3])
def test_first_patients_of_a_larger_cohort_are_those_of_a_smaller_one(cohort, tables, tmp_path, fewer):
    write_cohort(tmp_path / "small", Job(fewer, SEED))
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
        if table.name == "emar_detail":
            continue  # its repeated rows are a fault of their own
        assert _one(tables, f"select count(*) from {table.name}") > 0, table.name
        assert (
            _one(tables, f"select count(*) from (select {key} from {table.name} group by all having count(*) > 1)") == 0
        )
        for column in table.columns:
            if not column.nullable:
                assert _one(tables, f"select count(*) from {table.name} where {column.name} is null") == 0, column


def test_references_hold_where_mimic_declares_them(tables):
    for table in mimic.TABLES:
        for reference in table.references:
            key = mimic.table(reference.module, reference.name).key
            same = " and ".join(f"x.{ours} = y.{theirs}" for ours, theirs in zip(reference.columns, key, strict=True))
            given = " and ".join(f"x.{column} is not null" for column in reference.columns)
            query = f"select count(*) from {table.name} x anti join {reference.name} y on {same} where {given}"
            assert _one(tables, query) == 0, (table.name, reference)
        if "hadm_id" in table.column_names and table.name != "admissions":
            query = f"select count(*) from {table.name} x anti join admissions using (subject_id, hadm_id) where x.hadm_id is not null"
            assert _one(tables, query) == 0, table.name
    for name, dictionary in (("diagnoses_icd", "d_icd_diagnoses"), ("procedures_icd", "d_icd_procedures")):
        assert _one(tables, f"select count(*) from {name} anti join {dictionary} using (icd_code, icd_version)") == 0


def test_densities_are_near_those_of_mimic(tables):
    admissions = _one(tables, "select count(*) from admissions")
    for name in DENSITIES:
        real, rows = DENSITIES[name], _one(tables, f"select count(*) from {name.split('/')[1]}")
        assert 1 / 1.5 < rows / PATIENTS / real.per_patient < 1.5, (name, rows / PATIENTS, real.per_patient)
        assert 1 / 1.6 < rows / admissions / real.per_admission < 1.6, (name, rows / admissions, real.per_admission)
    spread = "select {}(n) from (select count(l.subject_id) n from patients left join labevents l using (subject_id) group by subject_id)"
    assert _one(tables, spread.format("max")) > 8 * _one(tables, spread.format("avg")), "a heavy tail of long records"
    assert _one(tables, spread.format("median")) < 0.6 * _one(tables, spread.format("avg")), "most records are small"


def test_the_comparison_names_every_table(tables):
    text = comparison(dict.fromkeys(ALL_TABLES, 7), 7)
    assert all(name in text for name in ALL_TABLES)


# Fault as its module declares it: (query for its share of rows, least, most, its share without faults).
QUIRK_CHECKS = {
    "discharge_at_midnight_of_death": ("select avg((dischtime < deathtime)::int) from admissions where deathtime is not null", 0.05, 0.6),
    "race_differs": (
        "select avg((n > 1)::int) from (select count(distinct race) n from admissions group by subject_id having count(*) > 1)", 0.01, 0.3),
    "marital_status_missing": ("select avg((marital_status is null)::int) from admissions", 0.01, 0.1),
    "insurance_missing": ("select avg((insurance is null)::int) from admissions", 0.003, 0.05),
    "registered_after_admission": ("select avg((edregtime > admittime)::int) from admissions where edregtime is not null", 0.0005, 0.03),
    "leaves_after_discharge": (
        "select avg((i.outtime > dischtime)::int) from icustays i join admissions using (hadm_id)", 0.02, 0.4),
    "unit_before_admission": (
        "select avg((intime < admittime)::int) from transfers join admissions using (hadm_id) where eventtype = 'admit'", 0.003, 0.05),
    "procedure_outside_admission": (
        "select avg((chartdate < admittime::date)::int) from procedures_icd join admissions using (hadm_id)", 0.001, 0.03),
    "measurement_repeated": (
        "select avg((seq_num > 1)::int) from (select *, count(*) over (partition by subject_id, chartdate, result_name, "
        "result_value) n from omr) where n > 1 or seq_num = 1", 0.01, 0.12),
    "inside_without_hadm": (
        "select avg((l.hadm_id is null)::int) from labevents l join admissions a on a.subject_id = l.subject_id and l.charttime "
        "between a.admittime and a.dischtime", 0.002, 0.03),
    "value_scrubbed": ("select avg((value = '___')::int) from labevents", 0.04, 0.09),
    "scrubbed_without_number": ("select avg((valuenum is null and value = '___')::int) from labevents", 0.0003, 0.005),
    "result_in_comments": ("select avg((value is null and comments is not null and itemid <> 50920)::int) from labevents", 0.01, 0.1),
    "never_stored": ("select avg((storetime is null)::int) from labevents", 0.004, 0.02),
    "unit_blank": ("select avg((valueuom = ' ' and itemid <> 51498)::int) from labevents", 0.001, 0.006),
    "unit_missing": ("select avg((valueuom is null)::int) from labevents where itemid in (50934, 51137, 51506)", 0.6, 0.9),
    "second_unit": ("select avg((valueuom = '%')::int) from labevents where itemid = 51249", 0.01, 0.1),
    "repeated_under_other_specimen": (
        "select sum(n - 1) / sum(n) from (select count(*) n from labevents group by subject_id, itemid, charttime "
        "having count(distinct specimen_id) = count(*))", 0.001, 0.01),
    "charted_after_discharge": (
        "select avg((charttime > dischtime)::int) from labevents join admissions using (hadm_id)", 0.0003, 0.006),
}  # fmt: skip
# Too rare for two blocks; forced in tests of their own.
RARE = {"discharge_before_admission", "death_before_admission", "icu_stay_not_recorded"}

# What MIMIC-IV is like even without a fault: (query for its share of rows, least, most).
TRAITS = {
    "laboratory rows without admission": ("select avg((hadm_id is null)::int) from labevents", 0.18, 0.38),
    "words for results": ("select avg((value in ('NEG', 'POS', 'TR') and valuenum is null)::int) from labevents", 0.003, 0.05),
    "inequalities without number": ("select avg((value = '<0.01' and valuenum is null)::int) from labevents", 0.0001, 0.02),
    "units missing": ("select avg((valueuom is null)::int) from labevents", 0.08, 0.2),
    "samples before admission with its id": (
        "select avg((charttime < admittime)::int) from labevents join admissions using (hadm_id)", 0.002, 0.08),
    "deaths out of hospital": (
        "select avg((dod is not null and not exists (select 1 from admissions a where a.subject_id = p.subject_id and a.deathtime "
        "is not null))::int) from patients p", 0.02, 0.2),
    "observation without discharge place": (
        "select avg((discharge_location is null)::int) from admissions where admission_type = 'EU OBSERVATION'", 0.9, 1),
    "ED left after admission": ("select avg((edouttime > admittime)::int) from admissions where edregtime is not null", 0.85, 1),
    "ED visits without admission": ("select avg((hadm_id is null)::int) from transfers where eventtype = 'ED'", 0.1, 0.7),
    "discharge rows without unit": (
        "select avg((careunit is null and outtime is null)::int) from transfers where eventtype = 'discharge'", 1, 1),
    "in-hospital deaths": ("select avg(hospital_expire_flag) from admissions", 0.008, 0.04),
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_fault_occurs_at_about_its_real_rate_and_can_be_turned_off(tables, faultless, quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least <= _one(tables, query) <= most
    # Two equal measurements of a day are chance, not the fault.
    assert _one(faultless, query) <= (0.002 if quirk == "measurement_repeated" else 0)


@pytest.mark.parametrize("trait", TRAITS)
def test_trait_is_about_as_frequent_as_in_mimic(tables, trait):
    query, least, most = TRAITS[trait]
    assert least <= _one(tables, query) <= most


@pytest.mark.parametrize(
    ("quirk", "query"),
    [
        (
            "discharge_before_admission",
            "select avg((dischtime < admittime)::int) from admissions where deathtime is null",
        ),
        (
            "death_before_admission",
            "select avg((deathtime < admittime)::int) from admissions where deathtime is not null",
        ),
    ],
)
def test_rare_faults_of_admissions_happen_where_they_are_forced(monkeypatch, quirk, query):
    certain = dataclasses.replace(stays.QUIRKS[quirk], share=1.0)
    monkeypatch.setitem(stays.QUIRKS, quirk, certain)
    for with_quirks in (True, False):
        connection = duckdb.connect()
        connection.register("admissions", pa.table(stays.admission_rows(make_world(SEED, 0, with_quirks)).columns))
        assert _one(connection, query) == with_quirks


def test_stays_in_intensive_care_without_a_row_where_they_are_forced(monkeypatch):
    assert len(make_world(SEED, 0).icu.stay_id) > 0
    certain = dataclasses.replace(movements.QUIRKS["icu_stay_not_recorded"], share=1.0)
    monkeypatch.setitem(movements.QUIRKS, "icu_stay_not_recorded", certain)
    assert len(make_world(SEED, 0).icu.stay_id) == 0
    assert len(make_world(SEED, 0, with_quirks=False).icu.stay_id) > 0


def test_every_declared_fault_has_a_test():
    """The tests of the generator's parts list theirs in QUIRK_CHECKS; the rarest are forced, in RARE."""
    tested: set[str] = set()
    for path in sorted(Path(__file__).parent.glob("test_synth*.py")):
        module = importlib.import_module(f"tests.warehouse.{path.stem}")
        tested |= set(getattr(module, "QUIRK_CHECKS", ())) | set(getattr(module, "RARE", ()))
    declared = {name for quirks in QUIRKS.values() for name in quirks}
    assert declared == tested


def test_codes_are_ambiguous_without_their_version(tables):
    query = "select count(*) from d_icd_diagnoses a join d_icd_diagnoses b using (icd_code) where a.icd_version < b.icd_version and {}"
    assert _one(tables, query.format("a.long_title <> b.long_title")) >= 5
    both = "select count(*) from (select {} from diagnoses_icd group by all having count(distinct icd_version) = 2)"
    assert _one(tables, both.format("hadm_id")) == 0
    assert _one(tables, both.format("subject_id")) > 0


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
        "overlapping admissions": "select count(*) from admissions a join admissions b using (subject_id) where "
        "a.hadm_id <> b.hadm_id "
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
    worlds = [make_world(1, block) for block in (1, 2)]
    ids = [set(lab_rows(world).columns["labevent_id"].to_pylist()) for world in worlds]
    assert ids[0].isdisjoint(ids[1])
    assert len(worlds[0].patients.number) == BLOCK


def test_a_table_left_out_does_not_move_another(cohort, tmp_path):
    write_cohort(tmp_path / "few", Job(PATIENTS, SEED, ("hosp/patients", "hosp/emar", "icu/icustays")))
    theirs = digests(cohort)
    ours = digests(tmp_path / "few")
    assert set(ours) == {"hosp/patients.csv.gz", "hosp/emar.csv.gz", "icu/icustays.csv.gz"}
    assert all(theirs[name] == digest for name, digest in ours.items())


def test_parquet_holds_the_rows_of_csv(tables, tmp_path):
    write_cohort(tmp_path / "one", Job(PATIENTS, SEED, format="parquet"))
    write_cohort(tmp_path / "two", Job(PATIENTS, SEED, format="parquet"), workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    for table in mimic.TABLES:
        ours = f"read_parquet('{tmp_path}/one/{table.module}/{table.name}.parquet')"
        described = tables.execute(f"describe select * from {ours}").fetchall()
        assert [(row[0], row[1].lower()) for row in described] == [
            (column.name, "varchar" if column.type == "text" else column.type) for column in table.columns
        ]
        assert _one(tables, f"select count(*) from {ours}") == _one(tables, f"select count(*) from {table.name}")
        assert _one(tables, f"select count(*) from (from {ours} except all from {table.name})") == 0, table.name


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


def test_the_estimate_of_disk_is_about_right(cohort, tmp_path):
    size = sum(path.stat().st_size for path in cohort.rglob("*") if path.is_file())
    estimates: list[Estimate] = []
    write_cohort(tmp_path / "again", Job(PATIENTS, SEED), announce=estimates.append)
    assert 0.7 < estimates[0].size / size < 1.4 and estimates[0].seconds > 0


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
