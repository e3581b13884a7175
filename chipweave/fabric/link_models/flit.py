"""Flit: routers with virtual channels, credits and allocation, cycle by cycle (docs/reference/flit.md).

Models      messages cut into packets and flits, through the routers of csrc/flit.
Leaves out  see docs/reference/flit.md.
Checked by  tests/stages/test_kernel_equals_twin.py, tests/flit/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipweave._kernel import ffi, lib
from chipweave.chain.link_statistics import LinkStatistics, keeps_to_routes
from chipweave.errors import BadInput, ChipweaveError, Fault
from chipweave.fabric.grain import alone
from chipweave.fabric.link_models.base import Compiled, Routes
from chipweave.fabric.link_models.model import LinkModel, link_model
from chipweave.fabric.noc import FlitSimulator
from chipweave.fabric.sends import flit_plan
from chipweave.noc import network as flit_network

if TYPE_CHECKING:
    from chipweave.plain.flit import PlainFlit

LARGEST = 2**62


def check_clock(spec: flit_network.FlitNetwork) -> None:
    """BadInput where the ps of an edge are no fraction of two numbers that csrc/flit/edges.h can multiply by a time."""
    period = flit_network.PS / spec.clock
    if max(period.numerator, period.denominator * spec.grain) >= LARGEST:
        what = f"network {spec.name}: a cycle of its flits' clock is {period} ps, a fraction beyond 62 bits"
        raise BadInput(Fault(what, spec.written, "a router.clock of fewer digits"))


@link_model("flit")
class Flit(LinkModel):
    """Messages go as flits through routers, cycle by cycle."""

    @classmethod
    def options(cls, network: Any) -> dict:
        """How the routers of the topology's network are made, once its classes of messages are known."""
        return {
            "flit": lambda classes, grain=1: flit_network.of(network, classes, grain),
            "grain": network.grain,
            "alone": lambda spec: alone(network, spec.fine_latency, spec.router),
        }

    @classmethod
    def warnings(cls, network: Any) -> list[str]:
        """Deadlock freedom, as the topology alone tells."""
        return flit_network.check(network)

    @classmethod
    def plain(cls, layout: Any, network: Any, bin_ps: int, max_bins: int) -> PlainFlit:
        """See LinkModel."""
        from chipweave.plain.flit import PlainFlit

        return PlainFlit(network, flit_plan(layout, network), bin_ps, max_bins)

    @classmethod
    def compile(cls, compiler: Any, network: Any, routes: Routes) -> CompiledFlit:
        """See LinkModel."""
        return CompiledFlit(compiler, network, flit_plan(compiler.layout, network), routes)


class CompiledFlit(Compiled):
    """The network of a `FlitPlan` in the native engine (csrc/flit/link_model.h): one number per class of messages.

    Attributes:
        kernel: the open flit network.
        grain: fine flits in one of its flits.
    """

    def __init__(self, compiler: Any, network: Any, plan: Any, routes: Routes) -> None:
        super().__init__(network)
        spec = plan.spec
        self.flit_bytes, self.grain = spec.flit_bytes, spec.grain
        self.fixed = keeps_to_routes(spec.network)
        self.class_of = {key: c for key, c in plan.class_of.items()}
        self.kernel = FlitSimulator(spec.network, spec.router, skip=spec.skip)
        ports, vcs = int(spec.network.ports.sum()) + spec.network.endpoints, spec.router.vcs
        rows = ffi.new("int32_t[]", spec.link_rows.tolist() or 1)
        link_at = {row: link for link, row in enumerate(spec.link_rows.tolist())}
        self.link_of = ffi.new("int32_t[]", [link_at.get(row, -1) for row in range(ports)])
        intervals, per = (ffi.new("int32_t[]", [ratio[i] for ratio in spec.link_intervals()] or 1) for i in (0, 1))
        check_clock(spec)
        if max(plan.flits_per_byte.numerator, plan.flits_per_byte.denominator) >= LARGEST:
            raise ChipweaveError(f"network {network.name}: flits per byte {plan.flits_per_byte} does not fit 62 bits")
        places = dict(network.options).get("endpoint_of")
        endpoint_of = ffi.new("int32_t[]", list(places)) if places else ffi.NULL
        formula = plan.alone
        alone_link = ffi.new("int64_t[]", formula.link or 1) if formula else ffi.NULL
        given = ffi.new(
            "net_flit_spec *",
            {
                "hz_numerator": spec.clock.numerator,
                "hz_denominator": spec.clock.denominator,
                "flits_numerator": plan.flits_per_byte.numerator,
                "flits_denominator": plan.flits_per_byte.denominator,
                "traffic": spec.traffic,
                "ranges": spec.ranges,
                "packet_flits": spec.packet_flits,
                "flit_bytes": spec.flit_bytes,
                "n_links": len(spec.link_rows),
                "link_row": rows,
                "link_interval": intervals,
                "link_per": per,
                "bin_ps": compiler.bins[0],
                "max_bins": compiler.bins[1],
                "n_instances": len(places or ()),
                "endpoint_of": endpoint_of,
                "fixed": routes.pointer if self.fixed else ffi.NULL,
                "grain": spec.grain,
                "ways": routes.pointer,
                "alone_base": formula.base if formula else 0,
                "alone_link": alone_link,
            },
        )
        self.model = lib.net_flit_new(given, self.kernel.net, ports, vcs)
        if self.model == ffi.NULL:
            raise ChipweaveError(f"no memory for network {network.name}")
        ffi.gc(self.kernel.net, None)  # the engine closes it with the model
        self.numbers = [
            compiler.add_network(lib.net_flit_operations(c), lib.net_flit_self(self.model, c))
            for c in range(spec.traffic)
        ]

    def number(self, stage: tuple | None = None) -> int:
        """The engine's number for the messages of (chain, stage)."""
        return self.numbers[self.class_of[stage]]

    def link_bins(self, bin_ps: Any, bins: Any) -> Any:
        """See Compiled."""
        return lib.net_flit_link_bins(self.model, bin_ps, bins)

    def statistics(self) -> LinkStatistics:
        """See Compiled; bytes of messages and of flits apart."""
        counted, (sent, flits, fine) = super().statistics(), (ffi.new("int64_t *") for _ in range(3))
        found = lib.net_flit_payload(self.model, sent, flits, fine)
        on_wire = flits[0] * self.flit_bytes + fine[0] * (self.flit_bytes // self.grain)
        payload = None if found == ffi.NULL else list(found[0 : len(self.network.links)])
        return LinkStatistics.of_flits(counted, payload, sent[0], on_wire)

    def record(self) -> None:
        """See Compiled."""
        self.kernel._check(lib.noc_trail_begin(self.kernel.net))

    def trails(self) -> np.ndarray:
        """See Compiled."""
        n = self.kernel._check(lib.net_flit_trails(self.model, self.link_of, ffi.NULL, -1))
        rows = np.empty((n, 3), np.int64)
        if n:
            to = ffi.from_buffer("net_flit_crossing[]", rows)
            self.kernel._check(lib.net_flit_trails(self.model, self.link_of, to, n))
        return rows

    def check(self) -> None:
        """See Compiled."""
        self.kernel.check()

    def raise_if_failed(self) -> None:
        """`Stuck` with the wait cycle, or what else ended the network."""
        status = lib.net_flit_status(self.model)
        if status:
            self.kernel._check(status)
