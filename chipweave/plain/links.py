"""Locks and statistics of a circuit network, plainly: the twin of csrc/stages/links.c.

Per direction of each link: bytes; busy ps (held); stalled ps (idle although its next user had already requested it,
because another link of that user's route, or its place in a queue, held it back). Binned over absolute time; when time
outgrows the bins, pairs are merged and the width doubles, so memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.chain.link_statistics import LinkStatistics, lock_numbers
from chipweave.chain.ways import Held, held, pieces, ways_of


class PlainBins:
    """Cells [bin, link, (bytes, busy ps, stalled ps)] of absolute time."""

    def __init__(self, links: int, bin_ps: int, max_bins: int) -> None:
        self.bin_ps, self.max_bins = bin_ps, max_bins
        self.cells = np.zeros((max_bins, links, 3), np.int64)

    def spread(self, link: int, start: int, end: int, column: int) -> None:
        """Add an interval to a column."""
        for at, a, b in self._pieces(start, end):
            self.cells[at, link, column] += b - a

    def spread_bytes(self, link: int, start: int, end: int, size: int) -> None:
        """Bytes up to x: floor(size * (x - start) / (end - start)), so that the pieces add up exactly."""
        done = 0
        for at, _, b in self._pieces(start, end):
            sent = size if b >= end else size * (b - start) // (end - start)
            self.cells[at, link, 0] += sent - done
            done = sent

    def add(self, link: int, time: int, size: int, busy_ps: int) -> None:
        """Bytes and busy time of one instant."""
        self._grow(time + 1)
        self.cells[time // self.bin_ps, link, :2] += (size, busy_ps)

    def _grow(self, end: int) -> None:
        """Double the bins until `end` ps fits: a run of any length takes max_bins cells."""
        while (end - 1) // self.bin_ps >= self.max_bins:
            half = self.max_bins // 2
            self.cells[:half] = self.cells[0::2] + self.cells[1::2]
            self.cells[half:] = 0
            self.bin_ps *= 2

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """(bin, from, to) of an interval; one empty piece where it has no length."""
        self._grow(end)
        at = min(start // self.bin_ps, self.max_bins - 1)
        while True:
            upto = min(end, (at + 1) * self.bin_ps)
            yield at, start, upto
            if upto >= end:
                return
            start, at = upto, at + 1

    def statistics(self) -> LinkStatistics:
        """Sums and cells as a LinkStatistics: bytes, busy ps, stalled ps."""
        total = self.cells.sum(axis=0)
        used = np.flatnonzero(self.cells.any(axis=(1, 2)))
        return LinkStatistics(
            total[:, 0], total[:, 1], total[:, 2], self.bin_ps, self.cells[: used[-1] + 1 if len(used) else 0].copy()
        )


class PlainLinks:
    """Locks of a circuit network, and what their holders do to its statistics."""

    def __init__(self, network: Any, first: int, bin_ps: int, max_bins: int) -> None:
        self.network, self.first = network, first
        self.lock_of_link = lock_numbers(network)
        self.locks = len(set(self.lock_of_link))
        self.bins = PlainBins(len(network.links), bin_ps, max_bins)
        self.statistics = self.bins.statistics

    def locks_of(self, source: int, target: int) -> list[Any]:
        """Global resource numbers of the route, in route order."""
        return [self.first + self.lock_of_link[i] for i in self.held(source, target).links]

    def held(self, source: int, target: int) -> Held:
        """What a message holds between two endpoints."""
        return held(self.network, tuple(self.network.routes(source, target)))

    def count(
        self, source: int, target: int, size: int, base: int, start: int, end: int, asked: int, free_at: list[Any]
    ) -> None:
        """A hold of the route from `start` to `end`, requested at `asked`, of locks that were free at `free_at`."""
        of, parts = self.held(source, target), pieces(size, ways_of(self.network))
        for link, over, free in zip(of.links, of.over, free_at, strict=False):
            self.bins.spread(link, base + start, base + end, 1)
            self.bins.spread_bytes(link, base + start, base + end, sum(parts[way] for way in over))
            idle_from = max(asked, free)
            if idle_from < start:
                self.bins.spread(link, base + idle_from, base + start, 2)
