"""What an `override` writes: its values, and the parts of an assembly that it may name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, nearest
from chipweave.topology.tree import merge

ONE = re.compile(r"([A-Za-z_]\w*)((?:\[[^\[\]]*\])+)")  # of a part that is there many times: "hbm[1]"


def values_of(change: Node) -> Iterator[Node]:
    """All Nodes within an override: none of them may be passed over without a word."""
    for inner in change.value.values() if change.is_map else ():
        yield inner
        yield from values_of(inner)


def of_one_of_many(change: Node, there: Node) -> Node:
    """An override with `hbm[1]: {...}` written as `hbm: {override: {"[1]": {...}}}`."""
    laid = Node(dict(change.value), change.place, keys=dict(change.keys), weak=change.weak)
    for name, inner in change.value.items():
        found = ONE.fullmatch(name)
        if found is None or found[1] not in there.value:
            continue
        place = change.keys.get(name, inner.place)
        one = Node({found[2]: laid.value.pop(name)}, place, keys={found[2]: place})
        part = Node({found[1]: Node({"override": one}, place, keys={"override": place})}, place, keys={found[1]: place})
        laid = merge(laid, part)
    return laid


def of_parts_there(change: Node, node: Node, made: Node, faults: Faults) -> Node:
    """An override without the parts that the assembly has not and the override does not make (by a kind), which are
    reported.

    Args:
        node: the entry of `parts`; made: the same with the assembly's parts and the overrides before this one.
    """
    there = made.get("parts")
    if not change.is_map or there is None or not there.is_map:
        return change
    change, kept = of_one_of_many(change, there), {}
    for name, inner in change.value.items():
        if name in there.value or not inner.is_map or {"kind", "assembly"} & set(inner.value):
            kept[name] = inner
        else:
            faults.add(
                f"assembly {node.value['assembly'].text} has no part {name!r}",
                change.keys.get(name, inner.place),
                ", ".join(there.value) + ", or a new one with its kind",
                nearest(name, there.value),
            )
    return Node(kept, change.place, keys=change.keys, weak=change.weak)
