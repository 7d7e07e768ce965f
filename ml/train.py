"""Train one model: `python ml/train.py --shards data/shards --size 25k --flops 1e11`, also under torchrun.

In: shards and settings. Out: a run folder (config.json, progress.jsonl, result.json,
checkpoint/model.safetensors with Hugging Face's Llama names). Started again on the same --run-dir it resumes
from the last checkpoint, on the CPU to the same bits; a finished run says so. SIGTERM and SIGUSR1 write a checkpoint
first (exit 143). Wrong: damaged or foreign shards, conflicting settings (exit 2); a run that diverges or runs out of
memory (result.json says failed and why, exit 1); a disk that is full (exit 1, the run can go on later).
"""

import math
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from ml import runs, stop
from ml.arguments import Options, parse
from ml.checkpoint import Checkpoints, save_weights, whole_weights
from ml.data import Split
from ml.device import Device, choose_device
from ml.distributed import World, is_lost_rank, joined, must_shard, part_again, place, spread
from ml.huggingface import start_from
from ml.look_up import start_look_up
from ml.model import Llama, initialise, parameter_groups
from ml.packing import Batch
from ml.plan import RunPlan, Settings, plan_run
from ml.progress import Diverged, Meter
from ml.records import config_record, result_record
from ml.scoring import score
from ml.stream import Corpus, Loader, open_corpus
from warehouse.errors import UserError, run_main
from warehouse.paths import data_dir

FLOOR_SHARE = 0.1  # the cosine ends at this share of the peak
PAUSE_SECONDS = 30.0  # between two checkpoints, unless told otherwise: what a kill may cost
SAVE_SHARE = 0.02  # of the time may go into checkpoints; where writing one takes long the pauses grow
ASK_EVERY = 8  # steps between two times that several ranks agree whether to save or stop; it costs a wait
CUDA_WORKERS = 2
GO_ON, SAVE, STOP = 0, 1, 2


def rate_factor(step: int, steps: int, warmup_share: float) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then cosine down to a tenth at the horizon."""
    warmup = max(1, round(warmup_share * steps))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup + 1) / max(1, steps - warmup)
    return FLOOR_SHARE + (1 - FLOOR_SHARE) * 0.5 * (1 + math.cos(math.pi * done))


def build(
    plan: RunPlan, device: Device, world: World, sharded: bool, compiled: bool
) -> tuple[Llama, nn.Module, torch.optim.Optimizer]:
    """Model, its loss over this rank's rows, and optimiser at step 0, on the device."""
    settings = plan.settings
    model = Llama(plan.model)
    initialise(model, settings.seed)
    if settings.begins_with_look_up:
        start_look_up(model, settings.seed)
    if settings.init:
        start_from(model, Path(settings.init), settings.seed)
    if not sharded:  # where it is, each block moves when it is parted, so the whole need not fit
        model.to(device.torch)
    if compiled:
        model.compile()  # block by block, so before the blocks are parted
    loss = spread(model, device, world, sharded)
    groups = parameter_groups(model, settings.eta, settings.weight_decay)
    optimiser = torch.optim.AdamW(groups, betas=(settings.beta1, settings.beta2), fused=True)
    for group in optimiser.param_groups:
        group["peak_lr"] = group["lr"]
    return model, loss, optimiser


def seed_step(seed: int, step: int, rank: int) -> None:
    """Make whatever a step draws a function of these three, so that a run resumed anywhere draws the same."""
    torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]))


def train_step(loss: nn.Module, optimiser, batch: Batch, share: float, clip: float, factor: float) -> tuple:
    """One step of AdamW on the mean loss over all ranks' tokens; this rank's summed loss and the norm of the whole
    gradient, both still on the device.

    `share`: number of ranks over the timeline tokens of all ranks, since the backward pass takes the ranks' mean.
    """
    for group in optimiser.param_groups:
        group["lr"] = group["peak_lr"] * factor
    nats = loss(batch)
    (nats * share).backward()
    norm = torch.nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return nats.detach(), norm.full_tensor() if isinstance(norm, DTensor) else norm


