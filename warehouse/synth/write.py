"""Writes a cohort: blocks from any number of processes, in order, into one file a table.

In: a `Job`, a folder. Out: DIR/hosp, DIR/icu, DIR/ed (and DIR/truth, where asked for), README.md and the marker file SYNTHETIC,
whole or not at all: a folder beside is filled and then moved into place. The first block is made before anything is written;
from it the disk and time of the whole are foreseen. Wrong: a folder with other files, a full disk, no right to write
(UserError). Memory holds a few blocks, whatever the number of patients.
"""

import contextlib
import itertools
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from warehouse.errors import UserError
from warehouse.synth.block import TABLE_OF, Job, Part, block_parts, dictionary_parts
from warehouse.synth.columns import arrow_schema, csv_header
from warehouse.synth.patients import MAX_PATIENTS
from warehouse.synth.truth import MAKERS as TRUTH
from warehouse.synth.world import BLOCK

MARKER = "SYNTHETIC"
FORMATS = ("csv.gz", "parquet")
# What makes a process give memory back once a table is written: large pieces from the system and no pools of its own. Without it two
# processes hold 1.05 GB, with it 0.9, for a tenth more CPU time. glibc reads the first two as a process starts.
_THRIFT = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
# Blocks differ by a tenth or so, and a disk should not be filled to the brim.
_MARGIN = 1.2
_README = """# Synthetic patients in the form of MIMIC-IV

**Nothing in this folder is real.** `python -m warehouse.synth --patients {patients} --seed {seed}` made it from random numbers;
no patient record, real or de-identified, was used. The files have the names, headers and formats of MIMIC-IV v3.1 so that
a pipeline for MIMIC-IV can be tried without access to it. Nothing about medicine can be learnt from them: do not cite them
as MIMIC-IV, and do not mix them with it. The file `SYNTHETIC` marks the folder for programs.

{faults}{truth}

| table | rows |
|---|---:|
{rows}
"""
_FAULTS = "The faults of MIMIC-IV (missing ids, mistyped times, scrubbed values ...) occur at about their real rates."
_NO_FAULTS = "Written with `--quirks off`: without the faults of MIMIC-IV."

_TRUTH = """
`truth/` holds what no real cohort tells: the hidden state of the patients, and the risk of outcomes that follows from it
(`truth/risks.parquet`). Nothing but a comparison with the best possible prediction may read it."""


@dataclass(frozen=True)
class Estimate:
    """What a cohort will take: bytes on the disk, and seconds with the processes at hand."""

    size: int
    seconds: float

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"about {_bytes(self.size)} and " + (f"{minutes} min {seconds} s" if minutes else f"{max(seconds, 1)} s")


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _our_files() -> set[str]:
    tables = {f"{name}.{ending}" for name in TABLE_OF for ending in FORMATS}
    return {MARKER, "README.md", *tables, *(f"{name}.parquet" for name in TRUTH)}


def check_target(out: Path, patients: int) -> None:
    """Raises UserError where `out` cannot take a cohort: number of patients, foreign files, rights."""
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
    parent = _existing_parent(out)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--out {out} cannot be written (no right to write in {parent}): name another folder")


def _existing_parent(out: Path) -> Path:
    parent = out.resolve().parent
    while not parent.exists():
        parent = parent.parent
    return parent


def _check_disk(out: Path, estimate: Estimate) -> None:
    free, need = shutil.disk_usage(_existing_parent(out)).free, estimate.size * _MARGIN
    if free < need:
        raise UserError(
            f"--out {out}: about {_bytes(need)} needed, {_bytes(free)} free: ask for fewer patients, fewer tables (--tables) or "
            "name another disk"
        )


def _estimate(
    job: Job, first: dict[str, Part], dictionaries: dict[str, Part], seconds: float, workers: int
) -> Estimate:
    # A cohort smaller than a block is made as a whole block and cut.
    size = sum(len(data) for data, _ in first.values()) * max(1.0, job.patients / BLOCK)
    size += sum(len(data) for data, _ in dictionaries.values())
    return Estimate(round(size), seconds * (1 + (job.blocks - 1) / min(workers, max(1, job.blocks - 1))))


