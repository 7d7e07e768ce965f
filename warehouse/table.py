"""What a raw table is: its columns, types, key and foreign keys; and how a module's tables are written down as text.

In: one block of text per group of tables. Out: `Table`s. A table begins with `source` where the dbt project cannot do without it,
`optional` where it reads it if it is there, else with `table`; its name and grain, its key and its foreign keys follow, and then
a column a line:

    source admissions: one row per hospital admission
    key         hadm_id
    references  subject_id -> hosp.patients
    subject_id  bigint!    Patient.
    -language   text       Language that the patient speaks.

`!` behind the type: MIMIC-IV declares it NOT NULL. `-` before the name: no model reads it, so it is not landed. A line that does not
fit raises ValueError as the module is imported.
"""

from dataclasses import dataclass

# In place of a key for tables for which MIMIC-IV declares none; a row can then be there twice.
NO_KEY = "none"
# What DuckDB calls the registry's types; each is also a type of the SQL standard and of Spark.
TYPES = ("bigint", "integer", "smallint", "double", "timestamp", "date", "text")


@dataclass(frozen=True)
class Column:
    """One column of a raw table: `type` is one of TYPES; `is_landed`: its staging model has it."""

    name: str
    type: str
    nullable: bool
    description: str
    is_landed: bool = True


@dataclass(frozen=True)
class Reference:
    """A foreign key: where `columns` are not NULL, they are the key of a row of the table `module.name`."""

    columns: tuple[str, ...]
    module: str
    name: str


@dataclass(frozen=True)
class Table:
    """One raw table. `key` is unique, empty where MIMIC-IV declares none.

    `is_source`: the dbt project can read it; `is_required`: where it is switched on, its file must be there.
    """

    module: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[Reference, ...]
    is_source: bool
    is_required: bool

    @property
    def full_name(self) -> str:
        """`module.name`, as events, ledger and switches call it."""
        return f"{self.module}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def is_dictionary(self) -> bool:
        """Whether it lists codes, items or staff: it then belongs to no patient and makes no events."""
        return "subject_id" not in self.column_names

    @property
    def staging_model(self) -> str:
        return f"stg_{self.module}__{self.name}"


def tables_of_text(module: str, text: str) -> tuple[Table, ...]:
    """The tables of `module` that `text` declares, in its order; ValueError where a line does not fit."""
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    return tuple(_table(module, [line.strip() for line in paragraph.strip().splitlines()]) for paragraph in paragraphs)


def _table(module: str, lines: list[str]) -> Table:
    head, grain = lines[0].split(": ", 1)
    kind, name = head.split()
    if kind not in ("source", "optional", "table"):
        raise ValueError(f"{module}.{name} begins with {kind}, not with source, optional or table")
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    columns = []
    for line in lines[1:]:
        word, rest = line.split(maxsplit=1)
        if word == "key":
            key = () if rest == NO_KEY else tuple(rest.split())
        elif word == "references":
            references = tuple(_reference(part) for part in rest.split("; "))
        else:
            columns.append(_column(word, rest))
    return Table(module, name, grain, key, tuple(columns), references, kind != "table", kind == "source")


def _column(name: str, rest: str) -> Column:
    kind, description = rest.split(maxsplit=1)
    if kind.rstrip("!") not in TYPES:
        raise ValueError(f"column {name} has the type {kind}, which is none of {', '.join(TYPES)}")
    return Column(name.lstrip("-"), kind.rstrip("!"), not kind.endswith("!"), description, not name.startswith("-"))


def _reference(text: str) -> Reference:
    columns, target = text.split(" -> ")
    module, name = target.split(".")
    return Reference(tuple(columns.split()), module, name)
