"""Pages of the documentation that show queries with what they answer."""

import re
from datetime import datetime
from numbers import Number
from pathlib import Path

import duckdb

SHOWN = re.compile(r"```sql\n(.*?)```\s*```text\n(.*?)```", flags=re.DOTALL)


def shown_queries(page: Path) -> list[tuple[str, str]]:
    """Each query of a page and the output that is shown below it."""
    return SHOWN.findall(page.read_text())


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """What a query answers, as aligned columns: numbers to the right, text to the left, nothing where there is NULL."""
    cursor = connection.execute(query)
    header, rows = [name for name, *_ in cursor.description], cursor.fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    aligned = []
    for name, column in zip(header, columns, strict=True):
        cells = [name, *(_cell(value) for value in column)]
        width = max(len(cell) for cell in cells)
        to_the_right = all(value is None or isinstance(value, Number) for value in column)
        aligned.append([cell.rjust(width) if to_the_right else cell.ljust(width) for cell in cells])
    return "".join("  ".join(line).rstrip() + "\n" for line in zip(*aligned, strict=True))


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case datetime():
            return value.isoformat(sep=" ")
        case _:
            return str(value)