def _timed_parts(job: Job, block: int) -> tuple[float, dict[str, Part]]:
    begun = time.perf_counter()
    parts = block_parts(job, block)
    return time.perf_counter() - begun, parts


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The environment with `variables` in it, for processes that are started meanwhile; what the user has set stays."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _blocks(job: Job, workers: int) -> Iterator[tuple[float, dict[str, Part]]]:
    """The blocks' parts in order, each with the seconds it took; a few are made ahead where there are several processes."""
    workers = min(workers, job.blocks)
    if workers == 1:
        yield from (_timed_parts(job, number) for number in range(job.blocks))
        return
    # A fresh interpreter each: a forked one may inherit locks of Arrow's threads.
    with _environment(_THRIFT), ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: deque = deque()
        try:
            for number in range(job.blocks):
                waiting.append(pool.submit(_timed_parts, job, number))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def write_cohort(
    out: Path, job: Job, workers: int = 1, announce: Callable[[Estimate], None] = lambda estimate: None
) -> dict[str, int]:
    """Write the cohort to `out`, replacing an older synthetic one; returns the rows of each table.

    `announce` is told what the cohort will take before anything is written.
    """
    check_target(out, job.patients)
    with contextlib.closing(_blocks(job, workers)) as blocks:
        seconds, first = next(blocks)
        dictionaries = dictionary_parts(job)
        estimate = _estimate(job, first, dictionaries, seconds, workers)
        _check_disk(out, estimate)
        announce(estimate)
        parts = itertools.chain([first], (parts for _, parts in blocks))
        return _replace(out, job, parts, dictionaries)


def _replace(out: Path, job: Job, blocks: Iterable[dict[str, Part]], dictionaries: dict[str, Part]) -> dict[str, int]:
    """Fill a folder beside `out` and move it into place."""
    out = out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise UserError(f"--out {out} cannot be written ({error.strerror}): name another folder") from None
    try:
        rows = _fill(temporary / "new", job, blocks, dictionaries)
        if out.exists():
            os.replace(out, temporary / "old")
        os.replace(temporary / "new", out)
    except OSError as error:
        raise UserError(f"--out {out}: writing failed ({error.strerror}); nothing was changed", 1) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return rows


class _File:
    """One table's file, to which parts are appended. The hidden state is Parquet in either format."""

    def __init__(self, folder: Path, job: Job, name: str) -> None:
        self.parquet = job.format == "parquet" or name in TRUTH
        self.path = folder / (f"{name}.parquet" if self.parquet else f"{name}.{job.format}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.parquet:
            self.sink = None if name in TRUTH else self._parquet(arrow_schema(TABLE_OF[name]))
        else:
            self.sink = self.path.open("wb")
            self.sink.write(csv_header(TABLE_OF[name]))

    def _parquet(self, schema: pa.Schema) -> pq.ParquetWriter:
        return pq.ParquetWriter(self.path, schema, compression="zstd")

    def append(self, data: bytes) -> None:
        """One block's rows."""
        if self.parquet:
            rows = pa.ipc.open_stream(data).read_all()
            self.sink = self.sink or self._parquet(rows.schema)
            self.sink.write_table(rows)
        else:
            self.sink.write(data)

    def close(self) -> None:
        """Nothing more comes."""
        if self.sink:
            self.sink.close()


def _fill(folder: Path, job: Job, blocks: Iterable[dict[str, Part]], dictionaries: dict[str, Part]) -> dict[str, int]:
    names = (*job.tables, *(TRUTH if job.truth else ()))
    rows = dict.fromkeys(names, 0)
    files: dict[str, _File] = {}

    def append(parts: dict[str, Part]) -> None:
        for name, (data, count) in parts.items():
            files[name].append(data)
            rows[name] += count

    try:
        for name in names:
            files[name] = _File(folder, job, name)
        with tqdm(total=job.patients, unit=" patients", disable=None, smoothing=0.1) as bar:
            for number, parts in enumerate(blocks):
                append(parts)
                bar.update(min(BLOCK, job.patients - number * BLOCK))
        append(dictionaries)
    finally:
        for file in files.values():
            file.close()
    lines = "\n".join(f"| {name} | {count:,} |" for name, count in rows.items())
    faults = _FAULTS if job.with_quirks else _NO_FAULTS
    readme = _README.format(
        patients=job.patients, seed=job.seed, rows=lines, faults=faults, truth=_TRUTH if job.truth else ""
    )
    (folder / "README.md").write_text(readme)
    (folder / MARKER).write_text(f"synthetic data made by warehouse.synth: patients {job.patients}, seed {job.seed}\n")
    return rows
