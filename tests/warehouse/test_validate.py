"""Validation: every expectation fails when the data break it, and the command, its files and its refusals behave.

Each expectation has a break: SQL that spoils a sound warehouse in one way. Figures are judged without Great Expectations
there, and with it, on the same limits, in the tests of the command.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.judge import judge
from tests.warehouse.test_validate_tiny import SETTINGS, build_tiny_warehouse
from warehouse import validate
from warehouse.data_docs import run_checkpoint
from warehouse.errors import UserError
from warehouse.expectations import expectations
from warehouse.expectations_rows import FLOORS
from warehouse.fingerprint import FINGERPRINTED, require_valid, validation_file, warehouse_fingerprint
from warehouse.judgement import NONE, Expectation, Limit, Scan, at_least, measure, read_settings
from warehouse.shard_format import SPLITS

ALL = {expectation.name: expectation for expectation in expectations(SETTINGS)}


# The table that a view is made of.
_UNDER = {"timelines.timeline_events": "timelines.ordered_events"}


def _code(kind: str) -> str:
    return f"(select code_id from timelines.codes where event_kind = '{kind}')"


def _of(kind: str) -> str:
    return f"code_id in {_code(kind)}"


def _events(change: str, condition: str) -> str:
    return f"update timelines.ordered_events set {change} where subject_id = 1 and {condition}"


def _tokens(change: str, condition: str) -> str:
    return f"update tokens.written_events set {change} where subject_id = 1 and {condition}"


def _patients(change: str, condition: str = "true") -> str:
    return f"update timelines.patients set {change} where {condition}"


BREAKS: dict[str, str] = {
    "patients_unique": "insert into timelines.patients from timelines.patients where subject_id = 1",
    "event_key_unique": "insert into timelines.ordered_events from timelines.ordered_events"
    " where subject_id = 1 and event_index = 3",
    "event_key_present": _events("code_id = null", "event_index = 3"),
    "event_source_named": _events("source_key = null", "event_index = 3"),
    "event_patient_known": "delete from timelines.patients where subject_id = 1",
    "event_number_in_order": _events("event_number = 999", "event_index = 3"),
    "event_index_contiguous": "delete from timelines.ordered_events where subject_id = 1 and event_index = 5",
    "time_non_decreasing": _events("time = time - interval 1 day", _of("drug_order")),
    "statics_first": _events("time = null", _of("omr")),
    "tie_rank_known": "update timelines.codes set event_kind = 'unheard of' where event_kind = 'ed_registration'",
    "tie_rank_non_decreasing": _events(f"code_id = {_code('service')}", _of("demographic")),
    "ties_in_order": _events("code_id = 1 - code_id", _of("static")),
    "codes_in_order": "update timelines.codes set code = 'ZZZ' where code_id = 0",
    "time_present": _events("time = timestamp '2080-01-01'", _of("static")),
    "known_after_occurred": _events("time = occurred_at - interval 1 second", _of("lab_result")),
    "nothing_before_birth": _patients("born_at = timestamp '2120-03-02'", "subject_id = 1"),
    "nothing_after_death": _patients("died_at = timestamp '2120-03-02'", "subject_id = 12"),
    "death_last": _events(f"code_id = {_code('death')}", "event_index = 10"),
    "death_at_died_at": _patients("died_at = timestamp '2130-01-01'", "subject_id = 12"),
    "coded_at_discharge": _events("time = timestamp '2120-03-01 08:00'", _of("diagnosis")),
    "billed_at_the_end": _events("time = timestamp '2120-03-04'", _of("hcpcs")),
    "admission_not_announced": _events("time = timestamp '2120-03-01 04:00'", _of("service")),
    "coded_after_admission": _events("time = timestamp '2120-02-01'", _of("drg")),
    "result_after_specimen": _events("time = timestamp '2120-03-03'", _of("lab_specimen")),
    "split_known": _patients("split = 'validation'", "subject_id = 1"),
    "split_from_id": _patients("split = 'tuning'", "subject_id = 1"),
    "patient_in_one_split": "insert into timelines.patients select subject_id, sex, born_at, died_at, 'tuning'"
    " from timelines.patients where subject_id = 1",
    "train_has_patients": _patients("split = 'tuning'", "split = 'train'"),
    "tuning_has_patients": _patients("split = 'train'", "split = 'tuning'"),
    "held_out_has_patients": _patients("split = 'train'", "split = 'held_out'"),
    "train_share": _patients("split = 'tuning'"),
    "tuning_share": _patients("split = 'tuning'"),
    "held_out_share": _patients("split = 'held_out'"),
    "code_present": "update timelines.codes set code = ' ' where event_kind = 'omr'",
    "code_prefix_known": "update timelines.codes set code = 'DIAGNOSIS//ICD//10//I10' where event_kind = 'drg'",
    "code_counts_agree": "delete from tokens.code_counts where event_kind = 'drg'",
    "code_has_tokens": "delete from tokens.code_tokens where event_kind = 'drg'",
    "code_without_tokens": "insert into tokens.code_tokens values ('birth', 'MEDS_BIRTH', 0, 'birth_death', 'MEDS_BIRTH', 10)",
    "breaks_where_due": "delete from tokens.quantile_breaks",
    "breaks_complete": "delete from tokens.quantile_breaks where break_index = 5",
    "breaks_monotone": "update tokens.quantile_breaks set upper_edge = upper_edge - 0.05 where break_index = 9",
    "breaks_of_one_unit": "insert into timelines.codes by name select * replace (999 as code_id, 'g/L' as unit)"
    f" from timelines.codes where event_kind = 'lab_result'; {_events('code_id = 999', _of('lab_result'))}",
    "breaks_from_train": "update tokens.quantile_breaks set n_values = 24",
    "breaks_within_train": "update tokens.quantile_breaks set upper_edge = 50 where break_index = 9",
    "drug_mapping_complete": "delete from tokens.drug_mapping",
    "icd_mapping_complete": "update tokens.icd_mapping set n_events = n_events + 1",
    "drug_share_mapped": "insert into tokens.drug_mapping values ('saline', null, null, -10)",
    "icd_share_mapped": "insert into tokens.icd_mapping values ('cm', '4019', 'I10', 1, -5)",
    "event_written_once": "insert into tokens.written_events from tokens.written_events where subject_id = 1 and event_index = 10",
    "written_key_present": _tokens("event_index = null", "event_index = 10"),
    "event_has_own_tokens": _tokens("n_interval_tokens = len(token_ids)", "event_index = 10"),
    "gap_tokens_after_a_gap": "update tokens.written_events set n_interval_tokens = 1, token_ids = [5] || token_ids where subject_id = 1"
    " and event_index = (select min(event_index) from tokens.written_events where subject_id = 1)",
    "token_time_present": _tokens("time = null", "event_index = 10"),
    "token_time_non_decreasing": _tokens("time = time - interval 1 day", "event_index = 10"),
    "patient_tokens_in_one_split": _tokens("split = 'tuning'", "event_index > 10"),
    "token_split_agrees": _tokens("split = 'tuning'", "true"),
    "token_id_present": _tokens("token_ids = [null]::integer[]", "event_index = 10"),
    "token_id_known": _tokens("token_ids = [60000]", "event_index = 10"),
    "pad_never_occurs": _tokens("token_ids = [0]", "event_index = 10"),
    "static_tokens_apart": "update tokens.written_events set token_ids = [(select min(token_id) from tokens.static_prefix)]"
    " where subject_id = 1 and event_index = 10",
    "train_counts_agree": "update tokens.vocabulary set count_train = count_train + 1 where token_id = 5",
    "vocabulary_contiguous": "update tokens.vocabulary set token_id = 500 where token_id = 5",
    "vocabulary_unique": "update tokens.vocabulary set token = 'PAD' where token_id = 5",
    "family_known": "update tokens.vocabulary set family = 'odd' where token_id = 5",
    "pad_is_zero": "update tokens.vocabulary set token = 'START' where token_id = 0",
    "vocabulary_size": "insert into tokens.vocabulary select i, 'T' || i, 'drug', 0, 0 from range(100, 65700) as numbers (i)",
    "prefix_where_tokens": "delete from tokens.static_prefix where subject_id = 2",
    "prefix_from_start": "update tokens.static_prefix set from_event_index = 3 where subject_id = 2 and from_event_index = 0",
    "prefix_complete": "delete from tokens.static_prefix where subject_id = 2 and slot = 5 and from_event_index > 0",
    "prefix_split_agrees": "update tokens.static_prefix set split = 'held_out' where subject_id = 2",
    "raw_rows_balance": "delete from timelines.ledger where source_table = 'hosp.emar' and outcome = 'used'",
    "raw_rows_read": "delete from scratch.staging.stg_hosp__emar where emar_seq = 1",
    "set_aside_rows_kept": "delete from timelines.quarantine where is_row_event",
    "candidates_conserved": "delete from timelines.quarantine where not is_row_event",
    "candidates_unchanged": _events("numeric_value = numeric_value + 1", _of("omr")),
    "token_ledger_balances": "delete from tokens.token_ledger where event_kind = 'drg'",
    "tokenised_events_streamed": "delete from tokens.written_events where subject_id = 1 and event_index = 10",
    "stream_is_the_timeline": _tokens("time = time + interval 1 second", "event_index = 10"),
    **{
        f"raw_key_{table.module}_{table.name}": f"insert into scratch.staging.{table.staging_model}"
        f" from scratch.staging.{table.staging_model} limit 1"
        for table in SETTINGS.tables
        if table.key
    },
    **{f"has_rows_{table.replace('.', '_')}": f"delete from {_UNDER.get(table, table)}" for table in FLOORS},
    "has_rows_tokens_written_events": "delete from tokens.written_events",
    "has_rows_events_event_candidates": "delete from scratch.events.event_candidates",
    **{
        f"has_rows_staging_{table.staging_model}": f"delete from scratch.staging.{table.staging_model}"
        for table in SETTINGS.tables
    },
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_warehouse(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def warehouse(sound: Path, tmp_path: Path) -> Path:
    """A sound warehouse of the test's own, to be spoilt."""
    for path in (sound, validate.scratch_beside(sound)):
        shutil.copy(path, tmp_path)
    return tmp_path / sound.name


