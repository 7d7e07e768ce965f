"""Asked to stop: SIGTERM and SIGUSR1 (Slurm's warning) are kept until the step is done.

In: signals. Out: `asked`, the name of the first one. The trainer then writes a checkpoint and leaves with `STATUS`.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
STATUS = 143  # what a shell reports of a process that SIGTERM ended: 128 + 15


class StopRequest:
    """Whether one of the signals has come."""

    asked: str | None = None

    def note(self, number: int, _frame: object) -> None:
        """The handler: nothing is done in it but to remember the signal."""
        self.asked = self.asked or signal.Signals(number).name


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Note the signals while the context lasts; Python lets only the main thread listen, elsewhere none comes."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
