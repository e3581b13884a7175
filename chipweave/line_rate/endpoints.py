"""Systems of line-rate endpoints: parts that are C behaviours, joined by wires, run by the kernel's event engine.

    system = Endpoints(seed=1)
    sm = system.add("sm", clock=1_755_000_000)
    slice_ = system.add("llc_slice")
    system.wire(sm, "memory", slice_, "near", latency_ps=30_000)
    system.run()

A behaviour is named by its module (`chipweave._c_NAME`), or given as a loaded (ffi, lib, table) of a third party's own
module. What it declares (parameters with unit and range, ports, statistics) is read from its table.
`Endpoints(engine="plain")` runs the Python twins (chipweave/plain/endpoints.py) instead: the same events, slowly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from chipweave.errors import BadInput, ChipweaveError, nearest
from chipweave.io import native

FOREVER = 2**63 - 1


REQUIRED = -(2**63)  # CW_REQUIRED of csrc/behaviour.h: a parameter without a default


class Statistic(NamedTuple):
    """A statistic that a behaviour declares in its C table."""

    unit: str
    doc: str


class Table:
    """What a behaviour declares in C.

    Attributes:
        parameters: name -> (unit, default or None where one must be given, low, high, words).
        ports: names, in the order of their numbers.
        statistics: name -> Statistic, in the order of their numbers.
    """

    def __init__(self, ffi: Any, table: Any) -> None:
        """Read a behaviour's table; BadInput where it was built against another version of csrc/behaviour.h."""
        self.pointer = int(ffi.cast("uintptr_t", table))
        text = lambda p: ffi.string(p).decode()  # noqa: E731
        self.abi, self.name = table.abi, text(table.name)
        if self.abi != native.lib.CW_ABI:
            raise BadInput(
                f"behaviour {self.name}: built for header version {self.abi}, "
                f"this kernel has {native.lib.CW_ABI}: build it again"
            )
        self.parameters: dict[str, tuple[str, int | None, int, int, str]] = {}
        for i in range(table.n_parameters):
            p = table.parameters[i]
            standard = None if p.standard == REQUIRED else p.standard
            self.parameters[text(p.name)] = (text(p.unit), standard, p.low, p.high, text(p.words))
        self.ports = [text(table.ports[i]) for i in range(table.n_ports)]
        rows = [table.statistics[i] for i in range(table.n_statistics)]
        self.statistics = {text(s.name): Statistic(text(s.unit), text(s.words)) for s in rows}


@lru_cache
def load_table(name: str) -> Table:
    """The Table of `chipweave._c_NAME`, whose C symbol is `cw_NAME`."""
    ffi, lib = native.load(name)
    return Table(ffi, ffi.addressof(lib, f"cw_{name}"))


