"""A MEDS dataset on disk: find its files, check them before anything is built, and tell DuckDB how to read them.

In: a root folder with data/**/*.parquet and, where the dataset has them, metadata/{subject_splits,codes}.parquet and
metadata/dataset.json. Out: a `Dataset`, and the SQL of the views `data` and `subject_splits`.
What can go wrong is one `UserError` that names the file: no dataset, a missing column, a column of another type, a split of
another name, a subject in two splits. Strings and numbers may be wider or narrower than the standard has them, as other
writers make them so. Rows may stand in any order and a subject in several files: timelines are sorted anyway.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from warehouse.errors import UserError
from warehouse.meds.layout import CODES_FILE, DATA_FOLDER, DATASET_FILE, EXTRA_COLUMNS, MANDATORY, SPLITS_FILE
from warehouse.raw import quote_literal
from warehouse.shard_format import SPLITS


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_time(kind: pa.DataType) -> bool:
    # A time with a zone would have to be guessed into local time.
    return pa.types.is_timestamp(kind) and kind.tz is None


TypeTest = Callable[[pa.DataType], bool]
# Each column that is read: what is accepted, what the standard asks for, and DuckDB's type.
READ_COLUMNS: dict[str, tuple[TypeTest, str, str]] = {
    "subject_id": (pa.types.is_integer, "int64", "bigint"),
    "time": (_is_time, "timestamp[us] without a zone", "timestamp"),
    "code": (_is_text, "string", "varchar"),
    "numeric_value": (pa.types.is_floating, "float32", "double"),
    "text_value": (_is_text, "large_string", "varchar"),
    "hadm_id": (pa.types.is_integer, "int64", "bigint"),
    "stay_id": (pa.types.is_integer, "int64", "bigint"),
    "unit": (_is_text, "string", "varchar"),
    "occurred_at": (_is_time, "timestamp[us] without a zone", "timestamp"),
    "exact_value": (pa.types.is_floating, "float64", "double"),
    "event_kind": (_is_text, "string", "varchar"),
    "source_table": (_is_text, "string", "varchar"),
    "source_key": (_is_text, "string", "varchar"),
}


@dataclass(frozen=True)
class Dataset:
    """A MEDS dataset that was found sound; `columns` are those that are read, `unread` the others it has."""

    root: Path
    files: tuple[Path, ...]
    columns: tuple[str, ...]
    unread: tuple[str, ...]
    splits: Path | None
    codes: Path | None
    name: str | None


def check(root: Path) -> Dataset:
    """The dataset in `root`; raises UserError with one line for the first thing that is wrong."""
    if not root.is_dir():
        raise UserError(
            f"no MEDS dataset: folder {root} does not exist; name the folder that holds data/ and metadata/"
        )
    folder = root / DATA_FOLDER
    files = tuple(sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith(".")))
    if not files:
        raise UserError(
            f"no MEDS dataset: {folder} holds no parquet file; name the folder that holds data/ and metadata/"
        )
    columns, unread = _check_data(files)
    codes = _existing(root / CODES_FILE)
    if codes is not None:
        _check_column(codes, _schema(codes), "code")
    splits = _existing(root / SPLITS_FILE)
    if splits is not None:
        _check_splits(splits)
    return Dataset(root, files, columns, unread, splits, codes, _read_name(root / DATASET_FILE))


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _schema(path: Path) -> pa.Schema:
    try:
        return parquet.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}; copy the file again") from error


def _check_column(path: Path, schema: pa.Schema, name: str) -> None:
    is_accepted, asked, _ = READ_COLUMNS[name]
    if name not in schema.names:
        raise UserError(f"{path} lacks the column {name}, which MEDS 0.4 asks for")
    if not is_accepted(schema.field(name).type):
        raise UserError(f"{path}: column {name} is {schema.field(name).type}; MEDS 0.4 asks for {asked}")


def _check_data(files: tuple[Path, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that are read and those that are not; a column of our own that has another type is another dataset's."""
    present: dict[str, None] = {}
    foreign: set[str] = set()
    for path in files:
        schema = _schema(path)
        for name in MANDATORY:
            _check_column(path, schema, name)
        for field in schema:
            present[field.name] = None
            if field.name not in READ_COLUMNS or pa.types.is_null(field.type):
                continue
            if field.name not in EXTRA_COLUMNS.names:
                _check_column(path, schema, field.name)
            elif not READ_COLUMNS[field.name][0](field.type):
                foreign.add(field.name)
    read = tuple(name for name in READ_COLUMNS if name in present and name not in foreign)
    return read, tuple(name for name in present if name not in read and name != "event_index")


def _check_splits(path: Path) -> None:
    schema = _schema(path)
    _check_column(path, schema, "subject_id")
    if "split" not in schema.names or not _is_text(schema.field("split").type):
        raise UserError(f"{path} lacks the column split of type string, which MEDS 0.4 asks for")
    table = parquet.read_table(path, columns=["subject_id", "split"])
    subjects, splits = table.column("subject_id"), table.column("split")
    if subjects.null_count or splits.null_count:
        raise UserError(f"{path} has a row without subject_id or split")
    odd = sorted(set(splits.unique().to_pylist()) - set(SPLITS))
    if odd:
        raise UserError(f"{path}: split {odd[0]!r} is none of {', '.join(SPLITS)}; rename it")
    if len(subjects.unique()) != len(subjects):
        twice, n = Counter(subjects.to_pylist()).most_common(1)[0]
        raise UserError(f"{path}: subject {twice} stands there {n} times; a subject is in one split")


def _read_name(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object, which MEDS 0.4 asks for")
    name = content.get("dataset_name")
    return name if isinstance(name, str) else None


def select_data(dataset: Dataset | None) -> str:
    """SQL of the view `data`: every column of READ_COLUMNS, and file and row; no row where there is no dataset."""
    if dataset is None:
        nothing = ", ".join(f"null::{kind} as {name}" for name, (_, _, kind) in READ_COLUMNS.items())
        return f"select {nothing}, null::varchar as file_name, null::bigint as file_row where false"
    columns = ", ".join(
        f"{f'{name}::{kind}' if name in dataset.columns else f'null::{kind}'} as {name}"
        for name, (_, _, kind) in READ_COLUMNS.items()
    )
    folder = (dataset.root / DATA_FOLDER).resolve()
    paths = ", ".join(quote_literal(str(path.resolve())) for path in dataset.files)
    return (
        f"select {columns}, substr(filename, {len(str(folder)) + 2}) as file_name, file_row_number as file_row "
        f"from read_parquet([{paths}], union_by_name = true)"
    )


def select_splits(dataset: Dataset | None) -> str:
    """SQL of the view `subject_splits`; no row where the dataset has none."""
    if dataset is None or dataset.splits is None:
        return "select null::bigint as subject_id, null::varchar as split where false"
    path = quote_literal(str(dataset.splits.resolve()))
    return f"select subject_id::bigint as subject_id, split::varchar as split from read_parquet({path})"
