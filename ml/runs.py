"""Run folders: config.json, progress.jsonl, result.json, checkpoint/.

In and out: flat records. plan.json alone = planned; config.json = started; result.json = done or failed, with
the reason. Files are written beside and moved into place, so a reader never sees half of one; only
progress.jsonl grows, line by line, and may end torn. Wrong: a disk that is full, a folder that was started with other settings, or
that another process is training in (`UserError`).
"""

import fcntl
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import UserError

# What must agree between a folder's config.json and the run that would go on in it. Rows and steps follow from the others, but
# by way of the packing, which another version of the code may do otherwise.
DECISIVE = ("configuration", "seed", "rows", "steps")
# What a damaged or missing .npz file raises: of what can be computed again, so that it is no error.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def now() -> str:
    """The time, UTC, to the second, as ISO text."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, so that what was moved into place is there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, bring it to the disk and move it into place.

    A disk that is full or refuses is a `UserError`, exit status 1; what stood at `path` stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb") as handle:
            os.fsync(handle)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> UserError:
    """The line for a disk that is full or refuses."""
    reason = error.strerror or str(error)
    return UserError(f"cannot write {path} ({reason}): mend that, then the same command goes on", exit_status=1)


def write_json(path: Path, record: dict) -> None:
    """Write one flat record as one line, whole or not at all. Numbers that are not finite become null."""
    write_lines(path, [record])


def write_lines(path: Path, records: list[dict]) -> None:
    """Write flat records, one a line, whole or not at all. Numbers that are not finite become null."""
    clean = [{key: None if isinstance(v, float) and v - v != 0 else v for key, v in r.items()} for r in records]
    text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in clean)
    write_whole(path, lambda part: part.write_text(text, "utf-8"))


def read_json(path: Path) -> dict | None:
    """The record at `path`, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): remove the run's folder to start it anew") from error


def status(folder: Path) -> str:
    """planned, running, done or failed, from the files that are there; `new` where there are none."""
    result = read_json(folder / "result.json")
    if result:
        return result["status"]
    if (folder / "config.json").is_file():
        return "running"
    return "planned" if (folder / "plan.json").is_file() else "new"


def write_result(folder: Path, status: str, reason: str | None, figures: dict | None = None) -> None:
    """Write result.json, which ends the run: done, or failed and why."""
    start = {"run_id": folder.resolve().name, "status": status, "reason": reason}
    write_json(folder / "result.json", {**start, **(figures or {}), "finished_at": now()})


def summary(result: dict) -> str:
    """The losses of a result, for a person."""
    losses = ((split, result.get(f"{split}_loss")) for split in ("tuning", "held_out"))
    return ", ".join(f"{split} loss {'-' if loss is None else f'{loss:.4f}'}" for split, loss in losses)


def diverged(result: dict) -> bool:
    """Whether a result says that the run diverged, which it would do again."""
    return result["status"] == "failed" and "diverged" in (result["reason"] or "")


def last_step(path: Path) -> int:
    """Step of the last whole line of a progress.jsonl; 0 where there is none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError):
            continue
    return 0


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold the run's folder for this process; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / ".lock", "w")  # noqa: SIM115 (closed below, at the end of the run)
    except OSError as error:
        raise UserError(f"cannot write the run folder {folder}: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process is training in {folder}: wait for it or give another --run-dir"
            ) from error
        yield


def check_same(folder: Path, record: dict) -> None:
    """Refuse to go on in a folder that was started with another vocabulary or other settings."""
    recorded = read_json(folder / "config.json")
    if recorded is None:
        return
    if recorded["vocabulary_sha256"] != record["vocabulary_sha256"]:
        was, is_ = recorded["vocabulary_sha256"][:12], record["vocabulary_sha256"][:12]
        raise UserError(
            f"{folder} was trained with vocabulary {was}, the shards have {is_}: "
            "give the shards it was started with, or another --run-dir"
        )
    if any(recorded[key] != record[key] for key in DECISIVE):
        names = (key for key in record if key in recorded and key not in ("run_id", "configuration"))
        other = next((key for key in names if recorded[key] != record[key]), "configuration")
        raise UserError(
            f"{folder} was started with {other} = {recorded.get(other)}, now it is {record.get(other)}: "
            "give the same settings to resume, or another --run-dir"
        )


class Progress:
    """progress.jsonl, cut back to the step a run resumes from, then appended to."""

    def __init__(self, path: Path, from_step: int) -> None:
        kept = []
        if path.is_file() and from_step > 0:
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= from_step:
                        kept.append(line + "\n")
                except (ValueError, KeyError):
                    continue  # torn by the kill that this run resumes from
        write_whole(path, lambda part: part.write_text("".join(kept), encoding="utf-8"))
        self._path = path

    def append(self, record: dict) -> None:
        """Add one line, whole, and leave the file closed."""
        try:
            with self._path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(record) + "\n")
        except OSError as error:
            raise cannot_write(self._path, error) from error
