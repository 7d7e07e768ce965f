"""What a run tells while it goes: progress.jsonl, a bar on a terminal or plain lines elsewhere, and the watch
for divergence.

In: summed losses and gradient norms, left on the device so that the device need not wait, and the run's counters.
Out: a line in progress.jsonl every hundredth of the run, with the means since the line before. Only the first rank
writes and shows; sums go over all ranks. Wrong: a run that diverges by the rule of ml/divergence.py (`Diverged`).
"""

import time
from collections.abc import Iterator
from typing import TypeVar

import torch
from tqdm import tqdm

from ml.checkpoint import Tally
from ml.distributed import World
from ml.divergence import LINES as KEPT
from ml.divergence import fault, spike
from ml.plan import RunPlan
from ml.runs import Progress
from ml.stream import Step

LINES = 100
T = TypeVar("T")


class Diverged(Exception):
    """The run has diverged; the text says how and by which step."""


class Display:
    """A progress bar on a terminal; otherwise a plain line every tenth of the run."""

    def __init__(self, plan: RunPlan, done: int) -> None:
        self.steps, self.tenth, self.shown = plan.steps, max(1, plan.steps // 10), done
        self.started, self.first = time.monotonic(), done
        self.bar = tqdm(total=plan.steps, initial=done, desc=plan.run_id, unit="step", disable=None, dynamic_ncols=True)

    def update(self, step: int, loss: float, tokens_per_second: float) -> None:
        """Show the state after `step` steps."""
        if not self.bar.disable:
            self.bar.set_postfix_str(f"loss {loss:.3f}, {tokens_per_second:,.0f} tokens/s", refresh=False)
            self.bar.update(step - self.bar.n)
        elif step // self.tenth > self.shown // self.tenth or step == self.steps:
            left = (time.monotonic() - self.started) / (step - self.first) * (self.steps - step)
            rate = f"{tokens_per_second:,.0f} tokens/s"
            print(f"step {step}/{self.steps}  loss {loss:.4f}  {rate}  {left:.0f} s left", flush=True)
            self.shown = step


class Meter:
    """Counts, times, logs and watches a run; `tally` is what it has done, over all processes that worked on it."""

    def __init__(
        self, plan: RunPlan, tally: Tally, progress: Progress | None, device: torch.device, world: World
    ) -> None:
        self.plan, self.tally, self.progress, self.world = plan, tally, progress, world
        self.display = Display(plan, tally.step) if world.is_first else None
        self.every = max(1, plan.steps // LINES)
        before = (tally.unlogged_nats, tally.unlogged_norms) if world.is_first else (0.0, 0.0)
        self._sums = torch.tensor(before, dtype=torch.float64).to(device)  # of loss and norm, since the last line
        self._before = (tally.wall_seconds, tally.cpu_seconds, tally.wait_seconds)
        self._started = (time.monotonic(), time.process_time())
        self._waited = self._settled_cpu = 0.0
        self._mark = (self._started[0], tally.tokens_seen, tally.wait_seconds)

    def timed(self, batches: Iterator[T]) -> Iterator[T]:
        """The batches, with the time that the run waits for them."""
        while True:
            start = time.monotonic()
            batch = next(batches, None)
            self._waited += time.monotonic() - start
            if batch is None:
                return
            yield batch

    def add(self, step: Step, nats: torch.Tensor, norm: torch.Tensor) -> None:
        """Count one step; `nats` is this rank's summed loss, `norm` that of the whole gradient, both on the device."""
        self._sums[0] += nats
        self._sums[1] += norm / self.world.size
        tally = self.tally
        tally.step += 1
        tally.order = step.chain(tally.order)
        tally.tokens_seen += step.n_timeline
        tally.inputs_seen += step.n_inputs
        tally.unlogged_tokens += step.n_timeline
        tally.unlogged_steps += 1

    def clocks(self) -> tuple[float, float]:
        """Wall and CPU seconds by now; for the CPU, those of the other ranks as of the last `settle`."""
        own = time.process_time() - self._started[1] - self._settled_cpu
        return self._before[0] + time.monotonic() - self._started[0], self.tally.cpu_seconds + own

    def settle(self) -> None:
        """Bring `tally` up to date over all ranks (this waits for the device) and raise `Diverged` if the loss has."""
        tally, size = self.tally, self.world.size
        self._settled_cpu = time.process_time() - self._started[1]
        clocks = torch.tensor([self._settled_cpu, self._waited / size], dtype=torch.float64)
        sums = self.world.sum(torch.cat((self._sums, clocks.to(self._sums.device)))).tolist()
        tally.unlogged_nats, tally.unlogged_norms = sums[:2]
        tally.wall_seconds = self._before[0] + time.monotonic() - self._started[0]
        tally.cpu_seconds, tally.wait_seconds = self._before[1] + sums[2], self._before[2] + sums[3]
        if tally.unlogged_steps:
            self._refuse(fault(self.train_loss, self.grad_norm, self.plan.model.vocabulary_size))

    def _refuse(self, reason: str | None) -> None:
        if reason:
            where = f"by step {self.tally.step} of {self.plan.steps}"
            raise Diverged(f"the loss diverged {where}: {reason}; try a lower --lr")

    @property
    def train_loss(self) -> float:
        """Mean nats per token since the line before; as of the last `settle`."""
        return self.tally.unlogged_nats / self.tally.unlogged_tokens

    @property
    def grad_norm(self) -> float:
        """Mean norm of the gradient before clipping since the line before; as of the last `settle`."""
        return self.tally.unlogged_norms / self.tally.unlogged_steps

    def log(self, learning_rate: float, tuning_loss: float | None) -> None:
        """Write a line of progress and start the next means."""
        self.settle()
        tally, moment = self.tally, time.monotonic()
        seconds = max(1e-9, moment - self._mark[0])
        record = {
            "run_id": self.plan.run_id,
            "step": tally.step,
            "tokens_seen": tally.tokens_seen,
            "epochs": tally.tokens_seen / self.plan.record["unique_tokens"],
            "flops": self.plan.flops_per_token * tally.inputs_seen,
            "train_loss": self.train_loss,
            "learning_rate": learning_rate,
            "grad_norm": self.grad_norm,
            "tuning_loss": tuning_loss,
            "tokens_per_second": (tally.tokens_seen - self._mark[1]) / seconds,
            "elapsed_seconds": tally.wall_seconds,
            "data_wait_share": (tally.wait_seconds - self._mark[2]) / seconds,
            "data_order": tally.order,
        }
        self._mark = (moment, tally.tokens_seen, tally.wait_seconds)
        if self.world.is_first:
            self.progress.append(record)
            self.display.update(tally.step, record["train_loss"], record["tokens_per_second"])
        tally.losses = [*tally.losses, self.train_loss][-KEPT:]
        tally.lowest, reason = spike(tally.losses, tally.lowest)
        self._refuse(reason)
        tally.unlogged_nats = tally.unlogged_norms = 0.0
        tally.unlogged_tokens = tally.unlogged_steps = 0
        self._sums.zero_()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.display:
            self.display.bar.close()
