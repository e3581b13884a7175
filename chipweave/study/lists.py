"""Lists of options of studies: texts with commas between, each entry once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chipweave.errors import BadInput, Fault

NUMBER = re.compile(r"[0-9]{1,9}")


def names_of(text: str, option: str) -> list[str]:
    """The names of a list, in order; BadInput where one is named twice."""
    return _once([name.strip() for name in text.split(",") if name.strip()], option)


def batches_of(text: str, option: str = "--batches") -> list[int]:
    """Batch sizes of a list, in order; BadInput where one is no number from 1 or there twice."""
    names = [each.strip() for each in text.split(",")]
    if not all(NUMBER.fullmatch(each) and int(each) for each in names):
        raise BadInput(Fault(f"{option} {text!r}", allowed="whole numbers from 1 with commas between"))
    return [int(each) for each in _once([str(int(each)) for each in names], option)]


def _once(names: Sequence[str], option: str) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(Fault(f"{option}: {twice} is named twice", allowed="each once"))
    return list(names)
