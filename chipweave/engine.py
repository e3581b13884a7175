"""The clock: SimPy for control, the kernel for data movement, one integer time in picoseconds.

At one instant t: kernel events up to t, then SimPy events of t, again until neither has one. Ties among control are
settled by order of sending. A component waits for the kernel with `yield simulation.transfers(...)`, for time with
`yield simulation.wait(...)`, and hears from others only by messages on wires.
"""

import simpy

from chipweave.errors import BadInput, Stuck


class Simulation:
    """One run: the fabric that moves data, the processes of control, and the clock both share.

    wires  {(part, port): [(peer, port, latency ps, bandwidth bytes/s or None), ...]}, peers in the order of their dies
    """

    def __init__(self, fabric, wires):
        self.fabric = fabric
        self.clock = simpy.Environment(initial_time=0)
        self.wires = {key: [_Wire(*wire) for wire in ends] for key, ends in wires.items()}
        self.mail = {}  # instant -> [(handler, message)], in order of sending
        self.waiting = {}  # batch -> event

    @property
    def now(self):
        """Time, integer ps."""
        return self.clock.now

    def wait(self, ps):
        """An event `ps` picoseconds from now."""
        return self.clock.timeout(ps)

    def event(self):
        """An event somebody will `succeed`."""
        return self.clock.event()

    def process(self, generator):
        """Start a process of control; the process is an event that happens when it ends."""
        return self.clock.process(generator)

    def call_at(self, ps, function):
        """Call `function()` at time `ps` (not before now), after all that was asked for that instant earlier."""
        self.clock.timeout(ps - self.clock.now).callbacks.append(lambda _: function())

    def send(self, part, port, message, to=None, after=0):
        """Send a message over the wire of `port`; of several wires, number `to`.

        It arrives `after` + its bytes over the wire's bandwidth (first come, first served) + the wire's latency from
        now, and calls `on_PORT(message)` of the part there; at once where all of these are zero.
        """
        ends = self.wires.get((part, port))
        if not ends:
            raise BadInput(f"{part.name}.{port} sends a message and has no wire")
        wire = ends[0] if len(ends) == 1 else ends[to]
        if not (wire.latency or after or message.bytes):
            return wire.handler(message)
        due = wire.due(self.clock.now + after, message.bytes)
        box = self.mail.get(due)
        if box is None:
            box = self.mail[due] = []
            self.clock.timeout(due - self.clock.now).callbacks.append(self._deliver)
        box.append((wire.handler, message))

    def _deliver(self, _):
        for handler, message in self.mail.pop(self.clock.now):
            handler(message)

    def transfers(self, chain, operands):
        """Give the fabric a batch of transfers now; the event happens when all of them and their side chains have ended.

        operands  int64 [transfers, operands of the chain], in order of issue
        """
        done = self.clock.event()
        self.waiting[self.fabric.issue(chain, operands)] = done
        return done

    def run(self, until):
        """Run until the event `until` has happened; returns its value. Raises Stuck where nothing can happen any more."""
        clock = self.clock
        while not until.processed:
            due = clock.peek()
            ended = self.fabric.advance(None if due == simpy.core.Infinity else due)
            for batch, time in ended:
                if time > clock.now:
                    clock.run(until=time)
                self.waiting.pop(batch).succeed()
            if not ended:
                if due == simpy.core.Infinity:
                    raise Stuck(f"nothing can happen any more at {clock.now} ps: {len(self.waiting)} batches wait in the fabric")
                clock.step()
        if not until.ok:
            raise until.value
        return until.value


class _Wire:
    """One direction of a wire: latency, bandwidth, first come, first served."""

    def __init__(self, peer, port, latency, bandwidth):
        self.handler = getattr(peer, f"on_{port}", None)  # None: nothing is ever sent that way
        self.latency, self.bandwidth, self.free = latency, bandwidth, 0

    def due(self, now, size):
        """When a message of `size` bytes sent now has arrived."""
        if not size or self.bandwidth is None:
            return now + self.latency
        self.free = max(self.free, now) - (-size * 10**12 // self.bandwidth)
        return int(self.free) + self.latency
