"""Requests in JSON whose rows are not all alike: fewer ids than top-k, -1 for no choice, several rows in a decode step.

The quick path of jsontrace.py reads what is even; what it cannot read comes here, after `jsontrace.explain` has
found no fault.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.trace.survey import NO_CHOICE


def ids_of(steps: Any, layout: Any) -> tuple[int, np.ndarray, list[int] | None]:
    """(prompt rows, ids uint16 [tokens, layers, top_k] with NO_CHOICE, rows of each decode step or None)."""
    widths = [len(step[layout.moe[0]]) for step in steps]
    ids = np.full((sum(widths), len(layout.moe), layout.top_k), NO_CHOICE, np.uint16)
    first = 0
    for step, width in zip(steps, widths, strict=True):
        for index, key in enumerate(layout.moe):
            for row, chosen in enumerate(step[key]):
                some = [expert for expert in chosen if expert >= 0]
                ids[first + row, index, : len(some)] = some
        first += width
    return widths[0], ids, None if set(widths[1:]) <= {1} else widths[1:]
