"""The exported tasks as they are read: definitions, rows, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.data import Split, read_manifest
from ml.moments import moments_of, sample_order
from ml.prompts import patients_of, prompt_of
from ml.sample import share_out
from ml.tasks import read_tasks
from tests.ml.conftest import write_shards
from tests.ml.made_tasks import OUTCOME, definition, write_tasks
from warehouse.errors import UserError


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Tiny shards."""
    return write_shards(tmp_path / "shards", {"train": [30] * 6, "tuning": [20] * 4, "held_out": [25] * 9})


@pytest.fixture
def made(shards: Path, tmp_path: Path) -> Path:
    """Three tasks: two that share a moment, one later in the timeline."""
    definitions = [
        definition("death", "admission"),
        definition("long_stay", "admission", outcome={"kind": "duration", "seconds": 7 * 86400.0}),
        definition("readmission", "discharge", horizon_seconds=30 * 86400.0),
    ]
    shares = {"death": 0.3, "long_stay": 0.3, "readmission": 0.8}
    absent = ({"name": "ed_return", "reason": "the timelines hold no ed_arrival"},)
    return write_tasks(tmp_path / "tasks", read_manifest(shards), definitions, shares, absent)


def test_definitions_and_rows_are_read_by_split(made: Path) -> None:
    tasks = read_tasks(made)
    assert list(tasks.tasks) == ["death", "long_stay", "readmission"]
    death = tasks.tasks["death"]
    assert death.watched.kind == "event" and death.watched.tokens == (OUTCOME,)
    assert tasks.tasks["long_stay"].watched.seconds == 7 * 86400
    assert tasks.time_seconds[20] == 3600
    assert [len(death.rows[split]) for split in ("train", "tuning", "held_out")] == [6, 4, 9]
    assert death.rows["train"].label.dtype == bool and np.isnan(death.rows["train"].threshold).all()


@pytest.mark.parametrize(
    ("names", "told"),
    [(["death", "deth"], "no task 'deth'"), (["ed_return"], "the timelines hold no ed_arrival")],
)
def test_unknown_and_absent_tasks_are_told_in_one_line(made: Path, names: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        read_tasks(made).choose(names)
    assert [task.name for task in read_tasks(made).choose(["readmission", "death"])] == ["death", "readmission"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "tasks.json").unlink(), "no tasks at"),
        (lambda folder: (folder / "tasks.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "death.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (lambda folder: _edit(folder, lambda head: head.update(format=99)), "format 99"),
        (lambda folder: _edit(folder, lambda head: head["tasks"][0]["outcome"].update(kind="omen")), "omen"),
    ],
)
def test_a_damaged_folder_is_told_in_one_line(made: Path, spoil: Callable[[Path], object], told: str) -> None:
    spoil(made)
    with pytest.raises(UserError, match=told):
        _ = read_tasks(made).tasks["death"].rows


def _edit(folder: Path, change: Callable[[dict], object]) -> None:
    head = json.loads((folder / "tasks.json").read_text())
    change(head)
    (folder / "tasks.json").write_text(json.dumps(head))


def test_tasks_of_another_build_are_refused(made: Path) -> None:
    with pytest.raises(UserError, match="different builds"):
        read_tasks(made).require_vocabulary("0" * 64, "data/runs/x")


def test_a_prompt_ends_with_its_event_and_has_the_prefix_that_holds_there(shards: Path) -> None:
    split = Split(read_manifest(shards), "held_out")
    events = split.array(0, "events.i32")
    for event in np.unique(events).tolist():
        prompt = prompt_of(split, 0, event)
        assert len(prompt.tokens) == (events <= event).sum()
        assert (prompt.statics == split.static_prefix(0, len(prompt.tokens) - 1)).all()
    assert len(prompt_of(split, 0, -1).tokens) == 0


def test_rows_of_patients_without_tokens_are_found_out(shards: Path, made: Path) -> None:
    split = Split(read_manifest(shards), "held_out")
    rows = read_tasks(made).tasks["death"].rows["held_out"]
    strangers = replace(rows, subject_id=rows.subject_id + 10_000)
    assert (split.subjects[patients_of(split, rows)] == rows.subject_id).all()
    assert (patients_of(split, strangers) == -1).all()


def test_tasks_of_a_moment_share_its_prompts_in_a_nested_order(shards: Path, made: Path) -> None:
    split = Split(read_manifest(shards), "held_out")
    tasks = read_tasks(made)
    first, second = moments_of(tasks.choose(["all"]), split)
    assert [task.name for task in first.tasks] == ["death", "long_stay"] and second.name == "discharge"
    assert len(first) == 9
    places, rows = first.sampled("death", 4)
    held = tasks.tasks["death"].rows["held_out"]
    assert (split.subjects[first.patient[places]] == held.subject_id[rows]).all()
    assert (first.event[places] == held.prompt_event_index[rows]).all()
    assert places.tolist() == first.sampled("death", 9)[0][:4].tolist()


def test_the_order_of_patients_hangs_on_their_ids_alone() -> None:
    subjects, events = np.array([5, 7, 7, 9, 11]), np.array([1, 4, 2, 1, 1])
    order = sample_order(subjects, events)
    fewer = sample_order(subjects[1:], events[1:])
    kept = [pair for pair in zip(subjects[order], events[order], strict=True) if pair[0] != 5]
    assert kept == list(zip(subjects[1:][fewer], events[1:][fewer], strict=True))
    assert [event for subject, event in kept if subject == 7] == [2, 4]


def test_time_is_shared_out_and_what_one_moment_leaves_goes_to_the_others() -> None:
    cost, available = {"a": 1.0, "b": 2.0, "c": 1.0}, {"a": 10, "b": 1000, "c": 1000}
    taken = share_out(130, cost, available, chunk=5)
    assert taken == {"a": 10, "b": 30, "c": 60}
    assert share_out(0, cost, available, chunk=5) == {"a": 5, "b": 5, "c": 5}
    assert share_out(1e9, cost, available, chunk=5) == available
