"""Writes a cohort: blocks from any number of processes, in order, into one gzip file a table.

In: patients, seed, folder. Out: DIR/hosp and DIR/icu, README.md and the marker file SYNTHETIC, whole or not at all (a folder
beside is filled and then moved into place). Wrong: a folder with other files, a full disk, no right to write (UserError).
"""

import multiprocessing
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from warehouse.errors import UserError
from warehouse.mimic import TABLES
from warehouse.synth.block import BLOCK, block_files, dictionary_files
from warehouse.synth.columns import csv_header
from warehouse.synth.patients import MAX_PATIENTS

MARKER = "SYNTHETIC"
# Measured: compressed bytes a patient, and bytes of dictionaries and headers.
BYTES_A_PATIENT, BYTES_FIXED = 21_500, 60_000
# Rows a patient in MIMIC-IV v3.1 (364,627 patients).
REAL_RATIOS = {
    "patients": 1.0,
    "admissions": 1.497,
    "transfers": 6.620,
    "services": 1.627,
    "labevents": 434.3,
    "prescriptions": 55.65,
    "emar": 117.4,
    "diagnoses_icd": 17.45,
    "procedures_icd": 2.358,
    "drgcodes": 2.089,
    "omr": 21.26,
    "icustays": 0.2591,
}
_README = """# Synthetic patients in the form of MIMIC-IV

**Nothing in this folder is real.** `python -m warehouse.synth --patients {patients} --seed {seed}` made it from random numbers;
no patient record, real or de-identified, was used. The files have the names, headers and formats of MIMIC-IV v3.1 so that
a pipeline for MIMIC-IV can be tried without access to it. Nothing about medicine can be learnt from them: do not cite them
as MIMIC-IV, and do not mix them with it. The file `SYNTHETIC` marks the folder for programs.

| table | rows |
|---|---:|
{rows}
"""


def estimated_bytes(patients: int) -> int:
    """Disk that a cohort of so many patients takes, about."""
    return BYTES_FIXED + BYTES_A_PATIENT * patients


def _our_files() -> set[str]:
    return {MARKER, "README.md", *(f"{table.module}/{table.name}.csv.gz" for table in TABLES)}


def check_target(out: Path, patients: int) -> None:
    """Raises UserError where `out` cannot take a cohort: number of patients, foreign files, rights, space."""
    if not 1 <= patients <= MAX_PATIENTS:
        raise UserError(f"--patients {patients}: give a number from 1 to {MAX_PATIENTS:,}")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    there = (
        {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()} if out.exists() else set()
    )
    if there and MARKER not in there:
        raise UserError(
            f"--out {out} holds files and no {MARKER} marker, so they may be real data: name another folder"
        )
    if there - _our_files():
        raise UserError(f"--out {out} holds {min(there - _our_files())}, not ours to replace: name another folder")
    parent = out.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--out {out} cannot be written (no right to write in {parent}): name another folder")
    free, need = shutil.disk_usage(parent).free, int(estimated_bytes(patients) * 1.2)
    if free < need:
        raise UserError(
            f"--out {out}: about {need / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free: ask for fewer patients or name another disk"
        )


def _blocks(patients: int, seed: int, workers: int) -> Iterator[dict]:
    """The blocks' files in order; a few are made ahead where there are several processes."""
    numbers = range((patients + BLOCK - 1) // BLOCK)
    if workers == 1 or len(numbers) == 1:
        yield from (block_files(seed, number, patients) for number in numbers)
        return
    # A fresh interpreter each: a forked one may inherit locks of Arrow's threads.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: deque = deque()
        for number in numbers:
            waiting.append(pool.submit(block_files, seed, number, patients))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_cohort(out: Path, patients: int, seed: int, workers: int) -> dict[str, int]:
    """Write the cohort to `out`, replacing an older synthetic one; returns the rows of each table."""
    check_target(out, patients)
    out = out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise UserError(f"--out {out} cannot be written ({error.strerror}): name another folder") from None
    try:
        rows = _fill(temporary / "new", patients, seed, workers)
        if out.exists():
            os.replace(out, temporary / "old")
        os.replace(temporary / "new", out)
    except OSError as error:
        raise UserError(f"--out {out}: writing failed ({error.strerror}); nothing was changed", 1) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return rows


def _fill(folder: Path, patients: int, seed: int, workers: int) -> dict[str, int]:
    rows = {table.name: 0 for table in TABLES}
    files = {}
    try:
        for table in TABLES:
            path = folder / table.module / f"{table.name}.csv.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            files[table.module, table.name] = path.open("wb")
            files[table.module, table.name].write(csv_header(table))
        with tqdm(total=patients, unit=" patients", disable=None, smoothing=0.1) as bar:
            for number, block in enumerate(_blocks(patients, seed, workers)):
                _append(files, rows, block)
                bar.update(min(BLOCK, patients - number * BLOCK))
        _append(files, rows, dictionary_files())
    finally:
        for file in files.values():
            file.close()
    lines = "\n".join(f"| {table.module}/{table.name} | {rows[table.name]:,} |" for table in TABLES)
    (folder / "README.md").write_text(_README.format(patients=patients, seed=seed, rows=lines))
    (folder / MARKER).write_text(f"synthetic data made by warehouse.synth: patients {patients}, seed {seed}\n")
    return rows


def _append(files: dict, rows: dict[str, int], block: dict) -> None:
    for (module, name), (data, count) in block.items():
        files[module, name].write(data)
        rows[name] += count


def comparison(rows: dict[str, int], patients: int) -> str:
    """Rows a patient beside those of MIMIC-IV v3.1, as a table of text."""
    lines = [f"{'table':<16}{'rows':>14}{'per patient':>13}{'MIMIC-IV 3.1':>14}{'ratio':>8}"]
    for name, real in REAL_RATIOS.items():
        ours = rows[name] / patients
        lines.append(f"{name:<16}{rows[name]:>14,}{ours:>13.2f}{real:>14.2f}{ours / real:>8.2f}")
    return "\n".join(lines)
