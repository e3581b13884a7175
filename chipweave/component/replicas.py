"""Groups of replicas: the parts of one kind at one place of a replicated assembly."""

import re

from chipweave.component.staged import Staged
from chipweave.errors import BadInput, Fault

INDEX = re.compile(r"\[(\d+)\]")


def group_name(part):
    """Its name without indices: "die[0][3].llc" -> "die.llc"."""
    return INDEX.sub("", part.name)


def die_order(part):
    """Sorts parts by die id: column by column, y + x*Y in a Y x X grid, as the mesh numbers its endpoints."""
    return tuple(reversed([int(n) for n in INDEX.findall(part.name)]))


def gather(parts):
    """Give every part its `group`, `replicas` and `die`; returns the first part of each group.

    Raises:
        BadInput: stages are written once for all replicas, so a group of staged parts must be of one kind.
    """
    groups = {}
    for part in parts:
        groups.setdefault(group_name(part), []).append(part)
    faults = []
    for name, members in groups.items():
        kinds = sorted({p.kind for p in members})
        if len(kinds) > 1 and any(isinstance(p, Staged) for p in members):
            faults.append(Fault(f"{name}: all replicas must be of one kind, not {', '.join(kinds)}"))
        members.sort(key=die_order)
        for die, part in enumerate(members):
            part.replicas, part.group, part.die, part.counters, part.networks = members, name, die, {}, {}
    if faults:
        raise BadInput(faults)
    return [members[0] for members in groups.values()]
