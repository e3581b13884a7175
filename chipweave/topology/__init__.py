"""A topology's YAML -> a checked System. The language is described in docs/guide/yaml.md.

    read        the file, what it extends, the preset over it, the user's settings over that
    expand      assemblies over grids, parts built                         (parts)
    wire        links between ports; every port has what it needs          (links)
    networks    shapes, link models, routes                                (networks)
    expect      the author's closed forms                                  (expect)

All faults of all steps are collected and raised together; later steps look only at what earlier ones made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipweave.declare import yamlfile
from chipweave.declare.params import as_node
from chipweave.declare.provenance import Source
from chipweave.declare.user_code import Gate
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Fault, Faults, Place, nearest
from chipweave.io.shipped import find, shipped
from chipweave.topology import expect as topology_expect
from chipweave.topology import idle, over, systems
from chipweave.topology import preset as topology_preset
from chipweave.topology.links import Wirer
from chipweave.topology.links_as import with_links_of_others
from chipweave.topology.network_settings import SETTINGS
from chipweave.topology.networks import NetworkMaker
from chipweave.topology.parts import Expander
from chipweave.topology.regions import named_regions
from chipweave.topology.system import System
from chipweave.topology.tree import SCHEMA, TOP, apply_sets, check_keys, check_schema, merge, overlay, replaced

__all__ = ["load", "load_tree", "build", "network_names", "shipped", "SCHEMA"]

MAX_EXTENDS = 8
NETWORK_NAME = re.compile(r"[A-Za-z_][\w-]{0,99}")
NAME = re.compile(r"\w[^/\\:]{0,99}")  # pictures and tables are named by it
Origins = list[tuple[str, Node, "Source | None"]]  # (path, the number, where it is from)


def load(
    name: str | Path | dict[str, Any],
    sets: Sequence[str] = (),
    allow_code: bool = False,
    preset: str | Path | None = None,
) -> System:
    """The System of a topology.

    Args:
        name: a path, a shipped name ("wafer_5x5"), or the `resolved` dict of a System.
        sets: texts "a.b=value", laid over the file in order.
        allow_code: let kinds that are code (./hbm4.py:Hbm4) be imported.
        preset: None, or the name or path of a preset of behaviour.
    Raises:
        BadInput: every fault of the topology, each with its place.
    """
    if isinstance(name, dict):
        root, folder = as_node(name["topology"], Place("resolved topology")), Path(name.get("folder", "."))
    else:
        path = find(name)
        root, folder = systems.whole(load_tree(path), tree_of_system), path.parent
    try:
        laid = topology_preset.load(preset) if preset else None
    except BadInput as error:
        raise BadInput([*error.faults, *_faults_of(build, root, folder, sets, allow_code)]) from None
    system = build(root, folder, sets, allow_code, laid)
    if isinstance(name, dict):
        system.inherited = name.get("inherited")
    return system


def _faults_of(function: Callable[..., Any], *arguments: Any) -> list[Fault]:
    """What a call refuses; its result goes."""
    try:
        function(*arguments)
    except BadInput as error:
        return list(error.faults)
    return []


def network_names(name: str | Path) -> list[str]:
    """Names of a topology's networks, without those that are regions of others; read from its files, nothing is built.

    Raises:
        BadInput: a fault of the YAML, or a circle of `extends`.
    """
    root = systems.whole(load_tree(find(name)), tree_of_system)
    networks = root.get("networks") if root.is_map else None
    found: dict[str, Node] = networks.value if networks is not None and networks.is_map else {}
    regions = _regions(found)
    return [n for n in found if n not in regions]


def _regions(networks: dict[str, Node]) -> set[str]:
    """Names of the networks that are regions of others."""
    return {region.text for n, node in networks.items() for region in named_regions(node) if region.text != n}


def load_tree(path: Path, seen: tuple[Path, ...] = ()) -> Node:
    """The tree of a topology file laid over what it extends.

    Raises:
        BadInput: a fault of the YAML, or a circle of `extends`.
    """
    return _laid(yamlfile.load(path), path, seen)


def tree_of_system(node: Node) -> Node:
    """The tree of one of a file's `systems`, laid over what it extends."""
    return _laid(node, Path(node.place.file), ())


