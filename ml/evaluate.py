"""Score runs on clinical tasks: `python ml/evaluate.py --run data/runs/ID --tasks all`.

In: finished runs, the shards they were trained on, the tasks exported from the same warehouse. For each moment of
prediction (tasks that share it share prompts) the futures of held_out patients are simulated, once for all tasks that
watch them; a linear probe on the last hidden state is the second reading of a run. Out: RUN/evaluation/ with
scores.jsonl, calibration.jsonl, predictions/ and the rollouts, which a further start takes up. Patients come in one
fixed order; how many are taken is settled once for all runs of a command, on the one with the most parameters, so that
all are scored on the same rows. Wrong: an unknown task, a run without weights, shards or tasks of another build (exit 2).
"""

import argparse
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml import runs
from ml.checkpoint import file_sha256
from ml.data import Manifest, Split, read_manifest
from ml.device import Device, choose_device
from ml.generate import Rollouts, Sampling, join, simulate
from ml.grammar import Grammar, no_grammar, read_or_learn
from ml.moments import Moment, moments_of
from ml.probe import Probe
from ml.readings import AVERAGE, HITS, predictions_of
from ml.rollout_files import digest_of, read_chunk, write_chunk
from ml.sample import share_out
from ml.score_files import read_lines, write_scores
from ml.scores import Predictions
from ml.tasks import Task, TaskSet, read_tasks
from ml.trained import WEIGHTS, Trained, load_run, read_record
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir
from warehouse.shard_format import SPLITS

SPLIT = "held_out"
CHUNK = 16  # prompts in a file of rollouts: the step in which a sample grows, and what a killed process may lose
MAX_TOKENS = 512  # of a rollout; a stay in hospital is some hundreds
PROBE_PROMPTS = 1_000  # of each moment; reading a prompt costs a hundredth of simulating its futures
ROLLOUT, PROBE = "rollout", "probe"
EXAMPLES = """examples:
  python ml/evaluate.py --run data/runs/ID --tasks all
  python ml/evaluate.py --run data/runs/ID --tasks hospital_mortality_at_admission,readmission_30d --rollouts 100
  python ml/evaluate.py --run data/runs --tasks all --rollouts 20 --budget-minutes 5
  python ml/evaluate.py --run data/runs --tasks all --methods probe
Started again it takes up the rollouts that it has written; a larger sample holds the smaller one.
"""


@dataclass(frozen=True)
class Bench:
    """What all runs are scored on: shards, moments with their tasks, how rollouts are drawn."""

    manifest: Manifest
    splits: dict[str, Split]
    tasks: TaskSet
    moments: Sequence[Moment]
    time_seconds: np.ndarray  # [V]
    grammar: Grammar
    sampling: Sampling
    device: Device

    def watched(self, moment: Moment) -> list[Task]:
        """The moment's tasks that can be simulated."""
        return [task for task in moment.tasks if task.simulable]


@dataclass(frozen=True)
class Evaluation:
    """One run on the bench."""

    run: Trained
    bench: Bench
    weights_sha256: str

    @property
    def folder(self) -> Path:
        """Where the scores go."""
        return self.run.folder / "evaluation"

    def _path(self, moment: Moment, first: int) -> Path:
        """The file of a chunk; its folder is named by all that decides what comes out."""
        bench = self.bench
        decides = {
            "weights": self.weights_sha256,
            "shards": bench.manifest.fingerprint,
            "sampling": asdict(bench.sampling) | {"budget_bytes": None},
            "grammar": hashlib.sha256(bench.grammar.legal.tobytes() + bench.grammar.after.tobytes()).hexdigest(),
            "dtype": str(bench.device.dtype),
            "time": bench.tasks.time_seconds,
            "tasks": [repr(task.watched) for task in bench.watched(moment)],
        }
        return self.folder / "rollouts" / digest_of(decides) / f"{moment.name}-{first:06d}.npz"

    def chunk(self, moment: Moment, first: int) -> tuple[Rollouts, float]:
        """Rollouts of a chunk of a moment's prompts, and the seconds they took; taken up where they were written."""
        bench, stop = self.bench, min(first + CHUNK, len(moment))
        path = self._path(moment, first)
        found = read_chunk(path, first, stop - first)
        if found is None:
            tasks, start = bench.watched(moment), time.perf_counter()
            parts = simulate(
                self.run.model,
                moment.prompts(bench.splits[SPLIT], tasks, first, stop),
                [task.watched for task in tasks],
                bench.time_seconds,
                bench.grammar,
                bench.sampling,
                bench.device,
                progress=False,
            )
            found = join(list(parts)), time.perf_counter() - start
            write_chunk(path, *found)
        return found

    def roll_out(self, moment: Moment, n: int, bar: tqdm) -> Rollouts:
        """Rollouts of the first n prompts of a moment."""
        parts = []
        for first in range(0, n, CHUNK):
            parts.append(self.chunk(moment, first)[0])
            bar.update(min(CHUNK, n - first))
        return join(parts)

    def write(self, task: Task, method: str, places: np.ndarray, made: Predictions, note: str | None) -> None:
        """Score the predictions for rows `places` of a task, and write scores and predictions."""
        write_scores(self.folder, task.name, method, made, task.rows[SPLIT].take(places), note)

    def score_rollouts(self, moment: Moment, n: int, bar: tqdm) -> None:
        """Simulate the first n prompts of a moment and score every task that watches them."""
        tasks = self.bench.watched(moment)
        if not tasks or not n:
            return
        rollouts = self.roll_out(moment, n, bar)
        for place, task in enumerate(tasks):
            prompts, rows = moment.sampled(task.name, n)
            parts = {
                name: getattr(rollouts, name)[prompts] for name in ("hit", "decided", "average", "against", "length")
            }
            own = replace(rollouts, **parts, classes={t: shares[prompts] for t, shares in rollouts.classes.items()})
            labels = task.rows["train"].label
            for method, made in predictions_of(task, task.rows[SPLIT].take(rows), own, place, labels).items():
                self.write(task, method, rows, made, self.note(moment, task, len(rows)))

    def note(self, moment: Moment, task: Task, n_scored: int) -> str | None:
        """What of a task's held_out rows was not scored, in words."""
        held, without = len(task.rows[SPLIT]), moment.without_tokens[task.name]
        parts = [f"{without} rows of patients without tokens are left out"] if without else []
        if n_scored < held - without:
            parts.append(f"a fixed sample of {n_scored} of {held} rows")
        return "; ".join(parts) or None

    def score_probe(self, moment: Moment, n: int, probe: Probe) -> None:
        """Score the probe on the rows that the first n prompts of a moment are."""
        for task in moment.tasks:
            _, rows = moment.sampled(task.name, n)
            if len(rows):
                made, note = probe.predict(task, rows)
                told = [part for part in (self.note(moment, task, len(rows)), note) if part]
                self.write(task, PROBE, rows, made, "; ".join(told) or None)


