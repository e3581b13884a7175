"""The flit kernel (csrc/flit/flit.h) for Python: a network opened from tables, packets in, arrivals and counters out.

Same interface as its plain twin for what both can do: `replay(network, router, packets)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.errors import BadInput, ChipweaveError, Stuck
from chipweave.fabric import ffi, lib
from chipweave.noc.allocator import BESIDE, PRIORITIES, Allocator
from chipweave.noc.routing import HALF, HERE, TIE

CONFIG = tuple(name for name, _ in ffi.typeof("struct noc_config").fields)
SPREAD = {
    "none": lib.NOC_ONE_WAY,
    "message": lib.NOC_BY_MESSAGE,
    "pair": lib.NOC_BY_PAIR,
    "packet": lib.NOC_BY_PACKET,
}
DIMENSIONS = dict(ffi.typeof("struct noc_config").fields)["radix"].type.length
LONGEST_CYCLE = 4096  # VCs of a wait cycle that are named


def _allocator(name: str, text: str) -> tuple[int, int, int]:
    """(matcher, arbiter, iterations) of the router's parameter `name` in the kernel's numbers."""
    beside = BESIDE.get((name, text))
    spec = Allocator() if beside else Allocator.of(text)
    matcher, arbiter = lib.noc_allocator_number(spec.matcher.encode()), lib.noc_arbiter_number(spec.arbiter.encode())
    return getattr(lib, beside) if beside else matcher, arbiter, spec.iterations


def entries(network: Any) -> np.ndarray:
    """uint8[R, E] as noc_open() wants it: port, dateline half and tie, see NOC_ENTRY_PORT in csrc/flit/flit.h."""
    table = network.table.astype(np.uint8, copy=False)
    if network.phase is not None:
        table = table | (network.phase * np.uint8(HALF)) | (network.tie * np.uint8(TIE))
    return np.ascontiguousarray(table)


def _dims(network: Any) -> tuple[Any, ...]:
    """(C pointer, the array it points into) of the dimension of each port, -1 for none; NULL for a network without."""
    if network.dims is None:
        return ffi.NULL, None
    dims = np.full((network.routers, 64), -1, np.int8)
    dims[:, : network.dims.shape[1]] = network.dims
    return ffi.from_buffer("int8_t[]", dims), dims


class FlitSimulator:
    """One open network. `general` takes the general engine even where the fast one would do; seed 0: no random ties.

    BadInput where options and network do not go together; Stuck where no flit moves for `watchdog` cycles.
    """

    def __init__(
        self,
        network: Any,
        router: Any,
        seed: int = 0,
        general: bool = False,
        watchdog: int = 100_000,
        skip: bool = True,
        flows: int = 0,
    ) -> None:
        self.network, self.router, self.kept_flows = network, router, flows
        config = ffi.new("struct noc_config *")
        for name in CONFIG:  # the router's numbers; what is no number of its own is set below
            if isinstance(value := getattr(router, name, None), (int, float)):
                setattr(config, name, value)
        config.routers, config.endpoints, config.links = network.routers, network.endpoints, len(network.links)
        config.watchdog, config.seed, config.general = watchdog, seed, general
        config.skip, config.flows = skip, flows
        config.cut_through = router.flow_control == "cut_through"
        config.priority, config.split = getattr(lib, PRIORITIES[router.priority]), network.phase is not None
        config.ways, config.spread = network.ways, SPREAD[network.spread]
        folded = network.table is None
        if network.minimal is None and (
            folded or tuple(network.strides) == tuple(np.cumprod((1, *network.radices[:-1])))
        ):
            config.dimensions, config.radix = (
                len(network.radices),
                list(network.radices) + [0] * (DIMENSIONS - len(network.radices)),
            )
        if folded:
            turns = network.turns
            config.folded, config.here = 1, turns.here
            config.stride = list(turns.strides) + [0] * (DIMENSIONS - len(turns.strides))
            config.split = any((entry[entry != HERE] & (HALF | TIE)).any() for entry in turns.entries)
        for name in ("vc_allocator", "sw_allocator", "spec_sw_allocator"):
            field = getattr(config, name.replace("spec_sw_allocator", "spec_allocator"))
            field.matcher, field.arbiter, field.iterations = _allocator(name, getattr(router, name))
        links = ffi.from_buffer("struct noc_link[]", network.links.rows)
        terminals = ffi.new(
            "struct noc_terminal[]",
            [
                (*map(int, terminal), ps)
                for terminal, ps in zip(network.terminals, network.terminal_latencies(), strict=True)
            ],
        )
        ports = ffi.new("int32_t[]", [int(p) for p in network.ports])
        table = np.concatenate([entry.ravel() for entry in network.turns.entries]) if folded else entries(network)
        dims, self._dims = _dims(network)
        minimal = (
            ffi.NULL
            if network.minimal is None
            else ffi.from_buffer("uint64_t[]", np.ascontiguousarray(network.minimal))
        )
        error = ffi.new("char[256]")
        net = lib.noc_open(config, ports, links, terminals, ffi.from_buffer("uint8_t[]", table), minimal, dims, error)
        if net == ffi.NULL:
            raise BadInput(f"flit network {network.name}: {ffi.string(error).decode()}")
        self.net = ffi.gc(net, lib.noc_close, int(lib.noc_memory(net)))

    def _check(self, status: int) -> int:
        """`status`, or the exception it means: Stuck with the wait cycle, BadInput for a configuration."""
        if status >= 0:
            return status
        words = ffi.string(lib.noc_message(self.net)).decode()
        if status == lib.NOC_STUCK:
            raise Stuck(f"flit network {self.network.name}, cycle {self.now}: {words}{self._cycle_in_words()}")
        raise (BadInput if status == lib.NOC_BAD_CONFIG else ChipweaveError)(
            f"flit network {self.network.name}: {words}"
        )

    def _cycle_in_words(self) -> Any:
        """The circle of VCs that wait for each other, "" where none was found."""
        cycle = self.wait_cycle()
        if not cycle:
            return ""
        names = [f"VC {vc} of {self.network.port_name(router, port)}" for router, port, vc in cycle]
        return "; wait cycle: " + ", which waits for ".join(names + names[:1])

    def wait_cycle(self) -> Any:
        """[(router, output port, VC)]: each is held by a packet that waits for the next one; empty where there is
        none."""
        out = ffi.new("struct noc_place[]", LONGEST_CYCLE)
        return [(p.router, p.port, p.vc) for p in out[0 : lib.noc_wait_cycle(self.net, out, LONGEST_CYCLE)]]

    @property
    def now(self) -> int:
        """The cycle it stands at."""
        return int(lib.noc_now(self.net))

    @property
    def fast(self) -> bool:
        """Whether the fast engine was taken: single-cycle routers of the usual options; the general
        one does the rest.
        """
        return bool(lib.noc_is_fast(self.net))

    @property
    def memory(self) -> Any:
        """Bytes held by the kernel."""
        return int(lib.noc_memory(self.net))

    @property
    def pending(self) -> int:
        """Packets queued or under way."""
        return int(lib.noc_pending(self.net))

    def send(self, messages: list[tuple[int, int, int, int, int, int, int]]) -> None:
        """Queue rows (tag, ctime, flits, src, dst, vc_class, packet_flits).

        ctime in cycles, not before now; a message of more than packet_flits flits becomes several
        packets and arrives with the last.
        """
        self._check(lib.noc_send(self.net, ffi.new("struct noc_send[]", messages), len(messages)))

    def advance(self, until: int, stop_on_arrival: bool = False) -> int:
        """Run to cycle `until`, or to the first arrival; returns the cycle reached."""
        return self._check(lib.noc_advance(self.net, until, stop_on_arrival))

    def drain(self, until: int) -> int:
        """Run until nothing is under way, at most to cycle `until`; returns the cycle reached."""
        return self._check(lib.noc_drain(self.net, until))

    def collect(self, room: int = 1 << 16) -> list[tuple[int, int, int, int, int, int, int, int]]:
        """Arrivals so far: rows (tag, ctime, itime, atime, src, dst, hops, vc_class)."""
        out, rows = ffi.new("struct noc_arrival[]", room), []
        while n := lib.noc_collect(self.net, out, room):
            rows += [(a.tag, a.ctime, a.itime, a.atime, a.src, a.dst, a.hops, a.vc_class) for a in ffi.unpack(out, n)]
        return rows

    @property
    def skipped(self) -> dict[str, int]:
        """What was not stepped, as in csrc/flit/flit.h: cycles skipped and replayed, jumps, longest_period, searches
        given_up, and of single groups of flows group_skipped of group_cycles."""
        report = ffi.new("struct noc_skip_report *")
        lib.noc_skip_reported(self.net, report)
        return {name: int(getattr(report, name)) for name, _ in ffi.typeof("struct noc_skip_report").fields}

    def unrepeated(self) -> list[Any]:
        """Groups of flows stepped to the end of a regime, as their state did not recur; the longest stretches, longest
        first: dicts {begun, cycles, given_up, flows, pairs}: cycles, whether the search was given up, how many flows,
        the endpoints (src, dst) of up to four of them."""
        name = self.network.endpoint_name
        out = ffi.new("struct noc_unrepeated[]", lib.NOC_UNREPEATED)
        return [
            {
                "begun": int(u.begun),
                "cycles": int(u.cycles),
                "given_up": bool(u.given_up),
                "flows": int(u.flows),
                "pairs": [(name(u.src[i]), name(u.dst[i])) for i in range(min(4, u.flows))],
            }
            for u in out[0 : lib.noc_unrepeated(self.net, out)]
        ]

    def digest(self) -> int:
        """A number for the whole state of the routers and wires relative to now."""
        return int(lib.noc_digest(self.net))

    def check(self) -> None:
        """Raises AssertionError in words where an invariant of the state is broken: credits +
        buffered + in flight = depth, and so on.
        """
        if lib.noc_check(self.net):
            raise AssertionError(ffi.string(lib.noc_message(self.net)).decode())

    def counts(self) -> np.ndarray:
        """uint64[ports, vcs, 3]: flits, cycles stalled for credit, for arbitration; routers' ports, then endpoints."""
        rows = int(sum(self.network.ports)) + self.network.endpoints
        out = np.zeros((rows, self.router.vcs, 3), np.uint64)
        lib.noc_count(self.net, ffi.from_buffer("struct noc_counts[]", out))
        return out

    def bins(self) -> tuple[int, np.ndarray]:
        """(cycles a bin, uint64[links, 32, 3]): the counters of counts() over time, all VCs of a link together.

        Exact, with skipping or without.
        """
        out = np.zeros((int(sum(self.network.ports)) + self.network.endpoints, lib.NOC_BINS, 3), np.uint64)
        return int(lib.noc_bins(self.net, ffi.from_buffer("struct noc_counts[]", out))), out

    def flows(self) -> list[list[Any]]:
        """Per link, in order of counts(), its hottest flows (flits, by how many they may be too high, src, dst),
        hottest first."""
        kept, rows = self.kept_flows, int(sum(self.network.ports)) + self.network.endpoints
        out = ffi.new("struct noc_flow[]", max(1, rows * kept))
        lib.noc_flows(self.net, out)
        found = [(int(f.flits), int(f.over), int(f.src), int(f.dst)) for f in out[0 : rows * kept]]
        return [
            sorted((f for f in found[i * kept : (i + 1) * kept] if f[2] >= 0), key=lambda f: (-f[0], f[2:]))
            for i in range(rows)
        ]


def replay(
    network: Any,
    router: Any,
    packets: list[tuple[int, int, int, int]],
    seed: int = 0,
    general: bool = False,
    limit: int = 1 << 40,
    watchdog: int = 100_000,
) -> list[tuple[int, int, int]]:
    """Inject packets (src, dst, size, ctime) into an empty network; list (itime, atime, hops) in the same order.

    Ties at one source leave in the order given. A packet that has not arrived within `limit` cycles is (-1, -1, 0).
    """
    kernel = FlitSimulator(network, router, seed, general, watchdog)
    kernel.send(
        [(i, p[3], p[2], p[0], p[1], p[4] if len(p) > 4 else 0, min(p[2], 2**31 - 1)) for i, p in enumerate(packets)]
    )
    kernel.drain(limit)
    done = [(-1, -1, 0)] * len(packets)
    for tag, _, itime, atime, _, _, hops, _ in kernel.collect():
        done[tag] = (itime, atime, hops)
    return done
