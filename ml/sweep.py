"""Plan and run an IsoFLOP sweep: `python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12`.

In: shards, budgets, sizes (or auto), seeds, or a plan (ml/sweep_plan.py). Out: one run folder for each budget, size and seed, trained by
ml/train.py in a process of its own, as many at once as there are cores (or CUDA devices), or as jobs of Slurm. A budget's sizes
are settled when the budget before is done, around its optimum; where the lowest loss has fewer than two sizes on a side, further
ones are added there. Started again it goes on with what is missing: finished runs are kept, killed ones
resume from their checkpoint, diverged ones stay failed. A run that another sweep has in hand is waited for, not run twice.
Wrong: bad shards or options (exit 2); a run that fails twice is recorded as failed with the reason, the rest goes on,
and the exit status is 1.
"""

import argparse
import math
import os
import signal
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ml import runs
from ml.arguments import add_settings, number, parser, settings_from
from ml.device import choose_device
from ml.grid import sizes_around, sizes_missing
from ml.grid_formulas import CURVATURE, SEED_NOISE, centre_for, sizes_per_budget
from ml.jobs import Job, conclude
from ml.launch import SLURM_AT_ONCE, Launcher, LocalSlots, SlurmQueue, train_command
from ml.plan import Settings, plan_run
from ml.stream import Corpus, open_corpus
from ml.sweep_plan import read_plan
from ml.sweep_table import Board, ending, print_plan, print_results, profiles_of
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.options import numbers
from warehouse.paths import data_dir

POLL_SECONDS = 0.2
ELSEWHERE_SECONDS = 2.0  # between two looks at the runs that other processes have
REPLICATES, REPLICATE_SEEDS = 3, 3  # configurations, and the seeds that each has
EXAMPLES = """examples:
  python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12 --dry-run
  python ml/sweep.py --shards data/shards --budgets 1e11,3e11,1e12
  python ml/sweep.py --shards data/shards --budgets 3e11,1e12 --sizes 14k,25k,83k,150k --seeds 0,1,2
  python ml/sweep.py --shards data/shards --plan plan.json    # of `python -m analysis.design --write plan.json`
  python ml/sweep.py --shards data/shards --budgets 1e17,1e18 --launcher slurm --slurm slurm_partition=gpu -- --compile
options after -- go to every ml/train.py; they may say how a run is carried out, as --compile or --checkpoint-every 500 do.
"""


