"""A long call of the kernel, watched: it runs beside, so that Ctrl-C and a progress bar need not wait for its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

LOOK_EVERY_S = 0.1


def watched(call: Callable[..., Any], look: Any = None) -> tuple[dict[str, int], Any, Any]:
    """What `call()` returns, or what it raises; meanwhile `look()` is called ten times a second.

    On Ctrl-C the call is left behind: it ends with the program.
    """
    ended = []

    def work() -> None:
        try:
            ended.append((call(), None))
        except BaseException as error:  # handed to the caller below
            ended.append((None, error))

    beside = threading.Thread(target=work, daemon=True)
    beside.start()
    while beside.is_alive():
        beside.join(LOOK_EVERY_S)
        if look:
            look()
    result, error = ended[0]
    if error is not None:
        raise error
    return result
