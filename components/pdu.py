"""PDU: per expert, whether what is read of it from afar is to be kept (`cp_en`).

Models      a table of bits per die, written by the local CP before each kernel (arXiv 2510.05497, IV-E).
Leaves out  `is_local`, which the ATU answers, and the time of the lookup.
Checked by  tests/components/test_atu_pdu.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chipweave.component import component
from chipweave.component.staged import Staged


@component("d2d.pdu")
class Pdu(Staged):
    """Prediction unit of one die."""

    def declare(self, layout: Any, work: Any) -> None:
        """The bits of all dies."""
        self.table = layout.bits(self.group, len(self.replicas), work.experts)

    def serve_test(self, chain: Any, at: str, yes: str, no: str) -> str:
        """Whether die `at` is to copy lines of the expert that is read."""
        return chain.choose("cp_en", self.table.at(at, "expert"), yes=yes, no=no)

    def program(self, fabric: Any, bits: Any) -> None:
        """Load the prediction bits (uint8 [experts]) of this die."""
        fabric.array(self.members[0].table)[self.die] = bits

    def program_all(self, fabric: Any, dies: Sequence[int], mask: np.ndarray) -> None:
        """The same for several dies at once, this one's table being that of all: mask is uint8 [dies, experts]."""
        table = fabric.array(self.members[0].table)
        if len(dies) == len(table) == len(mask):
            table[:] = mask
        else:
            table[list(dies)] = mask[list(dies)]
