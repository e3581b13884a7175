"""The networks among the SMs of a GPU die, one a GPC (csrc/behaviours/sm_network.c).

Models      the way from an SM to another of its GPC, over which thread block clusters reach one another's shared memory; what an
            SM sends and takes in is limited at its own port (`cluster_bytes` of gpu.sm), so SMs that ask one SM queue there.
Leaves out  the inner structure of a GPC: every pair of its SMs is equally far.
Checked by  tests/die/test_clusters.py
"""

from chipweave.component import Component, Param, Port, component


@component("gpu.sm_network")
class GpuSmNetwork(Component):
    """The networks of all GPCs."""

    engine = "endpoint"
    behaviour = "sm_network"

    sm = Port(provides="sm.network", doc="the SMs")

    cycles = Param("int", low=0, doc="SM cycles from SM to SM, one way")
    gpc_bytes = Param("int", default=0, low=0, doc="bytes in 100 cycles that the network of a GPC carries; 0: a crossbar that never blocks")

    def endpoints(self):
        """Parameters of the network of every GPC."""
        sm = self.links["sm"][0][0]
        return [{"clock": int(sm.clock), "cycles": self.cycles}] * sm.gpcs

    def rates(self):
        """ps a KiB through a GPC's network."""
        clock = self.links["sm"][0][0].clock
        per_kib = round(1024 * 10**14 / (self.gpc_bytes * clock)) if self.gpc_bytes else 0
        return {"sm": (per_kib, per_kib)}
