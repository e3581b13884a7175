"""`systems:` whole topologies as parts of a larger one, each with what it extends and what is different in it.

    systems:
      west: {extends: wafer_5x5}
      east: {extends: ./mine.yaml, parts: {die: {grid: [4, 4]}}}
    parts: {cp: {kind: cp.global}}
    networks:
      d2d: {edges: [{between: ["west_die[4][2].d2d", "east_die[0][2].d2d"], latency: 2 us, bandwidth: 100 GB/s}]}

What a system calls `die` is called `west_die` in the whole: its parts, assemblies and networks. A part that the whole
writes itself (`cp`) stands for those of its name in all systems, with the wires that lead to them. Networks of one name
are regions of the whole's network of that name (`shape: joined`): links and their overrides stay each system's own,
what says how messages use them is the whole's, or else the first system's. `expect` is each system's own affair.
A system may be made of systems.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Faults, Place
from chipweave.topology.network_settings import OF_LINKS, SETTINGS
from chipweave.topology.tree import check_keys, is_valued, merge

KEY = "systems"
TAKEN_OVER = ("assemblies", "parts", "networks")
NAME = re.compile(r"[A-Za-z_]\w*")
HEAD = re.compile(r"([A-Za-z_]\w*)(.*)$", re.S)


def whole(root: Node, load: Callable[[Node], Node], within: tuple[Place, ...] = ()) -> Node:
    """The tree with its systems written out as parts of one.

    Args:
        load: returns the tree of a system's Node, with what it extends laid under.
        within: where the `systems` are written that this tree lies in.
    Raises:
        BadInput: every fault of `systems`.
    """
    systems = root.get(KEY) if root.is_map else None
    if systems is None:
        return root
    faults = Faults()
    if not systems.is_map or not systems.value:
        faults.add(
            "systems must be a mapping of names to topologies", systems.place, "{west: {extends: wafer_5x5}, ...}"
        )
    elif systems.place in within:
        faults.add("a system that holds itself", systems.place, "systems of other files")
    faults.raise_if_any()
    checked(root)
    trees: dict[str, Node] = {}
    for name, node in systems.value.items():
        place = systems.keys.get(name, node.place)
        if not NAME.fullmatch(name):
            faults.add(f"{name!r} is not a system's name", place, "letters, digits and _, a letter first")
        elif not node.is_map:
            faults.add(f"system {name!r} must be a topology, not {node.shape()}", node.place, "{extends: ..., ...}")
        else:
            try:
                trees[name] = whole(checked(load(node)), load, (*within, systems.place))
            except BadInput as error:
                faults.found += error.faults
    faults.raise_if_any()
    below = Node({k: v for k, v in root.value.items() if k != KEY}, root.place, keys=root.keys)
    own = set((below.get("parts") or Node({})).value)
    made: dict[str, dict[str, Node]] = {key: {} for key in TAKEN_OVER}
    links: list[Node] = []
    joined: dict[str, list[str]] = {}
    upper = below.get("networks") or Node({})
    for system, tree in trees.items():
        one = Renamed(system, cited(tree, tree.get("sources")), own)
        for key in ("assemblies", "parts"):
            made[key] |= one.section(key)
        links += one.wires()
        networks = one.networks()
        inner = {text for node in networks.values() for text in regions_of(node)}
        for name, node in networks.items():
            full = f"{system}_{name}"
            made["networks"][full] = node
            if full not in inner and name in upper.value:
                joined.setdefault(name, []).append(full)
    for name, regions in joined.items():
        made["networks"] |= join(name, regions, made["networks"], upper.keys.get(name, upper.place))
    keys = {key: {n: node.place for n, node in made[key].items()} for key in TAKEN_OVER}
    lower = Node({key: Node(made[key], systems.place, keys=keys[key]) for key in TAKEN_OVER}, root.place)
    result = merge(lower, Node({k: v for k, v in below.value.items() if k != "links"}, below.place, keys=below.keys))
    wires = [*links, *(below.get("links") or Node([])).value]
    result.value["links"] = Node(wires, systems.place)
    return result


def checked(tree: Node) -> Node:
    """A system's tree; BadInput where it has keys that a topology has not, or sections of another shape."""
    faults = Faults()
    check_keys(tree, faults)
    for key, is_so, shape in (("links", "is_list", "a list"), ("sources", "is_map", "a mapping")):
        node = tree.get(key)
        if node is not None and not getattr(node, is_so):
            faults.add(f"{key} must be {shape}, not {node.shape()}", node.place)
    faults.raise_if_any()
    return tree


def join(name: str, regions: list[str], networks: dict[str, Node], place: Place) -> dict[str, Node]:
    """The network that joins these, and these as regions of it: what says how messages use links goes to the whole."""
    first = networks[regions[0]]
    base = {k: v for k, v in first.value.items() if k == "router" or (k in SETTINGS and k not in OF_LINKS)}
    same = first.get("links_as")
    links = networks.get(same.text, first) if same is not None else first
    base |= {k: links.value[k] for k in ("latency", "bandwidth") if k in links.value}
    base.pop("routing", None)
    items = [Node({"network": Node(full, place, full)}, place, keys={"network": place}) for full in regions]
    given = {"shape": Node("joined", place, "joined"), "regions": Node(items, place)}
    made = {name: Node({**base, **given}, place, keys={k: first.keys.get(k, place) for k in (*base, *given)})}
    for full in regions:
        node = networks[full]
        kept = {k: v for k, v in node.value.items() if k != "router" and (k not in SETTINGS or k in OF_LINKS)}
        made[full] = Node(kept, node.place, keys=node.keys, weak=node.weak)
    return made


