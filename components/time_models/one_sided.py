"""One-sided all-to-all in one NVLink domain: every GPU writes its tokens straight into the memory of those that hold
their experts.

As TensorRT-LLM's NVLinkOneSided does (NVIDIA/TensorRT-LLM, Apache-2.0, technical blog 18): dispatch writes one copy for
each rank that has any of a token's experts, then raises flags; combine reads the results back. Tokens are dealt evenly:
a token's experts stand on as many ranks as it has experts, or on all where there are fewer.

Models      launch and flags as a floor, copies over each GPU's port, several peers at once
Leaves out  uneven routing, the memory behind the port, several domains
Checked by  tests/comm/test_one_sided.py; the ledger's group a2a_nvl72
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param

from .collective_schedules import exchange
from .transfer_program import Op, run

BYTES = {"bf16": 2.0, "mxfp8": 1 + 1 / 32, "nvfp4": 0.5 + 1 / 16}
"""Of one value on the wire, block scales included (OCP MX: one for 32 values; NVFP4: one for 16)."""


@time_model("comm.one_sided")
class OneSided(TimeModel):
    "TensorRT-LLM's one-sided dispatch and combine over NVLink."

    dispatch_floor = Param(
        "time", default="19 us", rounding=True, doc="dispatch of one token (calibration a2a_nvl72-00001)"
    )
    combine_floor = Param(
        "time", default="31 us", rounding=True, doc="combine of one token (calibration a2a_nvl72-00002)"
    )
    write_share = Param(
        "share",
        default="100 %",
        low="1 %",
        high="100 %",
        doc="of a port's rate that stores reach (calibration a2a_nvl72-00023)",
    )
    read_share = Param(
        "share", default="100 %", low="1 %", high="100 %", doc="of it that loads reach (calibration a2a_nvl72-00024)"
    )

    def time(
        self, phase: str, tokens: int, topk: int, hidden: int, ranks: int, fabric: Any, dtype: str = "bf16"
    ) -> int:
        """ps of "dispatch" or "combine" with `tokens` a rank.

        Args:
            dtype: of the tokens on the wire, a key of `BYTES`; combine is always bf16.
            fabric: the `Fabric` of the domain.
        """
        message = hidden * BYTES[dtype if phase == "dispatch" else "bf16"]
        pair = int(tokens * min(topk, ranks) * message / ranks)
        links = fabric.links(ranks, exchange=True)
        cap = Fraction(links["out", 0]) * (self.write_share if phase == "dispatch" else self.read_share) / (ranks - 1)
        ops = [
            Op((s.rank, "to", s.to), pair, cap, {("out", s.rank): 1, ("in", s.to): 1})
            for s in exchange(ranks, lambda a, b: pair)
            if s.kind == "send"
        ]
        floor = self.dispatch_floor if phase == "dispatch" else self.combine_floor
        return floor + max(run(ops, links))