class Endpoints:
    """One engine with its parts and wires; see the module's words. Times are picoseconds.

    parts, wires  upper bounds of how many will be added
    seed          of the parts' own random draws
    engine        "kernel" or "plain"
    """

    def __init__(self, parts: int = 4096, wires: int = 65536, seed: int = 1, engine: str = "kernel") -> None:
        if engine not in ("kernel", "plain"):
            raise BadInput(f"unknown engine '{engine}'; allowed: kernel, plain")
        if engine == "plain":
            from chipweave.plain.endpoints import PlainCore

            self.core: PlainCore | KernelCore = PlainCore(seed)
        else:
            self.core = KernelCore(parts, wires, seed)
        self.tables: dict[str, Table] = {}
        self.names: list[Table] = []  # of each part

    def add(self, behaviour: str, **parameters: Any) -> int:
        """A part of `behaviour`; returns its number. Unknown parameters and values out of range are refused."""
        table = (
            behaviour
            if isinstance(behaviour, Table)
            else self.tables.get(behaviour) or self.tables.setdefault(behaviour, load_table(behaviour))
        )
        for key in parameters:
            if key not in table.parameters:
                raise BadInput(
                    f"{table.name} has no parameter '{key}'; allowed: "
                    f"{', '.join(table.parameters)}; nearest: {nearest(key, table.parameters)}"
                )
        given = {name: p[1] for name, p in table.parameters.items()} | parameters
        missing = [name for name, p in table.parameters.items() if p[1] is None and name not in parameters]
        if missing:
            raise BadInput(f"{table.name} needs {', '.join(missing)}: a device's numbers have no default")
        values = [int(given[name]) for name in table.parameters]
        for value, (name, (unit, _, low, high, _)) in zip(values, table.parameters.items(), strict=False):
            if not low <= value <= high:
                raise BadInput(f"{table.name}.{name} = {value} is out of range; allowed: {low} to {high} {unit}")
        self.names.append(table)
        return self.core.part(table, values)

    def _known(self, part: int) -> Table:
        """The table of a part; one that was never added is refused."""
        if not 0 <= part < len(self.names):
            raise BadInput(f"there is no endpoint {part}; allowed: 0 to {len(self.names) - 1}")
        return self.names[part]

    def port(self, part: int, name: str) -> int:
        """Number of a port of a part."""
        self._known(part)
        ports = self.names[part].ports
        if name not in ports:
            raise BadInput(
                f"{self.names[part].name} has no port '{name}'; allowed: "
                f"{', '.join(ports)}; nearest: {nearest(name, ports)}"
            )
        return ports.index(name)

    def wire(self, a: int, a_port: str, b: int, b_port: str, latency_ps: int) -> int:
        """Join two ports; the wire is the next lane of either. Returns its number."""
        return self.core.wire(a, self.port(a, a_port), b, self.port(b, b_port), int(latency_ps))

    def rate(self, part: int, port: str, out_ps_per_kib: int = 0, in_ps_per_kib: int = 0) -> None:
        """Limit what a port sends and takes in, in ps per 1024 bytes (0: no limit)."""
        self.core.rate(part, self.port(part, port), int(out_ps_per_kib), int(in_ps_per_kib))

    def attach(self, part: int, what: int, data: list[int] | np.ndarray) -> None:
        """Hand a table of int64 to a part; it is kept alive as long as the system is."""
        self._known(part)
        self.core.attach(part, what, np.ascontiguousarray(data, dtype=np.int64))

    def start(self, part: int, code: int, delay_ps: int = 0, data: int = 0) -> None:
        """Wake a part by a timer of its own, from outside."""
        self._known(part)
        self.core.start(part, int(delay_ps), code, data)

    def send(
        self,
        part: int,
        port: str,
        lane: int,
        address: int,
        kind: int,
        mask: int = 15,
        tag: int = 0,
        size: int = 0,
        delay_ps: int = 0,
    ) -> None:
        """Send one message as if `part` had sent it."""
        self.core.send(part, self.port(part, port), lane, int(delay_ps), (address, tag, size, kind, mask))

    def run(self, until_ps: int = FOREVER, events: int = FOREVER) -> int:
        """Run until a time (events of that instant included), a number of events, or the end; returns the events done.

        Raises:
            BadInput: a part found a fault in what it was given, such as a program.
        """
        return self.core.run(int(until_ps), int(events))

    def touch(self, parts: list[int] | np.ndarray, addresses: np.ndarray, mask: int = 15, levels: int = 8) -> list[int]:
        """Reads outside time, dealt to `parts` in turn; returns how many were answered at each level (0: the part
        itself)."""
        return self.core.touch(
            np.asarray(parts, dtype=np.int32), np.ascontiguousarray(addresses, dtype=np.uint64), mask, levels
        )

    @property
    def now(self) -> int:
        """ps of the last event."""
        return self.core.now()

    @property
    def events(self) -> int:
        """Events run so far."""
        return self.core.events()

    def statistics(self, part: int) -> dict[str, int]:
        """Statistic -> value of one part."""
        return {name: self.core.statistic(part, i) for i, name in enumerate(self.names[part].statistics)}

    def total(self, parts: list[int], name: str) -> int:
        """Sum of a statistic over parts of one behaviour."""
        i = list(self.names[parts[0]].statistics).index(name)
        return sum(self.core.statistic(p, i) for p in parts)


