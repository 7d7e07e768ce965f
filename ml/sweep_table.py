"""What a sweep shows: the plan before it starts, one live table while it runs, the results at its end.

In: the jobs of a sweep. Out: lines on standard output; on a terminal a table that stays in place and is redrawn, elsewhere a
plain line for each run that starts or ends. Wrong: nothing here.
"""

import math
import sys
import time
from collections.abc import Iterable, Sequence

from tqdm import tqdm

from ml import runs
from ml.grid_formulas import CURVATURE, SEED_NOISE, curvature_of, exponent_error, noise_of, vertex
from ml.jobs import Job

REDRAW_SECONDS = 1.0
EXPECTED = (CURVATURE, SEED_NOISE)


def by_budget(jobs: Iterable[Job]) -> dict[float, list[Job]]:
    """The jobs of each budget, in order of budget, size and seed."""
    found: dict[float, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: (job.budget, job.n_with_head, job.plan.settings.seed)):
        found.setdefault(job.budget, []).append(job)
    return found


def profiles_of(jobs: Iterable[Job]) -> dict[float, dict[int, float]]:
    """{budget: {N with head: mean tuning loss over seeds}} of what is done."""
    found: dict[float, dict[int, list[float]]] = {}
    for job in jobs:
        if job.loss is not None:
            found.setdefault(job.budget, {}).setdefault(job.n_with_head, []).append(job.loss)
    return {b: {n: sum(x) / len(x) for n, x in sorted(sizes.items())} for b, sizes in sorted(found.items())}


def expected_error(jobs: Sequence[Job], expected: tuple[float, float] = EXPECTED) -> str:
    """The standard error that the exponent of N* ~ C^a will have, and what that rests on, in one line.

    `expected`: curvature and seed noise, in nats, that count where the results do not tell them.
    """
    counts: dict[float, dict[float, int]] = {}
    groups: dict[str, list[float]] = {}
    for job in jobs:
        sizes = counts.setdefault(job.budget, {})
        sizes[job.n_with_head] = sizes.get(job.n_with_head, 0) + 1
        if job.loss is not None:
            groups.setdefault(job.plan.record["configuration"], []).append(job.loss)
    curvature, budgets = curvature_of(profiles_of(jobs))
    noise, freedom = noise_of(list(groups.values()))
    curvature, noise = (curvature if budgets else expected[0]), (noise if freedom else expected[1])
    error = exponent_error(counts, curvature, noise)
    bent = f"of {budgets} budgets' results" if budgets else "expected"
    spread = f"of results, {freedom} degrees of freedom" if freedom else "expected"
    told = f"{error:.3f}" if math.isfinite(error) else "none: it takes two budgets with three sizes"
    return (
        f"expected standard error of the exponent a of N* ~ C^a: {told} "
        f"(curvature {curvature:.3f} {bent}; seed noise {noise:.4f} {spread})"
    )


def duration(seconds: float) -> str:
    """Seconds for a person."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def wall_seconds(jobs: Sequence[Job], at_once: int, pace: float | None) -> float | None:
    """Seconds until all are done; None where the device's speed is not known."""
    todo = [job.seconds() * (1 - job.share_done()) * pace for job in jobs if not job.over] if pace else []
    return max([sum(todo) / at_once, *todo]) if pace else None


def print_plan(jobs: Sequence[Job], at_once: int, pace: float | None, expected: tuple[float, float] = EXPECTED) -> None:
    """The plan, with what it costs and what it will tell. `pace`: seconds over those expected; None where not known."""
    print("  budget   size seed    d  L  N with head          D   D/U   steps  CPU s  status")
    for job in [job for group in by_budget(jobs).values() for job in group]:
        record, settings = job.plan.record, job.plan.settings
        epochs = record["tokens_planned"] / record["unique_tokens"]
        seconds = f"{job.seconds() * pace:5.0f}" if pace else "    -"
        print(
            f"{settings.flops:8.2g} {settings.size:>6} {settings.seed:4d} {record['d_model']:4d} {record['n_layers']:2d} "
            f"{job.n_with_head:12,d} {record['tokens_planned']:10,d} {epochs:5.2f} {job.plan.steps:7d}  "
            f"{seconds}  {'to be centred' if job.provisional else runs.status(job.folder)}"
        )
    todo = [job for job in jobs if not job.over]
    flops = sum(job.plan.record["flops_planned"] for job in todo)
    wall = wall_seconds(jobs, at_once, pace)
    cost = f"about {duration(wall)}" if wall is not None else "time not known until runs have ended on this device"
    print(f"{len(jobs)} runs, {len(todo)} to do: {flops:.3g} FLOPs, {cost} with {at_once} at once")
    print(expected_error(jobs, expected), flush=True)


