"""Last-level cache of one die: one port, tags of whole slices.

Models      a lookup takes the port for the hit or the miss latency; a store takes it for the write latency and its
            line is visible from the store's start. A hit does not renew a line, only a store does.
            A request from another die is decided by the tags at the instant of that die's own lookup
            (arXiv 2510.05497, artifact: validation/references/artifact/SEMANTICS.md, 2.3).
            With a characterised table (docs/two_speeds.md) a hit holds the port for its bytes and shows a latency
            beside that; a miss and a store are part of what the memory's own table says, so they take 1 ps.
Leaves out  lines smaller than a slice, slices of the LLC, write-back traffic.
Checked by  tests/components/test_llc.py
"""

from chipweave.chain import DONE, Rate, amount
from chipweave.component import Param, Port, Stat, characterised, component
from chipweave.component.staged import Staged


@component("memory.llc")
class Llc(Staged):
    """LLC of one die, set-associative by whole slices."""

    access = Port(provides="memory.access", doc="slice reads of this die's SMs")
    remote = Port(provides="memory.lookup", doc="slice reads that other dies send here")
    memory = Port(uses="memory.access", doc="where a miss goes: the die's D2D router")

    capacity = Param("bytes", default="64 MiB", low="1 B", high="1 TB", doc="data it holds")
    ways = Param("int", default=2, low=1, high=64, doc="slices a set holds, even where they exceed the capacity")
    hit_latency = Param("time", default="100 ns", low="1 ps", doc="lookup that finds its line")
    miss_latency = Param("time", default="110 ns", low="1 ps", doc="lookup that does not")
    write_latency = Param("time", default="30 ns", low="1 ps", doc="store of a line")

    table = Param("str", default=None, doc="characterised table, shipped or a path, in place of these three latencies")

    local_hits = Stat("slices", "hits of this die's own reads", metric="local_llc_hits")
    remote_hits = Stat("slices", "hits of other dies' reads", metric="remote_llc_hits")

    def declare(self, layout, work):
        """Ports and tags of all dies; sets = as many as fit, at least one."""
        self.port = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        sets = max(1, self.capacity // (self.ways * work.slice_bytes))
        self.measure(work)
        self.tags = layout.tags(f"{self.group}.tags", len(self.replicas), sets, self.ways)

    def measure(self, work):
        """How long a hit, a miss and a store hold the port, and what latency a hit shows beside that (0: none)."""
        self.hit_lasts, self.miss_lasts, self.fill_lasts, self.hit_shows = (
            self.hit_latency,
            self.miss_latency,
            self.write_latency,
            0,
        )
        if self.table:
            self.hit_shows, rate = characterised.load(self.table).hit(work.slice_bytes)
            self.hit_lasts, self.miss_lasts, self.fill_lasts = Rate(amount("slice_bytes"), (0,), (rate,)), 1, 1

    def shown(self, chain, name, then):
        """The stage after a hit's bytes: its latency, where a table tells the two apart."""
        return chain.hold(name, (), self.hit_shows, then=then) if self.hit_shows else then

    def serve_access(self, chain, at, home, then):
        """A read by the die in operand `at` of a slice whose home is operand `home`; returns the first stage."""
        local_fill, home_fill = self.fill(chain, at), self.fill(chain, home)
        miss = self.ask(
            "memory", "access", chain, at=at, home=home, local_fill=local_fill, home_fill=home_fill, then=then
        )
        hit = chain.outcome(
            "llc_hit",
            self.hit_lasts,
            count=self.counter("local_hits").add(at),
            then=self.shown(chain, "llc_latency", then),
        )
        missed = chain.outcome("llc_miss", self.miss_lasts, then=miss)
        asked = chain.choose("llc_lookup", self.test(at), yes=hit, no=missed)
        return chain.hold("llc", self.port.at(at), then=asked)

    def serve_lookup(self, chain, home, hit, miss):
        """Whether the LLC of die `home` has the line, asked now; goes on at stage `hit` or `miss`."""
        return chain.choose("home_llc_lookup", self.test(home), yes=hit, no=miss)

    def serve_hit(self, chain, home, then):
        """The hit at the home die, once the request has arrived there."""
        then = self.shown(chain, "home_llc_latency", then)
        return chain.hold(
            "home_llc", self.port.at(home), self.hit_lasts, count=self.counter("remote_hits").add(home), then=then
        )

    def fill(self, chain, at):
        """The side chain that stores the line in the LLC of the die in operand `at`."""
        return chain.hold(f"llc_fill_{at}", self.port.at(at), self.fill_lasts, mark=self.store(at), then=DONE)

    def test(self, at):
        return self.tags.has(at, "set", "line")

    def store(self, at):
        return self.tags.insert(at, "set", "line")
