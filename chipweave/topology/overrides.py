"""Single links of a network changed or taken away: `override` of any shape.

    override: [{between: ["[0][1]", "[0][2]"], bandwidth: 100 GB/s}, {between: ["[*][3]", "[*][4]"], absent: true}]

An end is a router's number, its place in the grid, or its name; or a pattern of places ("[1..3][*]"): sides of equal
number are paired one to one, a single one with each of the others, pairs with a hole left out.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from chipweave.declare.yamlfile import Node
from chipweave.errors import Place
from chipweave.noc.listed import Ends, apart, read_link
from chipweave.noc.shape import Reader
from chipweave.topology.patterns import INDEX, span


class LinkTable:
    """The links of a network while it is made: sorted arrays, and what overrides change of them.

    Args:
        n: number of nodes.
        src, dst, latency_ps: of every directed link.
        rate: place of its bandwidth in `rates`.
    """

    def __init__(
        self, n: int, src: np.ndarray, dst: np.ndarray, latency_ps: np.ndarray, rate: np.ndarray, rates: list[Fraction]
    ) -> None:
        order = np.lexsort([dst, src])
        self.n, self.src, self.dst = n, src[order].astype(np.int64), dst[order].astype(np.int64)
        self.latency_ps, self.rate, self.rates = latency_ps[order], rate[order], rates
        self.key = self.src * n + self.dst
        self.there = np.ones(len(self.key), bool)

    def doubled(self) -> tuple[int, int] | None:
        """Two nodes with more than one link in one direction, or None."""
        at = np.flatnonzero(self.key[1:] == self.key[:-1])
        return (int(self.src[at[0]]), int(self.dst[at[0]])) if len(at) else None

    def find(self, a: int, b: int) -> int:
        """The link from a to b, -1 where there is none."""
        at = int(np.searchsorted(self.key, a * self.n + b))
        there = at < len(self.key) and self.key[at] == a * self.n + b and self.there[at]
        return at if there else -1

    def rate_of(self, bandwidth: Fraction) -> int:
        """The place of a bandwidth in `rates`."""
        if bandwidth not in self.rates:
            self.rates.append(bandwidth)
        return self.rates.index(bandwidth)

    def change(self, link: int, own: dict[str, Any]) -> bool:
        """Lay what an override says over a link; False where it says what is there."""
        before = self.there[link], self.latency_ps[link], self.rate[link]
        if own["absent"]:
            self.there[link] = False
        if own["latency"]:
            self.latency_ps[link] = own["latency"]
        if own["bandwidth"]:
            self.rate[link] = self.rate_of(own["bandwidth"])
        return before != (self.there[link], self.latency_ps[link], self.rate[link])


class Overrides:
    """Reads an `override` list and lays it over a LinkTable.

    Args:
        table: the links.
        ends: which node an end means.
        dims: lengths of the grid that patterns of places lie in.
        reader: the network's.
    """

    def __init__(self, table: LinkTable, ends: Ends, dims: tuple[int, ...], reader: Reader) -> None:
        self.table, self.ends, self.dims, self.reader = table, ends, list(dims), reader
        self.faults = reader.faults
        self.written: dict[tuple[int, int], Place] = {}  # directed link -> where it is changed
        self.changed = 0

    def apply(self, node: Node) -> bool:
        """Lay all of it over the links; False where it takes one away."""
        if not node.is_list:
            self.faults.add(
                f"override must be a list, not {node.shape()}",
                node.place,
                '- {between: ["[0][1]", "[0][2]"], bandwidth: ...}',
            )
            return True
        whole = True
        for item in node.value:
            if not item.is_map:
                self.faults.add("an override is a mapping", item.place, "{between: [...], ...}")
                continue
            pairs, own = self.links_of(item)
            if own is not None and not (own["absent"] or own["latency"] or own["bandwidth"]):
                self.faults.add("the override says nothing to change", item.place, "latency, bandwidth, absent: true")
            elif own is not None and own["absent"] and (own["latency"] or own["bandwidth"]):
                self.faults.add("a link that is absent has no latency and no bandwidth", item.place, "one of the two")
            elif own is not None:
                before = len(self.faults.found), self.changed
                for pair in pairs:
                    whole &= self.change(pair, own, item)
                if before == (len(self.faults.found), self.changed):
                    what = f"network {self.reader.name}: override of {len(pairs)} links changes nothing"
                    self.faults.warn(f"{what}: what it says is there already", item.place)
        return whole

    def links_of(self, item: Node) -> tuple[list[tuple[int, int]], dict[str, Any] | None]:
        """([(a, b), ...], what the override says) of one entry; ([], None) after a fault."""
        between, own = read_link(item, self.reader)
        found = [self.side(n) for n in between]
        sides = [side for side in found if side is not None]
        if own is None or len(sides) < len(found):
            return [], None
        longest = max(map(len, sides))
        if any(len(side) not in (1, longest) for side in sides):
            self.faults.add(
                f"{between[0].text} are {len(sides[0])} routers, {between[1].text} are {len(sides[1])}",
                item.place,
                "as many on each side, or one on one side",
            )
            return [], None
        both = zip(*(side * (longest // len(side)) for side in sides), strict=True)
        pairs = [(a, b) for a, b in both if a is not None and b is not None]
        if not pairs:
            self.faults.add(f"between {between[0].text} and {between[1].text} there are only holes", item.place)
        return (pairs, own) if pairs and all(apart(*p, self.ends, item, self.reader) for p in pairs) else ([], None)

    def side(self, node: Node) -> list[int | None] | None:
        """The routers that one end means, None for a hole that a pattern covers; None after a fault."""
        found = INDEX.findall(node.text)
        if (
            "".join(f"[{f}]" for f in found) != node.text
            or not any("*" in f or ".." in f for f in found)
            or len(found) != len(self.dims)
        ):
            return list(self.ends.side(node, self.reader)) or None
        ranges = [span(f, length) for f, length in zip(found, self.dims, strict=True)]
        if any(not r or r[-1] >= length for r, length in zip(ranges, self.dims, strict=True)):
            what = f"{node.text} lies outside the grid of {self.dims} of network {self.reader.name!r}"
            self.faults.add(what, node.place)
            return None
        return [self.ends.by_place.get("".join(f"[{i}]" for i in place)) for place in product(*ranges)]

    def change(self, pair: tuple[int, int], own: dict[str, Any], item: Node) -> bool:
        """Lay one override over the link between two routers; False where that takes it away."""
        names = " - ".join(self.ends.names[i] for i in pair)
        ways = [pair] if own["one_way"] else [pair, pair[::-1]]
        for first in [self.written.setdefault(way, item.place) for way in ways]:
            if first is not item.place:
                self.faults.add(f"the link {names} is changed twice, first at {first}", item.place)
                return True
        found = [link for link in (self.table.find(*way) for way in ways) if link >= 0]
        if not found:
            self.faults.add(f"there is no link {names}", item.place, "two neighbours")
        for link in found:
            self.changed += self.table.change(link, own)
        return not (found and own["absent"])
