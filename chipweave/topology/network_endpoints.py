"""The endpoints of a network, at their places: parts that join, bare routers, regions, or those its shape makes.

Their number is judged before anything is allocated.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from chipweave.declare.yamlfile import Node
from chipweave.errors import Place
from chipweave.noc.shape import in_order
from chipweave.noc.wiring import Places
from chipweave.topology.links import NETWORK

if TYPE_CHECKING:
    from chipweave.topology.networks import NetworkMaker

MAX_ROUTERS = 65_536  # flits carry the number of their endpoint in 16 bits
BYTES_PER_ROUTER = 16_384  # of names, links and, under flit, buffers and counters: 14 KiB measured at 256 x 256
MAX_AXES = 8


def endpoints(maker: NetworkMaker) -> tuple[str, Places]:
    """(port, endpoints at their places).

    Endpoints come from parts that join (named after them), from a bare grid or row
    (NETWORK[y][x]), or from the shape itself, which makes its own (a fat tree its leaves).
    Their order is that of `order`, and endpoint numbers in traces, traffic files and link
    tables are positions in it.
    """
    s, joins = maker.settings, maker.node.get("joins")
    port = ""
    names: dict[tuple[int, ...], str] | None = None
    if joins is not None:
        port, names, dims = _joined(maker, joins)
    elif s["grid"] or s["routers"]:
        dims = s["grid"] or (s["routers"],)
    elif s["grid"] == ():
        return _no_grid(maker, ())
    elif maker.named_regions():
        regions = [region for name in maker.named_regions() if (region := maker.region(name)) is not None]
        listed = list(dict.fromkeys(name for region in regions for name in region.endpoints))
        port, dims = "/".join(sorted({p for r in regions for p in r.port.split("/") if p})), (len(listed),)
        names = {(i,): name for i, name in enumerate(listed)}
    else:
        labels = maker.shape.names(maker.reader)
        dims = (len(labels or ()),)
        names = {
            (i,): f"{maker.name}[{x}]" if x.isdecimal() else f"{maker.name}.{x}" for i, x in enumerate(labels or ())
        }
    if len(dims) > MAX_AXES or (maker.shape.grid and not dims):
        return _no_grid(maker, dims)
    count = len(names) if names is not None else int(np.prod([int(d) for d in dims], dtype=object))
    if _too_many(maker, count):
        return port, Places((), np.empty((0, len(dims)), np.int32), dims)
    if names is None:
        at = np.indices(dims).reshape(len(dims), -1).T.astype(np.int32)
        at = at[in_order(at, s["order"])]
        bare = tuple(maker.name + "".join(f"[{i}]" for i in place) for place in at.tolist())
        return port, Places(bare, at, tuple(dims))
    at = np.array(list(names), np.int32).reshape(len(names), len(dims))
    order = in_order(at, s["order"])
    listed = list(names.values())
    return port, Places(tuple(listed[i] for i in order.tolist()), at[order], tuple(dims))


def _no_grid(maker: NetworkMaker, dims: tuple[int, ...]) -> tuple[str, Places]:
    """The fault of a grid of no or too many axes."""
    place = written(maker, "grid") or (maker.node.get("grid") or maker.node).place
    maker.faults.add(f"network {maker.name!r}: a grid is [Y, X], not {list(dims)}", place)
    return "", Places((), np.empty((0, 1), np.int32), (0,))


def _too_many(maker: NetworkMaker, count: int) -> bool:
    """Whether there are more endpoints than fit, with the fault that says what they need.

    Judged before anything is allocated: by the 16 bits of an endpoint number, and by
    BYTES_PER_ROUTER against the memory that is free now.
    """
    need, free = count * BYTES_PER_ROUTER, free_memory()
    if count <= MAX_ROUTERS and need <= free:
        return False
    place = next(
        (n.place for n in map(maker.node.get, ("grid", "routers", "joins")) if n is not None), maker.node.place
    )
    memory = f"need about {need / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free"
    allowed = f"at most {min(MAX_ROUTERS, free // BYTES_PER_ROUTER):,}"
    maker.faults.add(f"network {maker.name!r}: {count:,} routers {memory}", place, allowed)
    return True


def written(maker: NetworkMaker, key: str) -> Place | None:
    """Where the `grid` or `absent` of the parts that this network joins is written, or None."""
    joins = maker.node.get("joins")
    names = joins.text.split(".")[:-1] if joins is not None and joins.is_scalar else []
    places = (maker.wirer.expander.written.get((".".join(names[: n + 1]), key)) for n in range(len(names)))
    return next(filter(None, places), None)


def _joined(maker: NetworkMaker, node: Node) -> tuple[str, dict[tuple[int, ...], str], tuple[int, ...]]:
    """(ports, place -> part name, lengths of the grid) of the parts that take part.

    Parts keep the grid they were replicated over, gaps included, if all join by one port, at
    different places, in one grid of at most two axes (more if the shape is a grid). Otherwise
    they stand in a row, in the order they are written in.
    """
    sides = [side for item in (node.value if node.is_list else [node]) for side in maker.wirer.side(item, "")]
    if not sides:
        return "", {}, (0,)
    parts = {name: maker.wirer.instances[name].part for name, _ in sides}
    if len(parts) < len(sides):
        twice = Counter(name for name, _ in sides).most_common(1)[0][0]
        maker.faults.add(f"network {maker.name!r}: {twice} joins twice", node.place, "each part once")
        maker.wirer.failed.update(port for _, port in sides)
        return "", {}, (0,)
    for name, port_name in sides:
        port = parts[name].ports[port_name]
        if port.protocol != NETWORK or port.provides:
            maker.wirer.say(
                f"{parts[name].kind}.{port_name} cannot take part in a network",
                node.place,
                f"a port that uses {NETWORK}",
            )
        here = maker.wirer.ends[name, port_name]
        if (maker.taken_as, "") not in [end for end, _ in here]:
            here.append(((maker.taken_as, ""), node.place))
    ports = {port for _, port in sides}
    places = {name: maker.wirer.place_of(name) for name, _ in sides}
    dims = maker.wirer.dims_of(sides[0][0])
    regular = (
        len(ports) == 1
        and len({len(p) for p in places.values()}) == 1
        and len(set(places.values())) == len(sides)
        and not node.is_list
    )
    if not regular or not dims or (len(dims) > 2 and not maker.shape.grid):
        places, dims = {name: (i,) for i, (name, _) in enumerate(sides)}, (len(sides),)
    return "/".join(sorted(ports)), {place: name for name, place in places.items()}, dims


def free_memory() -> int:
    """Bytes of memory that are free on this machine; 16 GiB where it does not say."""
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:")) * 1024
    except (OSError, StopIteration):
        pages = {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(getattr(os, "sysconf_names", ()))
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if pages else 16 << 30
