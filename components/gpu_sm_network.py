"""The networks among the SMs of a GPU die, one a GPC (csrc/behaviours/sm_network/sm_network.c).

Models      the way from an SM to another of its GPC, over which thread block clusters reach one another's shared
            memory, and
            the queues where data leaves an SM and enters one: SMs that ask one SM share what it can send.
Leaves out  the inner structure of a GPC: every pair of its SMs is equally far.
Checked by  tests/die/test_clusters.py
"""

from __future__ import annotations

from chipweave.component import Component, Port, component
from chipweave.line_rate.passed import Passed, passed


@component("gpu.sm_network")
class GpuSmNetwork(Component):
    """The networks of all GPCs."""

    engine = "endpoint"
    behaviour = "sm_network"

    sm = Port(provides="sm.network", doc="the SMs")

    cycles = Passed("sm_network", "cycles")
    port_bytes = Passed("sm_network", "port_bytes", default=0)

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of the network of every GPC."""
        sm = self.links["sm"][0][0]
        return [{"clock": int(sm.clock)} | passed(self)] * sm.gpcs
