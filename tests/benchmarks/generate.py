"""Simulation against Hugging Face's `generate` with num_return_sequences: new tokens a CPU second.

Both have the same shape and weights, sample from all tokens at temperature 1, keep keys and values, and take turns in one
process; a line holds medians and the median of the ratios of neighbouring turns, against the faster of Hugging Face's
float32 and bfloat16, with its sdpa attention and as many prompts at once as is fastest for it. Ours does all that a
simulation does (grammar mask, a task that is watched, hashed random numbers, prompts read); nothing ends a rollout before
its last token, so that both draw equally many. CPU seconds are those of the process, one thread. Needs `transformers`.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from ml import huggingface
from ml.device import choose_device
from ml.generate import Prompt, Sampling, simulate
from ml.grammar import Grammar
from ml.ladder import parse_size, shape
from ml.model import Llama, initialise
from ml.outcomes import Watched
from tests.benchmarks.step import take_turns
from warehouse.errors import ArgumentParser, run_main

try:
    import transformers
except ImportError as error:
    raise SystemExit("error: transformers is not installed: pip install transformers") from error

CONTEXT = 1024
PROMPTS = 8  # of ours in a turn
N_STATIC = 6


def prompts_of(vocabulary: int, length: int, count: int) -> list[Prompt]:
    """Random timelines of `length` tokens, static prefix included."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(N_STATIC + 1, vocabulary, (count, length - N_STATIC))
    return [Prompt(row, np.arange(1, N_STATIC + 1), key) for key, row in enumerate(tokens)]


def our_way(model: Llama, prompts: list[Prompt], rollouts: int, new: int) -> Callable[[], int]:
    """A simulation of all prompts; gives the tokens drawn."""
    device, vocabulary = choose_device("cpu"), model.config.vocabulary_size
    legal = np.arange(vocabulary)[None].repeat(60, 0) > N_STATIC  # as many states as a learnt grammar has
    grammar = Grammar(legal, np.zeros(legal.shape, np.int32), ())
    task, sampling = Watched("death", "event", tokens=(0,)), Sampling(rollouts, new)

    def way() -> int:
        parts = simulate(model, prompts, [task], np.zeros(vocabulary), grammar, sampling, device, progress=False)
        return sum(int(part.length.sum()) for part in parts)

    return way


def their_way(model: Llama, dtype: torch.dtype, prompts: torch.Tensor, rollouts: int, new: int) -> Callable[[], int]:
    """Hugging Face's generate on some prompts at once, int64 [n, length]; gives the tokens drawn."""
    raw = huggingface.config_json(model.config)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**raw, attn_implementation="sdpa"))
    theirs.load_state_dict(model.state_dict())
    theirs = theirs.to(dtype).eval()
    options = {
        "do_sample": True,
        "top_k": 0,
        "use_cache": True,
        "pad_token_id": 0,
        "attention_mask": torch.ones_like(prompts),
    }

    @torch.no_grad()
    def way() -> int:
        out = theirs.generate(prompts, num_return_sequences=rollouts, max_new_tokens=new, min_new_tokens=new, **options)
        return out.shape[0] * (out.shape[1] - prompts.shape[1])

    return way


def line(size: str, vocabulary: int, args: argparse.Namespace) -> None:
    """A line of the table."""
    config = shape(parse_size(size), vocabulary, CONTEXT)
    model = Llama(config)
    initialise(model, 0)
    torch.nn.init.normal_(model.lm_head.weight, std=0.02)
    prompts = prompts_of(vocabulary, args.prompt, PROMPTS)
    ids = torch.from_numpy(np.stack([np.concatenate((p.statics, p.tokens)) for p in prompts]))
    ways = {"ours": our_way(model, prompts, args.rollouts, args.new)}
    ways["ours, 1 prompt"] = our_way(model, prompts[:1], args.rollouts, args.new)
    for dtype in (torch.float32, torch.bfloat16):
        for count in (1, PROMPTS):
            name = f"{str(dtype).removeprefix('torch.')}, {count}"
            ways[name] = their_way(model, dtype, ids[:count], args.rollouts, args.new)
    rates = take_turns(ways, args.rounds, time.process_time)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    best = max(list(ways)[2:], key=medians.__getitem__)
    ratios = [
        statistics.median(a / b for a, b in zip(rates[name], rates[best], strict=True)) for name in list(ways)[:2]
    ]
    form = f"{config.d_model}x{config.n_layers} {config.n_heads}/{config.n_kv_heads}"
    numbers = " ".join(f"{medians[name]:14,.0f}" for name in list(ways)[2:])
    print(
        f"{size:>6} {vocabulary:>6} {form:>10} {args.rollouts:>4} {numbers} {medians['ours, 1 prompt']:9,.0f} {ratios[1]:6.1f}"
        f" {medians['ours']:9,.0f} {ratios[0]:6.1f}",
        flush=True,
    )


def main() -> None:
    """Entry point."""
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.generate",
        description=__doc__,
        epilog="examples:\n  python -m tests.benchmarks.generate\n"
        "  python -m tests.benchmarks.generate --sizes 200k,1M,3M --rollouts 64 --rounds 5",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", default="1M,3M", help="of the ladder (%(default)s)")
    parser.add_argument("--vocabularies", default="4096,1449", help="(%(default)s)")
    parser.add_argument("--prompt", type=int, default=512, help="tokens of a prompt (%(default)s)")
    parser.add_argument("--rollouts", type=int, default=32, help="of each prompt (%(default)s)")
    parser.add_argument("--new", type=int, default=64, help="tokens drawn a rollout (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each, after one to warm up (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"prompts of {args.prompt} tokens, {args.new} new ones, one thread, new tokens a CPU second; Hugging Face: type, prompts at once"
    )
    print(
        f"{'size':>6} {'V':>6} {'shape':>10} {'r':>4} {'float32, 1':>14}"
        f" {f'float32, {PROMPTS}':>14} {'bfloat16, 1':>14} {f'bfloat16, {PROMPTS}':>14}"
        f" {'1 prompt':>9} {'ratio':>6} {f'{PROMPTS} prompts':>9} {'ratio':>6}"
    )
    for vocabulary in args.vocabularies.split(","):
        for size in args.sizes.split(","):
            line(size, int(vocabulary), args)


if __name__ == "__main__":
    run_main(main)
