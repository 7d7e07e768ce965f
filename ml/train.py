"""Train one model: `python ml/train.py --shards data/shards --size 25k --flops 1e11`.

In: shards and settings. Out: a run folder (config.json, progress.jsonl, result.json,
checkpoint/model.safetensors with Hugging Face's Llama names). Started again on the same --run-dir it resumes
from the last checkpoint, on the CPU to the same bits; a finished run says so. Wrong: damaged or foreign shards,
conflicting settings (exit 2); a loss that diverges (result.json says failed and why, exit 1).
"""

import argparse
import math
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from ml import runs
from ml.checkpoint import load_state, save_state, save_weights
from ml.data import Manifest, Split, read_manifest
from ml.device import Device, choose_device
from ml.flops import six_nd
from ml.huggingface import start_from
from ml.model import Llama, initialise, parameter_groups
from ml.packing import Batch, RowStream
from ml.plan import RunPlan, Settings, plan_run
from ml.progress import Diverged, Meter
from ml.scoring import batch_loss, score
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import data_dir
from warehouse.provenance import git_commit

FLOOR_SHARE = 0.1  # the cosine ends at this share of the peak
CHECKPOINTS = 10  # about how many checkpoints a run writes unless told otherwise
EXAMPLES = """examples:
  python ml/train.py --shards data/shards --size 25k --flops 1e11
  python ml/train.py --shards data/shards --size 1M --epochs 2 --context 512 --seed 1
  python ml/train.py --shards data/shards --size 28M --tokens 3e8 --context 2048 --device cuda --compile
"""


@dataclass(frozen=True)
class Corpus:
    """The shards of a run: train as a stream of rows, the other two as they are."""

    manifest: Manifest
    stream: RowStream
    tuning: Split
    held_out: Split


@dataclass(frozen=True)
class Options:
    """How a run is carried out; what comes out does not depend on it, but for rounding by device and compiler."""

    device: str | None = None
    run_dir: Path | None = None
    checkpoint_every: int | None = None
    evaluate_every: int | None = None
    stop_at_step: int | None = None
    compiled: bool = False


def open_corpus(folder: Path, context: int, seed: int) -> Corpus:
    """Open and check the shards; an empty train split is refused."""
    manifest = read_manifest(folder)
    train = Split(manifest, "train")
    if not len(train):
        raise UserError(f"{folder}: the train split is empty: export a warehouse with more patients")
    return Corpus(manifest, RowStream(train, context, seed), Split(manifest, "tuning"), Split(manifest, "held_out"))


