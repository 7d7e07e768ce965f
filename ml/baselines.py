"""Score classical models on the clinical tasks: `python ml/baselines.py --shards data/shards`.

In: shards, tasks exported from the same warehouse, and for a synthetic cohort its truth. Out: a folder data/baselines/ and the first
12 digits of the shards' fingerprint, with scores.jsonl, calibration.jsonl and predictions/ like a run's evaluation/. Methods:
prevalence; logistic (ridge for numbers, multinomial for classes) and boosting (LightGBM) on counts and last values of the same
prompts that the language models get (ml/features.py), fitted on train, tuned on tuning, scored on held_out; best, the risk that
follows from the hidden state of a synthetic cohort. The same input gives the same files. Wrong: tasks or truth of another build, an
unknown task or method (exit 2).
"""

import argparse
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from tqdm import tqdm

from ml.data import Manifest, Split, read_manifest
from ml.estimators import Part, Predicted, boosting, kind_of, linear, prevalence
from ml.features import Vocabulary, features, vocabulary_of
from ml.moments import sample_order
from ml.prompts import patients_of
from ml.score_files import write_scores
from ml.scores import Predictions
from ml.tasks import Rows, Task, read_tasks
from ml.truth import Truth, best_risks, read_truth
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir
from warehouse.shard_format import SPLITS

METHODS = ("prevalence", "logistic", "boosting", "best")
# More teach counts little (and take long): a fixed sample of patients, the same for every task that has them.
TRAIN_PATIENTS, TUNING_PATIENTS = 20_000, 5_000
FEWEST_ROWS = 5  # of train in which a column must be filled to be used
KEPT_MATRICES = 9  # feature matrices held: those of the last three moments
EXAMPLES = """examples:
  python ml/baselines.py
  python ml/baselines.py --shards data/shards --tasks hospital_mortality_at_admission,drg
  python ml/baselines.py --methods prevalence,logistic --train-patients 5000
  python ml/baselines.py --truth data/mimic-iv            (a synthetic cohort written with --truth)
"""


@dataclass(frozen=True)
class Sample:
    """Rows of a task in one split whose patients have tokens; places int64 [n]: which of the split's rows they are."""

    rows: Rows
    patients: np.ndarray  # numbers in the split of the shards
    places: np.ndarray
    without_tokens: int


def sample(rows: Rows, split: Split, most_patients: int | None) -> Sample:
    """The rows whose patients the shards hold; of more than `most_patients` the first in the fixed order of evaluation."""
    patients = patients_of(split, rows)
    kept = np.flatnonzero(patients >= 0)
    subjects = np.unique(rows.subject_id[kept])
    if most_patients is not None and len(subjects) > most_patients:
        chosen = subjects[sample_order(subjects, np.zeros(len(subjects)))[:most_patients]]
        kept = kept[np.isin(rows.subject_id[kept], chosen)]
    return Sample(rows.take(kept), patients[kept], kept, int((patients < 0).sum()))


class FeatureStore:
    """Features by split and rows; the last few are kept, since tasks that share a moment share their rows."""

    def __init__(self, splits: dict[str, Split], known: Vocabulary) -> None:
        self.splits, self.known = splits, known
        self._kept: dict[str, sparse.csr_matrix] = {}

    def of(self, split: str, one: Sample) -> sparse.csr_matrix:
        """Features of the rows of a sample."""
        digest = hashlib.blake2b(split.encode())
        for array in (one.patients, one.rows.prompt_event_index, one.rows.prediction_time):
            digest.update(np.ascontiguousarray(array).tobytes())
        key = digest.hexdigest()
        found = self._kept.pop(key, None)
        if found is None:
            found = features(self.splits[split], one.patients, one.rows, self.known)
        self._kept[key] = found
        while len(self._kept) > KEPT_MATRICES:
            self._kept.pop(next(iter(self._kept)))
        return found


def estimate(method: str, task: Task, samples: dict[str, Sample], store: FeatureStore) -> Predicted:
    """Fit one method on train and tuning and predict for the rows of held_out."""
    kind = kind_of(task.label_type, task.watched.kind)
    train, tuning, held_out = (samples[name] for name in SPLITS)
    if method == "prevalence":
        return prevalence(kind, train.rows.label, len(held_out.rows))
    x = {name: store.of(name, samples[name]) for name in SPLITS}
    filled = np.flatnonzero(x["train"].getnnz(axis=0) >= FEWEST_ROWS)
    x = {name: matrix[:, filled] for name, matrix in x.items()}
    fit = linear if method == "logistic" else boosting
    return fit(kind, Part(x["train"], train.rows.label), Part(x["tuning"], tuning.rows.label), x["held_out"])


