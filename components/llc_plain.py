"""The LLC of components/llc.py in plain Python: the same parameters, every lookup and store answered one by one.

Models      what memory.llc models; tags are lists of lines, latest store first.
Leaves out  speed: a Python call for each lookup, hit and store.
Checked by  tests/components/test_swaps.py (equal to memory.llc), tests/components/test_llc.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import DONE, Asked, ask, tell
from chipweave.component import component
from chipweave.plain.durations import duration_ps

from .llc import Llc


@component("memory.llc_plain")
class LlcPlain(Llc):
    """LLC of one die, tags in Python."""

    engine = "python"

    def declare(self, layout: Any, work: Any) -> None:
        """Ports of all dies; `lines[die][set]` holds what the set has."""
        self.port = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.measure(work)
        self.measured_ps = duration_ps(self.hit_rate, {"slice_bytes": work.slice_bytes}) if self.table else 0
        self.lines: list[list[list[int]]] = [[[] for _ in range(sets)] for sets in self.sets(work)]

    def serve_access(self, chain: Any, at: str, home: str, then: str, local_fill: tuple[Any, ...] = ()) -> str:
        """See Llc.serve_access."""
        fills = (self.fill(chain, at), *local_fill)
        miss = self.ask("memory", "access", chain, at=at, home=home, local_fill=fills, then=then)
        hit = chain.outcome(
            "llc_hit",
            Asked(lambda q: self.hit("local_hits", q.operands[at])),
            spawn=local_fill,
            then=self.shown(chain, "llc_latency", then),
        )
        missed = chain.outcome("llc_miss", self.lasts("miss", at), then=miss)
        asked = chain.choose("llc_lookup", ask(lambda q: self.has(q.operands[at], q.operands)), yes=hit, no=missed)
        return chain.hold("llc", self.port.at(at), then=asked)

    def serve_lookup(self, chain: Any, home: str, hit: str, miss: str) -> str:
        """See Llc.serve_lookup."""
        return chain.choose("home_llc_lookup", ask(lambda q: self.has(q.operands[home], q.operands)), yes=hit, no=miss)

    def serve_hit(self, chain: Any, home: str, then: str) -> str:
        """See Llc.serve_hit."""
        then = self.shown(chain, "home_llc_latency", then)
        return chain.hold(
            "home_llc", self.port.at(home), Asked(lambda q: self.hit("remote_hits", q.operands[home])), then=then
        )

    def fill(self, chain: Any, at: str) -> str:
        """See Llc.fill."""
        stored = tell(lambda q: self.put(q.operands[at], q.operands))
        return chain.hold(f"llc_fill_{at}", self.port.at(at), self.lasts("write", at), mark=stored, then=DONE)

    def set_of(self, die: int, operands: dict[str, int]) -> list[Any]:
        return self.lines[die][operands["set"] % len(self.lines[die])]

    def has(self, die: int, operands: dict[str, int]) -> bool:
        """Whether the line is there; looking does not renew it."""
        return operands["line"] in self.set_of(die, operands)

    def hit(self, stat: str, die: int) -> int:
        """Count a hit; how long it takes."""
        self.replicas[die].stats[stat] += 1
        return self.measured_ps or self.replicas[die].hit_latency

    def put(self, die: int, operands: dict[str, int]) -> None:
        """Store a line, or renew it; the line stored longest ago goes where the set is full."""
        lines = self.set_of(die, operands)
        if operands["line"] in lines:
            lines.remove(operands["line"])
        lines.insert(0, operands["line"])
        del lines[self.replicas[die].ways :]
