"""Plain twin of csrc/behaviours/sm_network.c: carries a message to the rank that its address names."""

from dataclasses import replace

from chipweave.plain.endpoints import READ, WRITE


class PlainSmNetwork:
    """State as in the C struct."""

    def __init__(self, host, me, parameters):
        self.host, self.me, self.stats = host, me, [0, 0]
        self.delay = (parameters["cycles"] * 10**12 + parameters["clock"] // 2) // parameters["clock"]

    def attach(self, what, data):
        raise ValueError("takes no tables")

    def receive(self, m):
        request = m.kind in (READ, WRITE)
        self.stats[not request] += 1
        self.host.post(self.me, 0, m.address >> (48 if request else 32) & 0xFFFF, self.delay, replace(m))

    def timer(self, code, data):
        """Sets none."""


TWIN = PlainSmNetwork
