"""A run of a sweep: its plan, its folder, and where it stands.

In: a `RunPlan` and the folder. Out: `Job`, which tells whether the run is over, with what loss, and how far it is;
`conclude` decides after its process has ended. A run that stopped when asked to goes on where it was; one
that was killed or failed is tried once more, then recorded as failed; one that diverged or ran out of memory has recorded so
itself. Wrong: a damaged result.json (`UserError`).
"""

from dataclasses import dataclass
from pathlib import Path

from ml import runs, stop
from ml.grid import cpu_seconds
from ml.launch import Ended, Worker
from ml.plan import RunPlan
from warehouse.errors import UserError

TRIES = 2


@dataclass
class Job:
    """`replicate`: a further seed, which no decision waits for; `provisional`: its size is settled when the budget before is done.

    While it runs it has a worker; `elsewhere`: another process has the run.
    """

    plan: RunPlan
    folder: Path
    replicate: bool = False
    provisional: bool = False
    worker: Worker | None = None
    elsewhere: bool = False
    over: bool = False
    result: dict | None = None
    tries: int = 0
    from_step: int = 0

    def __post_init__(self) -> None:
        self.read()
        if self.result and self.result["status"] == "failed" and not runs.diverged(self.result):
            self.over = False  # of an earlier sweep: what ended it then may be mended

    @property
    def budget(self) -> float:
        """FLOPs."""
        return self.plan.settings.flops

    @property
    def n_with_head(self) -> int:
        """N, the output head counted."""
        return self.plan.record["n_with_head"]

    @property
    def loss(self) -> float | None:
        """Tuning loss, once it is done."""
        return (self.result or {}).get("tuning_loss")

    def seconds(self) -> float:
        """Expected seconds on one core."""
        return cpu_seconds(self.plan.record["flops_planned"], self.plan.model.d_model)

    def share_done(self) -> float:
        """Share of the steps that are logged."""
        return self.step() / self.plan.steps

    def step(self) -> int:
        """The last step that is logged."""
        return runs.last_step(self.folder / "progress.jsonl")

    def read(self) -> bool:
        """Take up the result, if there is one; whether there is."""
        self.result = runs.read_json(self.folder / "result.json")
        self.over = self.result is not None
        return self.over

    def held(self) -> bool:
        """Whether another process trains in the folder now."""
        if not (self.folder / ".lock").exists():
            return False
        try:
            with runs.only_process(self.folder):
                return False
        except UserError:
            return True


def conclude(job: Job, ended: Ended) -> str | None:
    """After the run's process has ended: take up its result, or settle what is to become of it; a line where there is
    something to tell."""
    job.worker = None
    if job.read():
        return None
    if job.held():
        job.elsewhere = True
        return f"{job.folder.name}: goes on in another process"
    if ended.status == stop.STATUS and job.step() > job.from_step:
        return f"{job.folder.name}: was asked to stop, goes on where it was"
    job.tries += 1
    if job.tries < TRIES:
        return f"{job.folder.name}: {ended.reason}; is tried once more"
    runs.write_result(job.folder, "failed", ended.reason)
    job.read()
    return None
