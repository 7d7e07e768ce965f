"""Features, baselines and the best achievable, on tiny shards with made tasks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.baselines import main, sample
from ml.data import Split, read_manifest
from ml.estimators import CLASS, NUMBER, RISK, Part, boosting, linear, prevalence
from ml.features import DAY, Vocabulary, features, prompt_features, vocabulary_of
from ml.prompts import patients_of
from ml.scores import Predictions, records
from ml.tasks import Rows, read_tasks
from tests.ml.conftest import write_shards
from tests.ml.made_tasks import definition, write_tasks
from tests.ml.shortened import Changed
from warehouse.errors import UserError

HADM = 20_000_000


def relabel(tasks: Path, name: str, label: Callable[[Split, int, int], object], shards: Path) -> None:
    """Give a task labels made of (split, patient, event that ends the prompt), and admissions numbered by patient."""
    manifest, path = read_manifest(shards), tasks / f"{name}.parquet"
    rows = pq.read_table(path).to_pylist()
    splits = {split: Split(manifest, split) for split in ("train", "tuning", "held_out")}
    number = {split: {s: i for i, s in enumerate(one.subjects.tolist())} for split, one in splits.items()}
    for row in rows:
        patient = number[row["split"]][row["subject_id"]]
        row["label"] = label(splits[row["split"]], patient, row["prompt_event_index"])
        row["hadm_id"] = HADM + row["subject_id"]
    schema = pq.read_schema(path)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def count_of(split: Split, patient: int, event: int, token: int) -> int:
    """How often a token occurs in a prompt."""
    prompt = split.array(patient, "tokens.u16")[split.array(patient, "events.i32") <= event]
    return int((prompt == token).sum())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Shards, and tasks whose labels follow from the prompt, but for `chance`."""
    folder = tmp_path_factory.mktemp("baselines")
    lengths = {"train": [60] * 260, "tuning": [60] * 60, "held_out": [60] * 90}
    shards = write_shards(folder / "shards", lengths)
    definitions = [
        definition("chance", "noon"),
        definition("often", "noon"),
        definition("days", "noon", label_type="float", outcome={"kind": "time_to_stop", "unit_seconds": 86400}),
        definition("group", "noon", label_type="integer", outcome={"kind": "class", "tokens": {"12": 1}}),
    ]
    tasks = write_tasks(
        folder / "tasks", read_manifest(shards), definitions, dict.fromkeys(("chance", "often", "days", "group"), 0.5)
    )
    relabel(tasks, "often", lambda *row: count_of(*row, 20) + count_of(*row, 21) > 1, shards)
    relabel(tasks, "days", lambda *row: float(count_of(*row, 20) + count_of(*row, 30)), shards)
    relabel(tasks, "group", lambda *row: min(count_of(*row, 20), 3), shards)
    return shards, tasks


