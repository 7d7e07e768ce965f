"""The command line of ml/train.py, in part shared with ml/sweep.py.

In: words. Out: `Settings`, which decide what comes out, and `Options`, which say how it is carried out. Wrong: an
option that makes no sense (`UserError`).
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ml.plan import Settings
from warehouse.errors import ArgumentParser, UserError

EXAMPLES = """examples:
  python ml/train.py --shards data/shards --size 25k --flops 1e11
  python ml/train.py --shards data/shards --size 1M --epochs 4 --patients 0.1 --context 512 --seed 1
  python ml/train.py --shards data/shards --size 28M --tokens 3e8 --context 2048 --device cuda --compile
  torchrun --nproc-per-node 8 ml/train.py --shards data/shards --size 300M --tokens 3e8 --context 2048
exit status: 0 done (or stopped at --stop-at-step), 1 failed, 2 bad usage or input, 143 stopped by SIGTERM or SIGUSR1
after a checkpoint; the same command goes on.
"""


@dataclass(frozen=True)
class Options:
    """How a run is carried out; what comes out does not depend on it, but for rounding by device, ranks and compiler."""

    device: str | None = None
    run_dir: Path | None = None
    checkpoint_every: int | None = None
    keep_checkpoints: int = 2
    evaluate_every: int | None = None
    stop_at_step: int | None = None
    compiled: bool = False
    workers: int | None = None
    shard: str = "auto"

    def __post_init__(self) -> None:
        for name in ("checkpoint_every", "keep_checkpoints", "evaluate_every", "stop_at_step"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name.replace('_', '-')} {value}: give a number from 1 up")
        if self.workers is not None and self.workers < 0:
            raise UserError(
                f"--workers {self.workers}: give a number from 0 up; 0 prepares batches in the trainer itself"
            )


def number(text: str) -> float:
    """A count that may be written as 1e9 or 28M."""
    unit = {"k": 1e3, "m": 1e6, "b": 1e9}.get(text[-1:].lower(), 1.0)
    return float(text[:-1] if unit > 1 else text) * unit


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that decide what comes out, but size, length and seed; ml/sweep.py has them too."""
    default = Settings(epochs=1)
    parser.add_argument("--shards", type=Path, required=True, help="folder written by `python -m warehouse.shards`")
    parser.add_argument(
        "--patients",
        type=float,
        default=default.patients,
        metavar="SHARE",
        help="share of the training patients, 0 to 1; smaller shares are within larger ones (%(default)s)",
    )
    parser.add_argument("--context", type=int, default=default.context, help="row length in tokens (%(default)s)")
    parser.add_argument("--batch-tokens", type=number, help="tokens a step (default: 0.2 D^0.571, ml/rule.py)")
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
    words = (
        "start with a head that looks up what followed the same token earlier (default: yes, but for --tied and --init)"
    )
    parser.add_argument("--look-up", action=argparse.BooleanOptionalAction, help=words)
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
        look_up=args.look_up,
        patients=args.patients,
        **others,
    )


def parser() -> argparse.ArgumentParser:
    """The parser of ml/train.py."""
    made = ArgumentParser(
        prog="python ml/train.py",
        description="Train one Llama decoder on shards of patient timelines; resumes when started again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(made)
    made.add_argument("--size", default="25k", help="parameters of the blocks: 25k, 1M, 1B (%(default)s)")
    made.add_argument("--flops", type=number, help="length as a budget of matmul FLOPs, forward and backward")
    made.add_argument("--tokens", type=number, help="length in timeline tokens")
    made.add_argument("--epochs", type=float, help="length in passes over the training patients (default: 1)")
    made.add_argument(
        "--init", metavar="FOLDER", help="start from a pretrained Llama (config.json, safetensors): its shape"
    )
    made.add_argument("--seed", type=int, default=0, help="of initial weights and order (%(default)s)")
    made.add_argument("--run-dir", type=Path, help="default: data/runs/ and a name made of the settings")
    made.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="STEPS",
        help="default: each half minute, or less often, so that it takes at most 2%% of the time",
    )
    made.add_argument("--keep-checkpoints", type=int, default=2, metavar="K", help="the last K stay (%(default)s)")
    made.add_argument("--evaluate-every", type=int, metavar="STEPS", help="tuning loss in between (default: no)")
    made.add_argument("--stop-at-step", type=int, metavar="STEP", help="save and leave there; start again to resume")
    made.add_argument("--compile", action="store_true", help="torch.compile: minutes to start, then faster")
    made.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="threads that prepare batches ahead; 0: none (default: 2 on cuda, 0 on cpu); the result is the same",
    )
    made.add_argument(
        "--shard",
        choices=("auto", "on", "off"),
        default="auto",
        help="under torchrun: part weights and optimiser over the ranks (auto: when they would not fit the device)",
    )
    return made


def parse(argv: list[str] | None) -> tuple[Settings, Path, Options]:
    """What to train, on which shards, and how."""
    args = parser().parse_args(argv)
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
    options = Options(
        device=args.device,
        run_dir=args.run_dir,
        checkpoint_every=args.checkpoint_every,
        keep_checkpoints=args.keep_checkpoints,
        evaluate_every=args.evaluate_every,
        stop_at_step=args.stop_at_step,
        compiled=args.compile,
        workers=args.workers,
        shard=args.shard,
    )
    return settings, args.shards, options
