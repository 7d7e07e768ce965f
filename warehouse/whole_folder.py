"""A folder of results that is written whole or not at all: beside its place first, then moved there in one step."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import UserError


@contextmanager
def whole_folder(out: Path, what: str, mark: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `out` once the block ends well, and is removed where it does not.

    `mark` is a file by which a former result is known. Raises UserError where `out` holds something else, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / mark).is_file())):
        raise UserError(f"{out} exists and holds no {what}; name another folder with --out")
    partial, old = out.with_name(out.name + ".partial"), out.with_name(out.name + ".old")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.replace(old)
        partial.replace(out)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {what} to {out}: {error.strerror or error}", exit_status=1) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
