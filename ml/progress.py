"""What a run tells while it goes: progress.jsonl, a bar on a terminal or plain lines elsewhere, and the watch
for divergence.

In: summed losses, left on the device so that the device need not wait, and the run's counters. Out: a line in
progress.jsonl every hundredth of the run, with the mean loss since the line before. Wrong: a loss that is not
finite or twice what guessing costs (`Diverged`).
"""

import math
import time

import torch
from tqdm import tqdm

from ml.checkpoint import Tally
from ml.plan import RunPlan
from ml.runs import Progress

LINES = 100


class Diverged(Exception):
    """The loss is not finite, or twice what guessing costs."""


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

    def __init__(self, plan: RunPlan, tally: Tally, progress: Progress, device: torch.device) -> None:
        self.plan, self.tally, self.progress = plan, tally, progress
        self.display = Display(plan, tally.step)
        self.every = max(1, plan.steps // LINES)
        self._nats = torch.tensor(tally.unlogged_nats, dtype=torch.float64, device=device)
        self._before = (tally.wall_seconds, tally.cpu_seconds)
        self._started = (time.monotonic(), time.process_time())
        self._mark = (self._started[0], tally.tokens_seen)

    def add(self, nats: torch.Tensor, n_timeline: int, n_inputs: int) -> None:
        """Count one step; `nats` is its summed loss, on the device."""
        self._nats += nats
        self.tally.step += 1
        self.tally.tokens_seen += n_timeline
        self.tally.inputs_seen += n_inputs
        self.tally.unlogged_tokens += n_timeline

    def clock(self) -> tuple[float, float]:
        """Wall and CPU seconds so far, over all processes that worked on the run; their start-up is left out."""
        wall, cpu = time.monotonic() - self._started[0], time.process_time() - self._started[1]
        return self._before[0] + wall, self._before[1] + cpu

    def settle(self) -> None:
        """Bring `tally` up to date (this waits for the device) and raise `Diverged` if the loss has."""
        tally = self.tally
        tally.unlogged_nats = self._nats.item()
        tally.wall_seconds, tally.cpu_seconds = self.clock()
        mean = tally.unlogged_nats / max(1, tally.unlogged_tokens)
        if not mean < 2 * math.log(self.plan.model.vocabulary_size):
            where = f"by step {tally.step} of {self.plan.steps}"
            raise Diverged(f"the loss diverged: {mean:.4g} nats per token {where}; try a lower --lr")

    def log(self, learning_rate: float, grad_norm: torch.Tensor, tuning_loss: float | None) -> None:
        """Write a line of progress and start the next mean."""
        self.settle()
        tally, moment = self.tally, time.monotonic()
        rate = (tally.tokens_seen - self._mark[1]) / max(1e-9, moment - self._mark[0])
        self._mark = (moment, tally.tokens_seen)
        record = {
            "run_id": self.plan.run_id,
            "step": tally.step,
            "tokens_seen": tally.tokens_seen,
            "flops": self.plan.flops_per_token * tally.inputs_seen,
            "train_loss": tally.unlogged_nats / tally.unlogged_tokens,
            "learning_rate": learning_rate,
            "grad_norm": grad_norm.item(),
            "tuning_loss": tuning_loss,
            "tokens_per_second": rate,
            "elapsed_seconds": tally.wall_seconds,
        }
        self.progress.append(record)
        self.display.update(tally.step, record["train_loss"], rate)
        tally.unlogged_nats, tally.unlogged_tokens = 0.0, 0
        self._nats.zero_()
