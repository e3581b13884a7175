"""Dies, and groups of equal parts.

A *die* is what hangs together without a network: staged parts joined by wires or slots. Dies are numbered by the
system alone: assemblies that compute before those that do not, then by name, and within a grid column by column.

Parts at one place of dies of one assembly that are equal share a program and form a *group*: of one class, with equal
parameters (but for those declared `each`, which chains read instance by instance) and equal parts in their slots.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chipweave.component.component import Component
from chipweave.component.staged import Staged

INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Die:
    """One die: its number, its name ("die[0][3]"), and the name without indices ("die")."""

    number: int
    name: str
    base: str


def bare(name: str) -> str:
    """A name without its indices: "die[0][3].llc" -> "die.llc"."""
    return INDEX.sub("", name)


def grid_order(name: str) -> tuple[tuple[int, ...], ...]:
    """Sorts names of one assembly: outer assemblies first, within a grid [y][x] column by column."""
    return tuple(map(_indices, name.split(".")))


@lru_cache(maxsize=1 << 14)
def _indices(segment: str) -> tuple[int, ...]:
    return tuple(reversed([int(n) for n in INDEX.findall(segment)]))


def joined_parts(part: Component) -> list[Component]:
    """The parts at the other ends of a part's wires and in its slots; networks are left out."""
    peers = [peer for ends in part.links.values() for peer, _ in ends if isinstance(peer, Component)]
    return peers + [inner for inner in part.slots.values() if inner is not None]


def islands(parts: Iterable[Component]) -> list[list[Staged]]:
    """Lists of the staged parts that hang together, each list in the order of `parts`."""
    staged = [part for part in parts if isinstance(part, Staged)]
    number = {part: n for n, part in enumerate(staged)}
    first = list(range(len(staged)))  # of each part, one before it on its island or itself

    def root(n: int) -> int:
        while first[n] != n:
            first[n] = n = first[first[n]]
        return n

    for n, part in enumerate(staged):
        for peer in joined_parts(part):
            if peer in number:
                a, b = root(n), root(number[peer])
                first[max(a, b)] = min(a, b)
    found: dict[int, list[Staged]] = {}
    for n, part in enumerate(staged):
        found.setdefault(root(n), []).append(part)
    return list(found.values())


def island_name(parts: Sequence[Component]) -> str:
    """What the names of a die's parts have in common: "die[0][3]"; of a part alone its assembly's, or its own."""
    if len(parts) == 1:
        return parts[0].assembly or parts[0].name
    words = [part.name.split(".") for part in parts]
    same = 0
    while all(len(w) > same + 1 and w[same] == words[0][same] for w in words):
        same += 1
    return ".".join(words[0][:same]) or parts[0].name


def die_names(groups: Iterable[Component]) -> dict[int, str]:
    """Number -> name of every die, of the groups' first parts (`gather`): of alike and unlike dies."""
    staged: defaultdict[int, list[Component]] = defaultdict(list)
    for part in (part for first in groups if isinstance(first, Staged) for part in first.members):
        staged[part.die].append(part)
    return {number: island_name(parts) for number, parts in staged.items()}


def starts_chains(part: Staged) -> bool:
    """Whether work begins at this part."""
    return type(part).publish is not Staged.publish


def dies_of(parts: Iterable[Component]) -> dict[Component, Die]:
    """part -> Die of every staged part."""
    groups, names = {}, set()
    for members in islands(parts):
        name = island_name(members)
        if name in names:
            name = members[0].name
        names.add(name)
        groups[name] = members
    base = {name: bare(name) for name in groups}
    idle = dict.fromkeys(base.values(), True)
    for name, members in groups.items():
        idle[base[name]] &= not any(starts_chains(part) for part in members)
    order = sorted(groups, key=lambda name: (idle[base[name]], base[name], grid_order(name)))
    dies = [Die(number, name, base[name]) for number, name in enumerate(order)]
    return {part: die for die in dies for part in groups[die.name]}


def die_of_other(part: Component, by_name: dict[str, Die], dies: dict[Component, Die]) -> Die | None:
    """The die that a part of control belongs to: that of its assembly, if wires within it lead to a part that works by
    stages (a global command processor on an I/O die has none), else the only one it is wired to, else none."""
    words = part.name.split(".")
    for length in range(len(words) - 1, 0, -1):
        die = by_name.get(".".join(words[:length]))
        if die is not None:
            return die if serves(part, die, dies) else None
    wired = {dies[peer] for peer in joined_parts(part) if peer in dies}
    return wired.pop() if len(wired) == 1 else None


