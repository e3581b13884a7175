"""A GPU's copy engine moving memory to another GPU (or its host): what cudaMemcpyPeer does."""

from __future__ import annotations

from typing import Any

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param


@time_model("node.copy_engine")
class CopyEngine(TimeModel):
    "One copy at a time: a start by the command processor, then the link's payload rate."

    start = Param(
        "time", default="2374.6 ns", rounding=True, doc="call to first byte, as of a kernel (calibration uarch-0065)"
    )
    efficiency = Param("share", default="100 %", low="1 %", high="100 %", doc="of the link's payload")

    def time(self, size: int, fabric: Any) -> int:
        """ps of one copy of `size` bytes from one GPU of the `Fabric` to another."""
        return self.start + int(size * 10**12 / (fabric.bandwidth * self.efficiency))

    def rate(self, size: int, fabric: Any) -> float:
        """bytes/s that a caller sees."""
        return size * 10**12 / self.time(size, fabric)