def rate_factor(step: int, steps: int, warmup_share: float) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then cosine down to a tenth at the horizon."""
    warmup = max(1, round(warmup_share * steps))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup + 1) / max(1, steps - warmup)
    return FLOOR_SHARE + (1 - FLOOR_SHARE) * 0.5 * (1 + math.cos(math.pi * done))


def build(plan: RunPlan, device: Device, compiled: bool) -> tuple[Llama, torch.optim.Optimizer]:
    """Model and optimiser at step 0, on the device."""
    settings = plan.settings
    model = Llama(plan.model)
    initialise(model, settings.seed)
    if settings.init:
        start_from(model, Path(settings.init), settings.seed)
    model.to(device.torch)
    if compiled:
        model.compile()
    groups = parameter_groups(model, settings.eta, settings.weight_decay)
    optimiser = torch.optim.AdamW(groups, betas=(settings.beta1, settings.beta2), fused=True)
    for group in optimiser.param_groups:
        group["peak_lr"] = group["lr"]
    return model, optimiser


def train_step(model: Llama, optimiser, batch: Batch, device: Device, clip: float, factor: float) -> tuple:
    """One step of AdamW on the mean loss of a batch; its summed loss and gradient norm, still on the device."""
    for group in optimiser.param_groups:
        group["lr"] = group["peak_lr"] * factor
    nats = batch_loss(model, batch, device)
    (nats / batch.n_timeline).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return nats.detach(), norm


def train(plan: RunPlan, corpus: Corpus, folder: Path, device: Device, options: Options) -> tuple[Llama, Meter]:
    """Train from the last checkpoint, or from step 0, to the horizon or the step to stop at. Raises `Diverged`."""
    model, optimiser = build(plan, device, options.compiled)
    tally = load_state(folder, model, optimiser, plan)
    meter = Meter(plan, tally, runs.Progress(folder / "progress.jsonl", tally.step), device.torch)
    save_every = options.checkpoint_every or max(1, plan.steps // CHECKPOINTS)
    settings, stop = plan.settings, min(plan.steps, options.stop_at_step or plan.steps)
    for batch in corpus.stream.batches(plan.rows, plan.steps, tally.step):
        if tally.step >= stop:
            break
        factor = rate_factor(tally.step, plan.steps, settings.warmup_share)
        nats, norm = train_step(model, optimiser, batch, device, settings.gradient_clip, factor)
        meter.add(nats, batch.n_timeline, batch.n_inputs)
        evaluating = options.evaluate_every and tally.step % options.evaluate_every == 0
        if evaluating or tally.step % meter.every == 0 or tally.step == plan.steps:
            found = score(model, corpus.tuning, settings.context, settings.eval_tokens, device) if evaluating else None
            meter.log(settings.eta * factor, norm, found.nats / found.tokens if found else None)
        if tally.step % save_every == 0 or tally.step == stop:
            meter.settle()
            save_state(folder, model, optimiser, tally, plan)
    meter.display.bar.close()
    return model, meter


def versions() -> str:
    """Python's and torch's versions, as one text."""
    return f"python {platform.python_version()}, torch {torch.__version__}"


def config_record(plan: RunPlan, device: Device, run_id: str) -> dict:
    """What config.json holds: the plan and where it runs."""
    return {
        **plan.record,
        "run_id": run_id,
        "device": device.torch.type,
        "hardware": device.hardware,
        "dtype": str(device.dtype).removeprefix("torch."),
        "git_commit": git_commit(),
        "versions": versions(),
        "created_at": runs.now(),
    }


def result_record(plan: RunPlan, corpus: Corpus, model: Llama, meter: Meter, device: Device, folder: Path) -> dict:
    """What result.json holds of a finished run; scores the model on tuning and held_out, families into families.jsonl."""
    tally = meter.tally
    flops = plan.flops_per_token * tally.inputs_seen
    scores, lines = {}, []
    for name, split in (("tuning", corpus.tuning), ("held_out", corpus.held_out)):
        found = score(model, split, plan.settings.context, plan.settings.eval_tokens, device)
        scores |= found.record(name) if found else {}
        lines += found.family_records(name) if found else []
    runs.write_lines(folder / "families.jsonl", [{"run_id": plan.run_id, **line} for line in lines])
    wall, cpu = meter.clock()
    peak = device.measured_peak_flops()
    return {
        "tokens_seen": tally.tokens_seen,
        "inputs_seen": tally.inputs_seen,
        "scored_share": tally.tokens_seen / tally.inputs_seen,
        "epochs": tally.tokens_seen / plan.record["unique_tokens"],
        "flops": flops,
        "flops_6nd": six_nd(plan.record["n_with_head"], tally.tokens_seen),
        **scores,
        "tokens_per_second": tally.tokens_seen / tally.wall_seconds,
        "train_seconds": tally.wall_seconds,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "peak_share": flops / tally.wall_seconds / peak,
        "peak_flops_per_second": peak,
        "peak_source": "torch.mm, measured at the end of the run",
        "peak_memory_bytes": device.peak_memory_bytes(),
    }


def work(plan: RunPlan, corpus: Corpus, folder: Path, device: Device, options: Options) -> None:
    """Train, score and write the result into the folder, which no other process works in."""
    (folder / "result.json").unlink(missing_ok=True)  # of a failed try, which this one takes up
    if not (folder / "config.json").is_file():
        runs.write_json(folder / "config.json", config_record(plan, device, folder.resolve().name))
    try:
        model, meter = train(plan, corpus, folder, device, options)
        if meter.tally.step < plan.steps:
            print(f"{folder}: stopped at step {meter.tally.step} of {plan.steps}; the same command resumes")
            return
        result = result_record(plan, corpus, model, meter, device, folder)
    except (Diverged, torch.OutOfMemoryError) as error:
        reason = str(error).splitlines()[0]
        runs.write_result(folder, "failed", reason)
        raise UserError(f"{folder}: {reason}", exit_status=1) from error
    save_weights(folder, model, plan)
    runs.write_result(folder, "done", None, result)
    (folder / "checkpoint" / "state.pt").unlink(missing_ok=True)  # a finished run is not resumed
    print(f"{folder}: {runs.summary(result)}")


def run(settings: Settings, shards: Path, options: Options) -> None:
    """Carry out one run in its folder, or say that it is finished."""
    device = choose_device(options.device)
    corpus = open_corpus(shards, settings.context, settings.seed)
    plan = plan_run(settings, corpus.manifest, corpus.stream)
    folder = options.run_dir or data_dir() / "runs" / plan.run_id
    with runs.only_process(folder):
        runs.check_same(folder, plan.record)
        result = runs.read_json(folder / "result.json")
        if result and result["status"] == "done":
            print(f"{folder} is finished: {runs.summary(result)}")
        else:
            work(plan, corpus, folder, device, options)


def number(text: str) -> float:
    """A count that may be written as 1e9 or 28M."""
    unit = {"k": 1e3, "m": 1e6, "b": 1e9}.get(text[-1:].lower(), 1.0)
    return float(text[:-1] if unit > 1 else text) * unit


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that decide what comes out, but size, length and seed; ml/sweep.py has them too."""
    default = Settings(epochs=1)
    parser.add_argument("--shards", type=Path, required=True, help="folder written by `python -m warehouse.shards`")
    parser.add_argument("--context", type=int, default=default.context, help="row length in tokens (%(default)s)")
    parser.add_argument("--batch-tokens", type=number, help="tokens a step (default: by Step Law, 0.2 D^0.571)")
    parser.add_argument("--lr", type=float, default=default.eta, help="eta of the muP-like set-up (%(default)s)")
    parser.add_argument("--warmup-share", type=float, default=default.warmup_share, help="of the run (%(default)s)")
    parser.add_argument("--weight-decay", type=float, default=default.weight_decay, help="of matrices (%(default)s)")
    parser.add_argument(
        "--eval-tokens",
        type=number,
        default=default.eval_tokens,
        help="tokens of tuning and of held_out that are scored (%(default)s)",
    )
    parser.add_argument("--tied", action="store_true", help="one table for embedding and head")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda when there is one")


