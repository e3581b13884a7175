"""A network of a topology under `link_model: flit`: links, ports, routes and routers in cycles and flits.

    clock     one flit a cycle on the fastest link: bandwidth / flit, unless written; where messages leave an endpoint
              by several equally short ways, one flit a cycle on all of these together, an endpoint's whole rate
    latency   of a link in cycles, to the nearest, halves up, at least 1
    interval  cycles a flit takes on a slower link: the ratio to the fastest, exact in the mean
    depth     of a VC: the credit loop of the slowest link to answer, unless written (8 flits on a bare network)

Edge n of the clock is at round(n * 1e12 / clock) ps. Routes are those of every other link model.

`grain: k` takes flits and packets k times as large on a clock k times slower; bytes of a buffer stay, delays of routers
stay in cycles, so they last k times as long. A message of one fine flit goes beside the routers
(csrc/flit/link_model.h).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.noc import deadlock, routing
from chipweave.noc.flit_tables import cycles, routed
from chipweave.noc.router import Router

TRAFFIC = ("request", "reply")  # what a network of parts carries, as far as its topology alone tells
PS = 10**12


@dataclass(frozen=True, eq=False)
class FlitNetwork:
    """What the flit kernel and its twin know of one network.

    network: chipweave.noc.routing.RouterGraph; router: chipweave.noc.router.Router, its `vc_classes` one per traffic
    and range.
    clock: Fraction Hz; flit_bytes, max_packet: bytes; traffic: classes of messages that must not share VCs.
    message_vcs: VCs a message keeps to, 0: all of its traffic. link_rows: for each link of the topology its row of
    Kernel.counts().
    skip: whether the kernel looks for whole periods to advance by. written: where the routes are chosen, for messages.
    grain: fine flits in a flit. fine_latency: int64[n], cycles of each link on the clock of grain 1.
    """

    name: str
    network: routing.RouterGraph
    router: Router
    clock: Fraction
    flit_bytes: int
    max_packet: int
    traffic: int
    message_vcs: int
    link_rows: np.ndarray
    allow_deadlock: bool = False
    skip: bool = True
    written: Place = Place()
    grain: int = 1
    fine_latency: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def ranges(self) -> int:
        """Ranges of VCs per traffic class; messages take them in turn."""
        return self.router.vc_classes // self.traffic

    @property
    def packet_flits(self) -> int:
        """The most flits of a packet."""
        return max(1, min(self.max_packet // self.flit_bytes, 2**31 - 1))

    def link_intervals(self) -> list[tuple[int, int]]:
        """(numerator, denominator) of the cycles a flit takes, for each link of the topology; 1 for terminals."""
        starts = np.concatenate([[0], self.network.ports.cumsum()])
        rows = self.network.links.rows.astype(np.int64)
        at = dict(zip((starts[rows[:, 0]] + rows[:, 1]).tolist(), rows[:, 5:].tolist(), strict=True))
        return [tuple(at.get(row, (1, 1))) for row in self.link_rows.tolist()]

    def with_traffic(self, classes: int) -> FlitNetwork:
        """The same network with this number of classes of messages; BadInput where the VCs do not suffice."""
        ranges = 1
        if self.message_vcs:
            if self.router.vcs % (classes * self.message_vcs):
                raise BadInput(
                    f"network {self.name}: {self.router.vcs} VCs are no "
                    f"equal ranges of message_vcs = {self.message_vcs} "
                    f"for {classes} classes of messages; vcs must be a multiple of {classes * self.message_vcs}"
                )
            ranges = self.router.vcs // (classes * self.message_vcs)
        elif self.router.vcs % classes:
            raise BadInput(
                f"network {self.name}: {self.router.vcs} VCs cannot be shared out to {classes} classes of messages"
            )
        return replace(self, traffic=classes, router=replace(self.router, vc_classes=classes * ranges))

    def prove(
        self, replies: list[tuple[int, int]] | tuple[Any, ...] = (), names: list[str] | tuple[Any, ...] = ()
    ) -> str:
        """Deadlock freedom, or BadInput with the cycle; `replies` are pairs of traffic classes, `names` their names.

        Returns the cycle in words where `allow_deadlock` let one through, else "".
        """
        apart = self.ranges
        if self.network.minimal is not None and self.router.vcs // self.router.vc_classes < 2:
            raise BadInput(
                f"network {self.name}: adaptive routing needs 2 VCs a class, an escape VC and others; "
                f"vcs: {self.router.vcs} in {self.router.vc_classes} classes"
            )
        pairs = [(a * apart, b * apart) for a, b in replies]
        classes = [names[c // apart] if names else f"class {c // apart}" for c in range(self.router.vc_classes)]
        return deadlock.prove(self.network, self.router, pairs, self.allow_deadlock, {"classes": classes}, self.written)

    def escape_in_reach(self) -> str:
        """Escape VCs that a packet may not come to, or BadInput; "" where each can.

        Duato's proof holds where a buffer has flits of one packet: of several, all but the first wait for adaptive
        VCs alone, which can make circles. One packet a VC (`wait_for_tail_credit`) or whole packets (`cut_through`)
        keep the escape VC in reach. `allow_deadlock` lets others through, in words.
        """
        r = self.router
        if self.network.minimal is None or r.wait_for_tail_credit or r.flow_control == "cut_through":
            return ""
        text = "packets behind others in a VC cannot take the escape VC"
        if not self.allow_deadlock:
            cures = "wait_for_tail_credit: 1 (left out, it is), flow_control: cut_through, or allow_deadlock: true"
            raise BadInput(Fault(f"network {self.name} can deadlock: {text}", self.written, cures))
        return text

    def credit_loop(self, latency: int) -> int:
        """Cycles from a body flit's switch grant until its slot can be granted again, over a link of `latency`
        cycles."""
        return self.router.st_delay + 2 * latency + self.router.credit_delay + 2

    def share(self) -> tuple[Fraction, int]:
        """Of the bandwidth, what one message reaches on the link that needs the most buffer: (share, loop in flits).

        A message keeps to `message_vcs` VCs, each of which has `vc_depth` flits and loses routing and VC allocation
        between packets: min(1, n depth / loop, n S / (S + R + VA)).
        """
        rows = np.unique(self.network.links.rows[:, 4:], axis=0).tolist()
        loop = max((ceil(Fraction(self.credit_loop(latency) * b, a)) for latency, a, b in rows), default=1)
        width = self.router.vcs // self.router.vc_classes
        width = (width + 1) // 2 if self.network.phase is not None else width
        size, turn = self.packet_flits, self.router.routing_delay + self.router.vc_alloc_delay
        return min(Fraction(1), Fraction(width * self.router.vc_depth, loop), Fraction(width * size, size + turn)), loop

    def warnings(self) -> Any:
        """In words, where buffers are smaller than the credit loop and what that costs."""
        share, loop = self.share()
        if self.router.vc_depth >= loop or share == 1:
            return []
        held = self.router.vc_depth * self.flit_bytes
        return [
            f"network {self.name}: a VC buffers {self.router.vc_depth} flits "
            f"({held:,} B), the credit loop of its links is {loop} flits "
            f"({loop * self.flit_bytes:,} B): a message reaches at most {float(share):.1%} of the bandwidth"
        ]


def of(network: Any, traffic: int | None = None, grain: int = 1) -> FlitNetwork:
    """The `FlitNetwork` of a chipweave.noc.graph_network.Network; classes of messages are the router's vc_classes, else
    `traffic`, else 2 on a network of parts (requests and replies apart), 1 on a bare one. grain: fine flits in one."""
    given = network.router
    fastest = max((network.rates[i] for i in np.unique(network.rate).tolist()), default=None)
    clock = given.clock or (fastest * network.planes / given.flit if fastest else Fraction(10**9))
    if fastest and clock * given.flit < fastest:
        raise BadInput(
            f"network {network.name}: a flit of {given.flit} B a cycle of {float(clock):.6g} Hz is "
            f"{float(clock * given.flit):.6g} B/s, less than the bandwidth of its links, {float(fastest):.6g} B/s; "
            "leave clock out, or widen the flit"
        )
    made, link_rows = routed(network, clock / grain, given.flit * grain)
    first = network.first_router
    made.router_names, made.endpoint_names = network.nodes[first:], network.endpoints
    classes = given.vc_classes or traffic or (len(TRAFFIC) if network.port else 1)
    spec = FlitNetwork(
        network.name,
        made,
        _router(given, bool(network.port) and made.minimal is not None),
        clock / grain,
        given.flit * grain,
        given.max_packet * grain,
        1,
        0 if network.ways > 1 and network.spread == "packet" else given.message_vcs,  # its packets part anyway
        link_rows,
        network.allow_deadlock,
        bool(given.skip) and (network.ways == 1 or network.spread != "packet"),
        network.written,
        grain,
        cycles(network, clock, given.flit)[0] if grain > 1 else np.empty(0, np.int64),
    )
    if given.vc_depth is not None:
        kept = max(1, round(Fraction(given.vc_depth, grain)))
        spec = replace(spec, router=replace(spec.router, vc_depth=kept))
    else:
        depth = (
            Router.vc_depth
            if not network.port
            else min(32767, max((spec.credit_loop(k) for k in np.unique(made.links.rows[:, 4]).tolist()), default=1))
        )
        spec = replace(spec, router=replace(spec.router, vc_depth=depth))
    return spec.with_traffic(classes)


def check(network: Any) -> Any:
    """Prove deadlock freedom of a chipweave.noc.graph_network.Network as its topology alone tells: requests are
    answered on a network of parts. Returns warnings in words; BadInput where it can deadlock or its parameters do not
    go together."""
    spec = of(network)
    replies = ((0, min(1, spec.traffic - 1)),) if network.port else ()
    cycle = spec.prove(replies, TRAFFIC if network.port and spec.traffic == 2 else ())
    beyond = spec.escape_in_reach() if network.port else ""
    return spec.warnings() + [
        f"network {network.name}: allow_deadlock lets through that {text}" for text in (cycle, beyond) if text
    ]


def _router(given: Any, one_packet: bool) -> Router:
    """The Router of the network's checked parameters; BadInput where some do not go together.

    one_packet: a VC has one packet at a time, unless the parameters say otherwise.
    """
    names = {f.name for f in fields(Router)}
    values = {name: getattr(given, name) for name in given.params if name in names and getattr(given, name) is not None}
    return Router.of({"wait_for_tail_credit": int(one_packet)} | values | {"vc_classes": 1})
