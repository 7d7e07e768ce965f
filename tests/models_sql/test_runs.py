"""The run tables over run folders: none, all statuses, torn and damaged files."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ml.runs import write_lines
from ml.scores import FIELDS, NUMBERS

CONFIG = {
    "run_id": "x",
    "configuration": "abc",
    "seed": 0,
    "size": "25k",
    "shard_fingerprint": "f",
    "vocabulary_sha256": "v",
    "n_with_head": 1000,
    "n_total": 1500,
    "n_non_embedding": 500,
    "flops_budget": 1e11,
    "unique_tokens": 4000,
    "d_model": 32,
    "n_layers": 2,
    "learning_rate": 0.02,
    "tied": False,
}
START = {"created_at": "2026-01-02T03:04:05Z", "device": "cpu"}
RESULT = {
    "status": "done",
    "reason": None,
    "tokens_seen": 8000,
    "epochs": 2.0,
    "flops": 9.9e10,
    "flops_6nd": 4.8e7,
    "held_out_loss": 2.5,
    "tuning_loss": 2.6,
    "finished_at": "2026-01-02T03:05:05Z",
}
FAMILY = {"run_id": "x", "split": "held_out", "family": "lab", "loss": 1.5, "loss_se": 0.1, "tokens": 40}
LINE = {"run_id": "x", "step": 1, "tokens_seen": 100, "flops": 1e9, "train_loss": 6.0, "tuning_loss": None}


def write(folder: Path, **records: dict | str) -> None:
    """Write a run folder's files; text is written as it is."""
    folder.mkdir(parents=True)
    for name, record in records.items():
        suffix = "jsonl" if name in ("progress", "families") else "json"
        text = record if isinstance(record, str) else json.dumps(record)
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")


@pytest.fixture
def build(run_dbt: Callable, tmp_path: Path) -> Callable[[], duckdb.DuckDBPyConnection]:
    """Build the models over tmp_path/runs and open the warehouse."""

    def run() -> duckdb.DuckDBPyConnection:
        ended = run_dbt("build", "--select", "runs", env={"EHR_DATA": tmp_path})
        assert ended.returncode == 0, ended.stdout
        return duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True)

    return run


def test_no_run_gives_empty_typed_tables(build: Callable) -> None:
    with build() as warehouse:
        for table in ("runs", "curves", "family_losses", "isoflop_points", "task_scores", "task_calibration"):
            assert warehouse.sql(f"select count(*) from runs.{table}").fetchone() == (0,)
        points = dict(warehouse.sql("select column_name, column_type from (describe runs.isoflop_points)").fetchall())
    assert list(points) == [
        *("run_id", "configuration", "seed", "budget", "flops", "flops_6nd", "n", "n_total", "n_non_embedding", "d"),
        *(
            "unique_tokens",
            "unique_patients",
            "epochs",
            "loss",
            "tuning_loss",
            "shard_fingerprint",
            "vocabulary_sha256",
        ),
        *("d_model", "n_layers", "learning_rate"),
    ]
    assert {points[name] for name in ("budget", "flops", "n", "d", "unique_tokens", "loss")} == {"DOUBLE"}
    assert (points["seed"], points["run_id"]) == ("INTEGER", "VARCHAR")


