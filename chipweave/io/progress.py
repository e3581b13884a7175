"""How far a long piece of work is, on standard error: a bar on a terminal, else a line every ten seconds.

Without a terminal a line comes at most every ten seconds and at most every per cent, so that the log of a job of a day
stays short; work that takes less than ten seconds prints none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chipweave.io.console import console, note

EVERY_S = 10.0

Progress = Callable[[str, int, int], None]


class Lines:
    """Progress as lines of text; `clock` is time.monotonic, or a test's."""

    def __init__(self, title: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        """title: what is done; total: how many things there are."""
        self.title, self.total, self.clock = title, total, clock
        self.begun = self.said = clock()
        self.done = 0

    def reached(self, done: int, rate: str = "") -> None:
        """Print a line if ten seconds and a hundredth of the work have gone by since the last."""
        now = self.clock()
        if now - self.said < EVERY_S or 100 * (done - self.done) < self.total:
            return
        self.said, self.done = now, done
        left = (now - self.begun) * (self.total - done) / done
        share = f" ({done / self.total:.0%})" if self.total else ""
        note(f"{self.title}: {done:,} of {self.total:,}{share}{', ' + rate if rate else ''}, about {_span(left)} left")


class Counting:
    """A bar, or lines, that count things done; a context, or started by `start` and ended by `stop`."""

    def __init__(self, total: int, title: str = "runs") -> None:
        """A bar where standard error is a terminal, else lines."""
        self.total, self.title, self.done = total, title, 0
        self.bar = _bar(title) if console().is_terminal else None
        self.task = self.bar.add_task(title, total=total, rate="") if self.bar else None
        self.lines = Lines(title, total)

    def start(self) -> None:
        """Show the bar; lines need no start."""
        if self.bar:
            self.bar.start()

    def stop(self) -> None:
        """Take the bar away, so that what is printed next stands alone."""
        if self.bar:
            self.bar.stop()

    def __enter__(self) -> Counting:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def advance(self) -> None:
        """One thing more is done."""
        self.reached(self.done + 1, "")

    def reached(self, done: int, rate: str) -> None:
        """Show how far it is and how fast, whenever `done` has changed."""
        if done == self.done:
            return
        self.done = done
        if self.bar:
            self.bar.update(self.task, completed=done, rate=rate)
        else:
            self.lines.reached(done, rate)


@contextmanager
def progress() -> Iterator[Progress]:
    """A context that gives `progress(text, done, total)`; a new text or total, or less done, starts a new bar."""
    countings: dict[str, Counting] = {}
    begun: dict[str, float] = {}

    def reached(text: str, done: int, total: int) -> None:
        now = countings.get(text)
        if now is None or now.total != total or done < now.done:
            for counting in countings.values():
                counting.stop()
            countings[text], begun[text] = Counting(total, text), time.monotonic()
            countings[text].start()
        seconds = time.monotonic() - begun[text]
        countings[text].reached(done, f"{_short(done / seconds)}/s" if seconds > 0.1 else "")

    try:
        yield reached
    finally:
        for counting in countings.values():
            counting.stop()


@contextmanager
def busy(text: str) -> Iterator[None]:
    """A context for work whose length is not known: a line every ten seconds says that it goes on."""
    ended, begun = threading.Event(), time.monotonic()

    def tell() -> None:
        while not ended.wait(EVERY_S):
            note(f"{text}: {_span(time.monotonic() - begun)} so far")

    beside = threading.Thread(target=tell, daemon=True)
    beside.start()
    try:
        yield
    finally:
        ended.set()
        beside.join()


def _bar(title: str) -> Any:
    """A bar with the rate and the time left, which vanishes at its end."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from chipweave.io.console import printable

    columns = (
        TextColumn(escape(printable(title)).replace("{", "{{").replace("}", "}}")),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console(), transient=True)


def _span(seconds: float) -> str:
    """A span of time for people: 45 s, 12 min, 3.4 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _short(number: float) -> str:
    """1234567 as 1.2 M."""
    for letter in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.1f} {letter}".strip()
        number /= 1000
    return f"{number:.1f} T"
