"""Shapes of networks: what a shape is, and the registry of them. Each shape is one file of chipweave/noc/shapes/.

A shape declares its parameters, which stand beside the network's own in YAML, and makes a `Wiring` of the endpoints.
One more shape is one more file there, or in a package that names it under the entry-point group `chipweave.noc.shapes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.declare.params import Declared
from chipweave.declare.registry import Class, Registry
from chipweave.declare.user_code import place_of
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Fault, Faults
from chipweave.noc.wiring import Places, Region, Wiring

shapes = Registry("shape", "chipweave.noc.shapes")
MAX_LINKS = 1_000_000


@dataclass(frozen=True)
class Reader:
    """What a shape reads its own keys of a network with.

    Attributes:
        name: the network's.
        node: the network as written.
        faults: gets all that is wrong.
        note: called with (Node, params, sources, path) of numbers read, for the list of sources.
        base: the folder that paths are relative to where the file they stand in is not on this disk.
        latency_ps: of the network's links.
        region: another network of the topology as a Region, by its name; None after a fault.
    """

    name: str
    node: Node
    faults: Faults
    note: Callable[..., None]
    base: Path = Path(".")
    latency_ps: int = 1
    region: Callable[[Node], Region | None] = lambda _: None

    def folder(self, key: str) -> Path:
        """What a path written under `key` is relative to: the folder of the file it stands in, the current one for
        settings."""
        file = self.node.value[key].place.file
        if file.startswith("--"):
            return Path(".")
        return Path(file).parent if file and Path(file).is_file() else self.base


class Shape(Declared):
    """Base of all shapes.

    Attributes of the class:
        grid: routers stand in a grid, so that dimension order is a routing.
        routing: the routing where a network names none.
        spread: the spread over parallel ways where a network names none.
        structure: keys of the network, beside parameters, that `wire` reads for itself.
        makes_endpoints: the number of endpoints follows from the shape; `grid`, `routers` and `joins` may be left out.
    """

    grid = False
    routing = "shortest"
    spread = "none"
    structure: tuple[str, ...] = ()
    makes_endpoints = False

    def names(self, reader: Reader) -> list[str] | None:
        """Names of the endpoints where the shape makes them (`makes_endpoints`); None after a fault."""
        return None

    def fault(self, places: Places) -> str:
        """Why these endpoints do not go with the parameters, or "" where they do."""
        return ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """The links between the endpoints, for which `fault(places)` was ""; what is wrong with keys goes to
        `reader.faults`."""
        raise NotImplementedError


def why_not(made: Shape, places: Places) -> str:
    """`made.fault(places)`; BadInput at its line where that is no text."""
    why: Any = made.fault(places)
    if not isinstance(why, str):
        raise BadInput(_returned(made, "fault", why, 'a text, "" where nothing is wrong'))
    return why


def wiring_of(made: Shape, places: Places, reader: Reader) -> Wiring:
    """`made.wire(places, reader)`.

    Raises:
        BadInput: at its line: no Wiring, or pairs that are not whole numbers of routers [n, 2].
    """
    wiring: Any = made.wire(places, reader)
    if not isinstance(wiring, Wiring):
        raise BadInput(_returned(made, "wire", wiring, "a Wiring"))
    pairs: Any = wiring.pairs
    if not isinstance(pairs, np.ndarray) or pairs.dtype.kind not in "ui" or pairs.shape[1:] != (2,):
        raise BadInput(_returned(made, "wire", pairs, "a Wiring whose pairs are whole numbers [n, 2]"))
    routers = places.count + len(wiring.routers)
    if len(pairs) and not 0 <= pairs.min() <= pairs.max() < routers:
        at = pairs.min() if pairs.min() < 0 else pairs.max()
        raise BadInput(
            Fault(f"shape {made.kind}: wire: names router {at}", place_of(made, "wire"), f"0 to {routers - 1}")
        )
    return wiring


def _returned(made: Shape, method: str, value: object, allowed: str) -> Fault:
    return Fault(f"shape {made.kind}: {method}: returns {type(value).__name__}", place_of(made, method), allowed)


def shape(name: str) -> Callable[[Class], Class]:
    """Class decorator: register a Shape under `name`.

    Raises:
        TypeError: the class is no Shape.
        RegistryError: the name is taken; the message names both modules.
    """
    return shapes.declares(name, Shape)


def in_order(at: np.ndarray, order: str) -> np.ndarray:
    """int64[n]: which places come first, second, ... in endpoint order.

    Args:
        at: int[n, axes], places in a grid whose last axis is x.
        order: "columns": y + x * Y (the first axis is fastest), "rows": x + y * X.
    """
    axes = range(at.shape[1])
    return np.lexsort([at[:, a] for a in (axes if order == "columns" else reversed(axes))])


def axis_names(axes: int) -> tuple[str, ...]:
    """Names of the axes of a grid [..., Z, Y, X]: the last is x; from the fourth on by number."""
    return tuple("xyz"[i] if i < 3 else f"axis{i}" for i in reversed(range(axes)))
