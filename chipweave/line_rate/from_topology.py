"""A line-rate system from a topology: parts that name a behaviour become endpoints, links between them become wires.

A component class takes part by `behaviour` (the C module's name) and these methods; a part that uses no port of another
leaves out `lanes` and `wire_latency`, the last two are for those that need them:

    endpoints()                 -> [{parameter: int}], one endpoint each
    lanes(port, index, other)   -> endpoints of `other` that endpoint `index` reaches by `port`, in lane order
    wire_latency(port)          -> ps of each of these wires, where the link says `latency: included`
    inner_wires()               -> [(index, port, index, port, latency_ps)] within the part
    rates()                     -> {port: (ps a KiB out, ps a KiB in)} of each of its endpoints
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chipweave.errors import BadInput
from chipweave.line_rate.endpoints import Endpoints


class LineRate:
    """The endpoints of a System.

    Attributes:
        endpoints: the Endpoints.
        numbers: part name -> numbers of its endpoints.
    """

    def __init__(self, system: Any, seed: int = 1, engine: str = "kernel") -> None:
        self.parts = [p for p in system.parts.values() if getattr(p, "behaviour", "")]
        if not self.parts:
            raise BadInput(f"topology {system.name} has no part that works at line rate")
        asked = {p.name: p.endpoints() for p in self.parts}
        wires = list(self._wires(system, asked))
        self.endpoints = Endpoints(sum(map(len, asked.values())), len(wires), seed, engine)
        self.numbers = {
            p.name: [self.endpoints.add(p.behaviour, **values) for values in asked[p.name]] for p in self.parts
        }
        for (a, i, port), (b, j, other), latency in wires:
            self.endpoints.wire(self.numbers[a][i], port, self.numbers[b][j], other, latency)
        for part in self.parts:
            for port, (out, in_) in getattr(part, "rates", dict)().items():
                for number in self.numbers[part.name]:
                    self.endpoints.rate(number, port, out, in_)

    def _wires(
        self, system: Any, asked: dict[str, list[dict[str, int]]]
    ) -> Iterator[tuple[tuple[str, int, str], tuple[str, int, str], int]]:
        """(end, end, latency ps) of all wires, an end being (part, endpoint, port).

        Inner wires are those between the endpoints of one part; wires of the topology join part to
        part, endpoint by endpoint.
        """
        known = {p.name: p for p in self.parts}
        for part in self.parts:
            for i, port, j, other, latency in getattr(part, "inner_wires", list)():
                yield (part.name, i, port), (part.name, j, other), latency
        for a, b, data in system.wires():
            if a not in known or b not in known:
                continue
            port, other = data["ports"]
            for i in range(len(asked[a])):
                for j in known[a].lanes(port, i, known[b]):
                    yield (a, i, port), (b, j, other), data["latency_ps"] or known[a].wire_latency(port)
