"""The clock: SimPy for control, the kernel for data movement, one integer time in picoseconds.

At one instant t: kernel events up to t, then SimPy events of t, again until neither has one. Ties among control are
settled by order of sending. A component waits for the kernel with `yield simulation.transfers(...)`, for time with
`yield simulation.wait(...)`, and hears from others only by messages on wires.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import simpy

from chipweave.errors import BadInput, Fault, Stuck

MOST_PS = 2**61  # the engines compute with 64 bits
TOO_LONG = "the run passes 2^61 ps (26 days), beyond which times are not exact: some time of the topology is too large"


class Clock(simpy.Environment):
    """SimPy's clock, which can be set to a time before its next event; in integer ps."""

    _now: int

    if TYPE_CHECKING:  # SimPy says that a time may be a float

        @property
        def now(self) -> int:
            """Time, integer ps."""

    def set(self, time: int) -> None:
        """The same as `run(until=time)`, which makes an event and raises an exception for it."""
        self._now = time


class Simulation:
    """One run: the fabric that moves data, the processes of control, and the clock both share.

    wires  {(part, port): [(peer, port, latency ps, bandwidth bytes/s or None, way), ...]}, peers in the order of their
           dies; way: (chain, endpoint, peer's endpoint) of a wire that leads over a network, else None
    """

    def __init__(self, fabric: Any, wires: dict[tuple[Any, str], list[tuple[Any, ...]]]) -> None:
        self.fabric = fabric
        self.clock = Clock(initial_time=0)
        self.mail: dict[int, list[tuple[Any, Any]]] = {}  # instant -> [(handler, message)], in order of sending
        self.waiting: dict[int, simpy.Event] = {}  # batch -> event
        self.kernels: dict[int, Any] = {}  # number -> chipweave.component.kernel_launch.Kernel that has not ended
        self.kernels_made = 0
        for (part, port), ends in wires.items():
            part.outgoing[port] = [Wire(self, *wire) if way is None else Way(self, *wire, *way) for *wire, way in ends]

    @property
    def now(self) -> int:
        """Time, integer ps."""
        return self.clock.now

    def add_kernel(self, kernel: Any) -> int:
        """Keep a kernel under a number that no other of this run has; messages carry the number."""
        self.kernels_made += 1
        self.kernels[self.kernels_made] = kernel
        return self.kernels_made

    def wait(self, ps: int) -> simpy.Event:
        """An event `ps` picoseconds from now."""
        return self.clock.timeout(ps)

    def event(self) -> simpy.Event:
        """An event for the caller to `succeed`."""
        return self.clock.event()

    def process(self, generator: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start a process of control; the process is an event that happens when it ends."""
        return self.clock.process(generator)

    def call_at(self, ps: int, function: Callable[[], Any]) -> None:
        """Call `function()` at time `ps` (not before now), after all that was scheduled for that instant earlier."""
        self.clock.timeout(ps - self.clock.now).callbacks.append(lambda _: function())

    def post(self, due: int, handler: Callable[[Any], Any], message: Any) -> None:
        """Call `handler(message)` at time `due`, after what was posted for that instant before."""
        box = self.mail.get(due)
        if box is None:
            box = self.mail[due] = []
            self.clock.timeout(due - self.clock.now).callbacks.append(self._deliver)
        box.append((handler, message))

    def _deliver(self, _: Any) -> None:
        for handler, message in self.mail.pop(self.clock.now):
            handler(message)

    def transfers(self, chain: str, operands: Any, times: int = 1, counted: str | None = None) -> simpy.Event:
        """Give the fabric a batch of transfers now; the event happens when all of them and their side chains have
        ended.

        operands  int64 [rows, operands of the chain], in order of issue
        times     transfers of each row, the operand named `counted` one larger each time
        """
        done = self.clock.event()
        if not self.waiting:
            self.fabric.advance(self.clock.now)
        self.waiting[self.fabric.issue(chain, operands, None, times, counted)] = done
        return done

    def run(self, until: simpy.Event) -> Any:
        """Run until the event `until` has happened; returns its value. Raises Stuck where nothing can happen any
        more."""
        clock = self.clock
        while not until.processed:
            due = clock.peek()
            if MOST_PS < due < simpy.core.Infinity:
                raise BadInput(Fault(TOO_LONG, allowed=f"up to {MOST_PS / 1e12:,.0f} s of simulated time"))
            ended = self.fabric.advance(None if due == simpy.core.Infinity else due) if self.waiting else ()
            for batch, time in ended:
                if time > MOST_PS:
                    raise BadInput(Fault(TOO_LONG, allowed=f"up to {MOST_PS / 1e12:,.0f} s of simulated time"))
                if time > clock.now:
                    clock.set(time)  # nothing of control is due before: the fabric was to stop there
                self.waiting.pop(batch).succeed()
            if not ended:
                if due == simpy.core.Infinity:
                    raise Stuck(
                        f"nothing can happen any more at {clock.now} ps: {len(self.waiting)} batches wait in the fabric"
                    )
                clock.step()
        if not until.ok:
            raise cast(BaseException, until.value)
        return until.value


class Wire:
    """One direction of a wire: latency, bandwidth, first come, first served.

    Attributes:
        way: its chain and endpoints, where it leads over a network, else None.
    """

    way: tuple[str, int, int] | None = None

    def __init__(
        self, simulation: Simulation, peer: Any, port: str, latency: int, bandwidth: int | Fraction | None
    ) -> None:
        self.simulation, self.latency, self.bandwidth, self.free = simulation, latency, bandwidth, 0
        self.peer, self.port = peer, port
        self.handler = getattr(peer, f"on_{port}", None) or _deaf(peer, port)

    def send(self, message: Any, after: int = 0, handler: Any = None) -> Any:
        """Send a message.

        It arrives `after` + its bytes over the bandwidth (first come, first served) + the latency from now, and is
        given to `handler`, by default `on_PORT(message)` of the part there; at once where all of these are zero."""
        handler = handler or self.handler
        if not (self.latency or after or message.bytes):
            return handler(message)
        due = self.simulation.clock.now + after + self.latency
        if message.bytes and self.bandwidth is not None:
            self.free = int(max(self.free, due - self.latency) - (-message.bytes * 10**12 // self.bandwidth))
            due = self.free + self.latency
        self.simulation.post(due, handler, message)


class Way(Wire):
    """One direction of a wire that leads over a network: each message is sent through it, among all others there."""

    def __init__(
        self,
        simulation: Simulation,
        peer: Any,
        port: str,
        latency: int,
        bandwidth: int | Fraction | None,
        chain: str,
        here: int,
        there: int,
    ) -> None:
        super().__init__(simulation, peer, port, latency, bandwidth)
        self.way = chain, here, there

    def send(self, message: Any, after: int = 0, handler: Any = None) -> Any:
        """Send a message `after` ps from now; `handler`, by default `on_PORT` of the part there, gets it on arrival."""
        handler = handler or self.handler
        if after:
            self.simulation.call_at(self.simulation.now + after, lambda: self._begin(message, handler))
        else:
            self._begin(message, handler)

    def _begin(self, message: Any, handler: Any) -> None:
        chain, here, there = self.way or ("", 0, 0)
        arrived = self.simulation.transfers(chain, np.array([[here, there, message.bytes]], np.int64))
        arrived.callbacks.append(lambda _: handler(message))


def _deaf(peer: Any, port: str) -> Callable[[Any], Any]:
    """The handler of a part that has none."""

    def refuse(_: Any) -> Any:
        raise BadInput(f"{peer.name} ({peer.kind}) was sent a message at port '{port}' and has no method on_{port}")

    return refuse
