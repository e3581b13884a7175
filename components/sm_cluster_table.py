"""SM cluster of one die whose GEMM time comes from a table of utilisation.

Models      the slice of one expert (one of its three matrices) for n tokens: 2 x weights x n flop at peak x
            utilisation(n), the table being that of the model (calibrated by the paper to H100 GEMMs, arXiv 2510.05497).
            One slice at a time; it starts when its weights are there.
            With a characterised table (docs/reference/two_speeds.md) the rows are those of the measured expert of the
            same size.
Leaves out  tiles and waves (sm.tile has them), overlap of a slice's load with its own computation.
Checked by  tests/components/test_sm_cluster_table.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import Steps, amount
from chipweave.component import Param, characterised, component

from .sm_cluster import SmCluster


@component("sm.utilisation_table")
class SmClusterTable(SmCluster):
    """All SMs of a die as one unit with a utilisation table."""

    peak = Param(
        "compute", default="989 TFLOPS", low="1 flop/s", each=True, of="H100", doc="dense FP16 peak of the die"
    )
    round_to = Param("time", default="1 ps", low="1 ps", each=True, doc="times are rounded up to this")
    table = Param(
        "str",
        default=None,
        doc="characterised table, shipped or a path, in place of the model's own rows where it has the model's size",
    )

    def facts(self) -> dict[str, Any]:
        """What policies may build on: the peak of each die."""
        return {"compute": self.each("peak")}

    def utilisation(self, work: Any) -> tuple[tuple[Any, ...], ...]:
        """Rows (tokens up to, share of the peak): of the characterised table, else of the model."""
        return self.table and characterised.load(self.table).utilisation_of(work.slice_bytes) or work.utilisation

    def duration(self, work: Any) -> Any:
        """2 x weights x tokens flop at peak x utilisation, rounded up."""
        rows = self.utilisation(work)
        upto = tuple(limit for limit, _ in rows[:-1])
        flop = amount(("tokens", work.flop_per_token))

        known: dict[tuple[int, int], Steps] = {}  # by identity: dies read of the same lines have the same peak

        def of(part: Any) -> Steps:
            key = id(part.peak), part.round_to
            if key not in known:
                rates = tuple(part.peak * share for _, share in rows)
                known[key] = Steps("tokens", flop, upto, rates, quantum_ps=part.round_to)
            return known[key]

        return self.by_die("die", of)