def settings_from(args: argparse.Namespace, **others) -> Settings:
    """`Settings` of what `add_settings` parsed, and the rest."""
    return Settings(
        context=args.context,
        batch_tokens=round(args.batch_tokens) if args.batch_tokens is not None else None,
        eta=args.lr,
        warmup_share=args.warmup_share,
        weight_decay=args.weight_decay,
        eval_tokens=round(args.eval_tokens),
        tied=args.tied,
        **others,
    )


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(
        prog="python ml/train.py",
        description="Train one Llama decoder on shards of patient timelines; resumes when started again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    parser.add_argument("--size", default="25k", help="parameters of the blocks: 25k, 1M, 1B (%(default)s)")
    parser.add_argument("--flops", type=number, help="length as a budget of matmul FLOPs, forward and backward")
    parser.add_argument("--tokens", type=number, help="length in timeline tokens")
    parser.add_argument("--epochs", type=float, help="length in passes over the train split")
    parser.add_argument(
        "--init", metavar="FOLDER", help="start from a pretrained Llama (config.json, safetensors): its shape"
    )
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and order (%(default)s)")
    parser.add_argument("--run-dir", type=Path, help="default: data/runs/ and a name made of the settings")
    parser.add_argument("--checkpoint-every", type=int, metavar="STEPS", help="default: a tenth of the run")
    parser.add_argument("--evaluate-every", type=int, metavar="STEPS", help="tuning loss in between (default: no)")
    parser.add_argument("--stop-at-step", type=int, metavar="STEP", help="save and leave there; start again to resume")
    parser.add_argument("--compile", action="store_true", help="torch.compile: minutes to start, then faster")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point; the exit status."""
    args = parse(argv)
    if args.flops is None and args.tokens is None and args.epochs is None:
        args.epochs = 1.0
    settings = settings_from(
        args,
        size=args.size,
        flops=args.flops,
        tokens=round(args.tokens) if args.tokens is not None else None,
        epochs=args.epochs,
        seed=args.seed,
        init=args.init,
    )
    for name in ("checkpoint_every", "evaluate_every", "stop_at_step"):
        if (value := getattr(args, name)) is not None and value < 1:
            raise UserError(f"--{name.replace('_', '-')} {value}: give a number of steps, at least 1")
    options = Options(
        args.device, args.run_dir, args.checkpoint_every, args.evaluate_every, args.stop_at_step, args.compile
    )
    run(settings, args.shards, options)
    return 0


if __name__ == "__main__":
    run_main(main)
