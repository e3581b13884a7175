"""What a topology says without effect, for `chipweave check`: it is allowed, and hardly what its author meant.

    an override that changes nothing       its values are there already, or later ones replace it
    an unused part                         it has ports, and no link or network ends at any of them
    an assembly that no part is made of
    a figure that no run reads              its declaration says so

What single links and networks say without effect is noted where they are made (`Faults.warn`). Nothing of this is
looked for unless somebody asks: a run that is repeated does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from chipweave.declare.yamlfile import Node
from chipweave.errors import Fault, Faults, Place
from chipweave.topology.links import Wirer
from chipweave.topology.parts import Expander


def found(root: Node, expander: Expander, wirer: Wirer) -> list[Fault]:
    """Warnings of a topology that has been built, each with its place."""
    return [*overrides(expander), *parts(expander, wirer), *assemblies(root, expander), *unread(expander)]


def overrides(expander: Expander) -> Iterator[Fault]:
    """Overrides that change no part."""
    trial = Expander(expander.assemblies, expander.gate, expander.folder, expander.preset, Faults())
    for name, node, combinations in expander.replications.values():
        written = node.get("override")
        if written is None or not written.is_map:
            continue
        idle = dict(written.value)
        for changes in combinations:
            for key in [key for key, _ in changes if key in idle]:
                without = [(k, change) for k, change in changes if k != key]
                if figures(trial, name, node, changes) != figures(trial, name, node, without):
                    del idle[key]
        why = "what it says is there already, or said again by a later one"
        for key in idle:
            yield Fault(f"{name}: override {key} changes nothing: {why}", written.keys.get(key, written.place))


def figures(trial: Expander, name: str, node: Node, changes: Iterable[tuple[str, Node]]) -> dict[str, Any]:
    """Part -> (class, values) of one instance of a declaration with these changes."""
    changes = list(changes)
    one, trial.instances, trial.count = trial.with_overrides(node, changes), {}, 0
    if "assembly" in node.value:
        trial.assemble("one", one, node.place, "")
    else:
        trial.place("one", name, one, node.place, (), " ".join(key for key, _ in changes), "")
    return {full: (type(i.part), i.part.values) for full, i in trial.instances.items()}


def parts(expander: Expander, wirer: Wirer) -> Iterator[Fault]:
    """Parts with ports at which nothing ends; equal ones at one place in the file are named once."""
    held = {id(part) for i in expander.instances.values() for part in i.part.slots.values()}
    joined = {part for (part, _), ends in wirer.ends.items() if ends}
    idle: dict[tuple[str, Place], list[str]] = {}
    for name, instance in expander.instances.items():
        if instance.part.ports and name not in joined and id(instance.part) not in held:
            idle.setdefault((instance.path, instance.node.place), []).append(name)
    for (_, place), names in idle.items():
        more = f" (and {len(names) - 1} more like it)" if len(names) > 1 else ""
        ports = ", ".join(expander.instances[names[0]].part.ports)
        yield Fault(f"{names[0]}{more} is unused: no link or network ends at it", place, f"a link to {ports}")


def assemblies(root: Node, expander: Expander) -> Iterator[Fault]:
    """Assemblies of the file itself that no part is made of; a base that is laid under may have more than is used."""
    own = root.value["name"].place.file
    for name, node in expander.assemblies.items():
        place = (root.get("assemblies") or Node({})).keys.get(name, node.place)
        if name not in expander.used and place.file == own:
            yield Fault(f"no part is made of assembly {name!r}", place, f"parts: {{...: {{assembly: {name}}}}}")


def unread(expander: Expander) -> list[Fault]:
    """Values written of parameters that no run reads; once where many instances have them."""
    said = {
        Fault(f"{part.kind}: {name} is not read by a run: {part.params[name].outside}", place)
        for part in (instance.part for instance in expander.instances.values())
        for name, place in part.written.items()
        if name in part.params and part.params[name].outside
    }
    return sorted(said, key=str)
