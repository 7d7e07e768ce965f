"""The scan that the rule for learning rate, batch and weight decay (ml/rule.py) comes from, and that shows how near it is.

    python -m tests.benchmarks.rates --shards data/shards --runs-dir data/rates

At each size and budget: eta at five fixed values and at the rule's own, the rest by the rule; then tokens a step at x1/2 and x2 of
the rule's, weight decay at x0.3 and x3, one at a time; and weight decay at x0.3 .. x10 where few patients are read several
times. Each run is a process of its own with one thread. What is there already is not run again, so a scan that was
stopped goes on. Printed: the tuning loss of each point, mean over seeds, and how far the rule is from the best; then the same for
the two kinds of tokens, since what noise there is between seeds is in one of them: the values of measurements, which a model that has
found out how to looks up among the patient's earlier ones, and all the others.
"""

import argparse
import json
import os
import statistics
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ml import runs
from ml.launch import train_command
from ml.plan import Settings, plan_run
from ml.stream import Corpus, open_corpus
from warehouse.errors import ArgumentParser, run_main

CONTEXT = 256
RULE = 1.0  # what every part has in common
LOOKED_UP = "quantile"  # the family of the values of measurements
# eta itself; of the others, what the rule's value is multiplied by.
VALUES = {
    "eta": (0.0025, 0.005, 0.01, 0.02, 0.04),
    "batch": (0.5, 2.0),
    "decay": (0.3, 3.0),
    "repeats": (0.3, 3.0, 10.0),
}


@dataclass(frozen=True)
class Point:
    """One run of the scan; `value` is that of the part, RULE where all is by the rule."""

    part: str
    size: str
    flops: float
    patients: float
    value: float
    seed: int


def settings_of(point: Point, corpus: Corpus, look_up: bool | None) -> Settings:
    """What the point is trained with, every value written out."""
    own = {"size": point.size, "flops": point.flops, "seed": point.seed, "patients": point.patients, "context": CONTEXT}
    own |= {"look_up": look_up}
    rule = plan_run(Settings(**own), corpus.manifest, corpus.stream).record
    eta = point.value if point.part == "eta" and point.value != RULE else rule["learning_rate"]
    batch = rule["batch_tokens"] * (point.value if point.part == "batch" else 1)
    decay = rule["weight_decay"] * (point.value if point.part in ("decay", "repeats") else 1)
    return Settings(**own, eta=eta, batch_tokens=10 * round(batch / 10), weight_decay=float(f"{decay:.3g}"))


def train(settings: Settings, shards: Path, folder: Path) -> dict:
    """One run to its end; its result. A run that diverges is a result too."""
    if not runs.read_json(folder / "result.json"):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        command = train_command(settings, shards, folder, "cpu")
        subprocess.run(command, env=environment, capture_output=True, check=False)
    return runs.read_json(folder / "result.json") or {"status": "failed", "reason": "no result"}


