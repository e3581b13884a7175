"""Standard output and error as a command uses them: any name can be printed, and a reader that leaves ends nothing.

`chipweave info | head -1`: what is written after the reader has gone is dropped, the command goes on to its own end and
exit code. A stream that was closed before the start takes everything and shows nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class _UntilClosed:
    """A text stream whose reader may leave."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._tolerant():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with self._tolerant():
            self._stream.flush()

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        """A context in which a closed pipe is no error: `chipweave ... | head` ends quietly."""
        try:
            yield
        except BrokenPipeError:  # the file descriptor from here on leads nowhere, also for the interpreter's last flush
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextlib.contextmanager
def tolerant() -> Iterator[None]:
    """A context in which sys.stdout and sys.stderr are as above; what cannot be encoded is written as an escape."""
    before = sys.stdout, sys.stderr
    try:
        sys.stdout, sys.stderr = map(_prepared, before)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def _prepared(stream: TextIO | None) -> Any:
    """A standard stream that escapes what its encoding lacks, and survives a reader that goes away."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
    with contextlib.suppress(AttributeError, ValueError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    return _UntilClosed(stream)
