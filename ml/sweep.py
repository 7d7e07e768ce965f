"""Plan and run an IsoFLOP sweep: `python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12`.

In: shards, budgets, sizes (or auto), seeds. Out: one run folder for each budget, size and seed, trained by
ml/train.py in a process of its own, as many at once as there are cores (or CUDA devices). Started again it goes
on with what is missing: finished runs are kept, killed ones resume from their checkpoint, diverged ones stay
failed. Where a budget's lowest loss is at its smallest or largest size, a further size is added on that side.
Wrong: bad shards or options (exit 2); a run that fails is recorded as failed with the reason, the rest goes on,
and the exit status is 1.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from ml import runs
from ml.arguments import add_settings, number, settings_from
from ml.device import choose_device
from ml.grid import auto_sizes, cpu_seconds, size_beyond, sizes_per_budget
from ml.plan import RunPlan, plan_run
from ml.stream import open_corpus
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir

POLL_SECONDS = 0.2
EXAMPLES = """examples:
  python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12 --dry-run
  python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12
  python ml/sweep.py --shards data/shards --budgets 3e11,1e12 --sizes 14k,25k,83k,150k --seeds 0,1,2
"""


@dataclass
class Job:
    """A run of the sweep: its plan, its folder and, while it runs, its process and device slot."""

    plan: RunPlan
    folder: Path
    process: subprocess.Popen | None = None
    slot: int = 0

    def seconds(self) -> float:
        """Expected seconds on one core."""
        return cpu_seconds(self.plan.record["flops_planned"], self.plan.model.d_model)

    def needed(self) -> bool:
        """Whether there is anything left to do: not for a finished run, nor for one that would diverge again."""
        result = runs.read_json(self.folder / "result.json")
        return not result or (result["status"] == "failed" and not runs.diverged(result))

    def share_done(self) -> float:
        """Share of the steps that are logged."""
        return runs.last_step(self.folder / "progress.jsonl") / self.plan.steps


class Sweep:
    """The runs of a sweep, each configuration and seed once, under its own folder in `runs_dir`."""

    def __init__(self, args: argparse.Namespace, runs_dir: Path) -> None:
        self.args, self.runs_dir = args, runs_dir
        self.corpora = {seed: open_corpus(args.shards, args.context, seed, args.patients) for seed in args.seeds}
        self.manifest = self.corpora[args.seeds[0]].manifest
        self.jobs: dict[str, Job] = {}

    def add(self, budget: float, size: str) -> list[Job]:
        """Plan a size at a budget, with every seed; returns the runs that are new to the sweep."""
        new = []
        for seed, corpus in self.corpora.items():
            settings = settings_from(self.args, size=size, flops=budget, seed=seed)
            plan = plan_run(settings, corpus.manifest, corpus.stream)
            key = f"{plan.record['configuration']}-{seed}"
            if key not in self.jobs:
                self.jobs[key] = Job(plan, self.runs_dir / plan.run_id)
                new.append(self.jobs[key])
        return new

    def add_grid(self) -> list[Job]:
        """Plan the sizes that were given, or those around the expected optimum of each budget."""
        args, budgets = self.args, sorted(set(self.args.budgets))
        counts = args.sizes_per_budget or sizes_per_budget(len(budgets))
        if len(counts) not in (1, len(budgets)):
            raise UserError(
                f"--sizes-per-budget has {len(counts)} numbers for {len(budgets)} budgets: give 1 or {len(budgets)}"
            )
        counts = counts * len(budgets) if len(counts) == 1 else counts
        vocabulary_size = self.manifest.vocabulary_size
        for budget, how_many in zip(budgets, counts, strict=True):
            for size in args.sizes or auto_sizes(budget, how_many, vocabulary_size, args.context):
                self.add(budget, size)
        return list(self.jobs.values())

    def add_beyond_edges(self) -> list[Job]:
        """A further size for each budget whose lowest tuning loss lies at the smallest or largest one, on that side."""
        new = []
        for budget in sorted(set(self.args.budgets)):
            losses: dict[int, list[float]] = {}
            for job in self.jobs.values():
                result = runs.read_json(job.folder / "result.json") or {}
                if job.plan.settings.flops == budget and result.get("tuning_loss") is not None:
                    losses.setdefault(job.plan.record["n_with_head"], []).append(result["tuning_loss"])
            means = {n: sum(values) / len(values) for n, values in sorted(losses.items())}
            size = size_beyond(means, self.manifest.vocabulary_size, self.args.context)
            new += self.add(budget, size) if size else []
        return new


def print_plan(jobs: list[Job], workers: int, on_cpu: bool) -> None:
    """The plan as a table, with what it costs."""
    print("  budget   size seed    d  L  N with head          D   D/U   steps  CPU s  status")
    for job in sorted(jobs, key=lambda job: (job.plan.settings.flops, job.plan.record["n_with_head"])):
        record, settings = job.plan.record, job.plan.settings
        epochs = record["tokens_planned"] / record["unique_tokens"]
        print(
            f"{settings.flops:8.2g} {settings.size:>6} {settings.seed:4d} {record['d_model']:4d} {record['n_layers']:2d} "
            f"{record['n_with_head']:12,d} {record['tokens_planned']:10,d} {epochs:5.2f} {job.plan.steps:7d}  "
            f"{f'{job.seconds():5.0f}' if on_cpu else '    -'}  {runs.status(job.folder)}"
        )
    todo = [job for job in jobs if job.needed()]
    flops = sum(job.plan.record["flops_planned"] for job in todo)
    wall = max([sum(job.seconds() for job in todo) / workers, *(job.seconds() for job in todo)])
    cost = f"about {wall:.0f} s" if on_cpu else "time not known beforehand on this device"
    print(f"{len(jobs)} runs, {len(todo)} to do: {flops:.3g} FLOPs, {cost} with {workers} at once", flush=True)


def start(job: Job, args: argparse.Namespace, slot: int, on_cpu: bool) -> None:
    """Start the run in a process of its own, one thread on a CPU, one device otherwise; its words go to log.txt."""
    settings = job.plan.settings
    command = [
        *(sys.executable, str(Path(__file__).with_name("train.py")), "--shards", str(args.shards)),
        *("--run-dir", str(job.folder), "--size", settings.size, "--flops", repr(settings.flops)),
        *("--seed", str(settings.seed), "--context", str(settings.context), "--lr", repr(settings.eta)),
        *("--warmup-share", repr(settings.warmup_share), "--weight-decay", repr(settings.weight_decay)),
        *("--eval-tokens", str(settings.eval_tokens), "--device", "cpu" if on_cpu else "cuda"),
        *(("--batch-tokens", str(settings.batch_tokens)) if settings.batch_tokens else ()),
        *(("--tied",) if settings.tied else ()),
        *(("--patients", repr(settings.patients)) if settings.patients < 1 else ()),
    ]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    environment |= {"OMP_NUM_THREADS": "1"} if on_cpu else {"CUDA_VISIBLE_DEVICES": visible_device(slot)}
    with (job.folder / "log.txt").open("w", encoding="utf-8") as log:
        job.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    job.slot = slot


def visible_device(slot: int) -> str:
    """The CUDA device of a slot, as CUDA_VISIBLE_DEVICES wants it."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return visible[slot] if visible else str(slot)


