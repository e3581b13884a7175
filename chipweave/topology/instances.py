"""Instances of parts, and the copies by which an assembly's further instances follow from its first.

A wafer has hundreds of equal dies: what stands in one is read once, and each of the others costs its own objects alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipweave.component.component import Component
from chipweave.declare.yamlfile import Node


@dataclass
class Instance:
    """One part as it was expanded.

    part: the component; node: its Node with overrides laid over it; path: where it is written,
    "assemblies.die.parts.hbm".
    """

    part: Component
    node: Node
    path: str


class Copies:
    """The parts of one instance of an assembly, from which every other instance of the same Node is made.

    Args:
        node: the instance's Node; kept, as copies are known by its id.
        made: its Instances, in order.
        cut: how much of their names is the assembly's instance, with the dot.
        count: places of parts in it.
    """

    def __init__(self, node: Node, made: list[Instance], cut: int, count: int) -> None:
        self.node, self.made, self.count = node, made, count
        self.names = [each.part.name[cut:] for each in made]
        number = {each.part: i for i, each in enumerate(made)}
        self.slots = [
            (number[each.part], slot, number[inner])
            for each in made
            for slot, inner in each.part.slots.items()
            if inner is not None
        ]

    def copy(self, full: str, instances: dict[str, Instance]) -> None:
        """Add the parts of the assembly's instance `full` to `instances`."""
        parts = []
        for name, each in zip(self.names, self.made, strict=True):
            first = each.part
            part = type(first).built(f"{full}.{name}", first.values, first.given_sources)
            part.index, part.assembly, part.written = first.index, full, first.written
            instances[part.name] = Instance(part, each.node, each.path)
            parts.append(part)
        for owner, slot, inner in self.slots:
            parts[owner].slots[slot] = parts[inner]