def ending(job: Job) -> str:
    """How a run ended, in one line."""
    result = job.result or {"status": "running", "reason": "in another process"}
    if result["status"] == "done":
        return f"{job.folder.name}: {runs.summary(result)}, {result['cpu_seconds']:.0f} CPU s"
    return f"{job.folder.name}: {result['status']}: {result['reason']}"


class Board:
    """The live table: one line for the whole, one for each budget. Elsewhere than on a terminal, `say` alone speaks."""

    def __init__(self, at_once: int) -> None:
        self.at_once, self.live = at_once, sys.stderr.isatty()
        self.started, self.drawn = time.monotonic(), 0.0
        self.lines: list[tqdm] = []

    def say(self, text: str) -> None:
        """A line that stays."""
        tqdm.write(text)
        sys.stdout.flush()

    def update(self, jobs: Sequence[Job], pace: float | None) -> None:
        """Redraw the table, at most once a second."""
        if not self.live or time.monotonic() - self.drawn < REDRAW_SECONDS:
            return
        self.drawn = time.monotonic()
        texts = self.texts(jobs, pace)
        while len(self.lines) < len(texts):
            self.lines.append(tqdm(bar_format="{desc}", position=len(self.lines), leave=False, dynamic_ncols=True))
        for line, text in zip(self.lines, texts, strict=False):
            line.set_description_str(text)

    def texts(self, jobs: Sequence[Job], pace: float | None) -> list[str]:
        """The lines of the table as it stands."""
        left = wall_seconds(jobs, self.at_once, pace)
        cost = sum(job.seconds() for job in jobs) or 1.0
        done = sum(job.seconds() * (1.0 if job.over else job.share_done()) for job in jobs) / cost
        ahead = f", about {duration(left)} left" if left is not None else ""
        lines = [f"sweep {done:4.0%}  {duration(time.monotonic() - self.started)} passed{ahead}"]
        lines.append("  budget   runs   best loss   at N        N*   running")
        profiles = profiles_of(jobs)
        for budget, group in by_budget(jobs).items():
            losses = profiles.get(budget, {})
            best, lowest = min(losses, key=losses.__getitem__, default=None), vertex(losses)
            known = f"{losses[best]:9.4f} {best:8,d}" if best else f"{'-':>9} {'-':>8}"
            going = ", ".join(
                f"{j.plan.settings.size} s{j.plan.settings.seed} {j.share_done():.0%}" for j in group if j.worker
            )
            star = f"{lowest:9,.0f}" if lowest else f"{'-':>9}"
            lines.append(f"{budget:8.2g} {sum(j.over for j in group):3d}/{len(group):<3d} {known} {star}   {going}")
        return lines

    def close(self) -> None:
        """Take the table away; the last lines are the caller's."""
        for line in reversed(self.lines):
            line.close()
        self.lines = []


def print_results(jobs: Sequence[Job], expected: tuple[float, float] = EXPECTED) -> None:
    """All runs with their losses, the lowest of each budget marked, and the optimum of each budget."""
    print("  budget   size seed  N with head          D  held_out  CPU s  status")
    groups = by_budget(jobs)
    for group in groups.values():
        losses = {job.folder: (job.result or {}).get("held_out_loss") for job in group}
        best = min((loss for loss in losses.values() if loss is not None), default=None)
        for job in group:
            result, settings, loss = job.result or {}, job.plan.settings, losses[job.folder]
            shown = "        -" if loss is None else f"{loss:8.4f}{'*' if loss == best else ' '}"
            print(
                f"{settings.flops:8.2g} {settings.size:>6} {settings.seed:4d} {job.n_with_head:12,d} "
                f"{result.get('tokens_seen') or 0:10,d} {shown} {result.get('cpu_seconds') or 0:6.0f}  "
                f"{runs.status(job.folder)}{': ' + result['reason'] if result.get('reason') else ''}"
            )
    optima = {budget: vertex(losses) for budget, losses in profiles_of(jobs).items()}
    found = ", ".join(f"{budget:.2g}: {n:,.0f}" for budget, n in optima.items() if n)
    print(f"optimum of N with head by tuning loss: {found or 'none: it takes three sizes a budget'}")
    print(expected_error(jobs, expected))
