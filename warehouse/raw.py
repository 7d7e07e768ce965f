"""The raw tables as files: find them, check them whole before anything is written, and tell DuckDB how to read them.

In: a root folder with hosp/, icu/ and ed/, each table as .csv.gz, .csv or .parquet (the first of these that is there); tables that
are not asked for may lie beside and are not opened. An optional table may be absent.
Out: a path per table and the SQL that reads it with every column as text; types are cast in the staging models.
What can go wrong is one `UserError` that names the file: a missing root, table or column, an empty file, a gzip cut short.

A gzip can only be known to be whole by unpacking it. Files are unpacked side by side, and a file that passed is
remembered by its size and time of change, so that the next build does not unpack it again.
"""

import csv
import gzip
import json
import os
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as parquet
from isal import igzip, isal_zlib

from warehouse.errors import UserError
from warehouse.table import Table

SUFFIXES = (".csv.gz", ".csv", ".parquet")
UNPACK_CHUNK_BYTES = 1 << 22
MENDING = "set MIMIC_IV_ROOT to the folder that holds hosp/ and icu/, or make one with `python -m warehouse.synth`"


@dataclass(frozen=True)
class RawFile:
    """A raw table on disk; `columns` are the file's own, in its order and its spelling."""

    table: Table
    path: Path
    columns: tuple[str, ...]

    @property
    def stamp(self) -> list[int]:
        """Size and time of change: while they stay, so does the content."""
        return _stamp(self.path)


def find(root: Path, table: Table) -> Path | None:
    """The file of `table` under `root`, None where there is none."""
    for suffix in SUFFIXES:
        path = root / table.module / f"{table.name}{suffix}"
        if path.is_file():
            return path
    return None


def read_columns(path: Path) -> tuple[str, ...]:
    """The column names a file declares, in its order.

    Raises UserError where the file has no readable header.
    """
    try:
        if path.suffix == ".parquet":
            return tuple(parquet.read_schema(path).names)
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"cannot read {path}: {_reason(error)}; copy or download the file again") from error
    if not header:
        raise UserError(f"{path} is empty; copy or download the file again")
    return tuple(name.strip() for name in header)


def locate(root: Path, tables: Iterable[Table]) -> list[RawFile]:
    """The files of `tables`, as far as they are there; `check` says which are not."""
    files = []
    for table in tables:
        path = find(root, table)
        if path is not None:
            files.append(RawFile(table, path, read_columns(path)))
    return files


def check(root: Path, tables: Iterable[Table], memory: Path | None = None) -> list[RawFile]:
    """The files of `tables`: every required one found, and each that is there with all its columns, and whole.

    `memory` is a JSON file that remembers which gzip files were found whole; it is written only after all passed.
    Raises UserError with one line for the first thing that is wrong.
    """
    if not root.is_dir():
        raise UserError(f"no raw tables: folder {root} does not exist; {MENDING}")
    tables = tuple(tables)
    for table in tables:
        if table.is_required and find(root, table) is None:
            names = " or ".join(f"{table.name}{suffix}" for suffix in SUFFIXES)
            raise UserError(
                f"raw table {table.module}.{table.name} is missing: no {names} in {root / table.module}; {MENDING}"
            )
    files = locate(root, tables)
    for file in files:
        present = {name.lower() for name in file.columns}
        missing = [name for name in file.table.column_names if name.lower() not in present]
        if missing:
            raise UserError(f"{file.path} lacks the column {', '.join(missing)}; MIMIC-IV 2.2 to 3.1 are understood")
    _check_whole([file.path for file in files if file.path.suffix == ".gz"], memory)
    return files


def _check_whole(paths: list[Path], memory: Path | None) -> None:
    known = _recall(memory)
    stamps = {str(path.resolve()): _stamp(path) for path in paths}
    unknown = [path for path in paths if known.get(str(path.resolve())) != stamps[str(path.resolve())]]
    # isal lets go of the interpreter lock, so threads unpack side by side; the largest first keeps them all busy.
    unknown.sort(key=lambda path: -path.stat().st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, problem in zip(unknown, pool.map(_unpack_problem, unknown), strict=True):
            if problem:
                raise UserError(f"{path} is not a whole gzip file ({problem}); copy or download the file again")
    if memory is not None and unknown:
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary = memory.with_suffix(".tmp")
        temporary.write_text(json.dumps(known | stamps, indent=1, sort_keys=True))
        temporary.replace(memory)


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _recall(memory: Path | None) -> dict[str, list[int]]:
    if memory is None or not memory.is_file():
        return {}
    try:
        return json.loads(memory.read_text())
    except ValueError:
        return {}


def _unpack_problem(path: Path) -> str | None:
    try:
        with igzip.open(path, "rb") as packed:
            while packed.read(UNPACK_CHUNK_BYTES):
                pass
    except (OSError, EOFError, isal_zlib.error) as error:
        return _reason(error)
    return None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def quote_literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_identifier(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def select_as_text(file: RawFile) -> str:
    """SQL that reads the registry's columns of `file`, all as text, under the registry's lower-case names."""
    spelling = {name.lower(): name for name in file.columns}
    columns = ", ".join(
        f"{quote_identifier(spelling[name])}::varchar as {name}"
        for name in map(str.lower, file.table.column_names)
        if name in spelling
    )
    path = quote_literal(str(file.path.resolve()))
    if file.path.suffix == ".parquet":
        return f"select {columns} from read_parquet({path})"
    # Names and types are given, so that DuckDB does not guess them from a sample of the rows.
    kinds = ", ".join(f"{quote_literal(name)}: 'varchar'" for name in file.columns)
    return (
        f"select {columns} from read_csv({path}, columns = {{{kinds}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', max_line_size = 16777216)"
    )


def select_nothing(table: Table) -> str:
    """SQL with the columns of `table` as text and no row: what stands for a file that is not there."""
    columns = ", ".join(f"null::varchar as {name.lower()}" for name in table.column_names)
    return f"select {columns} where false"
