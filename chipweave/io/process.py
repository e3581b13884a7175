"""What the operating system and the interpreter say of this process."""

import gc
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def peak_rss_bytes() -> int:
    """The largest resident memory of this process so far, in bytes (macOS counts in bytes, Linux in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection of garbage while a system is made: all of it stays, and looking through it costs as much again.

    What stands at the end is frozen, or the first object after it would have all of it looked through. `drive`
    unfreezes it when the run has ended.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was:
            gc.enable()
