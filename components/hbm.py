"""HBM behind one controller: a latency, then bytes at a sustained rate, one access at a time.

Models      access = latency + bytes / (bandwidth x efficiency); the stacks of a die are one unit that accesses share
            by turns, which is how the case study's simulator sees them (arXiv 2510.05497, artifact).
            Where lines are striped over several controllers, an access uses all of them, each for its share of the
            bytes, and lasts as long as the slowest.
            With a characterised table (docs/reference/two_speeds.md) latency and rate are those of the line-rate die:
            bytes keep others waiting, the latency beside them does not.
Leaves out  channels, banks, rows, refresh, read-write turnaround: `efficiency` stands for them all.
Checked by  tests/components/test_hbm.py
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chipweave.chain import Longest, Rate
from chipweave.component import Param, Port, Stat, characterised, component
from chipweave.component.staged import Staged

USUAL_EFFICIENCY = Fraction(9, 10)  # assumed, as the artifact of arXiv 2510.05497 does for all models


@dataclass(frozen=True)
class Access:
    """An access to be timed: "read", "remote_read" or "write" of `work` bytes on the die in operand `at`.

    accesses, bytes: the statistics that count it; controllers: those that its bytes are striped over, in equal parts.
    """

    what: str
    at: str
    work: object
    accesses: str
    bytes: str
    controllers: tuple


@component("memory.hbm")
class Hbm(Staged):
    """HBM of one die as bandwidth and latency."""

    time_class = "hbm"

    access = Port(provides="memory.backing", doc="reads and writes of whole slices")

    latency = Param(
        "time",
        default="300 ns",
        low="1 ps",
        each=True,
        behind="table",
        of="H100",
        doc="first byte of a read, or a write accepted",
    )
    bandwidth = Param(
        "bandwidth", default="3.35 TB/s", low="1 B/s", each=True, of="H100", doc="peak of all stacks together"
    )
    efficiency = Param(
        "share",
        default=None,
        low=0.001,
        high=1,
        each=True,
        behind="table",
        doc="of the peak that long accesses reach; where left out what the model says, else 0.9",
    )
    capacity = Param("bytes", default="80 GB", low="1 B", each=True, of="H100", doc="all stacks together")
    round_to = Param("time", default="1 ps", low="1 ps", each=True, doc="transfer times are rounded up to this")

    table = Param("str", default=None, doc="characterised table, shipped or a path, in place of latency and efficiency")

    local_reads = Stat("slices", "reads for the executing die", metric="local_slice_reads")
    local_bytes = Stat("B", "bytes of these reads", metric="local_read_bytes")
    remote_reads = Stat("slices", "reads for another die", metric="remote_slice_reads")
    remote_bytes = Stat("B", "bytes of these reads", metric="remote_read_bytes")
    copy_writes = Stat("slices", "copies stored", metric="copies")
    copy_bytes = Stat("B", "bytes of these stores", metric="copy_write_bytes")

    def declare(self, layout: Any, work: Any) -> None:
        """Resources and counters of all dies."""
        self.stacks = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.usual_efficiency = work.memory_efficiency or USUAL_EFFICIENCY
        self.measured = self.table and characterised.load(self.table)

    def facts(self) -> dict[str, Any]:
        """What policies may build on: peak rate, latency and capacity of each die."""
        latency = characterised.load(self.table).access("read").latency if self.table else self.each("latency")
        return {
            "hbm_bandwidth": self.each("bandwidth"),
            "hbm_latency_ps": latency,
            "hbm_bytes": self.each("capacity"),
        }

    def serve_read(
        self,
        chain: Any,
        name: str,
        at: str,
        work: Any,
        remote: bool = False,
        fill: str | tuple[Any, ...] = (),
        mark: tuple[Any, ...] = (),
        then: str | None = None,
        beside: tuple[Any, ...] = (),
    ) -> str:
        """A read of `work` (a chipweave.chain.nouns.Amount of bytes) from the HBM of the die in operand `at`.

        remote  whether another die reads (it only decides which statistics count it)
        fill    side chains that start when the data is there
        mark    made when the read starts
        beside  the controllers, this one first, over which the bytes are striped
        """
        stats = ("remote_reads", "remote_bytes") if remote else ("local_reads", "local_bytes")
        access = Access("remote_read" if remote else "read", at, work, *stats, beside or (self,))
        return self.hold_stacks(chain, name, access, fill, mark, then)

    def serve_write(
        self,
        chain: Any,
        name: str,
        at: str,
        work: Any,
        mark: Any = (),
        then: str | None = None,
        beside: tuple[Any, ...] = (),
    ) -> str:
        """A store of `work` bytes; `mark` is made when the store starts."""
        access = Access("write", at, work, "copy_writes", "copy_bytes", beside or (self,))
        return self.hold_stacks(chain, name, access, (), mark, then)

    def hold_stacks(self, chain: Any, name: Any, access: Any, fill: Any, mark: Any, then: Any) -> Any:
        """The hold of an access, of all controllers that it is striped over."""
        fill, then = self.first_byte(chain, name, access, fill, then)
        takes = tuple(part.stacks.at(access.at) for part in access.controllers)
        lasts, counts = self.timing(access)
        return chain.hold(name, takes, lasts, mark=mark, count=counts, spawn=fill, then=then)

    def timing(self, access: Any) -> Any:
        """(duration, counts) of an access: the longest of the controllers' parts, and the part that each counts."""
        n = len(access.controllers)
        rules = [part.lasts(access.at, access.work, access.what, n) for part in access.controllers]
        counts = tuple(
            part.counter(stat).add(access.at, *amounts, piece=(i, n) if n > 1 else (0, 0))
            for i, part in enumerate(access.controllers)
            for stat, amounts in ((access.accesses, ()), (access.bytes, (access.work,)))
        )
        return (rules[0] if n == 1 else Longest(tuple(rules))), counts

    def first_byte(
        self, chain: Any, name: str, access: Any, fill: str | tuple[Any, ...], then: str
    ) -> tuple[str | tuple[Any, ...], str]:
        """(side chains, successor) of the stage that moves the bytes: with a table its latency is a stage of its
        own."""
        shown = [part.measured.access(access.what).latency for part in access.controllers if part.measured]
        if not shown:
            return fill, then
        return (), chain.hold(f"{name}_latency", (), max(shown), spawn=fill, then=then)

    def share(self, what: str, part: Any) -> Fraction:
        """Of its peak, what accesses of this sort reach on a die's part."""
        return self.measured.access(what).share if self.measured else part.efficiency or self.usual_efficiency

    def lasts(self, at: str, work: Any, what: str, n: int = 1) -> Any:
        """latency + ceil(bytes / (n x bandwidth x share)); the latency is elsewhere where there is a table."""
        given = [(part.bandwidth, self.share(what, part)) for part in self.replicas]
        known: dict[tuple[int, int], Fraction] = {}  # by identity: dies read of the same lines have the same objects
        for peak, share in given:
            if (id(peak), id(share)) not in known:
                known[id(peak), id(share)] = peak * share * n
        rates = tuple(known[id(peak), id(share)] for peak, share in given)
        latency = (0,) if self.measured else self.each("latency")
        rules: dict[int, Rate] = {}  # rounding -> rule

        def rule(part: Any) -> Rate:
            if part.round_to not in rules:
                rules[part.round_to] = Rate(work, latency, rates, at, part.round_to)
            return rules[part.round_to]

        return self.by_die(at, rule)
