"""The command of the synthetic cohort: what it prints, and what it refuses before anything is written."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.warehouse.test_synth import digests
from warehouse.errors import UserError
from warehouse.paths import REPOSITORY
from warehouse.synth import write
from warehouse.synth.block import Job
from warehouse.synth.write import write_cohort

SMALL = ("hosp/patients", "hosp/admissions", "hosp/d_labitems")


def _command(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "warehouse.synth", *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )


@pytest.mark.parametrize("patients", [0, -3, 10**9])
def test_a_wrong_number_of_patients(tmp_path, patients):
    done = _command("--patients", str(patients), "--out", str(tmp_path / "x"))
    assert (
        done.returncode == 2
        and done.stderr.startswith(f"error: --patients {patients}")
        and done.stderr.count("\n") == 1
    )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--workers", "0")])
def test_other_wrong_numbers(tmp_path, option, value):
    done = _command("--patients", "1", "--out", str(tmp_path / "x"), option, value)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {option} {value}") and done.stderr.count("\n") == 1


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "hosp").mkdir()
    (tmp_path / "hosp" / "patients.csv.gz").write_bytes(b"real")
    with pytest.raises(UserError, match="no SYNTHETIC marker"):
        write_cohort(tmp_path, Job(1, 0, SMALL))
    assert (tmp_path / "hosp" / "patients.csv.gz").read_bytes() == b"real"


def test_a_synthetic_folder_is_replaced_but_not_with_a_strangers_file_in_it(tmp_path):
    out = tmp_path / "cohort"
    write_cohort(out, Job(1, 0, SMALL))
    before = digests(out)
    write_cohort(out, Job(1, 1, SMALL))
    assert digests(out) != before
    (out / "hosp" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        write_cohort(out, Job(1, 0, SMALL))


def test_a_file_for_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        write_cohort(tmp_path / "file", Job(1, 0, SMALL))
    with pytest.raises(UserError, match="cannot be written"):
        write_cohort(tmp_path / "file" / "below", Job(1, 0, SMALL))


def test_a_folder_without_the_right_to_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match="no right to write"):
        write_cohort(tmp_path / "x", Job(1, 0, SMALL))


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(UserError, match="needed, 0"):
        write_cohort(tmp_path / "x", Job(1000, 0, SMALL))
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_cohort(tmp_path, monkeypatch):
    out = tmp_path / "cohort"
    write_cohort(out, Job(1, 0, SMALL))
    before = digests(out)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write._File, "append", fail)
    with pytest.raises(UserError, match="nothing was changed") as failure:
        write_cohort(out, Job(2, 0, SMALL))
    assert failure.value.exit_status == 1
    assert digests(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]


def test_the_command_prints_estimate_and_comparison(tmp_path):
    done = _command("--patients", "3", "--seed", "2", "--out", str(tmp_path / "x"), "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"3 patients, 37 tables to .*: about [\d.]+ MB and \d+ s with 1 process\n", done.stdout), (
        done.stdout
    )
    assert re.search(r"labevents +[\d,]+ +[\d.]+ +434\.35 +[\d.]+", done.stdout)
    assert "patients/min" in done.stdout


def test_tables_are_chosen_by_name_and_an_unknown_one_is_refused(tmp_path):
    done = _command(
        "--patients", "2", "--out", str(tmp_path / "x"), "--tables", "labevents,hosp/patients", "--workers", "1"
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "x").rglob("*.csv.gz")} == {"labevents.csv.gz", "patients.csv.gz"}
    done = _command("--patients", "2", "--out", str(tmp_path / "y"), "--tables", "notes")
    assert done.returncode == 2 and "no table 'notes'" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "y").exists()


def test_help_has_examples():
    done = _command("--help")
    assert done.returncode == 0 and "examples:" in done.stdout and "--workers" in done.stdout