@pytest.fixture
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute(f"attach '{validate.scratch_beside(warehouse)}' as scratch")
        yield opened


def _break(warehouse: Path, name: str) -> None:
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute(f"attach '{validate.scratch_beside(warehouse)}' as scratch")
        opened.execute(BREAKS[name])


def test_every_expectation_has_a_break() -> None:
    assert set(BREAKS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_break_fails_its_expectation(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    expectation = ALL[name]
    assert judge([expectation], measure(connection, [expectation])) == {name: True}
    connection.execute(BREAKS[name])
    figures = measure(connection, [expectation])
    assert judge([expectation], figures) == {name: False}
    rows = connection.execute(expectation.query).fetchall()
    if expectation.breach:
        # The query that is shown to the user finds the very rows that were counted.
        assert len(rows) == min(figures[name], 20)
    elif expectation.look:
        assert rows


def _figures(connection: duckdb.DuckDBPyConnection, *names: str) -> list[float | int | None]:
    figures = measure(connection, [ALL[name] for name in names])
    return [figures[name] for name in names]


def test_raw_rows_of_one_code_and_minute_out_of_order_are_found(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_events("code_id = 0, source_key = '0'", "event_index = 1"))
    assert _figures(connection, "ties_in_order", "tie_rank_non_decreasing") == [1, 0]


@pytest.mark.parametrize("kind", ["ed_registration", "demographic", "transfer", "service", "drug_order"])
def test_each_fact_of_admitted_patients_alone_is_found_before_its_admission(
    kind: str, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute(_events("time = timestamp '2120-03-01 04:00'", _of(kind)))
    assert _figures(connection, "admission_not_announced", "coded_at_discharge") == [1, 0]
    # Every visit to the emergency department makes a transfer: it announces nothing.
    connection.execute(
        "update timelines.codes set code = 'TRANSFER_TO//ED//Emergency Department' where event_kind = 'transfer'"
    )
    assert _figures(connection, "admission_not_announced") == [int(kind != "transfer")]


@pytest.mark.parametrize("kind", ["diagnosis", "procedure", "drg", "hcpcs", "ed_diagnosis"])
def test_each_coded_or_billed_fact_is_found_before_its_stay_is_over(
    kind: str, connection: duckdb.DuckDBPyConnection
) -> None:
    name = "billed_at_the_end" if kind in ("hcpcs", "ed_diagnosis") else "coded_at_discharge"
    connection.execute(_events("time = time - interval 1 day", _of(kind)))
    assert _figures(connection, name) == [1]
    # Without the end of its stay, none can be said to be told in time.
    connection.execute("delete from scratch.events.event_candidates where event_kind like '%discharge'")
    connection.execute(
        "delete from scratch.events.event_candidates where event_kind = 'ed_departure' and subject_id > 1"
    )
    assert _figures(connection, name)[0] > 1


def test_diagnoses_of_the_emergency_department_are_judged_where_its_stays_are_told(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("delete from scratch.events.event_candidates where event_kind = 'ed_departure'")
    assert _figures(connection, "billed_at_the_end") == [0]


def test_the_ledger_is_judged_for_every_raw_table(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("update timelines.ledger set n_rows = n_rows + 1 where outcome = 'read'")
    assert _figures(connection, "raw_rows_balance", "raw_rows_read") == [len(SETTINGS.tables)] * 2


def test_a_diagnosis_known_during_the_stay_is_told_and_not_refused_where_the_build_asked_for_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(BREAKS["coded_at_discharge"])
    leaky = expectations(replace(SETTINGS, icd_at="admission"))
    figures = measure(connection, leaky)
    verdicts = judge(leaky, figures)
    assert figures["coded_at_discharge"] == 1
    assert verdicts["coded_at_discharge"] and verdicts["coded_after_admission"]


def test_settings_are_those_that_the_warehouse_was_built_with(connection: duckdb.DuckDBPyConnection) -> None:
    assert read_settings(connection) == SETTINGS
    connection.execute("update timelines.settings set value = '\"admission\"' where name = 'icd_at'")
    assert read_settings(connection) == replace(SETTINGS, icd_at="admission")
    connection.execute("delete from timelines.settings")
    with pytest.raises(UserError, match="does not say how it was built"):
        read_settings(connection)


def test_great_expectations_judges_as_the_limits_say(tmp_path: Path) -> None:
    scan = Scan("none", (), "select 1 as one")
    limits = {"none": NONE, "floor": at_least(1), "share": Limit(0, 1), "exact": Limit(6, 6)}
    values = (None, -0.5, 0, 0.5, 1, 1.5, 6, 10**12)
    judged = [
        Expectation("suite", f"{name}_{i}", "Description.", scan, figure="1", limit=limit)
        for name, limit in limits.items()
        for i in range(len(values))
    ]
    figures = {expectation.name: values[int(expectation.name[-1])] for expectation in judged}
    assert run_checkpoint(judged, figures, tmp_path / "docs", "limits") == judge(judged, figures)


def test_a_sound_warehouse_passes_until_it_changes(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="has not been validated"):
        require_valid(warehouse)
    assert validate.main(["--warehouse", str(warehouse)]) == 0
    assert "the warehouse is sound" in capsys.readouterr().out
    outcome = json.loads(validation_file(warehouse).read_text())
    assert outcome["success"] is True and outcome["failed"] == []
    assert outcome["n_expectations"] == len(outcome["figures"]) == len(ALL)
    assert require_valid(warehouse) == outcome["warehouse_fingerprint"]
    assert (warehouse.parent / "validation" / "docs" / "index.html").is_file()

    with duckdb.connect(str(warehouse)) as changed:
        changed.execute("update timelines.sorted_candidates set numeric_value = 7 where event_index = 13")
    with pytest.raises(UserError, match="has changed since it was validated"):
        require_valid(warehouse)


def test_a_spoilt_warehouse_fails_and_says_where(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _break(warehouse, "coded_at_discharge")
    docs = warehouse.parent / "docs"
    assert validate.main(["--warehouse", str(warehouse), "--docs", str(docs)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED coded_at_discharge: observed 1, expected 0" in printed
    assert "diagnosis 1" in printed and f"attach '{validate.scratch_beside(warehouse)}'" in printed
    outcome = json.loads(validation_file(warehouse).read_text())
    failed = {failure["name"]: failure for failure in outcome["failed"]}
    assert outcome["success"] is False
    assert failed["coded_at_discharge"]["observed"] == 1 and failed["coded_at_discharge"]["expected"] == "0"
    assert failed.keys() >= {"time_non_decreasing"} and failed.keys().isdisjoint({"death_last", "token_split_agrees"})
    with pytest.raises(UserError, match="failed"):
        require_valid(warehouse)

    # The index tells without any script or network what failed.
    rows = (docs / "index.html").read_text().split("<tr")
    assert any("FAILED" in row and "<td>coded_at_discharge</td>" in row and "<td>1</td>" in row for row in rows)

    # Figures leave the warehouse, rows do not.
    pages = list(docs.rglob("*.html"))
    written = "".join(page.read_text() for page in pages) + validation_file(warehouse).read_text() + printed
    assert "coded_at_discharge" in written and "ICD//9//4280" not in written and "2120-03" not in written

    # Data Docs replace Data Docs, and nothing else.
    (docs / "left_behind").touch()
    assert validate.main(["--warehouse", str(warehouse), "--docs", str(docs)]) == 1
    assert not (docs / "left_behind").exists()
    assert {path.name for path in docs.parent.iterdir()}.isdisjoint({"docs.partial", "docs.old"})


def test_a_folder_of_something_else_is_left_alone(warehouse: Path) -> None:
    folder = warehouse.parent / "thesis"
    folder.mkdir()
    (folder / "chapter_1.tex").touch()
    with pytest.raises(UserError, match="--docs"):
        validate.main(["--warehouse", str(warehouse), "--docs", str(folder)])
    assert [path.name for path in folder.iterdir()] == ["chapter_1.tex"]
    assert not validation_file(warehouse).exists()


def test_bad_usage_is_one_line_and_exit_status_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "warehouse.validate", "--warehouse", str(tmp_path / "warehouse.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: no warehouse at") and done.stderr.count("\n") == 1
    assert "dbt build" in done.stderr


def test_what_is_missing_is_named(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute("drop table timelines.quarantine; drop table tokens.static_prefix")
    with pytest.raises(UserError, match=r"no table timelines\.quarantine, tokens\.static_prefix; run `dbt build`"):
        validate.main(["--warehouse", str(warehouse)])
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute("drop table timelines.ledger")
    with pytest.raises(UserError, match=r"does not say how it was built .*ledger"):
        validate.main(["--warehouse", str(warehouse)])
    validate.scratch_beside(warehouse).unlink()
    with pytest.raises(UserError, match="no scratch database"):
        validate.main(["--warehouse", str(warehouse)])


def test_a_missing_column_and_a_file_that_is_no_database_are_users_mistakes(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute("alter table tokens.vocabulary drop column family")
    with pytest.raises(UserError, match="built by another version"):
        validate.main(["--warehouse", str(warehouse)])
    monkeypatch.setenv("EHR_MEMORY_LIMIT", "plenty")
    with pytest.raises(UserError, match="cannot open"):
        validate.main(["--warehouse", str(warehouse)])
    monkeypatch.delenv("EHR_MEMORY_LIMIT")
    warehouse.write_text("no database")
    with pytest.raises(UserError, match="cannot open"):
        validate.main(["--warehouse", str(warehouse)])


def test_an_unreadable_validation_is_no_validation(warehouse: Path) -> None:
    validation_file(warehouse).parent.mkdir()
    for text in ("{", "[]", "{}"):
        validation_file(warehouse).write_text(text)
        with pytest.raises(UserError, match="cannot be read"):
            require_valid(warehouse)
    with pytest.raises(UserError, match="no warehouse"):
        require_valid(warehouse.with_name("other.duckdb"))


@pytest.mark.parametrize("table", FINGERPRINTED)
def test_fingerprint_is_of_the_content_alone(table: str, connection: duckdb.DuckDBPyConnection) -> None:
    before = warehouse_fingerprint(connection)
    connection.execute(f"create or replace table {table} as from {table} order by hash({table.split('.')[1]})")
    assert warehouse_fingerprint(connection) == before

    column = connection.execute(f"select name from pragma_table_info('{table}') where type = 'VARCHAR'").fetchone()
    number = {"static_prefix": "slot", "code_token_ids": "code_id", "timeline_spans": "n_events"}.get(
        table.split(".")[1]
    )
    changed = f"{column[0]} = 'changed'" if column else f"{number} = 77"
    connection.execute("begin")
    connection.execute(f"update {table} set {changed} where rowid = 3")
    assert warehouse_fingerprint(connection) != before
    connection.execute("rollback")

    connection.execute("begin")
    connection.execute(f"update {table} set {changed} where rowid = 3; delete from {table} where rowid = 3")
    assert warehouse_fingerprint(connection) != before
    connection.execute("rollback")

    # Two rows alike cancel in a xor, and are still told from two others alike.
    connection.execute(f"insert into {table} from {table} where rowid = 3")
    assert warehouse_fingerprint(connection) != before


def test_the_demo_passes(shared_data: Path, build: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path) -> None:
    build(shared_data / "mimic-iv-demo", data=tmp_path).close()
    outcome = validate.validate(tmp_path / "warehouse.duckdb", tmp_path / "docs")
    assert outcome.failures == []
    assert sum(outcome.figures[f"{split}_has_patients"] for split in SPLITS) == 100
