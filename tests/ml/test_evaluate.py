"""Scoring of a run: what is written, what is taken up again, samples shared by runs, leaks, refusals in one line."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import ml.evaluate as evaluate_module
from ml.data import Split, read_manifest
from ml.evaluate import CHUNK, Evaluation, main, open_bench, parse, runs_in, settle
from ml.readings import AVERAGE, HITS
from ml.score_files import read_lines
from ml.tasks import read_tasks
from ml.train import main as train
from ml.trained import load_run
from tests.ml.conftest import VOCABULARY, write_shards
from tests.ml.made_tasks import definition, write_tasks
from tests.ml.shortened import Changed
from warehouse.errors import UserError

N_HELD_OUT = 2 * CHUNK + 5
TASKS = ("death", "long_stay", "readmission", "kind")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Path]]:
    """Shards, four tasks at two moments, and two finished runs of different size."""
    folder = tmp_path_factory.mktemp("evaluate")
    shards = write_shards(folder / "shards", {"train": [40] * 120, "tuning": [40] * 30, "held_out": [40] * N_HELD_OUT})
    definitions = [
        definition("death", "admission"),
        definition("long_stay", "admission", outcome={"kind": "duration", "seconds": 3 * 3600.0}),
        definition("readmission", "discharge", horizon_seconds=30 * 86400.0),
        definition(
            "kind",
            "discharge",
            label_type="integer",
            outcome={"kind": "class", "tokens": {str(30 + i): i for i in range(5)}},
        ),
    ]
    shares = {"death": 0.3, "long_stay": 0.3, "readmission": 0.8, "kind": 0.8}
    tasks = write_tasks(folder / "tasks", read_manifest(shards), definitions, shares)
    runs = []
    for size in ("2k", "5k"):
        runs.append(folder / "runs" / size)
        words = ["--size", size, "--context", "48", "--batch-tokens", "96", "--eval-tokens", "200", "--device", "cpu"]
        assert train(["--shards", str(shards), "--run-dir", str(runs[-1]), "--epochs", "1", *words]) == 0
    return shards, tasks, runs


def words(made: tuple[Path, Path, list[Path]], *more: str, run: list[Path] | None = None) -> list[str]:
    """The command line for quick scores."""
    shards, tasks, runs = made
    names = [str(one) for one in run or runs[1:]]
    few = ["--rollouts", "3", "--max-tokens", "24", "--device", "cpu"]
    return ["--run", *names, "--shards", str(shards), "--task-dir", str(tasks), *few, *more]


@pytest.fixture(scope="module")
def scored(made: tuple[Path, Path, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation of the larger run on all its prompts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EHR_DATA", str(tmp_path_factory.mktemp("data")))
        assert main(words(made)) == 0
    return made[2][1] / "evaluation"


def test_every_task_has_scores_by_every_method(scored: Path) -> None:
    rows = [row for row in read_lines(scored / "scores.jsonl") if row["subgroup"] == "all"]
    assert {(row["task"], row["method"]) for row in rows} == {(t, m) for t in TASKS for m in (HITS, AVERAGE, "probe")}
    for row in rows:
        assert row["n_rows"] == N_HELD_OUT and row["split"] == "held_out"
        assert (row["rollouts"], row["undecided_share"] is None) == (
            (None, True) if row["method"] == "probe" else (3, False)
        )
        assert row["accuracy" if row["task"] == "kind" else "log_loss"] is not None
    table = pq.read_table(scored / "predictions" / f"death.{AVERAGE}.parquet")
    assert table.column_names[:3] == ["subject_id", "prediction_time", "boolean_value"]
    risks = table.column("predicted_boolean_probability").to_numpy()
    assert len(risks) == N_HELD_OUT and (risks > 0).all() and (risks < 1).all()


def test_a_further_start_simulates_nothing_again(
    made: tuple[Path, Path, list[Path]], scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_lines(scored / "scores.jsonl")
    monkeypatch.setattr(evaluate_module, "simulate", None)  # whoever calls it fails
    assert main(words(made, "--methods", "rollout")) == 0
    assert read_lines(scored / "scores.jsonl") == before
    with pytest.raises(TypeError):
        main(words(made, "--methods", "rollout", "--seed", "1"))


def test_a_damaged_file_of_rollouts_is_simulated_again(made: tuple[Path, Path, list[Path]], scored: Path) -> None:
    before = read_lines(scored / "scores.jsonl")
    next((scored / "rollouts").rglob("admission-000000.npz")).write_bytes(b"torn")
    assert main(words(made, "--methods", "rollout")) == 0
    assert read_lines(scored / "scores.jsonl") == before


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(
    made: tuple[Path, Path, list[Path]], scored: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(made[2][1], run, ignore=shutil.ignore_patterns("evaluation"))
    assert main(words(made, "--prompts", "10", "--methods", "rollout", run=[run])) == 0
    name = f"predictions/death.{AVERAGE}.parquet"
    few, all_ = (pq.read_table(folder / name).to_pandas() for folder in (run / "evaluation", scored))
    assert len(few) == 10
    assert few.subject_id.isin(all_.subject_id).all()
    rows = [row for row in read_lines(run / "evaluation" / "scores.jsonl") if row["subgroup"] == "all"]
    assert all("a fixed sample of 10 of" in row["note"] for row in rows)


def test_a_budget_settles_one_sample_for_all_runs(made: tuple[Path, Path, list[Path]], tmp_path: Path) -> None:
    runs = [tmp_path / one.name for one in made[2]]
    for old, new in zip(made[2], runs, strict=True):
        shutil.copytree(old, new, ignore=shutil.ignore_patterns("evaluation"))
    assert main(words(made, "--budget-minutes", "1e-9", "--methods", "rollout", run=runs)) == 0
    subjects = [
        pq.read_table(one / "evaluation" / "predictions" / f"death.{HITS}.parquet").column("subject_id").to_pylist()
        for one in runs
    ]
    assert subjects[0] == subjects[1] and len(subjects[0]) == CHUNK


@pytest.mark.parametrize("how", ["permuted", "removed"])
def test_what_comes_after_the_prediction_time_changes_no_prediction(
    made: tuple[Path, Path, list[Path]], how: str, tmp_path: Path
) -> None:
    shards, _, runs = made
    bench = open_bench(parse(words(made)))
    run = load_run(runs[1], bench.device)
    for moment in bench.moments:
        last_event = dict(zip(moment.patient.tolist(), moment.event.tolist(), strict=True))
        changed = Changed(read_manifest(shards), "held_out", last_event, how)
        found = []
        for name, split in (("own", bench.splits["held_out"]), (how, changed)):
            one = replace(bench, splits=bench.splits | {"held_out": split})
            folder = tmp_path / moment.name / name
            found.append(Evaluation(replace(run, folder=folder), one, "weights").chunk(moment, 0)[0])
        for array in ("hit", "decided", "average", "against"):
            assert np.array_equal(getattr(found[0], array), getattr(found[1], array), equal_nan=True)


def test_without_a_budget_all_prompts_or_so_many_are_taken(made: tuple[Path, Path, list[Path]]) -> None:
    bench = open_bench(parse(words(made)))
    evaluation = Evaluation(load_run(made[2][1], bench.device), bench, "weights")
    assert settle(evaluation, None, 7) == {"admission": 7, "discharge": 7}
    assert settle(evaluation, None, None) == {"admission": N_HELD_OUT, "discharge": N_HELD_OUT}


def test_labels_by_chance_are_not_predicted(made: tuple[Path, Path, list[Path]], scored: Path) -> None:
    rows = [row for row in read_lines(scored / "scores.jsonl") if row["subgroup"] == "all" and row["auroc"] is not None]
    assert rows
    for row in rows:
        assert row["auroc_low"] <= 0.5 <= row["auroc_high"]


def test_a_folder_of_runs_stands_for_its_finished_ones(
    made: tuple[Path, Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    for name, old in (("one", made[2][0]), ("two", made[2][1])):
        shutil.copytree(old, folder / name, ignore=shutil.ignore_patterns("evaluation"))
    assert runs_in(folder) == [folder / "one", folder / "two"]
    (folder / "one" / "result.json").write_text('{"status": "failed", "reason": "diverged"}')
    assert runs_in(folder) == [folder / "two"]
    assert "left out: 1 failed" in capsys.readouterr().out
    (folder / "two" / "result.json").unlink()
    with pytest.raises(UserError, match="no finished run"):
        runs_in(folder)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--tasks", "deth"], "no task 'deth'"),
        (["--methods", "guess"], "--methods guess"),
        (["--budget-minutes", "0"], "--budget-minutes 0"),
        (["--prompts", "0"], "--prompts 0"),
        (["--rollouts", "0"], "at least one rollout"),
    ],
)
def test_wrong_options_are_told_in_one_line(made: tuple[Path, Path, list[Path]], more: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told) as error:
        main(words(made, *more))
    assert "\n" not in str(error.value)


def test_runs_and_tasks_of_another_build_are_refused(made: tuple[Path, Path, list[Path]], tmp_path: Path) -> None:
    _, _, runs = made
    with pytest.raises(UserError, match="no run at"):
        main(words(made, run=[tmp_path / "nowhere"]))
    bare = tmp_path / "bare"
    shutil.copytree(runs[1], bare)
    (bare / "checkpoint" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="weights were removed"):
        main(words(made, run=[bare]))
    other = write_shards(
        tmp_path / "other", {"train": [20] * 4, "tuning": [20], "held_out": [20]}, vocabulary=VOCABULARY[:-1]
    )
    with pytest.raises(UserError, match="different builds"):
        main([*words(made), "--shards", str(other)])
    same = write_tasks(tmp_path / "tasks", read_manifest(other), [definition("death", "admission")], {"death": 0.5})
    with pytest.raises(UserError, match="was trained with vocabulary"):
        main([*words(made), "--shards", str(other), "--task-dir", str(same)])
    assert len(Split(read_manifest(other), "held_out")) == 1 and np.isfinite(read_tasks(same).time_seconds[20])