def settle(evaluation: Evaluation, seconds: float | None, most: int | None) -> dict[str, int]:
    """Prompts of each moment that are taken: all, `most`, or what fits `seconds` at this run's pace."""
    bench = evaluation.bench
    available = {m.name: len(m) if most is None else min(most, len(m)) for m in bench.moments}
    if seconds is None:
        return available
    cost, left = {}, {m.name: available[m.name] for m in bench.moments if bench.watched(m) and len(m)}
    for moment in bench.moments:
        if moment.name in left:
            cost[moment.name] = evaluation.chunk(moment, 0)[1] / min(CHUNK, len(moment))
    return available | share_out(seconds, cost, left, CHUNK)


def evaluate(evaluation: Evaluation, sample: dict[str, int], n_probe: int, methods: Sequence[str]) -> None:
    """Score one run on the first prompts of each moment: `sample` of them by rollouts, `n_probe` by the probe."""
    bench = evaluation.bench
    if ROLLOUT in methods:
        total = sum(sample[moment.name] for moment in bench.moments if bench.watched(moment))
        with tqdm(total=total, unit="prompt", disable=None, desc=evaluation.run.run_id, dynamic_ncols=True) as bar:
            for moment in bench.moments:
                evaluation.score_rollouts(moment, sample[moment.name], bar)
    if PROBE in methods:
        probe = Probe(evaluation.run.model, bench.splits, bench.device)
        for moment in tqdm(bench.moments, unit="moment", disable=None, desc="probe", dynamic_ncols=True):
            evaluation.score_probe(moment, n_probe, probe)


def results_table(folder: Path, names: Sequence[str]) -> str:
    """The main figure of each task by each method, for a person."""
    found = {(r["task"], r["method"]): r for r in read_lines(folder / "scores.jsonl") if r["subgroup"] == "all"}
    lines = [f"{'task':<36}{'rows':>7}{'events':>8}  {'figure':<9}{HITS:>14}{AVERAGE:>17}{PROBE:>8}{'undecided':>11}"]
    for name in names:
        rows = [found[name, method] for method in (HITS, AVERAGE, PROBE) if (name, method) in found]
        if not rows:
            continue
        figure = {"boolean": "auroc"}.get(rows[0]["label_type"], "mae")
        figure = "accuracy" if any(row["accuracy"] is not None for row in rows) else figure
        told = [found.get((name, method), {}).get(figure) for method in (HITS, AVERAGE, PROBE)]
        cells = ["-" if value is None else f"{value:.3f}" for value in told]
        undecided = rows[0]["undecided_share"]
        events = "-" if rows[0]["n_events"] is None else f"{rows[0]['n_events']:,}"
        lines.append(
            f"{name:<36}{rows[0]['n_rows']:>7,}{events:>8}  {figure:<9}{cells[0]:>14}{cells[1]:>17}{cells[2]:>8}"
            f"{'-' if undecided is None else format(undecided, '.2f'):>11}"
        )
    return "\n".join(lines)


