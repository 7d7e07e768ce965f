"""The whole way of the data by its commands, on a small synthetic cohort and on the MIMIC-IV demo.

The commands are those of the README: each of its command lines runs here, over the cohort of this file.
"""

import csv
import hashlib
import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conftest import REPOSITORY
from tests.pages import shown_queries

ONE_TASK = "hospital_mortality_at_24h"
SMALL_SWEEP = ["--budgets", "1e9,3e9,1e10", "--sizes", "2k,4k,8k", "--eval-tokens", "5000", "--jobs", "1"]


def run(*arguments: str | Path, data: Path, raw: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command of the project over a data folder; its exit status must be `status`."""
    environment = {
        "EHR_DATA": data,
        "MIMIC_IV_ROOT": raw,
        "DBT_TARGET_PATH": data / "target",
        "DBT_LOG_PATH": data / "logs",
        "DBT_USE_COLORS": "false",
        "OMP_NUM_THREADS": "1",
    }
    command = [str(Path(sys.executable).with_name("dbt")) if arguments[0] == "dbt" else arguments[0], *arguments[1:]]
    command = [sys.executable if part == "python" else str(part) for part in command]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder after every stage has run on 150 synthetic patients."""
    data = tmp_path_factory.mktemp("chain") / "data"
    raw = data / "mimic-iv"
    run("python", "-m", "warehouse.synth", "--patients", "150", "--seed", "3", "--out", raw, data=data, raw=raw)
    run("dbt", "build", data=data, raw=raw)
    run("python", "-m", "warehouse.validate", data=data, raw=raw)
    run("python", "-m", "warehouse.shards", "--out", data / "shards", data=data, raw=raw)
    run(
        "python",
        "ml/sweep.py",
        "--shards",
        data / "shards",
        *SMALL_SWEEP,
        "--runs-dir",
        data / "runs",
        data=data,
        raw=raw,
    )
    run("python", "-m", "warehouse.tasks", "--out", data / "tasks", data=data, raw=raw)
    scored = ["--run", data / "runs", "--tasks", ONE_TASK, "--prompts", "4", "--max-tokens", "32"]
    run("python", "ml/evaluate.py", *scored, data=data, raw=raw)
    run("dbt", "run", "--select", "runs", data=data, raw=raw)
    run("python", "-m", "analysis.report", "--out", data / "report", data=data, raw=raw)
    run("dbt", "run", "--select", "analysis", data=data, raw=raw)
    return data


def test_every_raw_row_is_accounted_for(chain):
    with duckdb.connect(str(chain / "warehouse.duckdb"), read_only=True) as connection:
        unbalanced = connection.execute(
            "select source_table from timelines.ledger group by source_table "
            "having coalesce(sum(n_rows) filter (outcome = 'read'), 0) <> sum(n_rows) filter (outcome <> 'read')"
        ).fetchall()
        assert unbalanced == []
        read = dict(
            connection.execute("select source_table, n_rows from timelines.ledger where outcome = 'read'").fetchall()
        )
    assert read["hosp.patients"] == 150 and read["hosp.labevents"] > 10_000


def test_patients_sorted_in_blocks_make_the_same_warehouse(chain, tmp_path):
    data = tmp_path / "data"
    run("dbt", "run", "--vars", "{bytes_a_candidate: 1000000, min_token_count: 10}", data=data, raw=chain / "mimic-iv")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{chain / 'warehouse.duckdb'}' as one (read_only)")
        connection.execute(f"attach '{data / 'warehouse.duckdb'}' as blocks (read_only)")
        tables = {
            "timelines.timeline_events": "subject_id, event_index, time, code, source_key, numeric_value, text_value",
            "timelines.quarantine": "subject_id, time, code, source_key, set_aside_reason",
            "tokens.tokens": "subject_id, event_index, position, token_id",
        }
        for table, columns in tables.items():
            rows = [f"select {columns} from {side}.{table}" for side in ("one", "blocks")]
            for first, second in (rows, rows[::-1]):
                assert connection.execute(f"select count(*) from ({first} except all {second})").fetchone() == (0,)
        # Behind the timelines of a block stands what is set aside of its patients.
        kept, last = connection.execute(
            "select count(*), max(event_number) + 1 from blocks.timelines.ordered_events"
        ).fetchone()
        assert last > kept


def test_runs_reach_the_warehouse_as_they_stand_in_their_folders(chain):
    folders = [path for path in (chain / "runs").iterdir() if (path / "result.json").is_file()]
    assert len(folders) == 9
    losses = {path.name: json.loads((path / "result.json").read_text())["held_out_loss"] for path in folders}
    with duckdb.connect(str(chain / "warehouse.duckdb"), read_only=True) as connection:
        points = dict(connection.execute("select run_id, loss from runs.isoflop_points").fetchall())
    assert points == losses
    # Uniform guessing over the vocabulary is the most a model should ever lose.
    vocabulary = len(json.loads((chain / "shards" / "manifest.json").read_text())["vocabulary"])
    assert all(0 < loss < math.log(vocabulary) for loss in losses.values())


def test_every_run_has_its_scores_beside_its_loss(chain):
    with duckdb.connect(str(chain / "warehouse.duckdb"), read_only=True) as connection:
        scored = connection.execute(
            "select count(distinct run_id), count(distinct method), min(n_rows), max(n_rows) from runs.task_scores "
            f"where task = '{ONE_TASK}' and subgroup = 'all' and held_out_loss > 0"
        ).fetchone()
    assert scored == (9, 3, 4, 4)


def test_fit_and_report_tell_the_same(chain):
    done = run("python", "-m", "analysis.fit", chain / "warehouse.duckdb", "--json", data=chain, raw=chain)
    fit = json.loads(done.stdout)
    assert fit["points"] == 9
    parabola = fit["methods"]["isoflop_parabola"]
    assert set(parabola) >= {"estimates", "intervals", "objective", "status", "notes"}
    assert (chain / "report" / "index.html").is_file()
    tables = list((chain / "report" / "tables").glob("*.csv"))
    assert tables and all(list(csv.reader(path.open())) for path in tables)


def test_a_second_sweep_runs_nothing(chain):
    before = {path: path.stat().st_mtime_ns for path in (chain / "runs").rglob("result.json")}
    run(
        "python",
        "ml/sweep.py",
        "--shards",
        chain / "shards",
        *SMALL_SWEEP,
        "--runs-dir",
        chain / "runs",
        data=chain,
        raw=chain,
    )
    assert before == {path: path.stat().st_mtime_ns for path in (chain / "runs").rglob("result.json")}


def test_two_builds_give_byte_identical_shards(chain, tmp_path, monkeypatch):
    data, raw = tmp_path / "data", chain / "mimic-iv"
    # Rows then arrive in another order at every sort and join.
    monkeypatch.setenv("EHR_THREADS", "1")
    run("dbt", "run", data=data, raw=raw)
    run("python", "-m", "warehouse.validate", data=data, raw=raw)
    run("python", "-m", "warehouse.shards", "--out", data / "shards", data=data, raw=raw)
    assert digests(data / "shards") == digests(chain / "shards")


def digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_warehouse_that_changed_since_its_validation_is_not_exported(chain, tmp_path):
    data = tmp_path / "data"
    run("dbt", "run", data=data, raw=chain / "mimic-iv")
    never = run("python", "-m", "warehouse.shards", "--out", tmp_path / "out", data=data, raw=chain, status=2)
    assert "validate" in never.stderr and len(never.stderr.strip().splitlines()) == 1
    run("python", "-m", "warehouse.validate", data=data, raw=chain)
    with duckdb.connect(str(data / "warehouse.duckdb")) as connection:
        connection.execute("update timelines.sorted_candidates set numeric_value = 1 where rowid = 0")
    stale = run("python", "-m", "warehouse.shards", "--out", tmp_path / "out", data=data, raw=chain, status=2)
    assert len(stale.stderr.strip().splitlines()) == 1 and not (tmp_path / "out").exists()


def test_the_chain_runs_on_the_mimic_iv_demo(shared_data, tmp_path):
    data, raw = tmp_path / "data", shared_data / "mimic-iv-demo"
    run("dbt", "build", data=data, raw=raw)
    run("python", "-m", "warehouse.validate", data=data, raw=raw)
    run("python", "-m", "warehouse.shards", "--out", data / "shards", data=data, raw=raw)
    run(
        *(
            "python",
            "ml/train.py",
            "--shards",
            data / "shards",
            "--size",
            "4k",
            "--flops",
            "1e9",
            "--eval-tokens",
            "5000",
        ),
        *("--run-dir", data / "runs" / "demo"),
        data=data,
        raw=raw,
    )
    result = json.loads((data / "runs" / "demo" / "result.json").read_text())
    assert result["status"] == "done"
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        read = dict(
            connection.execute("select source_table, n_rows from timelines.ledger where outcome = 'read'").fetchall()
        )
        subjects = connection.execute("select count(distinct subject_id) from timelines.timeline_events").fetchone()
    assert subjects == (100,)
    # Row counts as published for the demo.
    assert (read["hosp.labevents"], read["hosp.emar"], read["icu.icustays"]) == (107_727, 35_835, 140)


def readme_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "README.md").read_text(), flags=re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    # `make test` has made the environment, and `make demo` is too long to stand in a test of its own.
    elsewhere = ("#", "make ", "export ", "python -m venv", "source ", "pip ")
    return [line for line in lines if line and not line.startswith(elsewhere)]