class Run:
    """One run in its folder: what it is, where it runs, and its parts."""

    def __init__(
        self, plan: RunPlan, corpus: Corpus, folder: Path, device: Device, world: World, options: Options
    ) -> None:
        self.plan, self.corpus, self.folder = plan, corpus, folder
        self.device, self.world, self.options = device, world, options
        self.sharded = must_shard(options.shard, plan.record["n_total"], world, device)
        vocabulary = plan.record["vocabulary_sha256"]
        self.checkpoints = Checkpoints(folder, options.keep_checkpoints, world, vocabulary)
        workers = options.workers if options.workers is not None else CUDA_WORKERS * device.is_cuda
        of_ranks = (world.rank, world.size, workers, device.is_cuda)
        self.loader = Loader(corpus.stream, plan.rows, plan.steps, *of_ranks)

    def score(self, model: Llama, split: Split):
        """Loss on a split; every rank takes all of it, so that none has to wait for a sum."""
        settings = self.plan.settings
        found = score(model, split, settings.context, settings.eval_tokens, self.device)
        part_again(model)
        return found

    def train(self, request: stop.StopRequest) -> tuple[Llama, Meter]:
        """Train from the last checkpoint, or from step 0, to the horizon, the step to stop at, or until asked to stop.

        Raises `Diverged`.
        """
        plan, options, world, device = self.plan, self.options, self.world, self.device
        settings, last = plan.settings, min(plan.steps, options.stop_at_step or plan.steps)
        model, loss, optimiser = build(plan, device, world, self.sharded, options.compiled)
        tally = self.checkpoints.load(model, optimiser)
        progress = runs.Progress(self.folder / "progress.jsonl", tally.step) if world.is_first else None
        meter = Meter(plan, tally, progress, device.torch, world)
        every, pause, saved_at = options.checkpoint_every, PAUSE_SECONDS, time.monotonic()
        batches = meter.timed(self.loader.batches(tally.step))
        while tally.step < last:
            step, batch = next(batches)
            factor = rate_factor(tally.step, plan.steps, settings.warmup_share)
            seed_step(settings.seed, tally.step, world.rank)
            share = world.size / step.n_timeline
            nats, norm = train_step(loss, optimiser, batch, share, settings.gradient_clip, factor)
            meter.add(step, nats, norm)
            evaluating = options.evaluate_every and tally.step % options.evaluate_every == 0
            if evaluating or tally.step % meter.every == 0 or tally.step == plan.steps:
                found = self.score(model, self.corpus.tuning) if evaluating else None
                meter.log(settings.eta * factor, found.nats / found.tokens if found else None)
            wish = self.wish(tally.step, request, every is None and time.monotonic() - saved_at > pause)
            if wish or (every and tally.step % every == 0) or tally.step == last:
                start = time.monotonic()
                meter.settle()  # so that no diverged state is saved
                self.checkpoints.save(model, optimiser, tally)
                saved_at = time.monotonic()
                pause = max(PAUSE_SECONDS, (saved_at - start) / SAVE_SHARE)
            if wish == STOP:
                break
        meter.close()
        return model, meter

    def wish(self, step: int, request: stop.StopRequest, is_due: bool) -> int:
        """Whether to go on, save or stop after this step; the same on all ranks, which ask one another now and then."""
        if self.world.size > 1 and step % ASK_EVERY:
            return GO_ON
        own = STOP if request.asked else SAVE if is_due else GO_ON
        return self.world.highest(own, self.device.torch)

    def work(self) -> int:
        """Train, score and write the result into the folder, which no other run works in; the exit status."""
        world, folder = self.world, self.folder
        world.from_first(self.begin)
        try:
            with stop.listening() as request:
                model, meter = self.train(request)
            if meter.tally.step < self.plan.steps:
                if world.is_first:
                    why = f" ({request.asked})" if request.asked else ""
                    print(
                        f"{folder}: stopped at step {meter.tally.step} of {self.plan.steps}{why}; the same command resumes"
                    )
                return stop.STATUS if request.asked else 0
            trained, scores, families = replace(meter.tally), {}, []
            for name, split in (("tuning", self.corpus.tuning), ("held_out", self.corpus.held_out)):
                found = self.score(model, split)
                scores |= found.record(name) if found else {}
                families += found.family_records(name) if found else []
        except (Diverged, torch.OutOfMemoryError) as error:
            reason = str(error).splitlines()[0]
            if world.is_first_to_fail():
                runs.write_result(folder, "failed", reason)
            raise UserError(f"{folder}: {reason}", exit_status=1) from error
        held = self.loader.held_bytes()
        result = result_record(self.plan, trained, scores, meter.clocks(), self.device, world.size, held)
        weights = whole_weights(model)
        world.from_first(lambda: self.finish(model, weights, families, result))
        return 0

    def begin(self) -> None:
        """Write config.json unless the run goes on, and take up a failed try."""
        (self.folder / "result.json").unlink(missing_ok=True)
        if not (self.folder / "config.json").is_file():
            record = config_record(self.plan, self.device, self.world, self.sharded, self.folder.resolve().name)
            runs.write_json(self.folder / "config.json", record)

    def finish(self, model: Llama, weights: dict[str, torch.Tensor], families: list[dict], result: dict) -> None:
        """Write the weights and the result, which ends the run, and remove what only resuming needs."""
        save_weights(self.folder, model, weights, self.plan)
        lines = [{"run_id": self.plan.run_id, **line} for line in families]
        runs.write_lines(self.folder / "families.jsonl", lines)
        runs.write_result(self.folder, "done", None, result)
        self.checkpoints.clear()
        print(f"{self.folder}: {runs.summary(result)}")


def run(settings: Settings, shards: Path, options: Options, device: Device, world: World) -> int:
    """Carry out one run in its folder, or say that it is finished; the exit status."""
    corpus = open_corpus(shards, settings.context, settings.seed, settings.patients)
    plan = plan_run(settings, corpus.manifest, corpus.stream)
    folder = options.run_dir or data_dir() / "runs" / plan.run_id
    one = Run(plan, corpus, folder, device, world, options)

    def finished() -> bool:
        runs.check_same(folder, plan.record)
        result = runs.read_json(folder / "result.json")
        if result and result["status"] == "done":
            print(f"{folder} is finished: {runs.summary(result)}")
            return True
        return False

    with ExitStack() as stack:
        world.from_first(lambda: stack.enter_context(runs.only_process(folder)))
        return 0 if world.from_first(finished) else one.work()


def main(argv: list[str] | None = None) -> int:
    """Entry point; the exit status. Of several ranks one speaks: the first before they have met, then the first to fail."""
    rank, _, local_rank = place()
    try:
        settings, shards, options = parse(argv)
        device = choose_device(options.device, local_rank)
    except UserError as error:
        if rank == 0:
            raise
        return error.exit_status
    with joined(device) as world:
        try:
            return run(settings, shards, options, device, world)
        except UserError as error:
            if not world.is_first_to_fail():
                sys.exit(error.exit_status)
            raise
        except RuntimeError as error:
            if world.size > 1 and not world.is_first_to_fail():
                sys.exit(1)  # what another rank's end looks like from here
            if is_lost_rank(error):
                raise UserError(
                    f"rank {rank}: another rank has gone; the same command goes on", exit_status=1
                ) from error
            raise


if __name__ == "__main__":
    run_main(main)
