"""The SM cluster of components/sm_cluster_table.py in plain Python: the same parameters, every GEMM timed one by one.

Models      what sm.utilisation_table models, with exact fractions.
Leaves out  speed: a Python call for each GEMM.
Checked by  tests/components/test_swaps.py (equal to sm.utilisation_table), tests/components/test_sm_cluster_table.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import Asked
from chipweave.component import component
from chipweave.plain.durations import quotient_ps

from .sm_cluster_table import SmClusterTable


@component("sm.utilisation_table_plain")
class SmClusterTablePlain(SmClusterTable):
    """All SMs of a die as one unit with a utilisation table, in Python."""

    engine = "python"

    def duration(self, work: Any) -> Asked:
        """See SmClusterTable.duration."""
        return Asked(lambda q: self.replicas[q.operands["die"]].gemm_ps(work, q.operands["tokens"]))

    def gemm_ps(self, work: Any, tokens: int) -> int:
        """How long this die takes over one slice for a number of tokens."""
        share = next(share for limit, share in self.utilisation(work) if limit is None or tokens <= limit)
        return quotient_ps(tokens * work.flop_per_token, self.peak * share, self.round_to)
