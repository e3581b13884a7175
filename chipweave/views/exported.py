"""A system in other programs' words: SST's JSON configuration, and DOT for Graphviz.

SST has no elements of these kinds: the file carries the composition (components, parameters, subcomponents, links with
latency), to be looked at, compared, or read by elements of one's own whose types are named `chipweave.KIND`.
"""

from __future__ import annotations

import json
from typing import Any

from chipweave.component.component import Component
from chipweave.declare import units
from chipweave.topology.system import System

FORMATS = ("sst-json", "dot")


def export(system: System, form: str) -> str:
    """The system as text in one of `FORMATS`."""
    return json.dumps(sst_json(system), indent=1) + "\n" if form == "sst-json" else dot(system)


def sst_json(system: System) -> dict[str, Any]:
    """SST's JSON configuration: a component for each part and bare router, a link for each pair of neighbours.

    Both directions of a link are one link of SST's, each end with the latency of the way that leads from it; a link
    whose latency is included in its parts' own figures has 1 ps, SST's least.
    """
    inner = {id(p) for part in system.parts.values() for p in part.slots.values() if p is not None}
    components = [_component(name, part) for name, part in system.parts.items() if id(part) not in inner]
    named = {each["name"] for each in components}
    bare = [name for name in system.graph if name not in named and name not in system.parts]
    components += [{"name": name, "type": "chipweave.router", "params": {}} for name in bare]
    return {
        "program_options": {},
        "components": components,
        "links": [_link(i, a, b, *ways) for i, (a, b, ways) in enumerate(pairs(system))],
    }


def _component(name: str, part: Component) -> dict[str, Any]:
    """A part with what its slots hold; parameters are texts, as SST's all are."""
    found = {"name": name, "type": f"chipweave.{part.kind}", "params": params(part)}
    slots = [
        {"slot_name": slot, "type": f"chipweave.{held.kind}", "params": params(held)}
        for slot, held in part.slots.items()
        if held is not None
    ]
    return {**found, "subcomponents": slots} if slots else found


def params(part: Component) -> dict[str, str]:
    """Parameters of a part as texts with units; those that are left out are left out here too."""
    return {
        name: _text(getattr(part, name), param.type)
        for name, param in part.params.items()
        if getattr(part, name) is not None
    }


def _text(value: Any, kind: str) -> str:
    if isinstance(value, tuple):
        return json.dumps([each if isinstance(each, dict) else _text(each, kind) for each in value], default=str)
    return units.format(value, kind) if kind in units.DIMENSIONS else str(value)


def pairs(system: System) -> list[tuple[str, str, tuple[dict[str, Any], dict[str, Any]]]]:
    """(from, to, (data of that way, data of the way back)) of each link once; a wire is the same both ways."""
    found: list[tuple[str, str, tuple[dict[str, Any], dict[str, Any]]]] = []
    open_at: dict[tuple[str, str, str], list[int]] = {}
    for a, b, data in system.graph.edges(data=True):
        back = open_at.get((b, a, data["network"]))
        if data["network"] and back:
            i = back.pop()
            found[i] = (*found[i][:2], (found[i][2][0], data))
        else:
            open_at.setdefault((a, b, data["network"]), []).append(len(found))
            found.append((a, b, (data, data)))
    return found


def _link(i: int, a: str, b: str, there: dict[str, Any], back: dict[str, Any]) -> dict[str, Any]:
    """One link of SST's; ports carry its number where one port takes many."""
    ends = [(a, there["ports"][0], there), (b, there["ports"][1], back)]
    left, right = (
        {"component": name, "port": f"{port or 'port'}{i}", "latency": f"{max(1, data['latency_ps'])}ps"}
        for name, port, data in ends
    )
    name = f"{there['network'] or 'wire'}.{i}"
    return {"name": name, "noCut": False, "left": left, "right": right}


def dot(system: System) -> str:
    """DOT: a node for each part, a box around each die, an edge for each link with its latency and bandwidth."""
    lines = [f"digraph {quoted(system.name)} {{", "  node [shape=box];"]
    groups: dict[str, list[str]] = {}
    for name, data in system.graph.nodes(data=True):
        groups.setdefault(data["assembly"], []).append(name)
    for i, (assembly, names) in enumerate(groups.items()):
        nodes = [f"    {quoted(n)} [label={quoted(_label(n, system.graph.nodes[n]['kind']))}];" for n in names]
        box = [f"  subgraph cluster_{i} {{", f"    label={quoted(assembly)};", *nodes, "  }"]
        lines += box if assembly else nodes
    for a, b, (there, back) in pairs(system):
        both = " dir=both" if there is not back else ""
        lines.append(f"  {quoted(a)} -> {quoted(b)} [label={quoted(_figures(there))}{both}];")
    return "\n".join([*lines, "}"]) + "\n"


def _label(name: str, kind: str) -> str:
    return f"{name}\n{kind}"


def _figures(data: dict[str, Any]) -> str:
    words = [units.format(data["latency_ps"], "time")] if data["latency_ps"] else []
    return ", ".join([*words, *([units.format(data["bandwidth"], "bandwidth")] if data.get("bandwidth") else [])])


def quoted(text: str) -> str:
    """A text as DOT has it in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
