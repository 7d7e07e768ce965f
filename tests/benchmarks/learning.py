"""What a cohort teaches: baselines of counts, and models of one size trained on ever more patients.

    python -m tests.benchmarks.learning --shards data/shards --patients 1000,3000,10000,30000 --size 25k

For each number k the train split is cut to the patients whose subject_id is among the k smallest of the synthetic cohort (which
are the patients of the cohort of k), vocabulary and breaks staying those of the whole. Each model reads its patients once, or as
many tokens as --tokens says, so that a small cohort is read many times. Printed: loss of unigrams and bigrams (counted on train,
mixed on tuning) and of each model at the end of its run, in nats a token.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import webdataset as wds

from ml.data import Split, read_manifest
from warehouse.errors import ArgumentParser, UserError, run_main
from warehouse.paths import REPOSITORY
from warehouse.synth.patients import FIRST_SUBJECT, SUBJECT_STEP

# Shares of the bigram in the mixture with the unigram that are tried on tuning.
_SHARES = np.linspace(0.5, 0.999, 25)


def _tokens(shards: Path, split: str) -> list[np.ndarray]:
    opened = Split(read_manifest(shards), split)
    return [opened.array(number, "tokens.u16").astype(np.int64) for number in range(len(opened))]


def baselines(shards: Path) -> tuple[float, float]:
    """Held-out loss of unigrams and of bigrams, nats a token."""
    size = read_manifest(shards).vocabulary_size
    single, pair = np.ones(size), np.zeros((size, size))
    for tokens in _tokens(shards, "train"):
        single += np.bincount(tokens, minlength=size)
        np.add.at(pair, (tokens[:-1], tokens[1:]), 1)
    single /= single.sum()
    seen = pair.sum(axis=1)
    after = pair / seen[:, None].clip(1)

    def chances(split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of every token of a split: by bigrams, by unigrams, and whether a known token precedes it."""
        parts = []
        for tokens in _tokens(shards, split):
            known = np.r_[False, seen[tokens[:-1]] > 0]
            parts.append((np.r_[0.0, after[tokens[:-1], tokens[1:]]], single[tokens], known))
        first, second, known = (np.concatenate(column) for column in zip(*parts, strict=True))
        return first, second, known

    def loss(of: tuple[np.ndarray, np.ndarray, np.ndarray], share: float) -> float:
        by_pair, by_token, known = of
        return -float(np.log(np.where(known, share * by_pair + (1 - share) * by_token, by_token)).mean())

    tuning, held_out = chances("tuning"), chances("held_out")
    best = min(_SHARES, key=lambda share: loss(tuning, share))
    return loss(held_out, 0.0), loss(held_out, best)


def cut(shards: Path, out: Path, patients: int) -> int:
    """Shards with the train patients among the first `patients` of the cohort; returns how many there are."""
    manifest = json.loads((shards / "manifest.json").read_text())
    last = FIRST_SUBJECT + SUBJECT_STEP * patients
    for split in ("tuning", "held_out"):
        shutil.copytree(shards / split, out / split)
    (out / "train").mkdir()
    counts = dict.fromkeys(("patients", "tokens", "events"), 0)
    with wds.TarWriter(str(out / "train" / "shard-000000.tar"), mtime=0, encoder=False) as sink:
        for shard in manifest["splits"]["train"]["shards"]:
            with tarfile.open(shards / shard["name"]) as tar:
                sample: dict[str, str | bytes] = {}
                for member in [*tar, None]:
                    key, _, name = member.name.partition(".") if member else ("", "", "")
                    if sample and key != sample["__key__"]:
                        if int(str(sample["__key__"])) < last:
                            sink.write(sample)
                            counts["patients"] += 1
                            counts["tokens"] += len(sample["tokens.u16"]) // 2
                            counts["events"] += len(set(np.frombuffer(sample["events.i32"], "<i4")))
                        sample = {}
                    if member:
                        sample |= {"__key__": key, name: tar.extractfile(member).read()}
    size = (out / "train" / "shard-000000.tar").stat().st_size
    shard = {"name": "train/shard-000000.tar", **counts, "bytes": size, "sha256": "not computed"}
    manifest["splits"]["train"] = counts | {"shards": [shard]}
    manifest["fingerprint"] = f"{manifest['fingerprint']}-first-{patients}"
    (out / "manifest.json").write_text(json.dumps(manifest))
    return counts["patients"]


def train(shards: Path, run: Path, size: str, length: list[str]) -> dict:
    """One run to its end; what its result.json says."""
    command = [sys.executable, "ml/train.py", "--shards", str(shards), "--size", size, *length]
    done = subprocess.run([*command, "--run-dir", str(run)], cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"training on {shards} failed: {done.stderr.strip().splitlines()[-1:]}", 1)
    return json.loads((run / "result.json").read_text())


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tests.benchmarks.learning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", type=Path, required=True, help="shards of a synthetic cohort")
    parser.add_argument("--patients", default="1000,3000", help="numbers of patients (default %(default)s)")
    parser.add_argument("--size", default="30k", help="size of the models, as for ml/train.py (default %(default)s)")
    parser.add_argument("--tokens", help="tokens of each run (default: its patients are read once)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once (default %(default)s)")
    arguments = parser.parse_args()
    unigram, bigram = baselines(arguments.shards)
    print(f"unigrams {unigram:.3f}, bigrams {bigram:.3f} nats a token", flush=True)
    with tempfile.TemporaryDirectory() as temporary:

        def one(patients: int) -> str:
            folder = Path(temporary) / str(patients)
            folder.mkdir()
            trained = cut(arguments.shards, folder, patients)
            length = ["--tokens", arguments.tokens] if arguments.tokens else ["--epochs", "1"]
            run = train(folder, folder / "run", arguments.size, length)
            line = f"{patients:>9,}{trained:>9,}{run['tokens_seen']:>13,}{run['epochs']:>8.1f}"
            return f"{line}{run['tuning_loss']:>10.4f}{run['held_out_loss']:>10.4f}"

        print(f"{'patients':>9}{'train':>9}{'tokens seen':>13}{'epochs':>8}{'tuning':>10}{'held_out':>10}")
        with ThreadPoolExecutor(arguments.jobs) as pool:
            for line in pool.map(one, [int(number) for number in arguments.patients.split(",")]):
                print(line, flush=True)


if __name__ == "__main__":
    run_main(main)
