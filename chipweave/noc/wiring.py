"""What a shape is given and what it makes, as arrays: endpoints at their places, and the links between numbered
routers.

Numbers. Endpoints are 0 to E - 1 in endpoint order, the routers that a shape adds (switches, routers of a concentrated
mesh) follow. Where `terminals` is None every endpoint is a router itself; else it is a terminal of the router it names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Places:
    """The endpoints of a network before its links are made.

    Attributes:
        names: router or part name of each endpoint, in endpoint order.
        at: int32[endpoints, len(dims)], the place of each in its grid.
        dims: lengths of the grid, (N,) for a row.
    """

    names: tuple[str, ...]
    at: np.ndarray
    dims: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of endpoints."""
        return len(self.names)

    @property
    def room(self) -> int:
        """Places of a row, holes included; of a grid of several axes the number of endpoints."""
        return int(self.dims[0]) if len(self.dims) == 1 else self.count

    @property
    def seats(self) -> np.ndarray:
        """int[count]: the place of each endpoint in a row that may have holes; of several axes their numbers."""
        return self.at[:, 0] if len(self.dims) == 1 else np.arange(self.count)

    def index(self) -> np.ndarray:
        """int32[dims]: the endpoint at each place, -1 where nothing is."""
        index = np.full(self.dims, -1, np.int32)
        if self.count:
            index[tuple(self.at.T)] = np.arange(self.count, dtype=np.int32)
        return index

    def by_text(self) -> dict[str, int]:
        """Place as users write it ("[0][1]") -> the endpoint there."""
        return {"".join(f"[{i}]" for i in place): n for n, place in enumerate(self.at.tolist())}


@dataclass(frozen=True)
class Grid:
    """The grid that routers stand in, for routing by dimension order.

    Attributes:
        dims: lengths of the axes, the last is x.
        at: int32[routers, axes], in the order of router numbers.
        wraps: every axis longer than 2 is closed.
    """

    dims: tuple[int, ...]
    at: np.ndarray
    wraps: bool = False

    @property
    def whole(self) -> bool:
        """Whether every place is taken."""
        return len(self.at) == int(np.prod(self.dims))


@dataclass(frozen=True)
class Own:
    """What a single link says of itself; None: as its network says."""

    latency_ps: int | None = None
    bandwidth: Fraction | None = None
    one_way: bool = False


@dataclass(frozen=True)
class Wiring:
    """The links of a shape.

    Attributes:
        pairs: int32[n, 2], routers by number; a link in each direction unless `own` says one way.
        sort: int8[n] or None, what sort of link each is, as a place in `sorts`.
        sorts: names of the sorts ("x", "global"), which a network may give latency and bandwidth of their own.
        routers: names of the routers beside the endpoints, without the network's ("switch[0]").
        terminals: int32[endpoints], the router each endpoint is a terminal of, by number; None: endpoints are routers.
        grid: the grid of the routers, where they stand in one.
        own: pair number -> what that link says of itself.
        terminal_latency_ps: endpoint -> latency of its terminal link, where it says so itself.
    """

    pairs: np.ndarray
    sort: np.ndarray | None = None
    sorts: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    terminals: np.ndarray | None = None
    grid: Grid | None = None
    own: dict[int, Own] = field(default_factory=dict)
    terminal_latency_ps: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Region:
    """A network as a part of another one: its links with all that they say, without routes.

    Attributes:
        endpoints: names of the parts or bare routers that take part.
        routers: names of the routers that its shape adds.
        port: ports by which parts take part, "" for bare routers.
        links: (a, b, what the link says), ends counted through `endpoints` and then `routers`.
    """

    endpoints: tuple[str, ...]
    routers: tuple[str, ...]
    port: str
    links: tuple[tuple[int, int, Own], ...]


def pairs_of(rows: Iterable[Sequence[int]] | np.ndarray) -> np.ndarray:
    """int32[n, 2] of any sequence of pairs, an empty one included."""
    return np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows, np.int32).reshape(-1, 2)
