"""JSON of users: a key that an object has twice is refused, where Python keeps the last one without a word."""

from __future__ import annotations

import json
from typing import Any


class TwiceError(ValueError):
    """A key that is there twice in one object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} is there twice in one object")


def loads(text: str | bytes) -> Any:
    """As json.loads.

    Raises:
        TwiceError: a key is there twice; and what json.loads raises, which are ValueErrors too.
    """
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's pairs as a dict; TwiceError for a key that stands twice, which json would take the last of."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise TwiceError(next(name for name in names if names.count(name) > 1))
    return found
