"""ATU: maps a remote HBM address to the copy in this die's own HBM.

Models      a store of line numbers; the least recently used copy goes where its capacity is reached. A copy counts
            as there from the start of its store (arXiv 2510.05497, artifact).
Leaves out  the time of its own lookup (hidden behind the LLC's), which of its entries share a set.
Checked by  tests/components/test_atu_pdu.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.component import Param, component
from chipweave.component.staged import CopyTable

NOTHING = np.empty((0, 3), np.int64)
EVICTED = 2  # what the fabric's journal says of a key that is gone


@component("d2d.atu")
class Atu(CopyTable):
    """Address translation of one die."""

    entries = Param(
        "count", default=0, low=0, each=True, doc="copies it can name; 0: as many as the replacement policy keeps"
    )

    def declare(self, layout: Any, work: Any) -> None:
        """The table of all dies."""
        self.refreshes = work.refresh_copies
        self.table = layout.keyed(self.group, len(self.replicas), work.lines, self.capacities(work), journal=True)

    def capacities(self, work: Any) -> Any:
        """Copies each die keeps: the smaller of the ATU's entries and what the replacement policy keeps; 0: no
        bound."""
        kept = work.capacities(len(self.replicas))
        return tuple(min([n for n in both if n], default=0) for both in zip(self.each("entries"), kept, strict=False))

    def serve_test(self, chain: Any, at: str, yes: str, no: str) -> str:
        """Whether die `at` has a copy of the line."""
        return chain.choose("has_copy", self.table.has(at, "line"), yes=yes, no=no)

    def enter(self, at: str) -> Any:
        """The change that enters the line."""
        return self.table.insert(at, "line")

    def refresh(self, at: str) -> tuple[Any, ...]:
        """The changes that renew a copy whose read starts; none of a copy that is gone by then."""
        return (self.table.refresh(at, "line"),) if self.refreshes else ()

    def changes(self, fabric: Any) -> np.ndarray:
        """See CopyTable.changes: what the fabric wrote down of the table."""
        journal = fabric.journal(self.table)
        if not len(journal):
            return NOTHING
        return np.stack([journal[:, 2], journal[:, 3], np.where(journal[:, 4] == EVICTED, -1, 1)], axis=1)