def test_statuses_and_points(build: Callable, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    started = CONFIG | START
    write(runs / "planned", plan=CONFIG)
    write(runs / "running", plan=CONFIG, config=started, families=json.dumps(FAMILY))
    scored = RESULT | {"held_out_loss_se": 0.05, "held_out_patients": 12, "scored_share": 0.9}
    families = [json.dumps(FAMILY), json.dumps(FAMILY | {"family": "time", "loss_se": None}), '{"split": "held_o']
    # Laid out as an editor may have left it.
    write(runs / "done", config=json.dumps(started, indent=2), result=scored, families="\n".join(families))
    write(runs / "failed", config=started, result={"status": "failed", "reason": "the loss diverged"})
    write(runs / "no-budget", config=started | {"flops_budget": None}, result=RESULT)
    with build() as warehouse:
        found = warehouse.sql(
            "select run_id, status, reason, seed, n_with_head from runs.runs order by run_id"
        ).fetchall()
        points = warehouse.sql(
            "select run_id, budget, n, d, loss, epochs, learning_rate from runs.isoflop_points"
        ).fetchall()
        times = warehouse.sql(
            "select created_at::text, finished_at::text from runs.runs where run_id = 'done'"
        ).fetchall()
        split = warehouse.sql(
            "select run_id, split, family, loss, loss_se, tokens from runs.family_losses order by family"
        ).fetchall()
        errors = warehouse.sql(
            "select held_out_loss_se, held_out_patients, scored_share from runs.runs where run_id = 'done'"
        ).fetchall()
    assert split == [("done", "held_out", "lab", 1.5, 0.1, 40), ("done", "held_out", "time", 1.5, None, 40)]
    assert errors == [(0.05, 12, 0.9)]
    assert found == [
        ("done", "done", None, 0, 1000),
        ("failed", "failed", "the loss diverged", 0, 1000),
        ("no-budget", "done", None, 0, 1000),
        ("planned", "planned", None, 0, 1000),
        ("running", "running", None, 0, 1000),
    ]
    assert points == [("done", 1e11, 1000.0, 8000.0, 2.5, 2.0, 0.02)]
    assert times == [("2026-01-02 03:04:05", "2026-01-02 03:05:05")]


def test_torn_and_damaged_files_are_left_out(build: Callable, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    lines = [json.dumps(LINE), json.dumps(LINE | {"step": 2, "train_loss": 5.0}), '{"run_id": "x", "step": 3, "tra']
    write(runs / "torn", config=CONFIG | START, progress="\n".join(lines))
    write(runs / "damaged", config='{"seed": 0, "conf', progress=json.dumps(LINE))
    write(runs / "empty", config=CONFIG | START, result="", progress="")
    with build() as warehouse:
        assert warehouse.sql("select run_id, status from runs.runs order by run_id").fetchall() == [
            ("empty", "running"),
            ("torn", "running"),
        ]
        curve = warehouse.sql("select run_id, step, train_loss, tuning_loss from runs.curves order by step").fetchall()
    assert curve == [("torn", 1, 6.0, None), ("torn", 2, 5.0, None)]


def score(task: str, method: str, **others: object) -> dict:
    """A record of scores.jsonl as ml/scores.py makes it."""
    head = {"task": task, "method": method, "split": "held_out", "subgroup": "all", "label_type": "boolean"}
    return dict.fromkeys(FIELDS) | head | {"n_rows": 90, "auroc": 0.8, "log_loss": 0.2} | others


def test_scores_of_runs_and_baselines(build: Callable, tmp_path: Path) -> None:
    """Every field of a record arrives; loss against score, and a baseline beside it, are one query each."""
    fingerprint = "0123456789abcdef"
    for name, loss in (("small", 2.5), ("large", 2.0)):
        folder = tmp_path / "runs" / name
        write(
            folder, config=CONFIG | START | {"shard_fingerprint": fingerprint}, result=RESULT | {"held_out_loss": loss}
        )
        scored = [
            score("death", "probe", auroc=3 - loss),
            score("death", "probe", subgroup="sex=F", auroc=None, note="few"),
        ]
        write_lines(folder / "evaluation" / "scores.jsonl", scored)
    bins = [{"task": "death", "method": "probe", "bin": 1, "n": 45, "mean_risk": 0.1, "observed": 0.2}]
    write_lines(tmp_path / "runs" / "small" / "evaluation" / "calibration.jsonl", bins)
    write(tmp_path / "runs" / "going", config=CONFIG | START)
    write_lines(tmp_path / "runs" / "going" / "evaluation" / "scores.jsonl", [score("death", "probe")])
    numbers = {name: 0.5 for name in NUMBERS}
    baseline = score("death", "boosting", **numbers, n_patients=40, n_events=9, rollouts=20, note="a note")
    write_lines(tmp_path / "baselines" / fingerprint[:12] / "scores.jsonl", [baseline])
    write_lines(tmp_path / "baselines" / fingerprint[:12] / "calibration.jsonl", [bins[0] | {"method": "boosting"}])
    with build() as warehouse:
        curve = warehouse.sql(
            "select run_id, held_out_loss, auroc from runs.task_scores "
            "where task = 'death' and method = 'probe' and subgroup = 'all' order by held_out_loss"
        ).fetchall()
        beside = warehouse.sql(
            "select models.run_id, others.auroc from runs.task_scores as models "
            "inner join runs.task_scores as others using (shard_fingerprint, task, subgroup) "
            "where models.run_id is not null and others.run_id is null order by all"
        ).fetchall()
        found = warehouse.sql("select * from runs.task_scores where run_id is null").df().to_dict("records")[0]
        women = warehouse.sql("select auroc, note from runs.task_scores where subgroup = 'sex=F'").fetchall()
        calibration = warehouse.sql(
            "select run_id, shard_fingerprint, method, bin, n, mean_risk, observed from runs.task_calibration order by all"
        ).fetchall()
    assert curve == [("large", 2.0, 1.0), ("small", 2.5, 0.5)]
    assert beside == [("large", 0.5), ("small", 0.5)]
    assert {name: found[name] for name in FIELDS} == baseline
    assert women == [(None, "few")] * 2
    assert calibration == [
        ("small", fingerprint[:12], "probe", 1, 45, 0.1, 0.2),
        (None, fingerprint[:12], "boosting", 1, 45, 0.1, 0.2),
    ]
