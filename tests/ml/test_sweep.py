"""The sweep as a command: plan, centres that follow, killed and failing runs, going on, runs that another process has."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml import runs
from ml.grid_formulas import expected_centre, vertex
from ml.launch import Ended
from ml.sweep import Sweep, main, parse, run
from ml.sweep_table import Board
from warehouse.errors import UserError
from warehouse.paths import REPOSITORY

SCRIPT = [sys.executable, str(REPOSITORY / "ml" / "sweep.py")]
SMALL = ["--context", "48", "--eval-tokens", "300", "--device", "cpu", "--jobs", "2"]


def sweep(shards: Path, folder: Path, *more: str) -> int:
    """`ml/sweep.py` in this process; its runs are processes of their own."""
    return main(["--shards", str(shards), "--runs-dir", str(folder), *SMALL, *more])


def results(folder: Path) -> dict[str, dict]:
    """result.json of every run."""
    return {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/result.json")}


def test_dry_run_prints_the_plan_and_writes_nothing(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert sweep(shards, tmp_path / "runs", "--budgets", "1e8,2e8", "--sizes", "3k,6k,6000", "--dry-run") == 0
    assert "4 runs, 4 to do" in capsys.readouterr().out  # 6k and 6000 are one configuration
    assert not (tmp_path / "runs").exists()


def test_two_budgets_by_two_sizes_end_to_end_and_again(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "runs"
    options = ("--budgets", "1e8,2e8", "--sizes", "3k,6k")
    assert sweep(shards, folder, *options) == 0
    done = results(folder)
    assert len(done) == 4 and {result["status"] for result in done.values()} == {"done"}
    assert len(re.findall(r"\d\* ", capsys.readouterr().out)) == 2  # the lowest loss of each budget
    assert all((folder / name / "plan.json").is_file() for name in done)

    finished_at = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}
    assert sweep(shards, folder, *options) == 0
    assert "4 runs, 0 to do" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")} == finished_at


def test_a_killed_run_is_tried_once_more_then_recorded_and_the_next_sweep_mends_it(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "runs"
    options = ("--shards", str(shards), "--runs-dir", str(folder), *SMALL, "--budgets", "4e9,1e8", "--sizes", "6k")
    running = subprocess.Popen([*SCRIPT, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    progress, before = wait_for(folder, "N6k-C4e09*/progress.jsonl"), None
    for _ in range(2):
        before = holder_of(progress.parent, before)
        os.kill(before, signal.SIGKILL)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 1 and err.splitlines()[-1].startswith("error: 1 of 2 runs failed")
    ended = {name.split("-")[1]: result for name, result in results(folder).items()}
    assert (ended["C4e09"]["status"], ended["C4e09"]["reason"]) == ("failed", "killed by SIGKILL")
    assert ended["C1e08"]["status"] == "done"
    assert "killed by SIGKILL; is tried once more" in out and "failed: killed by SIGKILL" in out

    assert main(list(options)) == 0
    assert {result["status"] for result in results(folder).values()} == {"done"}
    assert "2 runs, 1 to do" in capsys.readouterr().out


class Runs:
    """A launcher whose runs end at once, by `loss` of N with head and seed, or as `how` says for their first tries."""

    def __init__(self, loss: Callable[[int, int], float] = lambda n, seed: 2.0, how: tuple[Ended, ...] = ()) -> None:
        self.at_once, self.loss, self.how = 2, loss, list(how)
        self.started: list[Path] = []
        self.commands: list[list[str]] = []

    def start(self, command: list[str], folder: Path) -> "Runs":
        self.started.append(folder)
        self.commands.append(command)
        self.end = self.how.pop(0) if self.how else Ended(0, "")
        if self.end.status == 143:
            (folder / "progress.jsonl").write_text('{"step": 5}\n')
        if self.end.status == 0:
            plan = json.loads((folder / "plan.json").read_text())
            loss = self.loss(plan["n_with_head"], plan["seed"])
            runs.write_result(folder, "done", None, {"tuning_loss": loss, "held_out_loss": loss, "cpu_seconds": 1.0})
        return self

    def ended(self) -> Ended:
        return self.end

    def stop(self, workers: list) -> None:
        assert not workers


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits between two looks."""
    monkeypatch.setattr("ml.sweep.POLL_SECONDS", 0.01)
    monkeypatch.setattr("ml.sweep.ELSEWHERE_SECONDS", 0.1)


