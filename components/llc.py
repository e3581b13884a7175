"""Last-level cache of one die: one port, tags of whole slices.

Models      a lookup takes the port for the hit or the miss latency; a store takes it for the write latency and its
            line is visible from the store's start. A hit does not renew a line, only a store does.
            Levels may stand behind one another: what a lower one finds is stored in those above it, too.
            A request from another die is decided by the tags at the instant of that die's own lookup
            (arXiv 2510.05497, artifact: validation/references/artifact/SEMANTICS.md, 2.3).
            With a characterised table (docs/reference/two_speeds.md) a hit holds the port for its bytes and shows a
            latency beside that; a miss and a store are part of what the memory's own table says, so they take 1 ps.
Leaves out  lines smaller than a slice, slices of the LLC, write-back traffic.
Checked by  tests/components/test_llc.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import DONE, Rate, amount
from chipweave.component import Param, Port, Stat, characterised, component
from chipweave.component.staged import Staged


@component("memory.llc")
class Llc(Staged):
    """LLC of one die, set-associative by whole slices."""

    time_class = "llc"

    access = Port(provides="memory.access", many=True, doc="slice reads of this die's SMs, or of levels above")
    remote = Port(
        provides="memory.lookup", optional=True, doc="slice reads that other dies send here; of several levels the last"
    )
    memory = Port(uses="memory.access", doc="where a miss goes: the die's D2D router, or the next level")

    capacity = Param("bytes", default="64 MiB", low="1 B", high="1 TB", each=True, of="H100", doc="data it holds")
    ways = Param(
        "int",
        default=2,
        low=1,
        high=64,
        each=True,
        of="H100",
        doc="slices a set holds, even where they exceed the capacity",
    )
    hit_latency = Param(
        "time", default="100 ns", low="1 ps", each=True, behind="table", of="H100", doc="lookup that finds its line"
    )
    miss_latency = Param(
        "time", default="110 ns", low="1 ps", each=True, behind="table", of="H100", doc="lookup that does not"
    )
    write_latency = Param(
        "time", default="30 ns", low="1 ps", each=True, behind="table", of="H100", doc="store of a line"
    )

    table = Param("str", default=None, doc="characterised table, shipped or a path, in place of these three latencies")

    local_hits = Stat("slices", "hits of this die's own reads", metric="local_llc_hits")
    remote_hits = Stat("slices", "hits of other dies' reads", metric="remote_llc_hits")

    def declare(self, layout: Any, work: Any) -> None:
        """Ports and tags of all dies; sets = as many as fit, at least one."""
        self.port = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.measure(work)
        self.tags = layout.tags(f"{self.group}.tags", len(self.replicas), self.sets(work), self.each("ways"))

    def sets(self, work: Any) -> Any:
        """Sets of each die's tags."""
        return tuple(max(1, part.capacity // (part.ways * work.slice_bytes)) for part in self.replicas)

    def measure(self, work: Any) -> None:
        """What a characterised table says of a hit: how long it holds the port, and the latency beside that (0:
        none)."""
        self.hit_rate, self.hit_shows = None, 0
        if self.table:
            self.hit_shows, rate = characterised.load(self.table).hit(work.slice_bytes)
            self.hit_rate = Rate(amount("slice_bytes"), (0,), (rate,))

    def lasts(self, what: Any, at: Any) -> Any:
        """How long a hit, a miss or a write holds the port of the die in operand `at`."""
        if self.table:
            return self.hit_rate if what == "hit" else 1
        return self.by_die(at, lambda part: getattr(part, f"{what}_latency"))

    def shown(self, chain: Any, name: str, then: str) -> str:
        """The stage after a hit's bytes: its latency, where a table tells the two apart."""
        return chain.hold(name, (), self.hit_shows, then=then) if self.hit_shows else then

    def serve_access(self, chain: Any, at: str, home: str, then: str, local_fill: tuple[Any, ...] = ()) -> str:
        """A read by the die in operand `at` of a slice whose home is operand `home`; returns the first stage.

        local_fill  side chains that store the line in the levels above, once it is here
        """
        fills = (self.fill(chain, at), *local_fill)
        miss = self.ask("memory", "access", chain, at=at, home=home, local_fill=fills, then=then)
        hit = chain.outcome(
            "llc_hit",
            self.lasts("hit", at),
            count=self.counter("local_hits").add(at),
            spawn=local_fill,
            then=self.shown(chain, "llc_latency", then),
        )
        missed = chain.outcome("llc_miss", self.lasts("miss", at), then=miss)
        asked = chain.choose("llc_lookup", self.test(at), yes=hit, no=missed)
        return chain.hold("llc", self.port.at(at), then=asked)

    def serve_lookup(self, chain: Any, home: str, hit: str, miss: str) -> str:
        """Whether the LLC of die `home` has the line now; goes on at stage `hit` or `miss`."""
        return chain.choose("home_llc_lookup", self.test(home), yes=hit, no=miss)

    def serve_hit(self, chain: Any, home: str, then: str) -> str:
        """The hit at the home die, once the request has arrived there."""
        then = self.shown(chain, "home_llc_latency", then)
        return chain.hold(
            "home_llc",
            self.port.at(home),
            self.lasts("hit", home),
            count=self.counter("remote_hits").add(home),
            then=then,
        )

    def serve_fill(self, chain: Any, home: Any) -> Any:
        """The side chain that stores a line which another die has read from this die's memory."""
        return self.fill(chain, home)

    def fill(self, chain: Any, at: str) -> str:
        """The side chain that stores the line in the LLC of the die in operand `at`."""
        return chain.hold(f"llc_fill_{at}", self.port.at(at), self.lasts("write", at), mark=self.store(at), then=DONE)

    def test(self, at: str) -> Any:
        return self.tags.has(at, "set", "line")

    def store(self, at: str) -> Any:
        return self.tags.insert(at, "set", "line")
