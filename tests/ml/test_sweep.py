"""The sweep as a command: plan, runs, a killed run, going on, a failing run; and its grid."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from ml.grid import auto_sizes, size_beyond, size_for, sizes_per_budget
from ml.ladder import parse_size, shape
from ml.model import parameter_counts
from ml.sweep import main
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
    assert capsys.readouterr().out.count("*") == 2  # the lowest loss of each budget
    assert all((folder / name / "plan.json").is_file() for name in done)

    finished_at = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}
    assert sweep(shards, folder, *options) == 0
    assert "4 runs, 0 to do" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")} == finished_at


def test_a_killed_run_is_recorded_the_rest_goes_on_and_the_next_sweep_mends_it(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "runs"
    options = ("--shards", str(shards), "--runs-dir", str(folder), *SMALL, "--budgets", "4e9,1e8", "--sizes", "6k")
    running = subprocess.Popen([*SCRIPT, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    progress = wait_for(folder, "N6k-C4e09*/progress.jsonl")
    os.kill(holder_of(progress.parent), signal.SIGKILL)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 1 and err.splitlines()[-1].startswith("error: 1 of 2 runs failed")
    ended = {name.split("-")[1]: result for name, result in results(folder).items()}
    assert (ended["C4e09"]["status"], ended["C4e09"]["reason"]) == ("failed", "killed by SIGKILL")
    assert ended["C1e08"]["status"] == "done"
    assert "failed: killed by SIGKILL" in out

    assert main(list(options)) == 0
    assert {result["status"] for result in results(folder).values()} == {"done"}
    assert "2 runs, 1 to do" in capsys.readouterr().out


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


def holder_of(run: Path) -> int:
    """The process that trains in a folder, by the folder's name on its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(run).encode() in words:
                return int(entry.name)
    raise AssertionError(f"no process trains in {run}")


@pytest.mark.parametrize("vocabulary_size", [512, 1000])
@pytest.mark.parametrize("budget", [1e11, 1e12, 1e15, 1e19])
def test_grid_spans_a_factor_of_eight_and_moves_with_the_root_of_the_budget(
    budget: float, vocabulary_size: int
) -> None:
    names = auto_sizes(budget, 6, vocabulary_size, 256)
    sizes = [parameter_counts(shape(parse_size(name), vocabulary_size, 256)).with_head for name in names]
    assert sizes == sorted(set(sizes))
    if budget > 1e12:
        assert sizes[-1] / sizes[0] == pytest.approx(8, rel=0.1)
        steps = [math.log(b / a) for a, b in pairwise(sizes)]
        assert max(steps) < 1.35 * min(steps)
        later = auto_sizes(100 * budget, 6, vocabulary_size, 256)
        moved = parameter_counts(shape(parse_size(later[0]), vocabulary_size, 256)).with_head / sizes[0]
        assert moved == pytest.approx(10, rel=0.15)


def test_grid_is_extended_only_where_the_lowest_loss_is_at_an_edge() -> None:
    def with_head(name: str) -> int:
        return parameter_counts(shape(parse_size(name), 512, 256)).with_head

    assert size_beyond({40_000: 3.0, 80_000: 2.0, 160_000: 2.5}, 512, 256) is None
    assert with_head(size_beyond({40_000: 3.0, 80_000: 2.0, 160_000: 1.5}, 512, 256)) == pytest.approx(
        320_000, rel=0.06
    )
    assert with_head(size_beyond({40_000: 1.0, 80_000: 2.0, 160_000: 2.5}, 512, 256)) == pytest.approx(20_000, rel=0.1)
    assert size_beyond({40_000: 1.0, 80_000: 2.0}, 512, 256) is None
    assert size_beyond({6_000: 1.0, 12_000: 2.0, 24_000: 2.5}, 512, 256) is None  # there is no smaller shape
    assert sizes_per_budget(5) == [6, 5, 4, 4, 4]
    assert with_head(str(size_for(50_000, 512, 256))) == pytest.approx(50_000, rel=0.05)