def lines(path: Path) -> list[dict]:
    """Records of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_features_of_one_prompt_by_hand() -> None:
    #           0 PAD, 1 admission, 2 lab, 3 Q//1, 4 Q//2, 5 static
    known = Vocabulary(np.array([0, 0, 0, 1, 2, 0]), np.array([False, True, False, False, False, False]))
    now = 100 * DAY
    tokens = np.array([1, 2, 4, 1, 2, 3, 2, 2])
    times = now - DAY * np.array([60, 60, 60, 20, 20, 20, 0.5, 0.5])
    columns, values = prompt_features(tokens, times, np.array([5, 5]), now, known)
    row = dict(zip(columns.tolist(), values.tolist(), strict=True))
    size = 6
    assert len(row) == len(columns)
    assert {k: v for k, v in row.items() if k < size} == pytest.approx(
        {1: np.log(3), 2: np.log(5), 3: np.log(2), 4: np.log(2)}
    )
    assert [row[size + 2], row[2 * size + 2]] == pytest.approx([np.log(4), np.log(3)])
    assert size + 4 not in row and 2 * size + 1 not in row
    assert (row[3 * size + 2], row[4 * size + 2]) == (1, pytest.approx(1 / 21))  # the last value is Q//1, 20 days ago
    assert row[5 * size + 5] == 1
    assert [row[6 * size + i] for i in range(4)] == pytest.approx([np.log(3), 1 / 21, np.log(9), np.log(61)])
    nothing, _ = prompt_features(tokens[:0], times[:0], np.array([5]), now, known)
    assert nothing.tolist() == [35, 36, 37, 38, 39]


def test_vocabulary_knows_bins_and_admissions(tmp_path: Path) -> None:
    names = [
        "PAD",
        "HOSPITAL_ADMISSION//EW EMER.",
        "Q//10",
        "Q//NONE",
        "LAB//50971//mEq/L",
        *(f"CODE//{i}" for i in range(43)),
    ]
    manifest = read_manifest(
        write_shards(tmp_path / "s", {"train": [5], "tuning": [5], "held_out": [5]}, vocabulary=names)
    )
    known = vocabulary_of(manifest)
    assert known.bin_of[:5].tolist() == [0, 0, 0, 0, 0]  # token 2 has the family lab here
    families = ("special", "admission", "quantile", "quantile", "lab", *["lab"] * 43)
    known = vocabulary_of(type(manifest)(**{**vars(manifest), "families": families}))
    assert known.bin_of[:5].tolist() == [0, 0, 10, 0, 0] and known.is_admission.tolist() == [False, True, *[False] * 46]


@pytest.mark.parametrize("how", ["permuted", "removed"])
def test_what_comes_after_the_prompt_changes_no_feature(how: str, made: tuple[Path, Path]) -> None:
    manifest, task = read_manifest(made[0]), read_tasks(made[1]).tasks["often"]
    rows, split = task.rows["held_out"], Split(manifest, "held_out")
    patients = patients_of(split, rows)
    other = Changed(
        manifest, "held_out", dict(zip(patients.tolist(), rows.prompt_event_index.tolist(), strict=True)), how
    )
    found, again = (features(one, patients, rows, vocabulary_of(manifest)) for one in (split, other))
    assert found.nnz > 1000 and (found != again).nnz == 0
    late = Rows(**{**vars(rows), "prompt_event_index": rows.prompt_event_index + 3})
    both = [features(one, patients, late, vocabulary_of(manifest)) for one in (split, other)]
    assert (both[0] != both[1]).nnz  # so the test can fail


def test_baselines_end_to_end(made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    shards, tasks = made
    arguments = ["--shards", str(shards), "--task-dir", str(tasks), "--out", str(tmp_path)]
    assert main(arguments) == 0
    folder = tmp_path / "fingerprint-0"[:12]
    found = {(one["task"], one["method"]): one for one in lines(folder / "scores.jsonl") if one["subgroup"] == "all"}
    assert len(found) == 12
    for method in ("logistic", "boosting"):
        assert found["often", method]["auroc"] > 0.85
        assert found["days", method]["r2"] > 0.4 and found["days", method]["mae_low"] is not None
        assert found["group", method]["accuracy"] > found["group", "prevalence"]["accuracy"]
        chance = found["chance", method]
        assert chance["auroc_low"] < 0.5 < chance["auroc_high"]
    assert found["often", "prevalence"]["auroc"] == 0.5 and found["often", "logistic"]["n_rows"] == 90
    assert (folder / "predictions" / "often.logistic.parquet").is_file()
    assert {line["method"] for line in lines(folder / "calibration.jsonl")} == {"prevalence", "logistic", "boosting"}
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main([*arguments, "--tasks", "often", "--methods", "boosting,logistic"]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "often" in capsys.readouterr().out


def test_labels_shuffled_over_patients_give_a_half(made: tuple[Path, Path]) -> None:
    manifest, task = read_manifest(made[0]), read_tasks(made[1]).tasks["often"]
    known, rng, parts = vocabulary_of(manifest), np.random.default_rng(0), {}
    for name in ("train", "tuning", "held_out"):
        split, rows = Split(manifest, name), task.rows[name]
        parts[name] = Part(features(split, patients_of(split, rows), rows, known), rng.permutation(rows.label))
    held_out = task.rows["held_out"]
    for fit in (linear, boosting):
        predicted = fit(RISK, parts["train"], parts["tuning"], parts["held_out"].x)
        one = Predictions("boolean", held_out.subject_id, held_out.label, predicted.values)
        (record,) = records("often", "x", one, {"all": np.ones(len(held_out), bool)})
        assert record["auroc_low"] < 0.5 < record["auroc_high"]


def test_estimators_with_too_little_to_learn_from() -> None:
    x, nothing = np.random.default_rng(0).normal(size=(80, 3)), Part(np.empty((0, 3)), np.empty(0, bool))
    one_class = Part(x, np.zeros(80, bool))
    for fit in (linear, boosting):
        found = fit(RISK, one_class, nothing, x)
        assert found.values.tolist() == [0.0] * 80 and "one label" in found.note
        assert fit(RISK, nothing, nothing, x).note == "no rows in train"
        untuned = fit(RISK, Part(x, x[:, 0] > 0), nothing, x)
        assert (
            "too few in tuning" in untuned.note
            and ((untuned.values > untuned.values.mean()) == (x[:, 0] > 0)).mean() > 0.8
        )
    assert prevalence(CLASS, np.array([4, 4, 7]), 2).values.tolist() == [[2 / 3, 1 / 3]] * 2
    assert prevalence(NUMBER, np.array([1.0, 3.0]), 1).values.tolist() == [2.0]


def test_a_sample_of_patients_is_fixed_and_nested(made: tuple[Path, Path]) -> None:
    manifest, task = read_manifest(made[0]), read_tasks(made[1]).tasks["often"]
    split, rows = Split(manifest, "train"), task.rows["train"]
    few, more = (set(sample(rows, split, n).rows.subject_id.tolist()) for n in (20, 50))
    assert len(few) == 20 and few < more
    strange = Rows(**{**vars(rows), "subject_id": rows.subject_id + 10_000})
    assert sample(strange, split, None).without_tokens == len(rows)


def write_truth(folder: Path, rows: Rows, risks: np.ndarray, point: str, outcome: str) -> Path:
    """A risks.parquet for some rows."""
    n = len(rows)
    columns = {
        "subject_id": rows.subject_id,
        "hadm_id": HADM + rows.subject_id,
        "prediction_point": [point] * n,
        "prediction_time": pa.array(rows.prediction_time.astype("datetime64[ms]")),
        "outcome": [outcome] * n,
        "risk": risks,
        "happened": rows.label,
    }
    (folder / "truth").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "truth" / "risks.parquet")
    return folder


def test_best_is_the_risk_of_the_truth(made: tuple[Path, Path], tmp_path: Path) -> None:
    shards, _ = made
    task = "hospital_mortality_at_admission"
    tasks = write_tasks(
        tmp_path / "t",
        read_manifest(shards),
        [definition(task, "admission"), definition("other", "x")],
        {task: 0.5, "other": 0.5},
    )
    relabel(tasks, task, lambda split, patient, event: patient % 3 == 0, shards)
    rows = read_tasks(tasks).tasks[task].rows["held_out"]
    risks = np.where(rows.label, 0.6, 0.1) + 0.3 * np.random.default_rng(0).random(len(rows))
    truth = write_truth(tmp_path / "cohort", rows.take(np.arange(5, 90)), risks[5:], "admission", "in_hospital_death")
    arguments = ["--shards", str(shards), "--task-dir", str(tasks), "--out", str(tmp_path / "b"), "--methods", "best"]
    assert main([*arguments, "--truth", str(truth)]) == 0
    found = lines(tmp_path / "b" / "fingerprint-0"[:12] / "scores.jsonl")
    assert {one["task"] for one in found} == {task}  # the truth says nothing of the other
    assert found[0]["auroc"] == 1.0 and found[0]["n_rows"] == 85 and "5 rows" in found[0]["note"]
    strange = write_truth(
        tmp_path / "strange",
        Rows(**{**vars(rows), "subject_id": rows.subject_id + 9000}),
        risks,
        "admission",
        "in_hospital_death",
    )
    with pytest.raises(UserError, match="no admission of"):
        main([*arguments, "--truth", str(strange)])
    with pytest.raises(UserError, match="no truth in"):
        main([*arguments, "--truth", str(tmp_path)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--methods", "forest"], "--methods forest: there are prevalence"),
        (["--methods", "best"], "needs --truth"),
        (["--tasks", "nothing"], "no task 'nothing'"),
        (["--train-patients", "0"], "from 1 up"),
    ],
)
def test_refusals(words: list[str], told: str, made: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match=told):
        main(["--shards", str(made[0]), "--task-dir", str(made[1]), *words])


def test_tasks_of_another_vocabulary_are_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    other = write_shards(
        tmp_path / "s", {"train": [5], "tuning": [5], "held_out": [5]}, vocabulary=["PAD", *map(str, range(47))]
    )
    with pytest.raises(UserError, match="different builds"):
        main(["--shards", str(other), "--task-dir", str(made[1])])