def serves(part: Component, die: Die, dies: dict[Component, Die]) -> bool:
    """Whether wires between parts of control of one assembly lead from a part to a staged part of the die."""
    found, left = {part}, [part]
    while left:
        for peer in joined_parts(left.pop()):
            if dies.get(peer) is die:
                return True
            if peer not in found and peer not in dies and peer.name.startswith(die.name + "."):
                found.add(peer)
                left.append(peer)
    return False


class Likenesses:
    """What parts of one group have in common: equal parts have equal likenesses.

    Args:
        owners: part in a slot -> the part it is in.
    """

    def __init__(self, owners: dict[Component, Component]) -> None:
        self.owners = owners
        self.numbers: dict[tuple[Any, ...], int] = {}  # likeness -> its number
        self.of_part: dict[Component, int] = {}
        self.texts: dict[int, tuple[str, ...]] = {}  # of the values of parts that were read of the same lines

    def of(self, part: Component) -> int:
        """The number of a part's likeness; of a part in a slot, that of the part it is in: the parts in the slots of a
        group are a group."""
        while part in self.owners:
            part = self.owners[part]
        if part not in self.of_part:
            self.of_part[part] = self.own(part)
        return self.of_part[part]

    def own(self, part: Component) -> int:
        """The number of: class, values that are the same for all dies, and likenesses of the parts in slots."""
        values = self.texts.get(id(part.values))
        if values is None:
            values = tuple(repr(part.values[name]) for name, param in part.params.items() if not param.each)
            self.texts[id(part.values)] = values
        slots = tuple(None if inner is None else self.own(inner) for inner in part.slots.values())
        return self.numbers.setdefault((type(part), values, slots), len(self.numbers))


def gather(parts: Iterable[Any]) -> list[Any]:
    """Give every part its `group`, `members`, `replicas`, `die` and `dies`; returns the first part of each group.

    die       the number of the part's die; None for a part on none (a global command processor)
    dies      how many dies the system has
    members   the parts of its group, by die
    replicas  the same with an entry for each die of the system, the group's first part standing in where it has none
    """
    parts = list(parts)
    dies = dies_of(parts)
    by_name = {die.name: die for die in dies.values()}
    owners = {inner: part for part in parts for inner in part.slots.values() if inner is not None}
    likenesses = Likenesses(owners)
    groups: dict[Any, list[Any]] = {}
    places: defaultdict[str, dict[Any, list[Any]]] = defaultdict(dict)
    for part in parts:
        die = dies.get(part) or die_of_other(part, by_name, dies)
        part.die, part.dies = die.number if die else None, len(by_name)
        place = part.name[len(die.name) :] if die and part.name.startswith(die.name) else part.name
        place = (die.base + place) if die else bare(part.name)
        key = (place, likenesses.of(part))
        groups.setdefault(key, []).append(part)
    for key, members in groups.items():
        places[key[0]][key] = members
    names = {key: name for place, alike in places.items() for key, name in group_names(place, alike).items()}
    for key, members in groups.items():
        members.sort(key=_in_order)
        replicas = members
        if members[0].die is not None:
            replicas = [members[0]] * len(by_name)
            for part in members:
                replicas[part.die] = part
        for part in members:
            part.members, part.replicas, part.group = members, replicas, names[key]
            part.counters, part.networks, part.others = {}, {}, {}
    return [members[0] for members in groups.values()]


def _in_order(part: Any) -> tuple[Any, ...]:
    return -1 if part.die is None else part.die, grid_order(part.name)


def group_names(place: str, alike: dict[Any, list[Any]]) -> dict[Any, str]:
    """A name for each group at one place: "die.llc", or with kind or number where there are several."""
    if len(alike) == 1:
        return {key: place for key in alike}
    kinds = [members[0].kind for members in alike.values()]
    if len(set(kinds)) == len(kinds):
        return {key: f"{place} ({kind})" for key, kind in zip(alike, kinds, strict=False)}
    return {key: f"{place} ({number})" for number, key in enumerate(alike, 1)}
