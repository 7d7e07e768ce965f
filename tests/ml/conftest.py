"""Tiny shards in the exported format, from a small Markov chain of EHR-like tokens."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import webdataset

N_STATIC = 3
VOCABULARY = ["PAD", *(f"STATIC//{i}" for i in range(9)), *(f"CODE//{i}" for i in range(38))]
FIRST_CODE = 10


def family(token_id: int, token: str) -> str:
    """Family of a token of the vocabulary: codes are labs and quantiles by turns."""
    if token_id == 0 or token.startswith("STATIC"):
        return "static" if token_id else "special"
    return ("lab", "quantile")[token_id % 2]


def make_patient(rng: np.random.Generator, n_tokens: int) -> dict[str, bytes]:
    """Members of one patient's sample: each code makes three others likely; a second prefix holds from the middle on."""
    n_codes = len(VOCABULARY) - FIRST_CODE
    codes = [int(rng.integers(n_codes))]
    for _ in range(n_tokens - 1):
        codes.append(int((codes[-1] * 7 + rng.integers(3)) % n_codes))
    events = np.cumsum(rng.random(n_tokens) < 0.6)
    times = 1_500_000_000 + 7200 * events
    starts = [0] if n_tokens < 8 else [0, n_tokens // 2]
    statics = rng.integers(1, FIRST_CODE, size=(len(starts), N_STATIC))
    meta = {"n_tokens": n_tokens, "n_events": int(events[-1] + 1), "n_statics": len(starts)}
    return {
        "events.i32": events.astype("<i4").tobytes(),
        "meta.json": json.dumps(meta).encode(),
        "static_from.i32": np.array(starts, "<i4").tobytes(),
        "statics.u16": statics.astype("<u2").tobytes(),
        "times.i64": times.astype("<i8").tobytes(),
        "tokens.u16": (np.array(codes) + FIRST_CODE).astype("<u2").tobytes(),
    }


def write_shards(
    folder: Path, lengths: dict[str, list[int]], seed: int = 0, vocabulary: list[str] = VOCABULARY
) -> Path:
    """Shards of patients with timelines of the given lengths, two shards a split, with their manifest."""
    rng, splits, subject = np.random.default_rng(seed), {}, 0
    for split, sizes in lengths.items():
        (folder / split).mkdir(parents=True)
        shards = []
        for number, part in enumerate((sizes[: len(sizes) // 2], sizes[len(sizes) // 2 :])):
            name = f"{split}/shard-{number:06d}.tar"
            with webdataset.TarWriter(str(folder / name), mtime=0) as writer:
                for size in part:
                    subject += 1
                    writer.write({"__key__": f"{subject:012d}", **make_patient(rng, size)})
            data = (folder / name).read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            shards.append(
                {"name": name, "bytes": len(data), "sha256": sha256, "patients": len(part), "tokens": sum(part)}
            )
        splits[split] = {"patients": len(sizes), "tokens": sum(sizes), "events": 0, "shards": shards}
    manifest = {
        "format": 1,
        "preset": "paper",
        "n_static": N_STATIC,
        "vocabulary_sha256": hashlib.sha256("\n".join(vocabulary).encode()).hexdigest(),
        "vocabulary": [
            {"token_id": i, "token": t, "family": family(i, t), "count_train": 0} for i, t in enumerate(vocabulary)
        ],
        "fingerprint": f"fingerprint-{seed}",
        "splits": splits,
        "patients_without_tokens": {"train": 0, "tuning": 0, "held_out": 0},
        "warehouse_fingerprint": "none",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def some_lengths(n_train: int = 120) -> dict[str, list[int]]:
    """Timelines from 1 to some hundred tokens, most of them short."""
    rng = np.random.default_rng(1)
    sizes = np.clip(np.exp(rng.normal(3.2, 1.0, n_train + 40)), 1, 400).astype(int).tolist()
    return {"train": sizes[:n_train], "tuning": sizes[n_train : n_train + 20], "held_out": sizes[n_train + 20 :]}


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards that no test changes."""
    return write_shards(tmp_path_factory.mktemp("shards") / "shards", some_lengths())


@pytest.fixture
def make_shards(tmp_path: Path) -> Callable[..., Path]:
    """Write shards of one's own: make_shards(name, lengths, seed=..., vocabulary=...)."""

    def make(name: str = "own", lengths: dict[str, list[int]] | None = None, **others) -> Path:
        return write_shards(tmp_path / name, lengths or some_lengths(20), **others)

    return make
