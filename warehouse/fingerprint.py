"""The content of a warehouse as one hash, and whether that very content has passed validation.

In: the tables that are exported or that the export rests on. Out: a sha256 that stays when the same content is built
again, in whatever order, and changes with any row.
What can go wrong: no warehouse, one never validated, one that failed, or one rebuilt since: each is one line that tells
what to run. DuckDB's hash may change with its version; a warehouse then has to be validated again.
"""

import hashlib
import json
from pathlib import Path

import duckdb

from warehouse.database import open_read_only
from warehouse.errors import UserError

# The tables that timelines and token stream, which are views, are made of. Two builds may number codes and events otherwise: what
# the numbers stand for takes their place.
_CODES = "(select code_id, hash(*columns(* exclude code_id)) as code_hash from timelines.codes)"
FINGERPRINTED = {
    "timelines.patients": "select * from timelines.patients",
    "timelines.codes": "select * exclude code_id from timelines.codes",
    "timelines.sorted_candidates": f"""
        select
            candidates.* exclude (event_number, code_id, fingerprint),
            codes.code_hash,
            case when candidates.set_aside_reason is null then event_number - first_event_number end as event_index
        from timelines.sorted_candidates as candidates
        left join {_CODES} as codes on candidates.code_id = codes.code_id
        left join timelines.timeline_spans as spans on candidates.subject_id = spans.subject_id
    """,
    "timelines.timeline_spans": "select * exclude first_event_number from timelines.timeline_spans",
    "tokens.quantile_breaks": "select * from tokens.quantile_breaks",
    "tokens.static_prefix": "select * from tokens.static_prefix",
    "tokens.code_token_ids": f"""
        select tokens.* exclude code_id, codes.code_hash
        from tokens.code_token_ids as tokens left join {_CODES} as codes on tokens.code_id = codes.code_id
    """,
    "tokens.token_ids": "select * from tokens.token_ids",
    "tokens.vocabulary": "select * from tokens.vocabulary",
}


def validation_file(warehouse: Path) -> Path:
    """Where the outcome of validating a warehouse is kept: beside it."""
    return warehouse.parent / "validation" / "validation.json"


def file_stamp(warehouse: Path) -> list[int]:
    """Size and time of change of a warehouse's file: while they stay, its content has not changed."""
    status = warehouse.stat()
    return [status.st_size, status.st_mtime_ns]


def warehouse_fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """sha256 (hex) over columns, row counts and the order-independent hash of all rows of the fingerprinted tables.

    Raises UserError where a table is missing or of another version of this project.
    """
    digest = hashlib.sha256()
    for table, content in FINGERPRINTED.items():
        try:
            columns = connection.execute(f"describe ({content})").fetchall()
            # The xor cancels rows that occur twice and the sum does not; the sum alone is easier to keep by chance.
            sums = connection.execute(
                f"select count(*), bit_xor(hash(rows)), sum(hash(rows) % 4294967296) from ({content}) as rows"
            ).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise UserError(f"the warehouse lacks {table}, or has it in another form; run `dbt build`") from error
        named = sorted((name, data_type) for name, data_type, *_ in columns)
        digest.update(json.dumps([table, named, [str(value) for value in sums]]).encode())
    return digest.hexdigest()


def require_valid(warehouse: Path) -> str:
    """The fingerprint of a warehouse that has passed validation as it now is.

    Raises UserError where the warehouse is missing, was never validated, failed, or has changed since.
    """
    if not warehouse.is_file():
        raise UserError(f"no warehouse at {warehouse}; run `dbt build` first, then `python -m warehouse.validate`")
    path = validation_file(warehouse)
    try:
        validation = json.loads(path.read_text())
        success, validated = validation["success"], validation["warehouse_fingerprint"]
    except FileNotFoundError:
        raise UserError(f"{warehouse} has not been validated; run `python -m warehouse.validate`") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} cannot be read; run `python -m warehouse.validate` again") from None
    if success is not True:
        raise UserError(
            f"validation of {warehouse} failed ({len(validation.get('failed', []))} expectations, see {path}); "
            "mend the data, then run `dbt build` and `python -m warehouse.validate`"
        )
    # What was written since and not yet moved into the file lies beside it.
    has_log = warehouse.with_name(warehouse.name + ".wal").exists()
    if validation.get("warehouse_file") == file_stamp(warehouse) and not has_log:
        return validated
    with open_read_only(warehouse) as connection:
        present = warehouse_fingerprint(connection)
    if present != validated:
        raise UserError(f"{warehouse} has changed since it was validated; run `python -m warehouse.validate` again")
    return present
