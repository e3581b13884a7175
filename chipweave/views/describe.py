"""What `chipweave info` tells of a kind, a topology, a model or everything there is, as plain dicts and lists.

The command prints them as tables or, with --json, as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chipweave import topology
from chipweave.declare import registry, units, yamlfile
from chipweave.declare.params import Declared, Param
from chipweave.declare.provenance import Source
from chipweave.declare.user_code import Gate, is_code
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io import shipped as topology_files
from chipweave.io.shipped import shipped
from chipweave.line_rate.endpoints import load_table
from chipweave.noc.graph_network import Network
from chipweave.policy.roles import Policy
from chipweave.topology.inherited import defaults
from chipweave.topology.system import System
from chipweave.views import filetypes


def models() -> list[str]:
    """Names of the shipped models."""
    from chipweave.trace.models import names

    return list(names())


def strategies() -> list[str]:
    """Names of the shipped strategies."""
    from chipweave.policy import strategy

    return list(strategy.shipped())


def everything() -> dict[str, Any]:
    """All names, by what they are."""
    return {
        "components": {k: first_line(registry.components.find(k)) for k in registry.components.kinds()},
        "time_models": {k: first_line(registry.time_models.find(k)) for k in registry.time_models.kinds()},
        "link_models": {k: first_line(registry.link_models.find(k)) for k in registry.link_models.kinds()},
        "policies": {k: first_line(registry.policies.find(k)) for k in registry.policies.kinds()},
        "serving_policies": {
            k: first_line(registry.serving_policies.find(k)) for k in registry.serving_policies.kinds()
        },
        "topologies": list(shipped()),
        "presets": list(shipped("presets")),
        "models": models(),
        "strategies": strategies(),
    }


def first_line(cls: type[Any]) -> str:
    """The first line of a class's own words."""
    return cls.about().split("\n")[0]


def find(name: str, allow_code: bool = False, preset: str | None = None) -> tuple[str, dict[str, Any]]:
    """(what it is, description) of a kind, topology or model by name, or of a topology's file.

    Raises:
        BadInput: nothing is called so; or the faults of the topology.
    """
    if name in registry.components.kinds():
        return "component", kind(registry.components.find(name))
    if name in registry.time_models.kinds():
        return "time model", kind(registry.time_models.find(name))
    if name in registry.link_models.kinds():
        return "link model", link_model(registry.link_models.find(name))
    if name in registry.policies.kinds():
        return "policy", kind(registry.policies.find(name))
    if name in registry.serving_policies.kinds():
        return "serving policy", kind(registry.serving_policies.find(name))
    if name in models():
        return "model", model(name)
    if name in shipped("presets") or name in strategies():
        return "file", plain_file(name)
    if is_code(name):
        return users_class(name, allow_code)
    if name.endswith((".yaml", ".yml")) and name not in shipped():
        path = topology_files.find(name)
        if filetypes.recognise(yamlfile.load(path)).what != "topology":
            return "file", plain_file(name, path)
    if name in shipped() or name.endswith((".yaml", ".yml")):
        return "topology", system(topology.load(name, allow_code=allow_code, preset=preset))
    known = [*(k for family in registry.FAMILIES for k in family.kinds()), *shipped(), *models()]
    raise BadInput(
        Fault(
            f"nothing is called {name!r}",
            allowed=(
                "a kind, topology, model, preset, strategy, YAML file "
                "or ./file.py:Class; `chipweave info` lists what ships"
            ),
            nearest=nearest(name, known),
        )
    )


def users_class(name: str, allow_code: bool) -> tuple[str, dict[str, Any]]:
    """(what it is, description) of a component or policy in a file (./mine.py:Mine) or a module (lab.hbm:Mine)."""
    gate = Gate(allow_code)
    cls = gate.load(name, Path("."), Declared)
    gate.raise_if_refused()
    return "policy" if issubclass(cls, Policy) else "component", {**kind(cls), "class": name}


def plain_file(name: str, path: Path | None = None) -> dict[str, Any]:
    """A preset, strategy, model or run file, key by key, with the sources it states.

    Sources are the mappings that have a `value`; their path is that of the key,
    "die.hbm.bandwidth".
    """
    from chipweave.policy import strategy

    path = path or shipped("presets").get(name) or strategy.shipped()[name]
    root = yamlfile.load(path)
    origins = []

    def walk(node: Node, at: str) -> None:
        if node.is_map and "value" in node.value:
            text, sort = (node.get(k) or Node("", text="") for k in ("source", "kind"))
            origins.append(
                {
                    "path": at,
                    "value": node.value["value"].plain(),
                    "source": text.text,
                    "kind": sort.text,
                    "place": str(node.place),
                }
            )
        elif node.is_map:
            for key, inner in node.value.items():
                walk(inner, f"{at}.{key}" if at else key)

    walk(root, "")
    return {"name": name, "values": root.plain(), "sources": origins}