@dataclass
class Sweep:
    """The runs of a sweep, each configuration and seed once, and what is settled so far."""

    args: argparse.Namespace
    runs_dir: Path
    corpora: dict[int, Corpus] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    rounds: dict[float, int] = field(default_factory=dict)  # of further sizes, of the budgets whose sizes are settled

    @property
    def budgets(self) -> list[float]:
        """From small to large."""
        return sorted(set(self.args.budgets))

    def corpus(self, seed: int) -> Corpus:
        """The shards in the order of a seed."""
        if seed not in self.corpora:
            self.corpora[seed] = open_corpus(self.args.shards, self.args.context, seed, self.args.patients)
        return self.corpora[seed]

    def of_model(self) -> tuple[int, int]:
        """Vocabulary size and context."""
        return self.corpus(self.args.seeds[0]).manifest.vocabulary_size, self.args.context

    def plan(self, budget: float, size: str, seed: int, **kind: bool) -> tuple[str, Job]:
        """A run of the sweep, and the name of its configuration and seed."""
        corpus = self.corpus(seed)
        plan = plan_run(settings_from(self.args, size=size, flops=budget, seed=seed), corpus.manifest, corpus.stream)
        return f"{plan.record['configuration']}-{seed}", Job(plan, self.runs_dir / plan.run_id, **kind)

    def base(self, index: int, provisional: bool = False) -> dict[str, Job]:
        """The runs that a budget starts with: its sizes with every seed, and the replicates that are its share."""
        budget = self.budgets[index]
        centre, _ = self.centre(budget)
        sizes = self.args.sizes or sizes_around(centre, self.counts()[index], *self.of_model())
        jobs = dict(self.plan(budget, s, seed, provisional=provisional) for s in sizes for seed in self.args.seeds)
        middle = sorted(jobs.values(), key=lambda job: abs(math.log(job.n_with_head / centre)))
        nearest = list(dict.fromkeys(job.plan.settings.size for job in middle))
        share = len(range(index, self.args.replicates, len(self.budgets)))
        more = [seed for seed in range(max(self.args.seeds) + REPLICATE_SEEDS + 1) if seed not in self.args.seeds]
        further = more[: max(0, REPLICATE_SEEDS - len(self.args.seeds))]
        kind = {"provisional": provisional, "replicate": True}
        return jobs | dict(self.plan(budget, s, seed, **kind) for s in nearest[:share] for seed in further)

    def centre(self, budget: float) -> tuple[float, float | None]:
        """N with head to lay a budget's sizes around, and the budget it was taken from; before there are results, the plan's."""
        centre, after = centre_for(budget, self.profiles())
        return (centre if after else self.args.centres.get(budget) or centre), after

    def counts(self) -> list[int]:
        """Sizes of each budget."""
        given = self.args.sizes_per_budget or sizes_per_budget(len(self.budgets))
        if len(given) not in (1, len(self.budgets)):
            raise UserError(
                f"--sizes-per-budget has {len(given)} numbers for {len(self.budgets)} budgets: give 1 or {len(self.budgets)}"
            )
        return given * len(self.budgets) if len(given) == 1 else given

    def first(self, budget: float) -> list[Job]:
        """The runs of a budget but the replicates: what decisions rest on, so that they do not change when those come in."""
        return [job for job in self.jobs.values() if job.budget == budget and not job.replicate]

    def profiles(self) -> dict[float, dict[int, float]]:
        """{budget: {N with head: tuning loss}} of the budgets that are done."""
        done = [b for b in self.rounds if all(job.over for job in self.first(b))]
        return profiles_of(job for b in done for job in self.first(b))

    def settle(self) -> list[str]:
        """Add the runs that the results so far call for; a line for each decision."""
        told = []
        for index, budget in enumerate(self.budgets):
            if budget not in self.rounds:
                centre, after = self.centre(budget)
                if not self.args.sizes and after:
                    told.append(f"budget {budget:.2g}: sizes around N = {centre:,.0f}, from the optimum at {after:.2g}")
                self.rounds[budget] = 0
                self.add(self.base(index))
            if self.args.sizes:
                continue
            while all(job.over for job in self.first(budget)):
                losses = profiles_of(self.first(budget)).get(budget, {})
                missing = sizes_missing(losses, *self.of_model()) if self.rounds[budget] < self.args.extend else []
                if not missing:
                    break
                self.rounds[budget] += 1
                told.append(f"budget {budget:.2g}: the lowest loss is near an edge, {' and '.join(missing)} added")
                self.add(dict(self.plan(budget, size, seed) for size in missing for seed in self.args.seeds))
            else:
                break
        return told

    def add(self, jobs: dict[str, Job]) -> None:
        """Take up the runs that the sweep does not have yet."""
        self.jobs |= {name: job for name, job in jobs.items() if name not in self.jobs}

    def outlook(self) -> list[Job]:
        """All runs, those too whose sizes are not settled yet, as they would be now."""
        ahead = [self.base(i, True) for i, budget in enumerate(self.budgets) if budget not in self.rounds]
        return [*self.jobs.values(), *(job for jobs in ahead for job in jobs.values())]

    def waiting(self) -> list[Job]:
        """What can be started: small budgets first, replicates last, and long runs before short ones."""
        ready = [job for job in self.jobs.values() if not (job.over or job.worker or job.elsewhere)]
        return sorted(ready, key=lambda job: (job.replicate, job.budget, -job.seconds()))

    def pace(self, on_cpu: bool) -> float | None:
        """Seconds that runs took over those expected: of this sweep's results, else 1 on a CPU and None elsewhere."""
        done = [job for job in self.jobs.values() if job.result and job.result["status"] == "done"]
        clock = "cpu_seconds" if on_cpu else "wall_seconds"
        found = [job.result[clock] / job.seconds() for job in done if job.result.get(clock)]
        return statistics.median(found) if found else 1.0 if on_cpu else None


