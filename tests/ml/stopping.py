"""Runs of ml/train.py in processes of their own that are stopped on purpose.

Reads commands from standard input, one JSON object a line: {"how": [...], "train": [...], "errors": FILE}; answers each
with one line, how each of its processes ended. They are forked from this one, which has loaded torch and computed
nothing, so that a start costs no import. FILE takes what they write to standard error. How, after an optional
`float32` (products in that type):

    whole                      one run, left alone
    kill SEED TIMES            SIGKILL at a random instant, TIMES times, then left alone
    fsync CALL [CALL...]       SIGKILL by itself at that call of os.fsync in a checkpoint, once each, then left alone
    SIGTERM or SIGUSR1         that signal once training is under way, then left alone
    limit BYTES                no file may grow beyond BYTES; then left alone if that ended it
    ranks N [fail RANK STEP REASON | kill RANK STEP | SIGTERM STEP]
                               N ranks at once, as torchrun starts them; one of them fails or is killed after a step, or
                               all are signalled once that many steps are logged
"""

import json
import os
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch._dynamo  # an optimiser imports it; done once, not in every child

import ml.train as train_module
from ml import checkpoint, device
from ml.runs import last_step
from warehouse.errors import run_main

Start = Callable[..., int]  # start(prepare) forks a run that first calls `prepare`; its process id


def start(train: list[str], errors: str, is_float32: bool, prepare: Callable[[], None] = lambda: None) -> int:
    """Fork a run; its process id."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if is_float32:
                device.cpu_multiplies_bfloat16 = lambda: False
            prepare()
            run_main(lambda: train_module.main(train))
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
    wanted, end = last_step(path) + more, time.monotonic() + 30
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


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def become(rank: int, size: int, port: int, trouble: list[str]) -> None:
    """Take the place of a rank, with the trouble that is meant for it."""
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in places.items()}
    if trouble[:1] in (["fail"], ["kill"]) and rank == int(trouble[1]):
        step, taken = train_module.train_step, [0]

        def troubled(*args) -> tuple:
            taken[0] += 1
            if taken[0] > int(trouble[2]):
                if trouble[0] == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise torch.OutOfMemoryError(trouble[3])
            return step(*args)

        train_module.train_step = troubled


def together(size: int, trouble: list[str], folder: Path, begin: Start) -> list[dict]:
    """Start all ranks; how each ended."""
    port = free_port()
    ranks = [begin(lambda rank=rank: become(rank, size, port, trouble)) for rank in range(size)]
    if trouble[:1] == ["SIGTERM"]:
        wait_for_steps(folder, int(trouble[1]))
        for rank in ranks:
            os.kill(rank, signal.SIGTERM)
    return [ending(rank) for rank in ranks]


def stopped(how: list[str], folder: Path, begin: Start) -> list[dict]:
    """Start, stop and start again; how each process ended."""
    ends = []
    if how[0] == "kill":
        rng = random.Random(int(how[1]))
        for _ in range(int(how[2])):
            child = begin()
            wait_for_steps(folder, rng.choice([1, 8, 20]))
            time.sleep(rng.random() * 0.05)
            os.kill(child, signal.SIGKILL)
            ends.append(ending(child))
    elif how[0] == "fsync":
        ends += [ending(begin(lambda call=call: die_at_fsync(int(call)))) for call in how[1:]]
    elif how[0] == "limit":
        limit = (int(how[1]), resource.RLIM_INFINITY)
        ends.append(ending(begin(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))))
        if ends[0]["status"] == 0:
            return ends
    elif how[0] == "ranks":
        return together(int(how[1]), how[2:], folder, begin)
    elif how[0] != "whole":
        child = begin()
        wait_for_steps(folder, 5)
        os.kill(child, signal.Signals[how[0]])
        ends.append(ending(child))
        if (folder / "checkpoint").is_dir():
            ends[-1]["kept"] = sorted(path.name for path in (folder / "checkpoint").glob("step-*"))
    return [*ends, ending(begin())]


if __name__ == "__main__":
    for line in sys.stdin:
        command = json.loads(line)
        how, train = command["how"], command["train"]
        begin = partial(start, train, command["errors"], how[0] == "float32")
        folder = Path(train[train.index("--run-dir") + 1])
        print(json.dumps(stopped(how[how[0] == "float32" :], folder, begin)), flush=True)