def kind(cls: type[Any]) -> dict[str, Any]:
    """What a component or policy class declares; ports, slots and engine only where the class has such."""
    facts = {
        "kind": cls.kind,
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "about": cls.about(),
        "parameters": [parameter(n, p) for n, p in cls.params.items()],
        "statistics": [{"name": n, "unit": s.unit, "about": s.doc} for n, s in statistics(cls).items()],
    }
    if hasattr(cls, "ports"):
        facts["engine"] = cls.engine
        facts["ports"] = [
            {
                "name": n,
                ("provides" if p.provides else "uses"): p.protocol,
                "many": p.many,
                "optional": p.optional,
                "about": p.doc,
            }
            for n, p in cls.ports.items()
        ]
        facts["slots"] = [
            {"name": n, "role": s.role, "optional": s.optional, "default": s.default, "about": s.doc}
            for n, s in cls.slots_declared.items()
        ]
    return facts


def statistics(cls: type[Declared]) -> dict[str, Any]:
    """Name -> what has `unit` and `doc`: statistics that a class declares, and those of its C behaviour."""
    behaviour = getattr(cls, "behaviour", "")
    return {**cls.statistics, **(load_table(behaviour).statistics if behaviour else {})}


def link_model(cls: type[Any]) -> dict[str, Any]:
    """A link model: its words, and whether links are held."""
    return {"kind": cls.kind, "class": f"{cls.__module__}.{cls.__qualname__}", "about": cls.about(), "held": cls.held}


def parameter(name: str, param: Param) -> dict[str, Any]:
    """One declared parameter, as `info --json` prints it; a required one has no default."""
    default = "required" if param.required else param.default
    return {
        "name": name,
        "type": param.type,
        "default": default,
        "allowed": param.allowed(),
        "many": param.many,
        "about": param.doc,
    }


def system(built: System) -> dict[str, Any]:
    """Parts, networks, wires and sources of a System."""
    kinds: dict[str, int] = {}
    for part in built.parts.values():
        kinds[part.kind] = kinds.get(part.kind, 0) + 1
    return {
        "name": built.name,
        "about": built.about,
        "preset": built.preset,
        "parts": kinds,
        "grids": {n: list(d) for n, d in built.grids.items() if d},
        "networks": [network(n) for n in built.networks.values()],
        "wires": len(built.wires()),
        "sources": [source(*s) for s in built.sources] + of_defaults(built),
    }


def of_defaults(built: System) -> list[dict[str, Any]]:
    """Figures of devices that no file writes, as `source` has those that files write."""
    return [
        {"path": path, "value": text, "kind": None, "source": f"default of its kind: {device}'s", "place": ""}
        for device, path, text in defaults(built)
    ]


def network(net: Network) -> dict[str, Any]:
    """One network: shape, routing, link model, and the different latencies and bandwidths of its links.

    diameter counts links on the longest of the shortest ways between routers.
    """
    return {
        "name": net.name,
        "shape": net.shape,
        "dims": list(net.dims),
        "endpoints": len(net.endpoints),
        "links": len(net.pair_numbers()),
        "diameter": net.diameter,
        "routing": net.routing,
        "spread": net.spread,
        "ways": net.ways,
        "link_model": net.link_model,
        "duplex": net.duplex,
        "admission": net.admission,
        "wait_queue": net.wait_queue,
        "latency": sorted({units.format(ps, "time") for ps in set(net.latency_ps.tolist())}),
        "bandwidth": sorted({units.format(net.rates[i], "bandwidth") for i in set(net.rate.tolist())}),
    }


def source(path: str, node: Node, origin: Source | None) -> dict[str, Any]:
    """One written number and where it is from; `source` and `kind` are None where nothing is said."""
    value = node.value["value"] if node.is_map and "value" in node.value else node
    text = value.text if value.is_scalar else value.plain()
    return {
        "path": path,
        "value": text,
        "source": origin and origin.text,
        "kind": origin and origin.kind,
        "place": str(node.place),
    }


def model(name: str) -> dict[str, Any]:
    """A shipped model, key by key, with sources."""
    from chipweave.trace.models import FOLDER

    root = yamlfile.load(FOLDER / f"{name}.yaml")
    keys, origins = {}, []
    for key, node in root.value.items():
        valued = node.is_map and "value" in node.value
        keys[key] = (node.value["value"] if valued else node).plain()
        if valued:
            text, sort = (node.get(k) or Node("", text="") for k in ("source", "kind"))
            origins.append(
                {"path": key, "value": keys[key], "source": text.text, "kind": sort.text, "place": str(node.place)}
            )
    return {"name": name, "values": keys, "sources": origins}