def start(job: Job, sweep: Sweep, launcher: Launcher, device: str) -> None:
    """Start a run, unless another process has it or has finished it."""
    if job.held():
        job.elsewhere = True
        return
    if job.read():
        again = job.result["status"] == "failed" and not runs.diverged(job.result) and job.tries == 0
        if not again:
            return
        job.over = False
    job.from_step = job.step()
    args = sweep.args
    job.worker = launcher.start(
        train_command(job.plan.settings, args.shards, job.folder, device, args.further), job.folder
    )


def look_elsewhere(jobs: list[Job]) -> bool:
    """Take up the results of runs that other processes had, or the runs themselves where those have gone; whether
    there was one."""
    changed = False
    for job in jobs:
        if job.elsewhere and (job.read() or not job.held()):
            job.elsewhere, changed = False, True
    return changed


def settle(sweep: Sweep, board: Board) -> list[Job]:
    """Add what the results call for, tell of it, and write down the plan of each run; all runs, as far as they are known."""
    for line in sweep.settle():
        board.say(line)
    for job in sweep.waiting():
        if runs.status(job.folder) == "new":
            runs.write_json(job.folder / "plan.json", job.plan.record)
    return sweep.outlook()


def run(sweep: Sweep, launcher: Launcher, device: str, board: Board) -> None:
    """Run all there is, and what the results call for. Whatever ends this process ends the runs too; they resume next time."""
    changed, looked = True, time.monotonic()
    try:
        while changed or not all(job.over for job in sweep.jobs.values()):
            if changed:
                outlook = settle(sweep, board)
            running = [job for job in sweep.jobs.values() if job.worker]
            started = sweep.waiting()[: launcher.at_once - len(running)]
            for job in started:
                start(job, sweep, launcher, device)
            changed = any(job.over for job in started)  # another sweep has finished it meanwhile
            board.update(outlook, sweep.pace(device == "cpu"))
            time.sleep(POLL_SECONDS)
            for job in running:
                if ended := job.worker.ended():
                    changed, line = True, conclude(job, ended)
                    over = sum(job.over for job in sweep.jobs.values())
                    board.say(line or f"{over}/{len(sweep.jobs)} {ending(job)}")
            if time.monotonic() - looked > ELSEWHERE_SECONDS:
                looked = time.monotonic()
                changed |= look_elsewhere(list(sweep.jobs.values()))
    finally:
        board.close()
        launcher.stop([job.worker for job in sweep.jobs.values() if job.worker])


def slurm_option(text: str) -> tuple[str, str | int]:
    """KEY=VALUE, as submitit's update_parameters takes it."""
    key, _, value = text.partition("=")
    if not key or not value:
        raise ValueError(text)
    return key, int(value) if value.isdigit() else value