def _laid(root: Node, path: Path, seen: tuple[Path, ...]) -> Node:
    """A topology of the file `path` laid over what it extends."""
    upper = root.get("extends")
    if upper is None:
        return root
    if not isinstance(upper.value, str):
        raise BadInput(
            Fault(f"extends names one topology, not {upper.shape()}", upper.place, "a shipped name, or a path")
        )
    lower = find(upper.text, beside=Path(path).parent, place=upper.place)
    if lower.resolve() in seen or len(seen) > MAX_EXTENDS:
        raise BadInput(f"{upper.place}: {path} extends itself, by way of {lower}")
    own = Node({k: v for k, v in root.value.items() if k != "extends"}, root.place, keys=root.keys)
    base = load_tree(lower, (*seen, Path(path).resolve()))
    _check_base(base, lower, upper)
    return merge(base, own)


def _check_base(base: Node, path: Path, extends: Node) -> None:
    """Raise BadInput where what a file extends is no topology: laid under another it would vanish without a word."""
    faults = Faults()
    if not base.is_map:
        faults.add(f"{path} is no topology: a topology is a mapping, not {base.shape()}", extends.place)
    else:
        check_schema(base, faults)
        if not any(key in TOP for key in base.value):
            faults.add(f"{path} is no topology: it has none of its keys", extends.place, ", ".join(TOP))
    faults.raise_if_any()


def build(
    root: Node,
    folder: str | Path = ".",
    sets: Sequence[str] = (),
    allow_code: bool = False,
    preset: topology_preset.Preset | None = None,
) -> System:
    """The System of a tree. `preset` is a topology_preset.Preset or None.

    Raises:
        BadInput: every fault found.
    """
    faults = Faults()
    gate = Gate(allow_code)
    root = apply_sets(root, sets, faults)
    _check_top(root, faults)
    faults.raise_if_any()
    networks = with_links_of_others(root.get("networks") or Node({}), faults)
    faults.raise_if_any()
    expander = Expander(
        (root.get("assemblies") or Node({})).value, gate, Path(folder), preset.kinds if preset else {}, faults
    )
    expander.expand(root.get("parts") or Node({}))
    system = System(_text(root, "name"), _text(root, "about"), _text(root, "device"))
    whole = not faults.found and not gate.refused  # links of parts that are missing would only add noise
    wirer = Wirer(expander, faults)
    makers: dict[str, NetworkMaker] = {}
    regions = _regions(networks)
    for n, node in networks.items():
        laid = preset.of_network(n, n in regions) if preset else None
        expander.replaced += replaced(f"networks.{n}", node, laid) if node.is_map else []
        makers[n] = NetworkMaker(n, overlay(node, laid, SETTINGS, faults), wirer, faults, makers)
    if whole:
        _wire(root, expander, wirer)
        system.networks = {n: made for n, m in makers.items() if n not in regions and (made := m.make())}
        for n in regions & set(makers):
            if makers[n].taken_as == n and not faults.found:
                faults.add(
                    f"networks {n} and others are regions of one another", makers[n].node.place, "a network of both"
                )
        over.resolve(system.networks, networks, regions, wirer)
        wirer.check_ports()
    else:
        for maker in makers.values():
            maker.read()
    if not faults.found and not gate.refused:
        expander.sources = _cited(expander.sources, root.get("sources"), faults)
        _fill(system, expander, wirer)
        if root.get("expect") is not None:
            topology_expect.check(root.value["expect"], system, faults, root.value["name"].place.file, bool(sets))
    _raise(faults, gate)
    system.idle = lambda: faults.warnings + idle.found(root, expander, wirer)
    system.preset, system.code = preset.name if preset else "", gate.used
    system.resolved = {
        "topology": root.plain(),
        "folder": str(folder),
        "preset": preset.root.plain() if preset else None,
        "code": gate.used,
    }
    for part in system.parts.values():
        part.setup()
    return system