def evaluation_parser() -> ArgumentParser:
    """The options."""
    made = ArgumentParser(
        prog="python ml/evaluate.py",
        description="Score finished runs on clinical tasks, zero-shot by simulation and by a linear probe.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--run", type=Path, nargs="+", required=True, help="runs, or a folder of runs: all its finished ones")
    add("--tasks", default="all", metavar="NAMES", help="tasks by commas, or all (%(default)s)")
    add("--rollouts", type=int, default=20, help="of each prompt (%(default)s)")
    words = "most minutes of simulation a run; the pace of the largest run settles how many prompts all of them get"
    add("--budget-minutes", type=float, metavar="M", help=words)
    add("--prompts", type=int, metavar="N", help="most prompts of each moment of prediction (all)")
    words = "most of each moment that the probe is scored on, where --prompts says nothing (%(default)s)"
    add("--probe-prompts", type=int, default=PROBE_PROMPTS, metavar="N", help=words)
    add("--methods", default=f"{ROLLOUT},{PROBE}", metavar="NAMES", help="by commas (%(default)s)")
    add("--max-tokens", type=int, default=MAX_TOKENS, help="most tokens of a rollout (%(default)s)")
    add("--temperature", type=float, default=1.0, help="of the draws (%(default)s)")
    add("--no-grammar", action="store_true", help="let any token follow any other")
    add("--seed", type=int, default=0, help="of the draws (%(default)s)")
    add("--shards", type=Path, default=data_dir() / "shards", help="what the runs were trained on (%(default)s)")
    add(
        "--task-dir",
        type=Path,
        default=data_dir() / "tasks",
        help="written by `python -m warehouse.tasks` (%(default)s)",
    )
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    return made


def runs_in(given: Path) -> list[Path]:
    """The run that is meant (a name alone is one of data/runs), or the finished ones of a folder of runs; what is left out
    is told."""
    place = given if given.exists() or len(given.parts) > 1 else data_dir() / "runs" / given
    found = sorted(path.parent for path in place.glob("*/config.json"))
    if (place / "config.json").is_file() or not found:
        return [place]
    states = Counter(runs.status(run) for run in found)
    if others := ", ".join(f"{n} {status}" for status, n in sorted(states.items()) if status != "done"):
        print(f"{place}: {states['done']} finished runs; left out: {others}")
    if not states["done"]:
        raise UserError(f"{place} holds no finished run: {others}")
    return [run for run in found if runs.status(run) == "done"]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    args = evaluation_parser().parse_args(argv)
    args.methods = args.methods.split(",")
    if unknown := [name for name in args.methods if name not in (ROLLOUT, PROBE)]:
        raise UserError(f"--methods {unknown[0]}: there are {ROLLOUT} and {PROBE}")
    if args.budget_minutes is not None and not args.budget_minutes > 0:
        raise UserError(f"--budget-minutes {args.budget_minutes:g}: give a number above 0")
    for name in ("prompts", "probe_prompts"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} {getattr(args, name)}: give a number from 1 up")
    args.run = [run for given in args.run for run in runs_in(given)]
    return args


def open_bench(args: argparse.Namespace) -> Bench:
    """Shards and tasks of one build, ready for any run on them."""
    manifest, tasks = read_manifest(args.shards), read_tasks(args.task_dir)
    tasks.require_vocabulary(manifest.vocabulary_sha256, str(args.shards))
    chosen = tasks.choose(args.tasks.split(","))
    sampling = Sampling(args.rollouts, args.max_tokens, args.temperature, args.seed)
    splits = {name: Split(manifest, name) for name in SPLITS}
    seconds = np.zeros(manifest.vocabulary_size)
    seconds[list(tasks.time_seconds)] = list(tasks.time_seconds.values())
    if args.no_grammar:
        grammar = no_grammar(manifest)
    else:
        cache = data_dir() / "grammar" / f"{manifest.fingerprint[:16]}.npz"
        grammar = read_or_learn(manifest, splits["train"], cache)
    moments = moments_of(chosen, splits[SPLIT])
    return Bench(manifest, splits, tasks, moments, seconds, grammar, sampling, choose_device(args.device))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    args = parse(argv)
    bench = open_bench(args)
    sha256 = bench.manifest.vocabulary_sha256
    size = {run: read_record(run, sha256)["n_total"] for run in args.run}
    seconds = None if args.budget_minutes is None else 60 * args.budget_minutes
    sample: dict[str, int] = {}
    for run in sorted(size, key=lambda run: (-size[run], run)):
        weights = file_sha256(run / "checkpoint" / WEIGHTS)
        evaluation = Evaluation(load_run(run, bench.device, sha256), bench, weights)
        sample = sample or settle(evaluation, seconds if ROLLOUT in args.methods else None, args.prompts)
        evaluate(evaluation, sample, args.prompts or args.probe_prompts, args.methods)
        print(f"{run}: scored")
        print(results_table(evaluation.folder, [task.name for moment in bench.moments for task in moment.tasks]))
    return 0


if __name__ == "__main__":
    run_main(main)
