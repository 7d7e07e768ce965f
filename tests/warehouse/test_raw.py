"""Raw files: the three formats read alike, and what is wrong with a file is one line before anything is written."""

import gzip
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.raw_tables import write_raw_tables
from warehouse import raw
from warehouse.errors import UserError
from warehouse.mimic import SOURCES, TABLES, table

PATIENTS = [
    {"subject_id": 1, "gender": "F", "anchor_age": 50, "anchor_year": 2150, "anchor_year_group": "2011 - 2013"},
    {"subject_id": 2, "gender": 'M, "quoted"', "anchor_age": 91, "anchor_year": 2151, "dod": "2151-01-02"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_raw_tables(tmp_path / "mimic", {"patients": PATIENTS})


def pack(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return packed


def to_parquet(path: Path) -> Path:
    target = path.with_suffix(".parquet")
    duckdb.sql(f"copy (from read_csv('{path}', header = true)) to '{target}' (format parquet)")
    path.unlink()
    return target


def read(root: Path) -> list[tuple]:
    file = next(file for file in raw.check(root, SOURCES) if file.table.name == "patients")
    return duckdb.sql(raw.select_as_text(file)).fetchall()


@pytest.mark.parametrize("convert", [pack, to_parquet])
def test_formats_read_alike(root, convert):
    plain = read(root)
    assert plain[1] == ("2", 'M, "quoted"', "91", "2151", None, "2151-01-02")
    convert(root / "hosp" / "patients.csv")
    assert read(root) == plain


def test_columns_are_found_in_any_order_and_case(root):
    path = root / "hosp" / "patients.csv"
    path.write_text("DOD,subject_id,extra,GENDER,anchor_year_group,anchor_year,anchor_age\n2151-01-02,2,x,M,,2151,91\n")
    assert read(root) == [("2", "M", "91", "2151", None, "2151-01-02")]


def test_tables_that_are_not_asked_for_may_lie_beside(root):
    asked = [entry for entry in SOURCES if entry.is_required]
    for other in set(TABLES) - set(asked):
        (root / other.module).mkdir(exist_ok=True)
        (root / other.module / f"{other.name}.csv").unlink(missing_ok=True)
        (root / other.module / f"{other.name}.csv.gz").write_bytes(b"not opened")
    assert [file.table for file in raw.check(root, asked)] == asked


def test_an_optional_table_may_be_absent_and_then_has_no_rows(root):
    shutil.rmtree(root / "ed")
    found = [file.table for file in raw.check(root, SOURCES)]
    assert found == [entry for entry in SOURCES if entry.module != "ed"]
    nothing = duckdb.sql(raw.select_nothing(table("ed", "triage")))
    assert nothing.columns == table("ed", "triage").column_names and nothing.fetchall() == []


def test_a_header_is_read_whatever_its_case(tmp_path):
    procedures = table("icu", "procedureevents")
    for header in (procedures.column_names, [name.lower() for name in procedures.column_names]):
        path = tmp_path / "procedureevents.csv"
        path.write_text(",".join(header) + "\n" + ",".join("1" * len(header)) + "\n")
        relation = duckdb.sql(raw.select_as_text(raw.RawFile(procedures, path, raw.read_columns(path))))
        assert relation.columns == [name.lower() for name in procedures.column_names]
        assert relation.fetchall() == [("1",) * len(header)]


def test_a_packed_file_is_unpacked_once_and_again_when_it_changes(root, tmp_path, monkeypatch):
    packed = pack(root / "hosp" / "patients.csv")
    memory = tmp_path / "data" / "checked.json"
    raw.check(root, SOURCES, memory)
    monkeypatch.setattr(raw, "_unpack_problem", lambda path: "unpacked again")
    raw.check(root, SOURCES, memory)
    os.utime(packed, ns=(1, 1))
    with pytest.raises(UserError, match="unpacked again"):
        raw.check(root, SOURCES, memory)


def cut(root: Path) -> None:
    packed = pack(root / "hosp" / "patients.csv")
    packed.write_bytes(packed.read_bytes()[:-9])


def garble(root: Path) -> None:
    packed = pack(root / "hosp" / "patients.csv")
    whole = bytearray(packed.read_bytes())
    whole[-6] ^= 0xFF
    packed.write_bytes(bytes(whole))


def drop_column(root: Path) -> None:
    (root / "hosp" / "patients.csv").write_text("subject_id,gender\n1,F\n")


BREAKS = {
    "folder .* does not exist": shutil.rmtree,
    "hosp.patients is missing": lambda root: (root / "hosp" / "patients.csv").unlink(),
    "icu.icustays is missing": lambda root: shutil.rmtree(root / "icu"),
    "patients.csv lacks the column anchor_age, anchor_year, anchor_year_group, dod": drop_column,
    "patients.csv.gz is not a whole gzip file": cut,
    "patients.csv.gz is not a whole gzip file .*CRC": garble,
    "patients.csv is empty": lambda root: (root / "hosp" / "patients.csv").write_text(""),
}


@pytest.mark.parametrize("message", BREAKS)
def test_what_is_wrong_is_one_line(root, tmp_path, message):
    BREAKS[message](root)
    memory = tmp_path / "data" / "checked.json"
    with pytest.raises(UserError, match=message) as caught:
        raw.check(root, SOURCES, memory)
    assert "\n" not in str(caught.value) and caught.value.exit_status == 2
    assert not memory.parent.exists()


def test_dbt_stops_with_status_2_before_anything_is_written(root, tmp_path, run_dbt):
    cut(root)
    done = run_dbt("run", env={"MIMIC_IV_ROOT": root, "EHR_DATA": tmp_path / "data"})
    assert done.returncode == 2
    assert "patients.csv.gz is not a whole gzip file" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "data").exists()


def test_registry_knows_its_tables():
    assert table("hosp", "patients").key == ("subject_id",)
    with pytest.raises(KeyError):
        table("hosp", "nothing")