def record_end(job: Job) -> None:
    """After the process has ended: where it left no result, record why, unless another process has the run."""
    if (job.folder / "result.json").is_file():
        return
    code = job.process.returncode
    log = (job.folder / "log.txt").read_text(encoding="utf-8", errors="replace").split("\n")
    words = next((line.strip() for line in reversed(log) if line.strip()), "no word")
    reason = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}: {words}"
    try:
        with runs.only_process(job.folder):
            runs.write_result(job.folder, "failed", reason)
    except UserError:
        return  # it goes on elsewhere


def run_jobs(jobs: list[Job], args: argparse.Namespace, workers: int, on_cpu: bool) -> None:
    """Run all, `workers` at a time. Whatever ends this process ends the runs too; they resume next time."""
    for job in jobs:
        if runs.status(job.folder) == "new":
            runs.write_json(job.folder / "plan.json", job.plan.record)
    jobs = sorted((job for job in jobs if job.needed()), key=lambda job: -job.seconds())  # the last ones are short
    waiting, running = list(jobs), []
    cost, done = sum(job.seconds() for job in jobs), 0.0
    bar = tqdm(total=100, disable=None, bar_format="sweep {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}")
    try:
        while waiting or running:
            free = sorted(set(range(workers)) - {job.slot for job in running})
            for slot in free[: len(waiting)]:
                running.append(waiting.pop(0))
                start(running[-1], args, slot, on_cpu)
            time.sleep(POLL_SECONDS)
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                record_end(job)
                done += job.seconds()
                tqdm.write(f"{len(jobs) - len(waiting) - len(running)}/{len(jobs)} {ending(job)}")
            if not bar.disable:
                bar.n = round(100 * (done + sum(job.seconds() * job.share_done() for job in running)) / cost)
                names = ", ".join(f"{job.folder.name} {job.share_done():.0%}" for job in running)
                bar.set_postfix_str(f"{len(waiting)} waiting; {names}")
    finally:
        bar.close()
        for job in running:
            job.process.terminate()
            job.process.wait()


