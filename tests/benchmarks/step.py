"""The training step against Hugging Face's LlamaForCausalLM: tokens a CPU second over the ladder, on packed timelines, and
the share of the machine's matmul peak.

Both have the same shape, weights and batch, AdamW fused, and take turns in one process; a line holds medians and the median
of the ratios of neighbouring turns. Hugging Face runs in float32 with its sdpa attention and its own loss. CPU seconds
are those of the process, one thread; the share of peak is by wall time on all threads. Needs `transformers`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ml import huggingface
from ml.attention import Documents
from ml.data import Split, read_manifest
from ml.device import choose_device
from ml.flops import training_flops_per_token
from ml.ladder import parse_size, shape
from ml.model import Llama, ModelConfig, initialise, parameter_groups
from ml.packing import Batch, collate, cut_windows, pack
from ml.scoring import batch_loss
from warehouse.errors import ArgumentParser, UserError, run_main

try:
    import transformers
except ImportError as error:
    raise SystemExit("error: transformers is not installed: pip install transformers") from error

IGNORED = -100  # a label that Hugging Face's loss leaves out
PATIENTS = 16  # of the packed table: some 20,000 tokens
BATCH_TOKENS = {512: 4096, 2048: 8192}


def contenders(config: ModelConfig) -> tuple[Llama, torch.nn.Module, Callable, Callable]:
    """Our model and theirs with the same random weights, and for each a function that makes a step of a loss."""
    ours = Llama(config)
    initialise(ours, 0)
    torch.nn.init.normal_(ours.lm_head.weight, std=0.02)
    raw = huggingface.config_json(config)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**raw, attn_implementation="sdpa"))
    theirs.load_state_dict(ours.state_dict())

    def stepper(optimiser: torch.optim.Optimizer) -> Callable[[torch.Tensor], None]:
        def step(loss: torch.Tensor) -> None:
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()

        return step

    groups = parameter_groups(ours, 0.001, 0.1)
    return (
        ours,
        theirs,
        stepper(torch.optim.AdamW(groups, fused=True)),
        stepper(torch.optim.AdamW(theirs.parameters(), lr=0.001, fused=True)),
    )


def take_turns(ways: dict[str, Callable[[], int]], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Tokens a second of each way, which says how many tokens it did, a figure a round; the first round warms up."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            tokens = way()
            if turn:
                rates[name].append(tokens / (clock() - start))
    return rates


def ladder_line(size: str, vocabulary: int, rounds: int) -> None:
    """Rows of 512 tokens, one document a row."""
    length, device = 512, choose_device("cpu")
    config = shape(parse_size(size), vocabulary, length)
    ours, theirs, our_step, their_step = contenders(config)
    rows = BATCH_TOKENS[length] // length
    tokens = torch.randint(0, vocabulary, (rows, length), generator=torch.Generator().manual_seed(0))
    starts = torch.arange(0, tokens.numel() + 1, length, dtype=torch.int32)
    scored = torch.arange(tokens.numel()).view(rows, length)[:, :-1].reshape(-1)
    targets = tokens[:, 1:].reshape(-1)

    def our_way() -> int:
        our_step(ours(tokens.view(-1), Documents(starts, length), scored, targets, device.dtype) / len(targets))
        return tokens.numel()

    def their_way() -> int:
        their_step(theirs(input_ids=tokens, labels=tokens).loss)
        return tokens.numel()

    rates = take_turns({"ours": our_way, "theirs": their_way}, rounds, time.process_time)
    print_line(size, config, rates, training_flops_per_token(config, causal=True))


def print_line(size: str, config: ModelConfig, rates: dict[str, list[float]], flops: float) -> None:
    """A line of the first two tables."""
    ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates["theirs"], strict=True))
    ours, theirs = (statistics.median(rates[name]) for name in ("ours", "theirs"))
    form = f"{config.d_model}x{config.n_layers} {config.n_heads}/{config.n_kv_heads}"
    print(f"{size:>6} {form:>12} {theirs:12,.0f} {ours:12,.0f} {ratio:8.2f} {flops * ours / 1e9:8.0f}", flush=True)


def labels(batch: Batch) -> torch.Tensor:
    """What Hugging Face shifts by one: the target stands a place after the one it is predicted from."""
    flat = torch.full((batch.tokens.numel() + 1,), IGNORED)
    flat[batch.scored + 1] = batch.targets
    return flat[:-1].view(batch.tokens.shape)


def padded_batches(alone: list[Batch], inputs: np.ndarray, order: np.ndarray) -> list[tuple[torch.Tensor, ...]]:
    """Tokens, labels and mask of windows, a row each, taken in `order`; a batch holds as many as its size has room for."""
    groups: list[list[int]] = [[]]
    for i in order.tolist():
        longest = max(int(inputs[j]) for j in [*groups[-1], i])
        if groups[-1] and longest * (len(groups[-1]) + 1) > BATCH_TOKENS[2048]:
            groups.append([])
        groups[-1].append(i)
    batches = []
    for group in groups:
        width = max(int(inputs[i]) for i in group)
        parts = [[x[:, :width] for x in (alone[i].tokens, labels(alone[i]), alone[i].segments > 0)] for i in group]
        tokens, wanted, mask = (torch.cat(part) for part in zip(*parts, strict=True))
        batches.append((tokens, wanted, mask.long()))
    return batches


def packed_line(size: str, split: Split, rounds: int) -> None:
    """Rows of 2048 tokens of real timelines; Hugging Face padded, sorted by length, and packed under a mask."""
    length, device, rng = 2048, choose_device("cpu"), np.random.default_rng(0)
    config = shape(parse_size(size), split.vocabulary_size, length)
    ours, theirs, our_step, their_step = contenders(config)
    windows = cut_windows(split.lengths, split.n_static, length, rng.choice(len(split), PATIENTS, replace=False))
    rows = pack(windows.inputs, length, rng)
    per_batch = BATCH_TOKENS[length] // length
    packed = [collate(split, windows, rows[i : i + per_batch], length) for i in range(0, len(rows), per_batch)]
    alone = [collate(split, windows, [np.array([i])], length) for i in range(len(windows))]

    def our_way() -> int:
        for batch in packed:
            our_step(batch_loss(ours, batch, device) / batch.n_timeline)
        return sum(batch.n_inputs for batch in packed)

    def padded(order: np.ndarray) -> Callable[[], int]:
        batches = padded_batches(alone, windows.inputs, order)

        def way() -> int:
            for tokens, wanted, mask in batches:
                their_step(theirs(input_ids=tokens, labels=wanted, attention_mask=mask).loss)
            return int(windows.inputs.sum())

        return way

    def masked() -> int:
        for batch in packed:
            segments = batch.segments
            same = segments[:, None, :, None] == segments[:, None, None, :]
            mask = torch.zeros(same.shape).masked_fill_(~same.tril(), torch.finfo(torch.float32).min)
            start = batch.starts[torch.bucketize(torch.arange(segments.numel()), batch.starts, right=True) - 1]
            positions = (torch.arange(segments.numel()) - start).view(segments.shape)
            out = theirs(input_ids=batch.tokens, labels=labels(batch), attention_mask=mask, position_ids=positions)
            their_step(out.loss)
        return sum(batch.n_inputs for batch in packed)

    ways = {
        "ours": our_way,
        "padded": padded(rng.permutation(len(windows))),
        "sorted": padded(np.argsort(-windows.inputs, kind="stable")),
        "masked": masked,
    }
    rates = take_turns(ways, rounds, time.process_time)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    best = max(("padded", "sorted", "masked"), key=medians.__getitem__)
    ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates[best], strict=True))
    others = " ".join(f"{medians[name]:8,.0f}" for name in ("padded", "sorted", "masked"))
    print(f"{size:>6} {others} {medians['ours']:12,.0f} {ratio:8.2f} over {best}", flush=True)


def peak_line(size: str, vocabulary: int, rounds: int) -> None:
    """FLOP/s of whole steps by wall time, over the best product found in the same minutes."""
    length, device = 512, choose_device("cpu")
    config = shape(parse_size(size), vocabulary, length)
    ours, _, our_step, _ = contenders(config)
    tokens = torch.randint(0, vocabulary, (2 * BATCH_TOKENS[length],))
    starts = torch.arange(0, len(tokens) + 1, length, dtype=torch.int32)
    peaks: list[float] = []

    def way() -> int:
        our_step(ours(tokens, Documents(starts, length), torch.arange(len(tokens)), tokens, device.dtype) / len(tokens))
        return len(tokens)

    def product() -> int:
        peaks.append(device.measured_peak_flops())
        return 1

    rates = take_turns({"step": way, "product": product}, rounds, time.perf_counter)
    rate, peak = max(rates["step"]), max(peaks)
    shares = [training_flops_per_token(config, causal=causal) * rate / peak for causal in (True, False)]
    print(
        f"{size} on {torch.get_num_threads()} threads: best of {rounds}: {rate:,.0f} tokens/s, {device.dtype} peak "
        f"{peak / 1e9:,.0f} GFLOP/s, share {shares[0]:.1%} (attention counted causal; {shares[1]:.1%} counted in full)"
    )


def main() -> None:
    """Entry point."""
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.step",
        description=__doc__,
        epilog="examples:\n  python -m tests.benchmarks.step --shards data/shards\n"
        "  python -m tests.benchmarks.step --tables ladder --sizes 200k,3M",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tables", default="ladder,packed,peak", help="which of ladder, packed, peak (%(default)s)")
    parser.add_argument("--sizes", default="200k,400k,800k,1.5M,3M,6M,10M", help="of the ladder (%(default)s)")
    parser.add_argument("--packed-sizes", default="200k,800k,3M", help="of the packed table (%(default)s)")
    parser.add_argument("--vocabularies", default="4096", help="of the ladder table, as in 4096,1449 (%(default)s)")
    parser.add_argument("--shards", type=Path, help="real timelines for the packed table")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each, after one to warm up (%(default)s)")
    args = parser.parse_args()
    tables, threads = args.tables.split(","), torch.get_num_threads()
    if "packed" in tables and args.shards is None:
        raise UserError(
            "the packed table is of real timelines: add --shards, or leave it out with --tables ladder,peak"
        )
    torch.set_num_threads(1)
    for vocabulary in args.vocabularies.split(",") if "ladder" in tables else ():
        print(f"context 512, vocabulary {vocabulary}, one thread, tokens a CPU second")
        print("  size        shape Hugging Face         ours    ratio   GF/s")
        for size in args.sizes.split(","):
            ladder_line(size, int(vocabulary), args.rounds)
    if "packed" in tables:
        split = Split(read_manifest(args.shards), "train")
        print(f"context 2048, timelines of {args.shards}, real tokens a CPU second, Hugging Face three ways")
        print("  size   padded   sorted   masked         ours    ratio")
        for size in args.packed_sizes.split(","):
            packed_line(size, split, args.rounds)
    if "peak" in tables:
        torch.set_num_threads(threads)
        peak_line("3M", 4096, args.rounds)


if __name__ == "__main__":
    run_main(main)
