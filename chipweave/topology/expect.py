"""`expect:`: facts in closed form that the built system is held to, written where the author of a topology thinks of
them.

    expect:
      parts: {die: 25, die.hbm: 25}
      wires: 3
      d2d: {endpoints: 25, links: 40, diameter: 8, bisection: 5, mean_distance: 3.2, degree: {2: 4, 3: 12, 4: 9}}

Links count each pair of neighbours once; distances are links on the routes; the mean is over all pairs, each endpoint
with itself included; bisection as in chipweave.noc.graph_network; degree: how many routers have each count of
neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from chipweave.declare import units
from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, nearest
from chipweave.noc.graph_network import Network
from chipweave.topology.patterns import bare
from chipweave.topology.system import System


def _mean_distance(network: Network) -> Fraction:
    return Fraction(int(network.distance.sum(dtype=int)), len(network.endpoints) ** 2)


def _degree(network: Network) -> Counter[int]:
    ends = network.pair_numbers()
    return Counter(
        np.bincount(np.concatenate([network.src[ends], network.dst[ends]]), minlength=network.node_count).tolist()
    )


FACTS: dict[str, Callable[[Network], Any]] = {
    "endpoints": lambda n: len(n.endpoints),
    "routers": lambda n: n.node_count,
    "links": lambda n: len(n.pair_numbers()),
    "diameter": lambda n: n.diameter,
    "bisection": lambda n: n.bisection(),
    "mean_distance": _mean_distance,
    "degree": _degree,
}


def check(node: Node, system: System, faults: Faults, file: str = "", changed: bool = False) -> None:
    """Hold `system` to an `expect` Node. `file` is the topmost one: what a file below it expects may no longer be
    meant, and the fault names the cure; `changed`: settings lie over the file."""
    before = len(faults.found)
    _check(node, system, faults)
    for i in range(before, len(faults.found)):
        fault = faults.found[i]
        if not fault.allowed and fault.place.file != file:
            faults.found[i] = replace(
                fault, allowed=f"what is true of {system.name}, under `expect:` in {file} (null: no such fact)"
            )
        elif not fault.allowed and changed:
            faults.found[i] = replace(fault, allowed="other settings, or --set expect=null with them")


def _check(node: Node, system: System, faults: Faults) -> None:
    """Hold each expected fact against the system: parts, wires, and facts of networks."""
    if not node.is_map:
        faults.add(f"expect must be a mapping, not {node.shape()}", node.place)
        return
    known = ("parts", "wires", *system.networks)
    for key, value in node.value.items():
        place = node.keys[key]
        if key == "wires":
            _compare("wires", value, len(system.wires()), faults)
        elif key not in known:
            faults.add(f"expect knows no {key!r}", place, ", ".join(known), nearest(key, known))
        elif not value.is_map:
            faults.add(f"expect.{key} must be a mapping, not {value.shape()}", value.place)
        elif key == "parts":
            _parts(value, system, faults)
        else:
            _network(value, system.networks[key], faults)


def _parts(node: Node, system: System, faults: Faults) -> None:
    """How many parts of each name there are."""
    counts = Counter(bare(name) for name in system.parts)
    for grid in system.grids:
        counts.setdefault(grid, len(system.instances(grid)) if "." not in grid else 0)
    for name, value in node.value.items():
        if name not in counts:
            faults.add(
                f"no part is called {name!r}", node.keys[name], ", ".join(sorted(counts)[:20]), nearest(name, counts)
            )
        else:
            _compare(f"parts.{name}", value, counts[name], faults)


def _network(node: Node, network: Network, faults: Faults) -> None:
    """Facts of one network, such as its diameter or bisection."""
    for fact, value in node.value.items():
        if fact not in FACTS:
            faults.add(f"no fact is called {fact!r}", node.keys[fact], ", ".join(FACTS), nearest(fact, FACTS))
        elif fact == "degree":
            _degrees(value, network, faults)
        else:
            _compare(f"{network.name}.{fact}", value, FACTS[fact](network), faults)


def _degrees(node: Node, network: Network, faults: Faults) -> None:
    there = dict(sorted(_degree(network).items()))
    if not node.is_map or {k: v.text for k, v in node.value.items()} != {str(k): str(v) for k, v in there.items()}:
        faults.add(f"{network.name}.degree is {there}, expected {node.plain()}", node.place)


def _compare(what: str, node: Node, there: Fraction | int, faults: Faults) -> None:
    """One number: a fault with both values where they differ. Fractions are compared exactly."""
    expected = units.number(node.text.removesuffix(" hops")) if node.is_scalar else None
    if expected is None:
        faults.add(f"{what} is expected as a number, not {node.shape()}", node.place)
    elif expected != there:
        shown = there if Fraction(there).denominator == 1 else f"{there} = {float(there):.6g}"
        faults.add(f"{what} is {shown}, expected {node.text}", node.place)