def ending(job: Job) -> str:
    """How a run ended, in one line."""
    result = runs.read_json(job.folder / "result.json") or {"status": "running", "reason": "in another process"}
    if result["status"] == "done":
        return f"{job.folder.name}: {runs.summary(result)}, {result['cpu_seconds']:.0f} CPU s"
    return f"{job.folder.name}: {result['status']}: {result['reason']}"


def print_table(jobs: list[Job]) -> None:
    """All runs of the sweep with their losses; the lowest of each budget is marked."""
    results = {job.folder: runs.read_json(job.folder / "result.json") or {} for job in jobs}
    best: dict[float, float] = {}
    for job in jobs:
        loss = results[job.folder].get("held_out_loss")
        if loss is not None:
            best[job.plan.settings.flops] = min(loss, best.get(job.plan.settings.flops, loss))
    print("  budget   size seed  N with head          D  held_out  CPU s  status")
    for job in sorted(jobs, key=lambda job: (job.plan.settings.flops, job.plan.record["n_with_head"])):
        result, settings = results[job.folder], job.plan.settings
        loss = result.get("held_out_loss")
        shown = "        -" if loss is None else f"{loss:8.4f}{'*' if loss == best[settings.flops] else ' '}"
        print(
            f"{settings.flops:8.2g} {settings.size:>6} {settings.seed:4d} {job.plan.record['n_with_head']:12,d} "
            f"{result.get('tokens_seen') or 0:10,d} {shown} {result.get('cpu_seconds') or 0:6.0f}  "
            f"{runs.status(job.folder)}{': ' + result['reason'] if result.get('reason') else ''}"
        )


def numbers(kind: Callable[[str], float]) -> Callable[[str], list]:
    """Parser of a comma-separated list for argparse."""

    def parse(text: str) -> list:
        values = [kind(part) for part in text.split(",") if part.strip()]
        if not values:
            raise ValueError(text)
        return values

    parse.__name__ = "comma-separated list"
    return parse


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(
        prog="python ml/sweep.py",
        description="Plan and run an IsoFLOP sweep; goes on where it was when started again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    parser.add_argument("--budgets", type=numbers(number), required=True, help="FLOPs a run, as in 1e11,3e11,1e12")
    parser.add_argument("--sizes", type=numbers(str), help="of every budget, as in 14k,25k (default: by budget)")
    parser.add_argument(
        "--sizes-per-budget", type=numbers(int), help="how many, one number or one a budget (default 6,5,4,4,...)"
    )
    parser.add_argument(
        "--extend",
        type=int,
        default=1,
        metavar="TIMES",
        help="add sizes where the lowest loss is at an edge (%(default)s)",
    )
    parser.add_argument("--seeds", type=numbers(int), default=[0], help="each size is run with each seed (0)")
    parser.add_argument("--jobs", default="auto", help="runs at once (default: one a core, or one a CUDA device)")
    parser.add_argument("--runs-dir", type=Path, help="default: data/runs")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop; nothing is written")
    args = parser.parse_args(argv)
    for budget in args.budgets:
        if not 0 < budget < float("inf"):
            raise UserError(f"--budgets: {budget} is no budget, give FLOPs above 0 as in 1e11,3e11")
    if args.sizes == ["auto"]:
        args.sizes = None
    if any(count < 1 for count in args.sizes_per_budget or []):
        raise UserError("--sizes-per-budget: give numbers from 1 up, as in 6,5,4")
    if args.jobs != "auto" and not (args.jobs.isdigit() and int(args.jobs) > 0):
        raise UserError(f"--jobs {args.jobs}: give a number above 0, or auto")
    return args


def main(argv: list[str] | None = None) -> int:
    """Entry point; the exit status: 1 when a run failed."""
    args = parse(argv)
    on_cpu = not choose_device(args.device).is_cuda
    cores = len(os.sched_getaffinity(0)) if on_cpu else torch.cuda.device_count()
    workers = cores if args.jobs == "auto" else int(args.jobs)
    sweep = Sweep(args, args.runs_dir or data_dir() / "runs")
    jobs = sweep.add_grid()
    print_plan(jobs, workers, on_cpu)
    if args.dry_run:
        return 0
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the runs are ended too
    try:
        for _ in range(1 + (0 if args.sizes else args.extend)):
            run_jobs(jobs, args, workers, on_cpu)
            jobs = sweep.add_beyond_edges()
            if not jobs:
                break
    finally:
        signal.signal(signal.SIGTERM, before)
    jobs = [job for job in sweep.jobs.values() if runs.status(job.folder) != "new"]
    print_table(jobs)
    failed = [job for job in jobs if runs.status(job.folder) != "done"]
    if failed:
        raise UserError(f"{len(failed)} of {len(jobs)} runs failed, the table says why", exit_status=1)
    return 0


if __name__ == "__main__":
    run_main(main)
