"""How the runs of a sweep are started: processes of this machine, or jobs of Slurm by way of submitit.

In: a command and the run's folder, which its words go to (log.txt). Out: a worker that can be asked whether it has ended, and
how, and that can be stopped; it then writes a checkpoint first. `LocalSlots` runs as many at once as the
hardware takes, each with one thread on a CPU or with one CUDA device; `SlurmQueue` keeps a number of jobs in the queue. Wrong: no
submitit or no Slurm, an option of Slurm that submitit does not know (`UserError`).
"""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ml import stop
from ml.plan import Settings
from warehouse.errors import UserError

LOG = "log.txt"
SLURM_AT_ONCE = 64  # jobs in the queue unless --jobs says otherwise
SLURM_MINUTES, SLURM_CORES_OF_DEVICE = 24 * 60, 8  # unless --slurm says otherwise
CHECKPOINT_SECONDS = 120  # Slurm's warning comes this long before the time is over


@dataclass(frozen=True)
class Ended:
    """How a worker ended: its exit status, below 0 the signal that killed it, and the same in words."""

    status: int
    reason: str


class Worker(Protocol):
    """A run that was started."""

    def ended(self) -> Ended | None:
        """How it ended; None while it goes on."""


class Launcher(Protocol):
    """What runs are started with."""

    at_once: int

    def start(self, command: list[str], folder: Path) -> Worker:
        """Start a run; it is the caller who counts that no more than `at_once` go on."""

    def stop(self, workers: Iterable[Any]) -> None:
        """Ask workers to write a checkpoint and leave."""


def train_command(
    settings: Settings, shards: Path, folder: Path, device: str, carried_out: Sequence[str] = ()
) -> list[str]:
    """The command that trains `settings` in `folder`; `carried_out`: options of ml/train.py that do not decide what comes out."""
    values = {
        "shards": shards.absolute(),
        "run-dir": folder.absolute(),
        "device": device,
        "size": settings.size,
        "flops": settings.flops,
        "tokens": settings.tokens,
        "epochs": settings.epochs,
        "seed": settings.seed,
        "context": settings.context,
        "batch-tokens": settings.batch_tokens,
        "lr": settings.eta,
        "warmup-share": settings.warmup_share,
        "weight-decay": settings.weight_decay,
        "eval-tokens": settings.eval_tokens,
        "patients": settings.patients,
    }
    words = [word for name, value in values.items() if value is not None for word in (f"--{name}", str(value))]
    words += ["--tied"] if settings.tied else []
    words += [] if settings.look_up is None else ["--look-up" if settings.look_up else "--no-look-up"]
    return [sys.executable, str(Path(__file__).with_name("train.py")), *words, *carried_out]


def last_words(folder: Path) -> str:
    """The last line that a run said."""
    path = folder / LOG
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "no word")


def told(status: int, folder: Path) -> Ended:
    """An exit status in words."""
    if status < 0:
        return Ended(status, f"killed by {signal.Signals(-status).name}")
    return Ended(status, f"ended with status {status}: {last_words(folder)}" if status else "")


@dataclass
class LocalProcess:
    """A process of this machine, in a slot of its launcher."""

    process: subprocess.Popen
    folder: Path
    slot: int

    def ended(self) -> Ended | None:
        status = self.process.poll()
        return None if status is None else told(status, self.folder)


class LocalSlots:
    """This machine's cores, or its CUDA devices, as slots that hold a run each."""

    def __init__(self, at_once: int, on_cpu: bool) -> None:
        self.at_once, self.on_cpu = at_once, on_cpu
        self.workers: list[LocalProcess] = []

    def start(self, command: list[str], folder: Path) -> LocalProcess:
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        slot = min(set(range(len(self.workers) + 1)) - {worker.slot for worker in self.workers})
        own = {"OMP_NUM_THREADS": "1"} if self.on_cpu else {"CUDA_VISIBLE_DEVICES": self.visible_device(slot)}
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **own}
        with (folder / LOG).open("w", encoding="utf-8") as log:
            # A group of its own: what a terminal sends on Ctrl-C goes to the sweep alone, which then ends its runs in order.
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, process_group=0)
        self.workers.append(LocalProcess(process, folder, slot))
        return self.workers[-1]

    def stop(self, workers: Iterable[LocalProcess]) -> None:
        """Ask all, then wait for all."""
        asked = list(workers)
        for worker in asked:
            worker.process.terminate()
        for worker in asked:
            worker.process.wait()

    @staticmethod
    def visible_device(slot: int) -> str:
        """The CUDA device of a slot, as CUDA_VISIBLE_DEVICES wants it; with more slots than devices they share."""
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        return visible[slot % len(visible)] if visible else str(slot)


def run_in_job(command: list[str], log: Path) -> int:
    """What a job does: run the command, hand Slurm's warnings on to it, and return its exit status.

    submitit's own handler would end the function at once, and the trainer with it, before its checkpoint is written.
    """
    with log.open("w", encoding="utf-8") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT)
    for number in stop.SIGNALS:
        signal.signal(number, lambda number, _: process.send_signal(number))
    return process.wait()


@dataclass
class SlurmJob:
    """A job of submitit's, whose function returns the exit status of the run."""

    job: Any
    folder: Path

    def ended(self) -> Ended | None:
        if not self.job.done():
            return None
        try:
            return told(self.job.result(), self.folder)
        except (
            Exception
        ) as error:  # submitit's own kinds, and whatever its pickles raise: the job is over, without a status
            line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            return Ended(1, f"job {self.job.job_id} ({self.job.state}): {line}")


class SlurmQueue:
    """Slurm, by way of submitit: one job a run. The folders must be ones that all nodes see.

    `options` are those of submitit's `update_parameters`, Slurm's own with the prefix slurm_. `cluster`: `local` runs the jobs
    as processes of this machine, which is for trying it out.
    """

    def __init__(self, at_once: int, scratch: Path, on_cpu: bool, options: dict, cluster: str = "slurm") -> None:
        self.at_once = at_once
        # The warning must be a signal that the trainer takes for one: by default it is USR2, which would kill it.
        os.environ["SUBMITIT_PREEMPT_SIGNAL"] = "USR1"
        try:
            submitit = importlib.import_module("submitit")
        except ImportError as error:
            raise UserError("--launcher slurm needs submitit: pip install 'ehr-scaling[slurm]'") from error
        ours = {"name": "sweep", "timeout_min": SLURM_MINUTES, "cpus_per_task": 1 if on_cpu else SLURM_CORES_OF_DEVICE}
        parameters = {**ours, **({} if on_cpu else {"gpus_per_node": 1}), **options}
        try:
            self.executor = submitit.AutoExecutor(folder=scratch / "%j", cluster=cluster)
            self.executor.update_parameters(slurm_signal_delay_s=CHECKPOINT_SECONDS, **parameters)
        except (RuntimeError, NameError, ValueError, AssertionError, TypeError) as error:
            line = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(f"--launcher slurm: {line}") from error
        self.on_cpu = on_cpu

    def start(self, command: list[str], folder: Path) -> SlurmJob:
        own = ["env", "OMP_NUM_THREADS=1"] if self.on_cpu else []
        return SlurmJob(self.executor.submit(run_in_job, [*own, *command], (folder / LOG).absolute()), folder)

    def stop(self, workers: Iterable[SlurmJob]) -> None:
        """Take them out of the queue; those that run are sent SIGTERM, which makes them write a checkpoint."""
        for worker in workers:
            worker.job.cancel(check=False)
