"""Presets of behaviour: a YAML file of parameter values by kind, laid over a topology.

    schema: chipweave.preset/1
    name: artifact
    kinds:                                  # components and policies, by kind
      memory.hbm: {round_to: {value: 1 ns, source: ..., kind: assumed}}
    networks:                               # by network name, where there is one of that name; "*": every network
      d2d: {admission: early_booking}
    run: {...}                              # what the run reads; the topology does not look at it

A preset wins over the topology's own values; `--set` wins over the preset. A value with `instead_of: 989 TFLOPS` is
laid only where the topology says that: what a preset knows of one die must not reach another. A network's setting with
`yields: true` is laid only where the topology says nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipweave.declare import registry, yamlfile
from chipweave.declare.provenance import split
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Faults, Place, nearest
from chipweave.io.shipped import find
from chipweave.topology.network_settings import SETTINGS
from chipweave.topology.tree import merge

if TYPE_CHECKING:
    from chipweave.topology.system import System

KEYS = ("schema", "name", "about", "device", "kinds", "networks", "run")
HABITS = ("prefill_step_counts", "unnamed_layers_vanish", "last_request_says_prefill")  # of the run; on or off
RUN = (*HABITS, "replacement")
SCHEMA = "chipweave.preset/1"
EVERY = "*"


class Preset:
    """One preset, read and checked.

    Attributes:
        name: "artifact".
        kinds: kind -> mapping Node of parameters.
        networks: network name, or "*" -> mapping Node of settings; see `of_network`.
        run: mapping Node for the run, possibly empty.
    """

    def __init__(self, root: Node) -> None:
        self.root, name = root, root.get("name")
        self.name = name.text if name else ""
        self.kinds: dict[str, Node] = (root.get("kinds") or Node({})).value
        self.networks: dict[str, Node] = (root.get("networks") or Node({})).value
        self.run = root.get("run") or Node({})

    def of(self, cls: type[Any]) -> dict[str, Node]:
        """name -> Node of the parameters the preset gives a component or policy class, its bases' kinds first."""
        given: dict[str, Node] = {}
        for kind in reversed([kind for b in cls.__mro__ if (kind := getattr(b, "kind", ""))]):
            given.update(self.kinds[kind].value if kind in self.kinds else {})
        return given

    def of_network(self, name: str, region: bool = False) -> Node | None:
        """The settings it gives a network: those of every network ("*"), and over them those of this one.

        region: it is a region of another, which has settings of its own.
        """
        every, own = None if region else self.networks.get(EVERY), self.networks.get(name)
        return merge(every, own) if every is not None and own is not None else own or every

    def meets(self, system: System) -> bool:
        """Whether it says anything of a kind or a network of a system."""
        kinds = {role for part in system.parts.values() for role in part.roles()}
        networks = system.resolved["topology"].get("networks") or {}
        return bool(self.kinds.keys() & kinds or any(self.of_network(name) for name in networks))


def load(name: str | Path) -> Preset:
    """The Preset of a shipped name or a path.

    Raises:
        BadInput: every fault of the file.
    """
    root = yamlfile.load(find(name, "presets"))
    faults = Faults()
    check(root, faults)
    faults.raise_if_any()
    return Preset(root)


def check(root: Node, faults: Faults) -> None:
    """Kinds, parameters and values of a preset's tree; returns nothing, adds faults."""
    if not root.is_map:
        faults.add(f"a preset is a mapping, not {root.shape()}", root.place)
        return
    schema = root.get("schema")
    if schema is not None and schema.text != SCHEMA:
        faults.add(f"schema {schema.text!r} is not a preset's", schema.place, SCHEMA, nearest(schema.text, [SCHEMA]))
    for key, node in root.value.items():
        if key not in KEYS:
            faults.add(f"a preset has no {key!r}", root.keys[key], ", ".join(KEYS), nearest(key, KEYS))
        elif key in ("kinds", "networks", "run") and not node.is_map:
            faults.add(f"{key} must be a mapping, not {node.shape()}", node.place)
        elif key == "kinds":
            for kind, params in node.value.items():
                _check_kind(kind, params, node.keys[kind], faults)
        elif key == "networks":
            for name, settings in node.value.items():
                _check_names(f"network {name}", settings, (*SETTINGS, "router"), faults)
        elif key == "run":
            _check_names("the run", node, RUN, faults)


def _check_names(what: str, node: Node, known: tuple[str, ...], faults: Faults) -> None:
    """Settings that there are not, with the nearest."""
    if not node.is_map:
        faults.add(f"{what}: settings are a mapping, not {node.shape()}", node.place)
        return
    for name in node.value:
        if name not in known:
            faults.add(f"{what} has no setting {name!r}", node.keys[name], ", ".join(known), nearest(name, known))


def _check_kind(kind: str, node: Node, place: Place, faults: Faults) -> None:
    """Parameters of a kind that there are not; an unknown kind, with the nearest of all kinds."""
    family = registry.policies if kind in registry.policies.kinds() else registry.components
    try:
        cls = family.find(kind)
    except BadInput as error:
        known = [*registry.components.kinds(), *registry.policies.kinds()]
        faults.add(
            error.faults[0].what.replace("component kind", "kind"), place, ", ".join(known), nearest(kind, known)
        )
        return
    if not node.is_map:
        faults.add(f"{kind}: parameters are a mapping, not {node.shape()}", node.place)
        return
    for name, value in node.value.items():
        if name not in cls.params:
            faults.add(
                f"{kind} has no parameter {name!r}", node.keys[name], ", ".join(cls.params), nearest(name, cls.params)
            )
            continue
        instead = value.get("instead_of")
        bare = (
            Node({k: v for k, v in value.value.items() if k != "instead_of"}, value.place, keys=value.keys)
            if instead
            else value
        )
        try:
            cls.params[name].read(split(bare, faults)[0])
            if instead:
                cls.params[name].read(instead)
        except BadInput as error:
            faults.found += error.faults
