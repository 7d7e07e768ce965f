"""Starting runs: slots of this machine, and Slurm's queue by way of submitit, with a Slurm of three scripts."""

import os
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from ml.arguments import parse
from ml.launch import Ended, LocalSlots, SlurmQueue, Worker, train_command
from ml.plan import Settings
from warehouse.errors import UserError

SAY = "import os, sys; print(os.environ.get('OMP_NUM_THREADS'), os.environ.get('CUDA_VISIBLE_DEVICES')); sys.exit({})"
# sbatch runs the script in the background and says a job number; srun runs its command; sacct knows no job.
FAKE_SLURM = {
    "sbatch": 'export SLURM_JOB_ID=$$; mkdir -p "$FAKE"; cp "$1" "$FAKE/script.sh"\n'
    'bash "$1" > /dev/null 2>&1 & echo "Submitted batch job $$"',
    "srun": 'while [[ "$1" == --* ]]; do case "$1" in --output|--error) shift 2;; *) shift;; esac; done; exec "$@"',
    "sacct": 'echo "JobID|State|NodeList"',
    "scancel": 'echo "$@" >> "$FAKE/cancelled"',
}


# Not imported here: it reads the signal that warns of a job's end from the environment when it is imported.
needs_submitit = pytest.mark.skipif(
    find_spec("submitit") is None, reason="submitit is not installed: pip install '.[slurm]'"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def wait(worker: Worker) -> Ended:
    for _ in range(600):
        if ended := worker.ended():
            return ended
        time.sleep(0.05)
    raise AssertionError("the worker has not ended after 30 s")


def folders(tmp_path: Path, count: int) -> list[Path]:
    made = [tmp_path / str(i) for i in range(count)]
    for folder in made:
        folder.mkdir()
    return made


def test_the_command_says_all_that_decides(tmp_path: Path) -> None:
    settings = Settings(
        size="3k", tokens=5000, seed=3, context=48, batch_tokens=200, eta=0.01, warmup_share=0.1, weight_decay=0.5,
        tied=True, patients=0.5, eval_tokens=400,
    )  # fmt: skip
    words = train_command(settings, tmp_path, tmp_path / "run", "cpu", ["--checkpoint-every", "7"])
    parsed, shards, options = parse(words[2:])
    assert parsed == settings and shards == tmp_path
    assert (options.run_dir, options.device, options.checkpoint_every) == (tmp_path / "run", "cpu", 7)


def test_local_slots_give_one_thread_and_tell_how_a_run_ended(tmp_path: Path) -> None:
    one, two, three = folders(tmp_path, 3)
    slots = LocalSlots(2, on_cpu=True)
    assert wait(slots.start(python(SAY.format(0)), one)) == Ended(0, "")
    assert (one / "log.txt").read_text().startswith("1 ")
    assert wait(slots.start(python(SAY.format("'no way'")), two)) == Ended(1, "ended with status 1: no way")
    killed = slots.start(python("import time; time.sleep(60)"), three)
    killed.process.send_signal(signal.SIGKILL)
    assert wait(killed) == Ended(-9, "killed by SIGKILL")


def test_local_slots_give_each_run_a_device_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-5")
    slots, (one, two, three) = LocalSlots(2, on_cpu=False), folders(tmp_path, 3)
    sleep = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(60)"
    first, second = slots.start(python(sleep), one), slots.start(python(sleep), two)
    slots.stop([first])
    third = slots.start(python(sleep.replace("60", "0")), three)
    wait(third)
    slots.stop([second])
    assert [worker.slot for worker in (first, second, third)] == [0, 1, 0]
    assert (three / "log.txt").read_text() == "4\n"


@needs_submitit
def test_submitit_returns_the_status_and_the_words_of_a_run(tmp_path: Path) -> None:
    one, two = folders(tmp_path, 2)
    queue = SlurmQueue(2, tmp_path / "slurm", True, {"timeout_min": 5}, cluster="local")
    good, bad = queue.start(python(SAY.format(0)), one), queue.start(python(SAY.format("'no way'")), two)
    assert wait(good) == Ended(0, "") and wait(bad) == Ended(1, "ended with status 1: no way")
    assert (one / "log.txt").read_text().startswith("1 ")


@needs_submitit
def test_a_job_that_is_warned_of_its_end_lets_the_run_write_its_checkpoint(tmp_path: Path) -> None:
    (folder,) = folders(tmp_path, 1)
    queue = SlurmQueue(1, tmp_path / "slurm", True, {"timeout_min": 5}, cluster="local")
    checkpoint = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), print('saved'), sys.exit(143)))"
    job = queue.start(python(f"{checkpoint}; print('ready', flush=True); time.sleep(60)"), folder)
    for _ in range(600):
        if (folder / "log.txt").is_file() and (folder / "log.txt").read_text():
            break
        time.sleep(0.05)
    job.job._process.terminate()  # submitit hands it on to the job, as Slurm does
    assert wait(job) == Ended(143, "ended with status 143: saved")


@needs_submitit
def test_a_job_of_slurm_asks_for_a_device_and_for_a_warning_that_the_trainer_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder,) = folders(tmp_path, 1)
    (tmp_path / "bin").mkdir()
    for name, body in FAKE_SLURM.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path / "fake"))
    queue = SlurmQueue(2, tmp_path / "slurm", False, {"slurm_partition": "gpu", "timeout_min": 90})
    job = queue.start(python(SAY.format(0)), folder)
    assert wait(job) == Ended(0, "")
    script = (tmp_path / "fake" / "script.sh").read_text()
    for words in ("--gpus-per-node=1", "--partition=gpu", "--time=90", "--signal=USR1@120", "--cpus-per-task=8"):
        assert f"#SBATCH {words}" in script
    queue.stop([job])
    assert (tmp_path / "fake" / "cancelled").read_text().split() == [job.job.job_id]


@needs_submitit
def test_what_submitit_refuses_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="colour"):
        SlurmQueue(1, tmp_path, True, {"colour": "red"}, cluster="local")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="srun"):
        SlurmQueue(1, tmp_path, True, {})


def test_without_submitit_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match="pip install"):
        SlurmQueue(1, tmp_path, True, {})
