"""What the native engine keeps of a network under a link model."""

from typing import Any

import numpy as np

from chipweave._kernel import ffi, lib
from chipweave.chain.link_statistics import LinkStatistics
from chipweave.chain.ways import speeds_of, ways_of
from chipweave.errors import BadInput

FINDER = "int32_t(void *, int32_t, int32_t, int32_t *, int32_t)"

CELL = 3  # int64 of a link in a time bin: bytes, busy ps, stalled ps


class Routes:
    """The routes of a network in the native engine, which asks for one when its pair first exchanges something.

    Attributes:
        number: the engine's number of them.
        ways: how many a message takes at once (chipweave.chain.ways).
        speeds: at which a message can cross a link, each once, the slowest first: the engine's speed ranks.
    """

    def __init__(self, compiler: Any, network: Any) -> None:
        self.network, self.handle = network, compiler.handle
        self.failed: BaseException | None = None
        self.ways = ways_of(network)
        self.speeds, ranks = speeds_of(network)
        self.finder = ffi.callback(FINDER, self._find, error=-1, onerror=self._keep)  # lives as long as this object
        self.number = compiler.made(
            lib.stages_add_routes(
                compiler.handle,
                network.endpoints,
                len(network.links),
                [link.latency_ps for link in network.links],
                ranks[:: self.ways],
                self.finder,
                ffi.NULL,
            )
        )
        if self.ways > 1:
            compiler.made(lib.stages_spread_routes(compiler.handle, self.number, self.ways, ranks))

    @property
    def pointer(self) -> Any:
        """The engine's `routes *`."""
        return lib.stages_routes(self.handle, self.number)

    def _find(self, _: Any, source: int, target: int, links: Any, room: int) -> int:
        """Called from C, once for each pair: write the links of the route, return their number.

        `room` is what C has.
        """
        route = self.network.routes(source, target)
        if len(route) > room:
            raise BadInput(f"network {self.network.name}: the route {(source, target)} has {len(route)} links")
        for place, link in enumerate(route):
            links[place] = link
        return len(route)

    def _keep(self, exception: type, value: BaseException, traceback: Any) -> None:
        """Why there was no route; C code cannot pass it on."""
        self.failed = value

    def raise_if_failed(self) -> None:
        """Raise what the network's `routes` raised."""
        if self.failed is not None:
            raise self.failed


class Compiled:
    """A network in the native engine.

    Attributes:
        fixed: whether messages keep to the routes of the network.
    """

    fixed = True

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

    def record(self) -> None:
        """Keep from now on when each message was where, for `trails`; nothing may be under way."""

    def trails(self) -> np.ndarray:
        """int64 [n, 3], taken out: (message, link, ps) of messages that have arrived; none of models without places.

        Rows of a message stand together, in the order of its way: (-1, as its first flit left its endpoint), (-1, as
        its last tail was behind the endpoint's port), then each link, as its last tail was over it.
        """
        return np.empty((0, 3), np.int64)

    def check(self) -> None:
        """Raise AssertionError where an invariant of the model's own state is broken."""

    def statistics(self) -> LinkStatistics:
        """Bytes, busy and stalled ps of each link, in all and over time bins."""
        bin_ps, bins = ffi.new("int64_t *"), ffi.new("int32_t *")
        pointer, links = self.link_bins(bin_ps, bins), len(self.network.links)
        size = bins[0] * links * CELL * np.dtype(np.int64).itemsize
        cells = np.frombuffer(ffi.buffer(pointer, size), np.int64).reshape(bins[0], links, CELL)
        total, used = cells.sum(axis=0), np.flatnonzero(cells.any(axis=(1, 2)))
        kept = cells[: used[-1] + 1 if len(used) else 0].copy()
        return LinkStatistics(total[:, 0], total[:, 1], total[:, 2], bin_ps[0], kept)
