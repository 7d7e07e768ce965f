"""Runs of ml/train.py in processes of their own that are stopped on purpose: `python tests/ml/stopping.py HOW ...`.

Each run is a child forked from this process, which has loaded torch and computed nothing, so that a start costs no
import. Prints how each child ended, as one JSON list.

    whole      -- TRAIN...             one run, left alone
    kill SEED TIMES -- TRAIN...        SIGKILL at a random instant, TIMES times, then left alone
    fsync CALL [CALL...] -- TRAIN...   SIGKILL by itself at that call of os.fsync in a checkpoint, once each, then left alone
    SIGTERM or SIGUSR1 -- TRAIN...     that signal once training is under way, then left alone
    limit BYTES -- TRAIN...            no file may grow beyond BYTES
"""

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ml import checkpoint
from ml.runs import last_step
from ml.train import main
from warehouse.errors import run_main


def start(arguments: list[str], prepare: Callable[[], None] = lambda: None) -> int:
    """Fork a run; its process id."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
            run_main(lambda: main(arguments))
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code)
        os._exit(70)
    return child


def ending(child: int) -> dict:
    """Wait for a child; its exit status, negative for a signal."""
    return {"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}


def wait_for_steps(folder: Path, more: int) -> None:
    """Until the run has logged `more` steps beyond where it is now."""
    path = folder / "progress.jsonl"
    wanted, end = last_step(path) + more, time.monotonic() + 60
    while last_step(path) < wanted and time.monotonic() < end:
        time.sleep(0.002)


def die_at_fsync(call: int) -> None:
    """Count os.fsync from the first checkpoint on and end this process, as SIGKILL does, at the given one."""
    inside, fsync, write = [0], os.fsync, checkpoint.Checkpoints.save

    def counted(handle: int) -> None:
        inside[0] += 1
        if inside[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)

    def save(*args) -> bool:
        os.fsync = counted
        try:
            return write(*args)
        finally:
            os.fsync = fsync

    checkpoint.Checkpoints.save = save


def stopped(how: list[str], train: list[str]) -> list[dict]:
    """Start, stop and start again; how each child ended."""
    folder, ends = Path(train[train.index("--run-dir") + 1]), []
    if how[0] == "kill":
        rng = random.Random(int(how[1]))
        for _ in range(int(how[2])):
            child = start(train)
            wait_for_steps(folder, rng.choice([1, 20, 60]))
            time.sleep(rng.random() * 0.05)
            os.kill(child, signal.SIGKILL)
            ends.append(ending(child))
    elif how[0] == "fsync":
        ends += [ending(start(train, lambda call=call: die_at_fsync(int(call)))) for call in how[1:]]
    elif how[0] == "limit":
        limit = (int(how[1]), resource.RLIM_INFINITY)
        return [ending(start(train, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)))]
    elif how[0] != "whole":
        child = start(train)
        wait_for_steps(folder, 5)
        os.kill(child, signal.Signals[how[0]])
        ends.append(ending(child))
        if (folder / "checkpoint").is_dir():
            ends[-1]["kept"] = sorted(path.name for path in (folder / "checkpoint").glob("step-*"))
    return [*ends, ending(start(train))]


if __name__ == "__main__":
    words = sys.argv[1:]
    at = words.index("--")
    print(json.dumps(stopped(words[:at], words[at + 1 :])))