@pytest.mark.parametrize("command", readme_commands())
def test_a_command_of_the_readme_runs(chain, command):
    # Paths under data/ are those of this chain; a run of the README's size would take hours here.
    command = command.replace("data/", f"{chain}/").replace("--size 1M --flops 1e15", "--size 4k --flops 1e9")
    command = re.sub(r"--budgets \S+", " ".join(SMALL_SWEEP), command).replace("--patients 20000", "--patients 20")
    command = command.replace(f"--out {chain}/mimic-iv", f"--out {chain.parent}/another")
    command = command.replace("--tasks all --budget-minutes 60", f"--tasks {ONE_TASK} --prompts 4 --max-tokens 32")
    command = command.replace("ml/baselines.py", f"ml/baselines.py --tasks {ONE_TASK}")
    run(*shlex.split(command), data=chain, raw=chain / "mimic-iv")


@pytest.mark.parametrize(("query", "output"), shown_queries(REPOSITORY / "README.md"))
def test_a_query_of_the_readme_has_the_columns_that_are_shown(chain, query, output):
    with duckdb.connect(str(chain / "warehouse.duckdb"), read_only=True) as connection:
        columns = [name for name, *_ in connection.execute(query).description]
        assert connection.fetchall()
    assert output.splitlines()[0].split() == columns


@pytest.mark.slow
def test_make_demo_ends_with_the_path_of_the_report_and_the_exponents(tmp_path):
    environment = Path(sys.prefix)
    small = ["DEMO_PATIENTS=400", "DEMO_BUDGETS=1e9,3e9,1e10", "DEMO_SIZES=4", "DEMO_SEEDS=0", "DEMO_VARS={n_labs: 20}"]
    # The environment of the tests serves as the demo's: --old-file keeps make from installing it anew.
    make = [
        "make",
        "--old-file",
        f"{environment}/installed",
        "demo",
        f"VENV={environment}",
        f"EHR_DATA={tmp_path}/data",
    ]
    done = subprocess.run([*make, *small], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"report: {tmp_path}/data/demo/report/index.html" in done.stdout
    assert "a (N* ~ C^a)" in done.stdout and (tmp_path / "data" / "demo" / "report" / "index.html").is_file()


def test_make_clean_leaves_data_and_runs_alone():
    make = ["make", "--dry-run", "clean"]
    removed = subprocess.run(make, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()[2:]
    assert "data/demo" in removed and not {"data", "data/mimic-iv", "data/runs", "."} & set(removed)
