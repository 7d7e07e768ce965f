"""MIMIC-IV 2.2, 3.0 and 3.1 with MIMIC-IV-ED 2.2: a cohort in the form of each makes a sound warehouse.

The synthetic cohort has the columns and words of version 3.1. What the other versions have in their place is written over it: the
timelines must be the same, but for what the version itself says otherwise.
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from tests.conftest import REPOSITORY, Build
from tests.warehouse.judge import judge
from warehouse import raw
from warehouse.errors import UserError
from warehouse.expectations import expectations
from warehouse.judgement import measure, read_settings
from warehouse.mimic import SOURCES, table

# The tables of which version 3.1 took rows of two subject_ids that patients does not have.
OF_STRANGERS = ("diagnoses_icd", "drgcodes", "labevents", "microbiologyevents", "omr", "transfers")
EVENTS = (
    "select subject_id, event_index, time, code, numeric_value, text_value, source_key from timelines.timeline_events"
)
CALENDAR = "code = 'CALENDAR_YEAR_OFFSET'"
# An item (glucose) as if version 3.0 had renumbered it in labevents and left it out of d_labitems. The score reads no glucose.
ITEM, ITEM_OF_3_0 = "50931", "53931"


def _as_in_2_2(root: Path, _: Path) -> None:
    _rewrite(root, "patients", anchor_year_group="replace(anchor_year_group, '2020 - 2022', '2017 - 2019')")
    _rewrite(
        root,
        "admissions",
        language="case when language = 'English' then 'ENGLISH' else '?' end",
        insurance="case when insurance in ('Medicare', 'Medicaid') then insurance else 'Other' end",
    )
    # Its items are fewer, and two of its headers are in upper case.
    _rewrite(root, "d_labitems", where=f"itemid <> '{ITEM}'")
    path = root / "icu" / "procedureevents.csv.gz"
    header = [name.upper() if name.startswith("original") else name for name in raw.read_columns(path)]
    assert "ORIGINALRATE" in header
    duckdb.sql(f"from read_csv('{path}', all_varchar = true, header = false, skip = 1, names = {header})").to_csv(
        str(path), compression="gzip"
    )


def _as_in_3_0(root: Path, cohort: Path) -> None:
    _rewrite(
        root,
        "admissions",
        language="case when language = 'English' then language else 'American Sign Language' end",
        insurance="case when insurance = 'Private' then 'No charge' else insurance end",
    )
    _rewrite(root, "labevents", itemid=f"case when itemid = '{ITEM}' then '{ITEM_OF_3_0}' else itemid end")
    strangers = ", ".join(f"'{one}'" for one in _strangers(cohort))
    for entry in SOURCES:
        if "subject_id" in entry.column_names and entry.name not in OF_STRANGERS:
            _rewrite(root, entry.full_name, where=f"subject_id not in ({strangers})")


def _as_in_3_1(root: Path, _: Path) -> None:
    # The emergency module is older than the hospital's, and may have patients that the hospital's has no more.
    path = raw.find(root, table("ed", "edstays"))
    with duckdb.connect() as connection:
        connection.execute(f"create table stays as from read_csv('{path}', all_varchar = true)")
        connection.execute(
            "insert into stays select * replace ('999' as subject_id, '998' as stay_id) from stays limit 1"
        )
        connection.execute(f"copy stays to '{path}' (header, compression gzip)")


def _rewrite(root: Path, name: str, where: str = "true", **columns: str) -> None:
    """Write a table of a cohort anew, with some of its columns or of its rows changed."""
    module, _, name = name.rpartition(".")
    path = raw.find(root, table(module or "hosp", name))
    changed = (
        f"replace ({', '.join(f'{expression} as {column}' for column, expression in columns.items())})"
        if columns
        else ""
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"create table changed as select * {changed} from read_csv('{path}', all_varchar = true) where {where}"
        )
        connection.execute(f"copy changed to '{path}' (header, compression gzip)")


def _strangers(cohort: Path) -> list[str]:
    """Two patients of the train split, the first that were admitted."""
    query = f"select distinct subject_id from read_csv('{cohort / 'hosp' / 'drgcodes.csv.gz'}', all_varchar = true) order by 1 limit 2"
    return [subject for (subject,) in duckdb.sql(query).fetchall()]


FORMS: Mapping[str, Callable[[Path, Path], None]] = {"2.2": _as_in_2_2, "3.0": _as_in_3_0, "3.1": _as_in_3_1}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort") / "raw"
    command = [sys.executable, "-m", "warehouse.synth", "--patients", "40", "--seed", "3", "--out", str(out)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return out


@pytest.fixture
def built(cohort: Path, build: Build, tmp_path: Path) -> Callable[[str], duckdb.DuckDBPyConnection]:
    """The warehouse of a cohort in the form of a version, by its number; every expectation of it holds."""

    def build_version(version: str) -> duckdb.DuckDBPyConnection:
        root = tmp_path / version
        shutil.copytree(cohort, root)
        FORMS[version](root, cohort)
        connection = build(root)
        judged = expectations(read_settings(connection))
        figures = measure(connection, judged)
        assert {name: figures[name] for name, passed in judge(judged, figures).items() if not passed} == {}
        return connection

    return build_version


def _start_years(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "select distinct token from scratch.tokens.static_prefix_tokens where token like 'START_YEAR//%'"
    return {token for (token,) in connection.execute(query).fetchall()}


def test_every_version_makes_the_same_timelines_but_for_what_it_says_otherwise(built, cohort):
    newest = built("3.1")
    assert "START_YEAR//2020" in _start_years(newest)
    expected = newest.execute(f"{EVENTS} order by all").fetchall()
    # A stay of a patient whom only the emergency module has.
    assert _set_aside(newest, "source_table = 'ed.edstays'") == {("ed.edstays", "unknown patient"): 1}

    # Language and insurance make no events; whoever came from 2020 on cannot be told from those of the three years before.
    older = built("2.2")
    without_years = f"{EVENTS} where not {CALENDAR} order by all"
    assert older.execute(without_years).fetchall() == newest.execute(without_years).fetchall()
    patients = f"read_csv('{cohort / 'hosp' / 'patients.csv.gz'}')"
    since_2020 = duckdb.sql(f"select count(*) from {patients} where anchor_year_group = '2020 - 2022'").fetchone()[0]
    offsets = f"select sum(numeric_value) from timelines.timeline_events where {CALENDAR}"
    difference = newest.execute(offsets).fetchone()[0] - older.execute(offsets).fetchone()[0]
    assert difference == 3 * since_2020 > 0

    # Rows of patients that it does not have are set aside, each with its reason, and items without a name stay events.
    strangers = [int(subject) for subject in _strangers(cohort)]
    broken = built("3.0")
    told = [(*row[:1], *row[2:]) for row in broken.execute(EVENTS).fetchall()]
    renamed = [
        (subject, time, code.replace(f"//{ITEM}", f"//{ITEM_OF_3_0}"), *value)
        for subject, _, time, code, *value in expected
        if subject not in strangers
    ]
    # Without the place in the timeline: codes of one minute stand in the order of the items' numbers.
    assert Counter(told) == Counter(renamed)
    assert any(f"//{ITEM_OF_3_0}" in row[2] for row in told)
    aside = _set_aside(broken, f"subject_id in ({strangers[0]}, {strangers[1]})")
    assert {source for source, _ in aside} <= {f"hosp.{name}" for name in OF_STRANGERS}
    assert {reason for _, reason in aside} == {"unknown patient", "unknown admission"}
    for name in ("diagnoses_icd", "labevents"):
        path = cohort / "hosp" / f"{name}.csv.gz"
        (n_rows,) = duckdb.sql(
            f"select count(*) from '{path}' where subject_id in ({strangers[0]}, {strangers[1]})"
        ).fetchone()
        assert sum(count for (source, _), count in aside.items() if source == f"hosp.{name}") == n_rows > 0


def _set_aside(connection: duckdb.DuckDBPyConnection, where: str) -> dict[tuple[str, str], int]:
    """Rows set aside by table and reason."""
    query = (
        "select source_table, set_aside_reason, count(*) from timelines.quarantine "
        f"where is_row_event and {where} group by all"
    )
    return {(source, reason): count for source, reason, count in connection.execute(query).fetchall()}


def test_a_version_before_2_2_is_refused_by_the_column_it_lacks(cohort, tmp_path):
    root = tmp_path / "1.0"
    shutil.copytree(cohort, root)
    path = root / "hosp" / "admissions.csv.gz"
    with duckdb.connect() as connection:
        connection.execute(
            f"create table changed as select * rename (race as ethnicity) from read_csv('{path}', all_varchar = true)"
        )
        connection.execute(f"copy changed to '{path}' (header, compression gzip)")
    with pytest.raises(UserError, match=r"lacks the column race; MIMIC-IV 2\.2 to 3\.1 are understood"):
        raw.check(root, SOURCES)
