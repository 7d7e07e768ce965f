"""Which code made a run or a report."""

import subprocess

from warehouse.paths import REPOSITORY


def git_commit() -> str | None:
    """The commit of the code, with -dirty where files were changed; None outside a git checkout."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
