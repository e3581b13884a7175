"""What a network, or a region of one, says of one sort of links: `links: {z: {latency: 20 ns, bandwidth: 5 TB/s}}`."""

from __future__ import annotations

from typing import Any

from chipweave.declare.params import Param, named, read_all
from chipweave.errors import nearest
from chipweave.noc.shape import Reader
from chipweave.noc.wiring import Wiring

TERMINAL = "terminal"
OF_SORT = named(
    {
        "latency": Param("time", default=None, low="1 ps", doc="of links of this sort; the network's where left out"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s", doc="of links of this sort"),
    }
)


def read_sorts(reader: Reader, wiring: Wiring) -> dict[str, dict[str, Any]]:
    """Sort of link -> its own latency and bandwidth, of the key `links`.

    A shape names its sorts (a dragonfly's local and global); "terminal" are the links of endpoints
    to routers where the shape has such. Faults name the sorts that there are.
    """
    node = reader.node.get("links")
    if node is None:
        return {}
    known = (*wiring.sorts, *((TERMINAL,) if wiring.terminals is not None else ()))
    if not node.is_map:
        reader.faults.add(
            f"links must be a mapping of sorts of links, not {node.shape()}", node.place, ", ".join(known) or "none"
        )
        return {}
    found = {}
    for name, values in node.value.items():
        if name not in known:
            what = f"network {reader.name!r} has no links of sort {name!r}"
            reader.faults.add(what, node.keys[name], ", ".join(known) or "none", nearest(name, known))
        elif not values.is_map:
            what = f"links.{name} must be a mapping, not {values.shape()}"
            reader.faults.add(what, values.place, "latency, bandwidth")
        else:
            found[name], sources = read_all(OF_SORT, values, reader.faults, f"links.{name}")
            if name != TERMINAL and (wiring.sort is None or not (wiring.sort == wiring.sorts.index(name)).any()):
                reader.faults.warn(f"network {reader.name} has no link of sort {name!r}", node.keys[name])
            reader.note(values, OF_SORT, sources, f"networks.{reader.name}.links.{name}")
    return found
