"""Rate and memory of the loader alone beside the rate of the trainer that it feeds, and what a checkpoint costs.

`python -m tests.benchmarks.loader --shards data/shards`. A rate is real tokens a CPU second; loader and trainer take turns,
each figure is the median of its turns, and only ratios within one run say something about the program. The trainer
is one CPU thread at the smallest sizes, where it is fastest and a loader has the least time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ml.checkpoint import Checkpoints, Tally
from ml.device import choose_device
from ml.distributed import World
from ml.plan import RunPlan, Settings, plan_run
from ml.stream import Corpus, Loader, open_corpus
from ml.train import build, train_step
from warehouse.errors import ArgumentParser, run_main

EXAMPLE = "example:\n  python -m tests.benchmarks.loader --shards data/shards --sizes 25k,200k --context 512"
TURN_TOKENS = 400_000  # of the loader in one turn
TURN_SECONDS = 1.0  # CPU seconds of the trainer in one turn


def own_bytes() -> int:
    """Memory of this process that is no file's."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def loader_turn(batches: Iterator) -> float:
    """Real tokens a CPU second of the loader alone, its workers' seconds included."""
    tokens, start = 0, time.process_time()
    while tokens < TURN_TOKENS:
        tokens += next(batches)[0].n_inputs
    return tokens / (time.process_time() - start)


def trainer_turn(parts: tuple, batches: list) -> float:
    """Real tokens a CPU second of training steps on batches that lie ready."""
    (_, loss, optimiser), device = parts
    tokens, start = 0, time.process_time()
    while time.process_time() - start < TURN_SECONDS:
        for step, batch in batches:
            train_step(loss, optimiser, batch, 1 / step.n_timeline, 1.0, 0.1)
            tokens += step.n_inputs
    device.synchronise()
    return tokens / (time.process_time() - start)


def endless(corpus: Corpus, plan: RunPlan, workers: int) -> Iterator:
    """The batches of a plan, again and again."""
    while True:
        yield from Loader(corpus.stream, plan.rows, plan.steps, workers=workers).batches()


def checkpoint_seconds(parts: tuple) -> tuple[float, float, float]:
    """Seconds to write and to read a checkpoint, and its bytes."""
    model, _, optimiser = parts[0]
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), 2, World(), "benchmark")
        times = []
        for step in range(1, 4):
            start = time.perf_counter()
            checkpoints.save(model, optimiser, replace(Tally(), step=step))
            times.append(time.perf_counter() - start)
        size = sum(path.stat().st_size for path in checkpoints.steps()[-1].iterdir())
        start = time.perf_counter()
        checkpoints.load(model, optimiser)
        return statistics.median(times), time.perf_counter() - start, size


def print_memory(corpus: Corpus, plan: RunPlan, opened: int) -> None:
    """Memory that a loader with one worker says it holds, and what the process grows by; `opened`: by the index."""
    start, most = own_bytes(), 0
    for number, _ in enumerate(endless(corpus, plan, 1)):
        most = max(most, own_bytes() - start)
        if number == 4 * plan.steps // 3:  # into a second epoch, which is packed meanwhile
            break
    held = Loader(corpus.stream, plan.rows, plan.steps, workers=1).held_bytes()
    print(
        f"memory of the loader: {held / 1e6:.1f} MB by its own account; the process grew by {opened / 1e6:.1f} MB as the "
        f"shards were opened and the first epoch packed, and by {most / 1e6:.1f} MB while it streamed"
    )


def main(argv: list[str] | None = None) -> int:
    """Print one row for each size."""
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.loader",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", type=Path, required=True, help="folder written by `python -m warehouse.shards`")
    parser.add_argument("--sizes", default="25k,200k,1M", help="as for ml/train.py (%(default)s)")
    parser.add_argument("--context", type=int, default=256, help="row length in tokens (%(default)s)")
    parser.add_argument("--batch-tokens", type=int, default=8192, help="tokens a step (%(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="of each candidate (%(default)s)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    device, before = choose_device("cpu"), own_bytes()
    corpus = open_corpus(args.shards, args.context, 0)
    opened = own_bytes() - before
    print("tokens a CPU second, M          loader / trainer    checkpoint")
    print("  size  in line  1 worker  trainer  in line  1 worker  write s  read s     MB")
    for size in args.sizes.split(","):
        settings = Settings(size=size, epochs=1, context=args.context, batch_tokens=args.batch_tokens)
        plan = plan_run(settings, corpus.manifest, corpus.stream)
        streams = [endless(corpus, plan, workers) for workers in (0, 1)]
        parts = (build(plan, device, World(), False, False), device)
        ready = [next(streams[0]) for _ in range(2)]
        trainer_turn(parts, ready)  # warms up
        turns = [(*(loader_turn(s) for s in streams), trainer_turn(parts, ready)) for _ in range(args.turns)]
        inline, worker, trainer = (statistics.median(column) / 1e6 for column in zip(*turns, strict=True))
        write, read, held = checkpoint_seconds(parts)
        print(
            f"{size:>6} {inline:8.1f} {worker:9.1f} {trainer:8.4f} {inline / trainer:8.0f} {worker / trainer:9.0f} "
            f"{write:8.3f} {read:7.3f} {held / 1e6:6.1f}",
            flush=True,
        )
        for stream in streams:
            stream.close()
    print_memory(corpus, plan, opened)
    return 0


if __name__ == "__main__":
    run_main(main)