def regions_of(node: Node) -> list[str]:
    """Names of the networks that are regions of one."""
    regions = node.get("regions") if node.is_map else None
    items = regions.value if regions is not None and regions.is_list else []
    return [item.value["network"].text for item in items if item.is_map and "network" in item.value]


class Renamed:
    """One system's sections with its name before those of its parts, assemblies and networks."""

    def __init__(self, system: str, tree: Node, own: set[str]) -> None:
        self.system, self.tree, self.own = system, tree, own

    def name(self, name: str) -> str:
        """What a part of the system is called in the whole: a part of the whole's own stands for those of its name."""
        return name if name in self.own else f"{self.system}_{name}"

    def end(self, node: Node) -> Node:
        """PART.PORT, renamed."""
        found = HEAD.match(node.text) if node.is_scalar else None
        text = self.name(found[1]) + found[2] if found else node.text
        return Node(text, node.place, text)

    def section(self, key: str) -> dict[str, Node]:
        """`assemblies` or `parts`, those left out that the whole writes itself."""
        found = self.tree.get(key) or Node({})
        out = {}
        for name, node in found.value.items():
            if key == "parts" and name in self.own:
                continue
            value = (
                {k: self.assembly(v) if k == "assembly" else v for k, v in node.value.items()} if node.is_map else None
            )
            full = f"{self.system}_{name}"
            out[full] = node if value is None else Node(value, node.place, keys=node.keys, weak=node.weak)
        return out

    def assembly(self, node: Node) -> Node:
        """The name of an assembly or network of the system."""
        return Node(f"{self.system}_{node.text}", node.place, f"{self.system}_{node.text}")

    def wires(self) -> list[Node]:
        """The system's links that belong to no network."""
        return [self.ends(item, "between") for item in (self.tree.get("links") or Node([])).value]

    def ends(self, item: Node, key: str) -> Node:
        """A mapping whose `key` names parts, renamed."""
        between = item.get(key)
        if between is None:
            return item
        sides = between.value if between.is_list else [between]
        new = Node([self.end(n) for n in sides], between.place) if between.is_list else self.end(between)
        return Node({**item.value, key: new}, item.place, keys=item.keys, weak=item.weak)

    def ends_of_links(self, items: Node) -> Node:
        """A list of links (`edges`, `override`) whose ends may be parts of the system."""
        known = {*(self.tree.get("parts") or Node({})).value, *(self.tree.get("networks") or Node({})).value}

        def end(node: Node) -> Node:
            found = HEAD.match(node.text) if node.is_scalar else None
            return self.end(node) if found and found[1] in known else node

        def link(item: Node) -> Node:
            between = item.get("between") if item.is_map else item
            if between is None or not between.is_list:
                return item
            new = Node([end(n) for n in between.value], between.place)
            return Node({**item.value, "between": new}, item.place, keys=item.keys) if item.is_map else new

        return Node([link(item) for item in items.value], items.place) if items.is_list else items

    def region(self, item: Node) -> Node:
        """A region, which may be another network of the system."""
        named = item.get("network")
        if named is None:
            return item
        return Node({**item.value, "network": self.assembly(named)}, item.place, keys=item.keys)

    def of_network(self, key: str, node: Node) -> Node:
        """What a network says under one of its keys, with the names in it renamed."""
        if key in ("edges", "override"):
            return self.ends_of_links(node)
        if key == "regions" and node.is_list:
            return Node([self.region(item) for item in node.value], node.place)
        return self.assembly(node) if key == "links_as" and node.is_scalar else node

    def networks(self) -> dict[str, Node]:
        """The system's networks by their own names, parts that they join renamed; regions by their full names."""
        found = self.tree.get("networks") or Node({})
        out = {}
        for name, node in found.value.items():
            node = self.ends(node, "joins") if node.is_map else node
            out[name] = (
                Node(
                    {key: self.of_network(key, value) for key, value in node.value.items()},
                    node.place,
                    keys=node.keys,
                    weak=node.weak,
                )
                if node.is_map
                else node
            )
        return out


def cited(node: Node, sources: Node | None) -> Node:
    """A tree with the short names of its `sources` written out: another system's may be others."""
    long = {k: n.text for k, n in sources.value.items() if n.is_scalar} if sources is not None else {}
    if not long:
        return node
    if node.is_list:
        return Node([cited(item, sources) for item in node.value], node.place, node.text)
    if not node.is_map:
        return node
    value = {key: cited(inner, sources) for key, inner in node.value.items()}
    if is_valued(node) and "source" in value and value["source"].text in long:
        text = long[value["source"].text]
        value["source"] = Node(text, node.value["source"].place, text)
    return Node(value, node.place, keys=node.keys, weak=node.weak)
