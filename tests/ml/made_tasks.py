"""Tasks for the tiny shards of conftest.py, in the exported form of warehouse/tasks.py."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.data import Manifest, Split
from warehouse.shard_format import SPLITS
from warehouse.task_format import FORMAT

OUTCOME, STOP = 14, 17  # codes of the chain that stand for an outcome and for the end of a stay
TIME_TOKENS = {"20": 3600.0, "22": 86400.0}


def definition(name: str, prompt: str, **others: object) -> dict:
    """A boolean task of tasks.json, whose outcome is one token."""
    return {
        "name": name,
        "description": f"Whether {name} comes.",
        "label_type": "boolean",
        "prompt": prompt,
        "simulable": True,
        "counts": {},
        "horizon_seconds": None,
        "stop_tokens": [STOP],
        "outcome": {"kind": "event", "tokens": [OUTCOME]},
    } | others


def rows_of(split: Split, share: float, seed: int, label_type: str = "boolean") -> dict[str, list]:
    """One prompt for each patient, which ends at `share` of its events; labels by chance."""
    rng = np.random.default_rng(seed)
    events = [int(np.quantile(split.array(patient, "events.i32"), share)) for patient in range(len(split))]
    n = len(split)
    labels = {"boolean": rng.random(n) < 0.4, "integer": rng.integers(5, size=n), "float": rng.random(n)}
    return {
        "subject_id": split.subjects.tolist(),
        "prediction_time": [np.datetime64("2150-01-01", "us")] * n,
        "split": [split.name] * n,
        "label": labels[label_type].tolist(),
        "hadm_id": [None] * n,
        "stay_id": [None] * n,
        "prompt_event_index": events,
        "threshold": [None] * n,
        "sex": [("F", "M")[int(bit)] for bit in rng.integers(2, size=n)],
        "age": (20 + 70 * rng.random(n)).tolist(),
        "race": ["WHITE"] * n,
        "is_first_admission": (rng.random(n) < 0.5).tolist(),
    }


def write_tasks(
    folder: Path, manifest: Manifest, definitions: list[dict], shares: dict[str, float], absent: tuple[dict, ...] = ()
) -> Path:
    """A folder of tasks; shares[task]: where in a timeline its prompts end."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"boolean": pa.bool_(), "integer": pa.int64(), "float": pa.float64()}
    for number, task in enumerate(definitions):
        parts = [rows_of(Split(manifest, s), shares[task["name"]], number, task["label_type"]) for s in SPLITS]
        rows = {key: [value for part in parts for value in part[key]] for key in parts[0]}
        types = {
            "prediction_time": pa.timestamp("us"),
            "hadm_id": pa.int64(),
            "stay_id": pa.int64(),
            "prompt_event_index": pa.int32(),
            "threshold": pa.float64(),
            "label": labels[task["label_type"]],
        }
        table = pa.table({key: pa.array(values, types.get(key)) for key, values in rows.items()})
        pq.write_table(table, folder / f"{task['name']}.parquet")
    head = {
        "format": FORMAT,
        "vocabulary_sha256": manifest.vocabulary_sha256,
        "warehouse_fingerprint": "made",
        "preset": manifest.preset,
        "time_tokens": TIME_TOKENS,
        "tasks": definitions,
        "absent": list(absent),
    }
    (folder / "tasks.json").write_text(json.dumps(head))
    return folder
