"""What a run records of itself: config.json when it starts, result.json when it is done.

In: plan, device, counters. Out: flat records, which models_sql/runs reads by name.
"""

import platform

import torch

from ml import runs
from ml.checkpoint import Tally
from ml.device import Device
from ml.distributed import World
from ml.flops import six_nd
from ml.plan import RunPlan
from warehouse.provenance import git_commit


def versions() -> str:
    """Python's and torch's versions, as one text."""
    return f"python {platform.python_version()}, torch {torch.__version__}"


def config_record(plan: RunPlan, device: Device, world: World, sharded: bool, run_id: str) -> dict:
    """What config.json holds: the plan and where it runs."""
    return {
        **plan.record,
        "run_id": run_id,
        "device": device.torch.type,
        "hardware": device.hardware,
        "ranks": world.size,
        "sharded": sharded,
        "dtype": str(device.dtype).removeprefix("torch."),
        "git_commit": git_commit(),
        "versions": versions(),
        "created_at": runs.now(),
    }


def result_record(
    plan: RunPlan,
    tally: Tally,
    scores: dict,
    clocks: tuple[float, float],
    device: Device,
    ranks: int,
    loader_bytes: int,
) -> dict:
    """What result.json holds of a finished run.

    `tally` as training ended; `clocks`: wall and CPU seconds with scoring.
    """
    flops = plan.flops_per_token * tally.inputs_seen
    one, source = device.peak_flops()
    peak = one * ranks
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
        "wall_seconds": clocks[0],
        "cpu_seconds": clocks[1],
        "data_wait_share": tally.wait_seconds / tally.wall_seconds,
        "data_order": tally.order,
        "loader_bytes": loader_bytes,
        "ranks": ranks,
        "peak_share": flops / tally.wall_seconds / peak,
        "peak_flops_per_second": peak,
        "peak_source": source + (f", times {ranks} ranks" if ranks > 1 else ""),
        "peak_memory_bytes": device.peak_memory_bytes(),
    }
