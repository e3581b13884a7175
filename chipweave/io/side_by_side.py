"""Calls side by side: independent ones, of which compiled code is most of the work (it lets other threads go on)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Result = TypeVar("Result")
AHEAD = 2  # calls a thread that may wait: each holds what it works on
LOOK_EVERY_S = 0.2  # a thread that waits in slices notices Ctrl-C


class SideBySide(Generic[Result]):
    """`submit` calls, then take all `results` in the order of submission; with one thread each runs as it is submitted.

    The threads end with the program, so Ctrl-C does not wait for them.
    """

    def __init__(self, threads: int) -> None:
        self.done: dict[int, Result] = {}
        self.errors: dict[int, BaseException] = {}
        self.waiting: deque[tuple[int, Callable[[], Result]]] = deque()
        self.submitted, self.closed, self.room = 0, False, AHEAD * threads
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads if threads > 1 else 0)]
        for thread in self.threads:
            thread.start()

    def submit(self, call: Callable[[], Result]) -> None:
        """Have a call made; waits while many are waiting."""
        number, self.submitted = self.submitted, self.submitted + 1
        if not self.threads:
            self.done[number] = call()
            return
        with self.changed:
            while len(self.waiting) >= self.room and not self.errors:
                self.changed.wait(LOOK_EVERY_S)
            self.waiting.append((number, call))
            self.changed.notify_all()

    def results(self) -> list[Result]:
        """What all calls returned; or what the first one that failed raised."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        while any(thread.is_alive() for thread in self.threads):
            for thread in self.threads:
                thread.join(LOOK_EVERY_S)
        if self.errors:
            raise self.errors[min(self.errors)]
        return [self.done[number] for number in range(self.submitted)]

    def so_far(self) -> list[Result]:
        """What all calls submitted until now returned; others may follow."""
        with self.changed:
            while len(self.done) < self.submitted and not self.errors:
                self.changed.wait(LOOK_EVERY_S)
        if self.errors:
            raise self.errors[min(self.errors)]
        return [self.done[number] for number in range(self.submitted)]

    def _work(self) -> None:
        """One thread: make calls until all are made, or one has failed."""
        while True:
            with self.changed:
                while not self.waiting and not self.closed and not self.errors:
                    self.changed.wait()
                if not self.waiting or self.errors:
                    return
                number, call = self.waiting.popleft()
                self.changed.notify_all()
            try:
                self.done[number] = call()
            except BaseException as error:  # handed on by results()
                with self.changed:
                    self.errors[number] = error
                    self.changed.notify_all()


def side_by_side(calls: Iterable[Callable[[], Result]], threads: int) -> list[Result]:
    """What each call returns, in their order, `threads` of them at a time."""
    pool: SideBySide[Result] = SideBySide(threads)
    for call in calls:
        pool.submit(call)
    return pool.results()