def predict(
    method: str, task: Task, samples: dict[str, Sample], store: FeatureStore, truth: Truth | None
) -> tuple[Predictions, Rows, str | None] | None:
    """Predictions on held_out, the rows they are of, and a note; None where the method has nothing to say of the task."""
    held_out = samples["held_out"]
    rows, without = held_out.rows, held_out.without_tokens
    remarks = [f"{without} rows of patients without tokens are left out"] if without else []
    if method == "best":
        found = best_risks(truth, task, "held_out") if truth else None
        if found is None:
            return None
        values, note = found[0][held_out.places], found[1]
        known = np.isfinite(values)
        if not known.all():
            remarks.append(f"{(~known).sum()} rows that the truth does not know are left out")
        rows, predicted = rows.take(np.flatnonzero(known)), Predicted(values[known], note=note)
    else:
        predicted = estimate(method, task, samples, store)
    note = "; ".join([*remarks, *([predicted.note] if predicted.note else [])]) or None
    return Predictions(task.label_type, rows.subject_id, rows.label, predicted.values, predicted.classes), rows, note


def summary(record: dict) -> str:
    """The main figure of a record, for a person."""
    for name, label in (("auroc", "AUROC"), ("r2", "R2"), ("accuracy", "accuracy")):
        if record[name] is not None:
            low, high = record.get(f"{name}_low"), record.get(f"{name}_high")
            ends = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
            return f"{label} {record[name]:.3f}{ends}"
    return record["note"] or "no score"


@dataclass(frozen=True)
class Work:
    """What is to be scored, and where to."""

    manifest: Manifest
    tasks: list[Task]
    methods: tuple[str, ...]
    truth: Truth | None
    train_patients: int
    folder: Path


def score_all(work: Work) -> None:
    """Score every task by every method; what is done is on the disk."""
    splits = {name: Split(work.manifest, name) for name in SPLITS}
    store = FeatureStore(splits, vocabulary_of(work.manifest))
    most = {"train": work.train_patients, "tuning": TUNING_PATIENTS, "held_out": None}
    ordered = sorted(work.tasks, key=lambda task: task.prompt)  # tasks of a moment one after another share features
    with tqdm(total=len(ordered) * len(work.methods), unit="score", disable=None) as bar:
        for task in ordered:
            samples = {name: sample(task.rows[name], splits[name], most[name]) for name in SPLITS}
            for method in work.methods:
                start = time.perf_counter()
                found = predict(method, task, samples, store, work.truth)
                if found is not None:
                    predictions, rows, note = found
                    scored = write_scores(work.folder, task.name, method, predictions, rows, note)
                    seconds = time.perf_counter() - start
                    bar.write(f"{task.name:<36} {method:<10} {summary(scored[0])}  ({seconds:.1f} s)")
                bar.update()


def parse(argv: Sequence[str] | None) -> Work:
    """What to score; raises `UserError` for shards, tasks and truth that do not belong together."""
    parser = ArgumentParser(
        prog="python ml/baselines.py",
        description="Score prevalence, logistic regression, gradient boosting and the best achievable on clinical tasks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", type=Path, default=data_dir() / "shards", help="shards (%(default)s)")
    parser.add_argument("--task-dir", type=Path, default=data_dir() / "tasks", help="folder of the tasks (%(default)s)")
    parser.add_argument("--tasks", default="all", metavar="NAMES", help="tasks, by commas (%(default)s)")
    parser.add_argument(
        "--methods", metavar="NAMES", help=f"by commas (default: {', '.join(METHODS[:3])}; best with --truth)"
    )
    parser.add_argument("--truth", type=Path, help="synthetic cohort written with --truth, for the best achievable")
    parser.add_argument(
        "--train-patients", type=int, default=TRAIN_PATIENTS, metavar="N", help="most to learn from (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=data_dir() / "baselines", help="a folder below it (%(default)s)")
    args = parser.parse_args(argv)
    methods = tuple(args.methods.split(",")) if args.methods else METHODS[: 4 if args.truth else 3]
    if unknown := [name for name in methods if name not in METHODS]:
        raise UserError(f"--methods {unknown[0]}: there are {', '.join(METHODS)}")
    if "best" in methods and args.truth is None:
        raise UserError("--methods best needs --truth: the synthetic cohort that the warehouse was built from")
    if args.train_patients < 1:
        raise UserError(f"--train-patients {args.train_patients}: give a number from 1 up")
    manifest, tasks = read_manifest(args.shards), read_tasks(args.task_dir)
    tasks.require_vocabulary(manifest.vocabulary_sha256, str(args.shards))
    truth = read_truth(args.truth) if args.truth else None
    chosen = tasks.choose(args.tasks.split(","))
    folder = args.out / manifest.fingerprint[:12]
    return Work(manifest, chosen, methods, truth, args.train_patients, folder)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    work = parse(argv)
    score_all(work)
    print(f"{len(work.tasks)} tasks scored: {work.folder}")
    return 0


if __name__ == "__main__":
    run_main(main)
