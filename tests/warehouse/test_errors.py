"""A user's mistake is one line and an exit status; a defect keeps its trace."""

import pytest

from warehouse.errors import ArgumentParser, UserError, run_main


def leave(error: Exception | int | None):
    """A main that ends so."""

    def main() -> int | None:
        if isinstance(error, Exception):
            raise error
        return error

    return main


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (None, 0, ""),
        (1, 1, ""),
        (UserError("no shards"), 2, "error: no shards\n"),
        (UserError("the run failed", exit_status=1), 1, "error: the run failed\n"),
    ],
)
def test_mistakes_are_one_line(capsys, error, status, line):
    with pytest.raises(SystemExit) as left:
        run_main(leave(error))
    assert left.value.code == status
    assert capsys.readouterr().err == line


def test_defects_keep_their_trace():
    with pytest.raises(ZeroDivisionError):
        run_main(leave(ZeroDivisionError()))


def test_a_wrong_option_is_a_mistake_like_others():
    with pytest.raises(UserError, match="unrecognized arguments: --sise; see tool --help"):
        ArgumentParser(prog="tool").parse_args(["--sise"])
