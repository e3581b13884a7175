"""What the native engine keeps of a network under a link model."""

from typing import Any

import numpy as np

from chipweave._kernel import ffi
from chipweave.chain.link_statistics import LinkStatistics

CELL = 3  # int64 of a link in a time bin: bytes, busy ps, stalled ps


class Routes:
    """The routes of all pairs of endpoints of a network, pair (a, b) at a * endpoints + b.

    Attributes:
        links: list of lists of link numbers.
        start, flat: the same as int64 offsets and int32 link numbers.
    """

    def __init__(self, network: Any) -> None:
        pairs = ((a, b) for a in range(network.endpoints) for b in range(network.endpoints))
        self.links = [network.routes(a, b) for a, b in pairs]
        self.start = np.cumsum([0] + [len(r) for r in self.links]).astype(np.int64)
        self.flat = np.array([i for r in self.links for i in r], np.int32)


class Compiled:
    """A network in the native engine."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def number(self, stage: tuple | None = None) -> int:
        """The engine's number of the network for messages of (chain, stage)."""
        raise NotImplementedError

    def raise_if_failed(self) -> None:
        """Raise what ended the network, where it has ended."""

    def link_bins(self, bin_ps: Any, bins: Any) -> Any:
        """Pointer to int64[bins, links, 3]; sets the width and the number of bins."""
        raise NotImplementedError

    def statistics(self) -> LinkStatistics:
        """Bytes, busy and stalled ps of each link, in all and over time bins."""
        bin_ps, bins = ffi.new("int64_t *"), ffi.new("int32_t *")
        pointer, links = self.link_bins(bin_ps, bins), len(self.network.links)
        size = bins[0] * links * CELL * np.dtype(np.int64).itemsize
        cells = np.frombuffer(ffi.buffer(pointer, size), np.int64).reshape(bins[0], links, CELL)
        total, used = cells.sum(axis=0), np.flatnonzero(cells.any(axis=(1, 2)))
        kept = cells[: used[-1] + 1 if len(used) else 0].copy()
        return LinkStatistics(total[:, 0], total[:, 1], total[:, 2], bin_ps[0], kept)