def sweep_parser() -> argparse.ArgumentParser:
    """The options."""
    made = ArgumentParser(
        prog="python ml/sweep.py",
        description="Plan and run an IsoFLOP sweep; goes on where it was when started again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(made)
    add = made.add_argument
    add("--budgets", type=numbers(number), help="FLOPs a run, as in 1e11,3e11,1e12")
    add(
        "--plan", type=Path, metavar="FILE", help="budgets, sizes and seeds of `python -m analysis.design --write FILE`"
    )
    add("--sizes", type=numbers(str), help="of every budget, as in 14k,25k (default: around each budget's optimum)")
    add("--sizes-per-budget", type=numbers(int), help="how many, one number or one a budget (default 7,6,5,5,...)")
    words = "rounds of further sizes where the lowest loss has fewer than two on a side (%(default)s)"
    add("--extend", type=int, default=1, metavar="TIMES", help=words)
    add("--seeds", type=numbers(int), help="each size is run with each seed (0)")
    words = f"configurations that get {REPLICATE_SEEDS} seeds ({REPLICATES}; 0 where --sizes or --seeds are given)"
    add("--replicates", type=int, help=words)
    add("--launcher", choices=("local", "slurm"), default="local", help="processes here, or jobs (%(default)s)")
    words = "of submitit's update_parameters, as slurm_partition=gpu or timeout_min=600"
    add("--slurm", type=slurm_option, action="append", default=[], metavar="KEY=VALUE", help=words)
    add("--jobs", default="auto", help="runs at once (default: one a core, or one a CUDA device; 64 in Slurm's queue)")
    add("--runs-dir", type=Path, help="default: data/runs")
    add("--dry-run", action="store_true", help="print the plan and stop; nothing is written")
    return made


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    args = sweep_parser().parse_args(words[:cut])
    args.further = words[cut + 1 :]
    given = parser().parse_args(["--shards", str(args.shards), "--epochs", "1", *args.further])
    if settings_from(given, size=given.size, epochs=given.epochs, seed=given.seed, init=given.init) != Settings(
        epochs=1
    ):
        raise UserError(f"-- {' '.join(args.further)}: what decides a run's outcome stands before the --")
    take_plan(args)
    for budget in args.budgets:
        if not 0 < budget < float("inf"):
            raise UserError(f"--budgets: {budget} is no budget, give FLOPs above 0 as in 1e11,3e11")
    if args.sizes == ["auto"]:
        args.sizes = None
    if any(count < 1 for count in args.sizes_per_budget or []):
        raise UserError("--sizes-per-budget: give numbers from 1 up, as in 6,5,4")
    if args.jobs != "auto" and not (args.jobs.isdigit() and int(args.jobs) > 0):
        raise UserError(f"--jobs {args.jobs}: give a number above 0, or auto")
    if args.replicates is None:
        args.replicates = 0 if args.sizes or args.seeds else REPLICATES
    args.seeds = args.seeds or [0]
    return args


def take_plan(args: argparse.Namespace) -> None:
    """Fill in what a plan says and the command line does not; `centres` by budget and `expected` (curvature, seed noise)."""
    args.centres, args.expected = {}, (CURVATURE, SEED_NOISE)
    if (args.budgets is None) == (args.plan is None):
        raise UserError("give the budgets one way: --budgets 1e11,3e11,1e12, or --plan FILE")
    if args.plan:
        plan = read_plan(args.plan)
        args.budgets = plan.budgets
        args.centres = dict(zip(plan.budgets, plan.centres, strict=True))
        args.expected = plan.curvature, plan.seed_noise
        args.sizes_per_budget = args.sizes_per_budget or plan.sizes_per_budget
        args.seeds = args.seeds or (plan.seeds if plan.seeds != [0] else None)


def launcher_of(args: argparse.Namespace, runs_dir: Path) -> tuple[Launcher, str]:
    """What runs are started with, and on which kind of device. On Slurm that is CUDA unless told otherwise: the machine
    that the sweep is started from need not have one."""
    given = None if args.jobs == "auto" else int(args.jobs)
    if args.launcher == "slurm":
        on_cpu = args.device == "cpu"
        queue = SlurmQueue(given or SLURM_AT_ONCE, runs_dir / ".slurm", on_cpu, dict(args.slurm))
        return queue, "cpu" if on_cpu else "cuda"
    on_cpu = not choose_device(args.device).is_cuda
    at_once = len(os.sched_getaffinity(0)) if on_cpu else torch.cuda.device_count()
    return LocalSlots(given or at_once, on_cpu), "cpu" if on_cpu else "cuda"


def main(argv: list[str] | None = None) -> int:
    """Entry point; the exit status: 1 when a run failed."""
    args = parse(argv)
    runs_dir = args.runs_dir or data_dir() / "runs"
    sweep = Sweep(args, runs_dir)
    sweep.settle()
    launcher, device = launcher_of(args, runs_dir)
    print_plan(sweep.outlook(), launcher.at_once, sweep.pace(device == "cpu"), args.expected)
    if args.dry_run:
        return 0
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the runs are ended too
    try:
        run(sweep, launcher, device, Board(launcher.at_once))
    finally:
        signal.signal(signal.SIGTERM, before)
    jobs = list(sweep.jobs.values())
    print_results(jobs, args.expected)
    failed = [job for job in jobs if runs.status(job.folder) != "done"]
    if failed:
        raise UserError(f"{len(failed)} of {len(jobs)} runs failed, the table says why", exit_status=1)
    return 0


if __name__ == "__main__":
    run_main(main)