class KernelCore:
    """The engine of csrc/endpoints/endpoints.c behind plain calls."""

    def __init__(self, parts: int, wires: int, seed: int) -> None:
        """Room for `parts` and `wires`; ChipweaveError where there is no memory for them."""
        ffi, lib = native.ffi, native.lib
        self.ffi, self.lib = ffi, lib
        self.kept: list[Any] = []
        handle = lib.cw_engine_open(parts, wires, seed)
        if not handle:
            raise ChipweaveError("no memory for the endpoints")
        self.handle = ffi.gc(handle, lib.cw_engine_close)

    def checked(self, result: int) -> int:
        """`result`, or BadInput with the engine's words where it is negative."""
        if result < 0:
            raise BadInput(self.ffi.string(self.lib.cw_engine_why(self.handle)).decode())
        return result

    def part(self, table: Table, values: list[int]) -> int:
        """Make a part of a behaviour's table, with parameter values in the table's order; returns its number."""
        return self.checked(
            self.lib.cw_engine_part(self.handle, self.ffi.cast("void *", table.pointer), values, len(values))
        )

    def wire(self, a: int, a_port: int, b: int, b_port: int, latency: int) -> int:
        """Join two ports by a wire of `latency` ps; returns its number."""
        return self.checked(self.lib.cw_engine_wire(self.handle, a, a_port, b, b_port, latency))

    def rate(self, part: int, port: int, out: int, in_: int) -> None:
        """Limit a port, ps for 1024 bytes, out and in."""
        self.checked(self.lib.cw_engine_port_rate(self.handle, part, port, out, in_))

    def attach(self, part: int, what: int, data: np.ndarray) -> None:
        """Hand int64 data to a part. C keeps the pointer, so the array is kept alive here."""
        self.kept.append(data)
        self.checked(
            self.lib.cw_engine_attach(self.handle, part, what, self.ffi.cast("int64_t *", data.ctypes.data), len(data))
        )

    def start(self, part: int, delay: int, code: int, data: int) -> None:
        """Wake a part by timer(code, data) in `delay` ps."""
        self.lib.cw_engine_start(self.handle, part, delay, code, data)

    def send(self, part: Any, port: Any, lane: Any, delay: Any, message: Any) -> None:
        """Send (address, tag, bytes, kind, mask) over a lane, `delay` ps from now."""
        m = self.ffi.new("cw_message *", dict(zip(("address", "tag", "bytes", "kind", "mask"), message, strict=False)))
        self.lib.cw_engine_send(self.handle, part, port, lane, delay, m)

    def run(self, until: int, events: int) -> int:
        """Run to `until` ps or for `events` events; returns how many were run."""
        return self.checked(self.lib.cw_engine_run(self.handle, until, events))

    def touch(self, parts: np.ndarray, addresses: np.ndarray, mask: int, levels: int) -> list[int]:
        """Accesses outside time; returns how many each level answered."""
        answered = self.ffi.new("int64_t[]", levels)
        touched = self.lib.cw_engine_touch(
            self.handle,
            self.ffi.cast("int32_t *", parts.ctypes.data),
            len(parts),
            self.ffi.cast("uint64_t *", addresses.ctypes.data),
            len(addresses),
            mask,
            answered,
            levels,
        )
        self.checked(touched)
        return list(answered)

    def now(self) -> int:
        """ps of the last event."""
        return self.lib.cw_engine_now(self.handle)

    def events(self) -> Any:
        """Events run so far."""
        return self.lib.cw_engine_events(self.handle)

    def statistic(self, part: int, index: int) -> int:
        """A part's statistic by its place in the table."""
        return self.lib.cw_engine_statistic(self.handle, part, index)
