"""A long call of the kernel, watched: it runs beside, so that Ctrl-C and a progress bar need not wait for its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

LOOK_EVERY_S = 0.1
Result = TypeVar("Result")


def watched(call: Callable[[], Result], look: Callable[[], object] | None = None) -> Result:
    """What `call()` returns, or what it raises; meanwhile `look()` is called ten times a second.

    On Ctrl-C the call is left behind: it ends with the program.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    beside = threading.Thread(target=work, daemon=True)
    beside.start()
    while beside.is_alive():
        beside.join(LOOK_EVERY_S)
        if look:
            look()
    if errors:
        raise errors[0]
    return results[0]