def kinds(folder: Path) -> dict[str, float]:
    """Tuning loss of a finished run by kind of token: all, the values that can be looked up, the others."""
    lines = [json.loads(line) for line in (folder / "families.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {}
    for kind, wanted in (("all", (True, False)), ("values", (True,)), ("others", (False,))):
        chosen = [x for x in lines if x["split"] == "tuning" and (x["family"] == LOOKED_UP) in wanted]
        tokens = sum(x["tokens"] for x in chosen)
        if tokens:
            found[kind] = sum(x["loss"] * x["tokens"] for x in chosen) / tokens
    return found


def table(part: str, kind: str, found: dict[Point, dict]) -> list[str]:
    """Lines of Markdown: for each size and budget the mean loss of a kind of tokens at each value, the largest difference between
    seeds, and how much the rule loses to the best. `found`: {point: result with kinds} of a part, of the runs that are done."""
    groups: dict[tuple, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    tokens: dict[tuple, str] = {}
    for point, result in found.items():
        key = (point.size, point.flops, point.patients)
        groups[key][point.value].append(result["kinds"][kind])
        tokens[key] = f"{result['tokens_seen']:,} | {result['epochs']:.2f}"
    values = VALUES[part] if part == "eta" else sorted((*VALUES[part], RULE))
    heads = [f"{v:g}" if part == "eta" else f"x{v:g}" for v in values] + ["rule"] * (part == "eta")
    values = [*values, RULE] if part == "eta" else values
    lines = [f"| {part}, {kind}: size | FLOPs | D | epochs | {' | '.join(heads)} | seeds differ by | rule over best |"]
    lines.append("|---" * (6 + len(heads)) + "|")
    for key, losses in groups.items():
        means = {value: statistics.mean(losses[value]) for value in losses}
        best = min(means.values())
        cells = [f"{means[v]:.4f}{'*' if means[v] == best else ''}" if v in means else "-" for v in values]
        spreads = [max(x) - min(x) for x in losses.values() if len(x) > 1]
        cells.append(f"{max(spreads):.4f}" if spreads else "-")
        cells.append(f"{means[RULE] / best - 1:.1%}" if RULE in means else "-")
        lines.append(f"| {key[0]} | {key[1]:g} | {tokens[key]} | {' | '.join(cells)} |")
    return ["", *lines] if groups else []


def places(text: str) -> list[tuple[str, float, float]]:
    """SIZE:FLOPS or SIZE:FLOPS:PATIENTS, comma-separated."""
    parts = [place.split(":") for place in text.split(",") if place]
    return [(size, float(flops), float(patients[0]) if patients else 1.0) for size, flops, *patients in parts]


def options() -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.rates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--shards", type=Path, required=True)
    add("--runs-dir", type=Path, required=True)
    add("--parts", default="eta,batch,decay,repeats", help="default %(default)s")
    add("--at", default="4k:3e11,10k:3e11,40k:1e12,80k:3e11,200k:3e12", help="SIZE:FLOPS (default %(default)s)")
    add("--repeats-at", default="40k:1e12:0.01", help="SIZE:FLOPS:PATIENTS (default %(default)s)")
    add(
        "--etas", default=",".join(f"{eta:g}" for eta in VALUES["eta"]), help="besides the rule's (default %(default)s)"
    )
    add("--seeds", default="0", help="default %(default)s")
    words = "runs that begin with the look-up of ml/look_up.py, or as drawn (default: as ml/train.py does)"
    add("--look-up", action=argparse.BooleanOptionalAction, help=words)
    add("--jobs", type=int, default=2, help="runs at once (default %(default)s)")
    return parser.parse_args()


def main() -> None:
    args = options()
    values = {**VALUES, "eta": [float(eta) for eta in args.etas.split(",")]}
    scan = [
        Point(part, *place, value, int(seed))
        for seed in args.seeds.split(",")
        for part in args.parts.split(",")
        for place in places(args.repeats_at if part == "repeats" else args.at)
        for value in (RULE, *values[part])
    ]
    asked = sorted({(point.seed, point.patients) for point in scan})
    corpora = {key: open_corpus(args.shards, CONTEXT, *key) for key in asked}
    settings, folders = {}, {}
    for point in scan:
        corpus = corpora[point.seed, point.patients]
        settings[point] = settings_of(point, corpus, args.look_up)
        folders[point] = args.runs_dir / plan_run(settings[point], corpus.manifest, corpus.stream).run_id
    first = {folder: point for point, folder in reversed(folders.items())}  # the rule itself is in every part

    def one(point: Point) -> None:
        folder, chosen = folders[point], settings[point]
        result = train(chosen, args.shards, folder)
        told = runs.summary(result) if result["status"] == "done" else f"failed: {result['reason']}"
        what = f"eta {chosen.eta:.3g}, batch {chosen.batch_tokens}, decay {chosen.weight_decay:g}"
        print(f"{folder.name} {what}: {told}, {result.get('cpu_seconds', 0):.0f} CPU s", flush=True)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, sorted(first.values(), key=scan.index)))
    results = {point: runs.read_json(folder / "result.json") for point, folder in folders.items()}
    done = {
        point: {**result, "kinds": kinds(folders[point])}
        for point, result in results.items()
        if result and result["status"] == "done"
    }
    for part in args.parts.split(","):
        for kind in ("all", "others", "values"):
            of_kind = {point: x for point, x in done.items() if point.part == part and kind in x["kinds"]}
            print("\n".join(table(part, kind, of_kind)))


if __name__ == "__main__":
    run_main(main)
