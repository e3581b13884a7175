"""`kill -USR1 PID` prints how far a command is, on standard error, and the work goes on.

What is under way says so by `doing`; the signal is answered between two batches of the kernel. Systems without the
signal (Windows) have nothing to listen to.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from chipweave.io.console import note

_doing: list[Callable[[], str]] = []


def listen() -> None:
    """Answer the signal from now on; only a main thread can."""
    if hasattr(signal, "SIGUSR1") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, _answer)


def doing(words: Callable[[], str]) -> None:
    """What is under way from now on, until `done`; the last of several speaks."""
    _doing.append(words)


def done(words: Callable[[], str]) -> None:
    """It is over."""
    if words in _doing:
        _doing.remove(words)


def _answer(*_: Any) -> None:
    note(_doing[-1]() if _doing else "reading, checking or writing: no run is under way")
