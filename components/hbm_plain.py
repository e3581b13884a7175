"""The HBM controller of components/hbm.py in plain Python: the same parameters, every access answered one by one.

Models      what memory.hbm models, with exact fractions.
Leaves out  speed: a Python call for each access.
Checked by  tests/components/test_swaps.py (equal to memory.hbm), tests/components/test_hbm.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import Asked
from chipweave.component import component
from chipweave.plain.durations import quotient_ps, value

from .hbm import Hbm


@component("memory.hbm_plain")
class HbmPlain(Hbm):
    """HBM of one die as bandwidth and latency, in Python."""

    engine = "python"

    def timing(self, access: Any) -> Any:
        """See Hbm.timing."""
        return Asked(lambda q: self.starts(access, q.operands[access.at], value(access.work, q.operands))), ()

    def starts(self, access: Any, die: int, amount: int) -> int:
        """An access of `amount` bytes starts: count its parts; how long it keeps others waiting."""
        n = len(access.controllers)
        for i, group in enumerate(access.controllers):
            stats = group.replicas[die].stats
            stats[access.accesses] += (i + 1) // n - i // n
            stats[access.bytes] += amount * (i + 1) // n - amount * i // n
        return max(group.replicas[die].takes(group, access.what, amount, n) for group in access.controllers)

    def takes(self, group: Any, what: str, amount: int, n: int) -> int:
        """How long this part needs for its n-th of `amount` bytes."""
        latency = 0 if group.measured else self.latency
        return latency + quotient_ps(amount, self.bandwidth * group.share(what, self) * n, self.round_to)