def swept(shards: Path, folder: Path, launcher: Runs, *options: str) -> Sweep:
    """A sweep whose runs are those of `launcher`."""
    made = Sweep(parse(["--shards", str(shards), "--context", "48", *options]), folder)
    launcher.at_once = 1 if launcher.how else 2
    run(made, launcher, "cpu", Board(2))
    return made


def test_sizes_follow_the_budget_before_and_three_configurations_have_three_seeds(
    shards: Path, tmp_path: Path, quick: None, capsys: pytest.CaptureFixture
) -> None:
    """The optimum lies at eight times what is expected, and moves with C^0.5."""
    found = {}

    def loss(n: int, seed: int) -> float:
        return 2.0 + math.log(n / found["optimum"]) ** 2 + 0.001 * seed

    options = ("--budgets", "1e12,4e12,1.6e13", "--extend", "3")
    for budget in (1e12, 4e12, 1.6e13):  # each sweep goes on from the one before and adds a budget
        found["optimum"] = 8 * expected_centre(budget)
        chosen = ("--budgets", ",".join(f"{b:g}" for b in (1e12, 4e12, 1.6e13) if b <= budget), *options[2:])
        launcher = Runs(loss)
        made = swept(shards, tmp_path, launcher, *chosen)
        assert len(set(launcher.started)) == len(launcher.started)
        sizes = sorted(made.profiles()[budget])
        at = sum(n < found["optimum"] for n in sizes)
        assert min(at, len(sizes) - at) >= 2
        assert vertex(made.profiles()[budget]) == pytest.approx(found["optimum"], rel=0.02)
        if budget > 1e12:  # laid around the optimum from the start
            assert len(sizes) <= 6 and at == pytest.approx(len(sizes) / 2, abs=1)
    out = capsys.readouterr().out
    assert "budget 1.6e+13: sizes around N = " in out and "from the optimum at 4e+12" in out
    assert "budget 1e+12: the lowest loss is near an edge, " in out
    seeds: dict[str, set[int]] = {}
    for job in made.jobs.values():
        seeds.setdefault(job.plan.record["configuration"], set()).add(job.plan.settings.seed)
    assert sorted(map(len, seeds.values()))[-4:] == [1, 3, 3, 3]
    assert swept(shards, tmp_path, again := Runs(loss), *chosen).jobs.keys() == made.jobs.keys() and not again.started


KILLED, ASKED = Ended(-9, "killed by SIGKILL"), Ended(143, "ended with status 143")


@pytest.mark.parametrize(
    ("how", "starts", "status"),
    [
        ((KILLED,), 2, "done"),
        ((KILLED, KILLED), 2, "failed"),
        ((ASKED, KILLED), 3, "done"),  # what stopped when asked to has lost no try
        ((ASKED, ASKED, KILLED), 3, "failed"),  # the second time it had come no further
    ],
)
def test_a_run_is_tried_once_more(
    shards: Path, tmp_path: Path, quick: None, how: tuple, starts: int, status: str
) -> None:
    launcher = Runs(how=how)
    made = swept(shards, tmp_path, launcher, "--budgets", "1e9", "--sizes", "6k")
    assert len(launcher.started) == starts
    (job,) = made.jobs.values()
    assert job.result["status"] == status and (status == "done" or job.result["reason"] == "killed by SIGKILL")