def _raise(faults: Faults, gate: Gate) -> None:
    """BadInput with everything found, code that was not allowed included."""
    try:
        gate.raise_if_refused()
    except BadInput as error:
        faults.found += error.faults
    faults.raise_if_any()


def _check_top(root: Node, faults: Faults) -> None:
    """The keys of the file itself, and the shape of what is under them."""
    if not root.is_map:
        faults.add(f"a topology is a mapping, not {root.shape()}", root.place)
        return
    check_keys(root, faults)
    name = root.get("name")
    if name is None or not isinstance(name.value, str):
        faults.add("a topology needs a name", name.place if name else root.place)
    elif not NAME.fullmatch(name.value) or not name.value.isprintable():
        faults.add(
            f"name {name.value[:40]!r} cannot be a file's",
            name.place,
            "up to 100 characters, none of / \\ : and no control characters, a letter or digit first",
        )
    if not any((root.get(key) or Node({})).value for key in ("parts", "networks")):
        faults.add("a topology needs parts or networks", root.place)
    networks = root.get("networks") or Node({})
    for network in networks.keys if networks.is_map else ():
        if not NETWORK_NAME.fullmatch(network):
            allowed = "letters, digits, _ and -, a letter first"
            faults.add(f"{network[:40]!r} is not a network's name", networks.keys[network], allowed)
    for name, node in (
        (root.get("assemblies") or Node({})).value.items() if (root.get("assemblies") or Node({})).is_map else ()
    ):
        keys = ("parts", "links", "about")
        if not node.is_map or node.get("parts") is None or not node.value["parts"].is_map:
            faults.add(f"assembly {name!r} needs parts, a mapping", node.place, ", ".join(keys))
        else:
            for key in node.value:
                if key not in keys:
                    faults.add(f"an assembly has no {key!r}", node.keys[key], ", ".join(keys), nearest(key, keys))


def _wire(root: Node, expander: Expander, wirer: Wirer) -> None:
    for prefix, node, path, alike in expander.links:
        wirer.wire_instance(node, prefix, path, alike)
    if root.get("links") is not None:
        wirer.wire_all(root.value["links"])


def _fill(system: System, expander: Expander, wirer: Wirer) -> None:
    """Parts, wires and networks of the system from what the steps made."""
    system.parts = {name: i.part for name, i in expander.instances.items()}
    system.grids, system.at = expander.grids, expander.at
    system.joined, system.joined_at = wirer.wires, wirer.places
    for (a, port_a), (b, port_b), _ in wirer.wires:
        system.parts[a].links[port_a].append((system.parts[b], port_b))
        system.parts[b].links[port_b].append((system.parts[a], port_a))
    for network in system.networks.values():
        for number, name in enumerate(network.endpoints if network.port else ()):
            part = system.parts[name]
            part.links[next(p for p, port in part.ports.items() if p in network.port.split("/"))].append(
                (network, number)
            )
    system.sources, system.replaced = expander.sources, expander.replaced


def _cited(sources: Origins, node: Node | None, faults: Faults) -> Origins:
    """Sources with the short names of the file's `sources:` mapping written out."""
    if node is None:
        return sources
    if not node.is_map or not all(n.is_scalar for n in node.value.values()):
        faults.add("sources must be a mapping of short names to texts", node.place)
        return sources
    long = {k: n.text for k, n in node.value.items()}
    return [(path, value, replace(s, text=long[s.text]) if s and s.text in long else s) for path, value, s in sources]


def _text(root: Node, key: str) -> str:
    node = root.get(key)
    return node.text if node is not None and node.is_scalar else ""
