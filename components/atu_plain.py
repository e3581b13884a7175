"""The ATU of components/atu.py in plain Python: the same parameter, every question and change answered one by one.

Models      what d2d.atu models; a die's copies are an ordered dictionary, least recently used first.
Leaves out  speed: a Python call for each question, entry and renewal.
Checked by  tests/components/test_swaps.py (equal to d2d.atu), tests/components/test_atu_pdu.py
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from chipweave.chain import ask, tell
from chipweave.component import component

from .atu import Atu


@component("d2d.atu_plain")
class AtuPlain(Atu):
    """Address translation of one die, entries in Python."""

    engine = "python"

    def declare(self, layout: Any, work: Any) -> None:
        """`copies[die]` names the lines that die has; `changed` what came and went since the last call."""
        self.refreshes, self.limits = work.refresh_copies, self.capacities(work)
        self.copies: list[OrderedDict[int, None]] = [OrderedDict() for _ in self.replicas]
        self.changed: list[tuple[int, int, int]] = []

    def serve_test(self, chain: Any, at: str, yes: str, no: str) -> str:
        """See Atu.serve_test."""
        return chain.choose(
            "has_copy", ask(lambda q: q.operands["line"] in self.copies[q.operands[at]]), yes=yes, no=no
        )

    def enter(self, at: str) -> Any:
        """See Atu.enter."""
        return tell(lambda q: self.put(q.operands[at], q.operands["line"]))

    def refresh(self, at: str) -> tuple[Any, ...]:
        """See Atu.refresh."""
        return (tell(lambda q: self.renew(q.operands[at], q.operands["line"])),) if self.refreshes else ()

    def renew(self, die: int, line: int) -> None:
        """Make a line the one used last, if it is there still."""
        if line in self.copies[die]:
            self.copies[die].move_to_end(line)

    def put(self, die: int, line: int) -> None:
        """Enter a line as the one used last; the one used longest ago goes where there is no room."""
        copies = self.copies[die]
        if line not in copies:
            self.changed.append((die, line, 1))
        copies[line] = None
        copies.move_to_end(line)
        if self.limits[die] and len(copies) > self.limits[die]:
            self.changed.append((die, copies.popitem(last=False)[0], -1))

    def changes(self, fabric: Any) -> np.ndarray:
        """See CopyTable.changes."""
        changed, self.changed = self.changed, []
        return np.array(changed, np.int64).reshape(len(changed), 3)