def test_options_reach_every_run_and_the_live_table_shows_each_budget(
    shards: Path, tmp_path: Path, quick: None
) -> None:
    options = ("--patients", "0.5", "--tied", "--weight-decay", "0.3", "--budgets", "1e9,2e9", "--sizes", "2k,3k,6k")
    made = swept(
        shards, tmp_path, launcher := Runs(lambda n, _: 2 + (n == 5)), *options, "--", "--checkpoint-every", "7"
    )
    assert len(launcher.commands) == 6
    for command in launcher.commands:
        assert command[-2:] == ["--checkpoint-every", "7"] and "--tied" in command
        assert (
            command[command.index("--patients") + 1] == "0.5" and command[command.index("--weight-decay") + 1] == "0.3"
        )
    first = next(iter(made.jobs.values()))
    first.over, first.worker = False, launcher
    lines = Board(2).texts(list(made.jobs.values()), 1.0)
    assert len(lines) == 4 and lines[0].startswith("sweep ") and " left" in lines[0]
    assert "1e+09   2/3" in lines[2] and lines[2].endswith("2k s0 0%") and "2e+09   3/3      2.0000" in lines[3]


def test_a_run_that_another_process_has_is_waited_for(shards: Path, tmp_path: Path, quick: None) -> None:
    options = ("--budgets", "1e9", "--sizes", "3k,6k")
    launcher = Runs()
    before = Sweep(parse(["--shards", str(shards), "--context", "48", *options]), tmp_path)
    before.settle()
    names = [job.folder.name for job in before.jobs.values()]
    done = []
    with ThreadPoolExecutor(1) as pool, runs.only_process(tmp_path / names[0]):
        waiting = pool.submit(swept, shards, tmp_path, launcher, *options)
        time.sleep(0.5)
        assert not waiting.done() and [folder.name for folder in launcher.started] == names[1:]
        runs.write_result(tmp_path / names[0], "done", None, {"tuning_loss": 2.0, "cpu_seconds": 1.0})
        done = waiting.result(timeout=30).jobs.values()
    assert [job.result["status"] for job in done] == ["done", "done"] and len(launcher.started) == 1


def test_a_run_that_another_process_leaves_is_taken_over(shards: Path, tmp_path: Path, quick: None) -> None:
    options = ("--budgets", "1e9", "--sizes", "3k")
    made = Sweep(parse(["--shards", str(shards), "--context", "48", *options]), tmp_path)
    made.settle()
    (job,) = made.jobs.values()
    with ThreadPoolExecutor(1) as pool:
        with runs.only_process(job.folder):
            waiting = pool.submit(swept, shards, tmp_path, launcher := Runs(), *options)
            time.sleep(0.5)
            assert not launcher.started
        assert [job.result["status"] for job in waiting.result(timeout=30).jobs.values()] == ["done"]
    assert launcher.started == [job.folder]


def test_a_diverging_run_fails_once(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for to_do in (1, 0):
        with pytest.raises(UserError, match="1 of 1 runs failed") as caught:
            sweep(shards, tmp_path / "runs", "--budgets", "1e9", "--sizes", "6k", "--lr", "1e6")
        assert caught.value.exit_status == 1
        out = capsys.readouterr().out
        assert "the loss diverged" in out and f"1 runs, {to_do} to do" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budgets", "1e8", "--sizes", "huge"), "unknown size"),
        (("--budgets", "1e8,1e9,1e10", "--sizes-per-budget", "3,4"), "has 2 numbers for 3 budgets"),
        (("--budgets", "-1"), "-1.0 is no budget"),
        (("--budgets", "1e8", "--jobs", "0"), "--jobs 0"),
        (("--budgets", "1e8", "--", "--seed", "3"), "stands before the --"),
    ],
)
def test_bad_options_are_told(shards: Path, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        sweep(shards, tmp_path / "runs", *options)
    assert caught.value.exit_status == 2
    assert not (tmp_path / "runs").exists()


def wait_for(folder: Path, pattern: str) -> Path:
    """The first file that matches, once it holds something."""
    for _ in range(600):
        for path in folder.glob(pattern):
            if path.stat().st_size:
                return path
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {folder} after 30 s")


def holder_of(run: Path, but: int | None) -> int:
    """The process that trains in a folder, by the folder's name on its command line; not `but`, which has been killed."""
    for _ in range(600):
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != but:
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if str(run).encode() in words:
                    return int(entry.name)
        time.sleep(0.05)
    raise AssertionError(f"no process trains in {run} after 30 s")
