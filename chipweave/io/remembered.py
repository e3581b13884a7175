"""What a file says, remembered for as long as the file is the same one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

Result = TypeVar("Result")
MOST = 256


def by_file(function: Callable[..., Result]) -> Callable[..., Result]:
    """Decorator: `functools.cache` for a function of one name or path, which reads a file anew once it has changed.

    A session edits a file and goes on; two files of one relative name lie in two folders. What the file names in turn
    is not looked at. A name that is no file's is remembered as it is.
    """

    @lru_cache(maxsize=MOST)
    def remembered(stamp: tuple[int, ...] | None, *arguments: Any) -> Result:
        return function(*arguments)

    @wraps(function)
    def call(*arguments: Any) -> Result:
        return remembered(_stamp(arguments[0]) if arguments else None, *arguments)

    vars(call)["cache_clear"] = remembered.cache_clear
    return call


def _stamp(name: Any) -> tuple[int, ...] | None:
    """What tells a file from what it was and from others; None where there is no file."""
    try:
        found = os.stat(name)
    except (OSError, TypeError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
