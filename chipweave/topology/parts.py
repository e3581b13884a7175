"""Parts from YAML: kinds found, parameters checked, assemblies replicated over grids, overrides laid over instances.

parts:
    die: {assembly: die, grid: [5, 5], absent: ["[2][2]"], override: {"[0][1..3]": {hbm: {bandwidth:
      1 TB/s}}}}
    cp:  {kind: cp.global}

A Node is read, checked and reported once, however many instances it has: 10,000 dies that are alike
cost one reading, and a wrong value in them is one fault. Only what an override changes gets a Node,
and so a reading, of its own.
"""

from __future__ import annotations

import re
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any

from chipweave.component.component import RESERVED, Component, Param
from chipweave.declare import registry
from chipweave.declare.params import named, read_all
from chipweave.declare.provenance import Source, numbers
from chipweave.declare.user_code import Gate, is_code
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Faults, Place, nearest
from chipweave.topology.instances import Copies, Instance
from chipweave.topology.overridden import of_parts_there, values_of
from chipweave.topology.patterns import Patterns, bare, nothing_there, read_pattern, read_patterns
from chipweave.topology.spots import spots_of
from chipweave.topology.tree import SET_FILE, merge, overlay, replaced

MAX_PARTS = 100_000
PLACING = ("grid", "count", "absent", "override", "at")
COUNTED = named({"grid": Param("count", default=None, low=1, many=True), "count": Param("count", default=None, low=1)})
# (dims, patterns that are absent, [(key, Node, pattern)] of overrides); dims None after a fault
Placing = tuple["tuple[int, ...] | None", "list[list[range]]", "list[tuple[str, Node, list[range]]]"]
# class, values, sources, places of the values
Declaration = tuple["type[Component]", "dict[str, Any]", "dict[str, Source]", "dict[str, Place]"]


class Expander:
    """Turns the `parts` and `assemblies` of a tree into Components.

    Args:
        assemblies: name -> Node; gate: chipweave.declare.user_code.Gate.
        folder: what code files are relative to.
        preset: kind -> Node of parameters laid over parts of that kind.
        faults: gets all that is wrong; each thing once, however often it is replicated.
    """

    def __init__(
        self,
        assemblies: dict[str, Node],
        gate: Gate,
        folder: Path,
        preset: dict[str, Node],
        faults: Faults,
    ) -> None:
        """Nothing is expanded yet. What is keyed by the id of a Node (`read`, `merged`, ...) holds the Node as well."""
        self.assemblies, self.gate, self.folder = assemblies, gate, folder
        self.preset, self.faults = preset, faults
        self.instances: dict[str, Instance] = {}
        self.grids: dict[str, tuple[int, ...]] = {}
        self.links: list[tuple[str, Node, str, int | None]] = []  # (prefix, Node, path, what equal instances share)
        self.sources: list[tuple[str, Node, Source | None]] = []
        self.replaced: list[str] = []  # what the preset replaces of what the files say, in words
        # (part, key) -> Place of `grid` and `absent`, for faults that show later
        self.written: dict[tuple[str, str], Place] = {}
        self.read: dict[Any, Any] = {}
        self.merged: dict[Any, tuple[Node, Node]] = {}
        self.placed: dict[int, tuple[Node, Placing]] = {}
        self.expanded: dict[int, Copies] = {}
        self.count = 0
        self.open: list[str] = []
        self.overriding: dict[int, Node] = {}  # values that overrides write, by identity
        self.at: dict[str, tuple[float, float]] = {}  # instance, or bare router -> where it stands in a picture
        self.used: set[str] = set()  # assemblies that parts are made of
        # declaration -> (part's name, its Node, [changes that fall on an instance together]), each combination once
        self.replications: dict[int, tuple[str, Node, list[list[tuple[str, Node]]]]] = {}

    def expand(
        self,
        parts: Node,
        prefix: str = "",
        path: str = "parts",
        assembly: str = "",
        own: Node | None = None,
        changed: str = "",
    ) -> None:
        """Make every part of a mapping Node; names get `prefix`, parts belong to instance `assembly`.

        own, changed: the assembly's parts as written, and the path of those that an override has changed. Faults of a
        changed part are reported at the override, those of all others at the assembly.
        """
        for name, node in parts.value.items():
            place = parts.keys.get(name, node.place)
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                self.faults.add(f"{name!r} is not a part's name", place, "letters, digits and _, a letter first")
            elif not node.is_map:
                self.faults.add(
                    f"part {name!r} must be a mapping with kind or assembly, not {node.shape()}", node.place
                )
            else:
                as_written = not changed or own is None or own.get(name) is node
                self.replicate(name, node, place, prefix, path if as_written else changed, assembly)

    def replicate(self, name: str, node: Node, place: Place, prefix: str, path: str, assembly: str) -> None:
        """One entry of `parts`: once, `count` times or over a grid.

        In row-major order, without those that are absent, so that names keep their indices. Overrides apply in the
        order written, a later one over an earlier; one whose places are all absent is a fault.
        """
        if id(node) not in self.placed:
            self.placed[id(node)] = (node, self.placing(name, node))
        dims, absent, overrides = self.placed[id(node)][1]
        if dims is None or not self.room(name, node, dims):
            return
        self.grids.setdefault(bare(prefix) + name, dims)
        for key in ("grid", "absent"):
            if (said := node.get(key)) is not None:
                self.written.setdefault((bare(prefix) + name, key), said.place)
        holes, changed = Patterns(absent), Patterns([pattern for _, _, pattern in overrides])
        idle = set(range(len(overrides)))
        if "at" in node.value:
            here = [index for index in product(*map(range, dims)) if not holes.of(index)]
            self.at |= spots_of(name, node.value["at"], here, prefix, self.faults)
        together: dict[tuple[str, ...], list[tuple[str, Node]]] = {}
        for index in product(*map(range, dims)):
            if self.count > MAX_PARTS:
                return
            if holes.of(index):
                continue
            idle -= set(numbers := changed.of(index))
            changes = [overrides[number][:2] for number in numbers]
            together.setdefault(tuple(k for k, _ in changes), changes)
            one = self.with_overrides(node, changes)
            full = prefix + name + "".join(f"[{i}]" for i in index)
            where = f"{path}.{name}" + " and ".join(k for k, _ in changes)
            if "assembly" in node.value:
                self.assemble(full, one, place, where if changes else "")
            else:
                self.place(full, name, one, place, index, where, assembly)
        self.faults.found += [nothing_there(name, *overrides[number][:2]) for number in sorted(idle)]
        self.replications.setdefault(id(node), (name, node, list(together.values())))

    def placing(self, name: str, node: Node) -> Placing:
        """(dims, patterns that are absent, [(key, Node, pattern)] of overrides); dims None after a fault."""
        before = len(self.faults.found)
        counted = {k: node.value[k] for k in COUNTED if k in node.value}
        values, _ = read_all(COUNTED, Node(counted, node.place, keys=node.keys), self.faults, name)
        if len(counted) == 2:
            self.faults.add(f"{name}: grid and count exclude each other", node.keys["count"])
        if len(self.faults.found) > before:
            return None, [], []
        dims: tuple[int, ...] = values["grid"] or ((values["count"],) if values["count"] else ())
        absent = read_patterns(name, node.get("absent"), dims, self.faults)
        override = node.get("override")
        if override is not None and not override.is_map:
            self.faults.add(
                f"{name}: override must be a mapping of places to changes, not {override.shape()}", override.place
            )
            override = None
        overrides = []
        written = override or Node({})
        for key, value in written.value.items():
            at = read_pattern(name, key, dims, written.keys[key], self.faults)
            if not value.is_map:
                self.faults.add(
                    f"{name}: override {key} must be a mapping of what changes, not {value.shape()}", value.place
                )
            elif at:
                overrides.append((key, value, at))
        return dims, [a for a in absent if a], overrides

    def room(self, name: str, node: Node, dims: tuple[int, ...]) -> bool:
        """Count the places of a part's grid; False, and once a fault, where there are too many of all parts."""
        before, self.count = self.count, self.count + prod(dims)
        if before <= MAX_PARTS < self.count:
            counted = (node.value[key].place for key in COUNTED if key in node.value)
            self.faults.add(f"{name}: more than {MAX_PARTS} parts", next(counted, node.place))
        return self.count <= MAX_PARTS

    def with_overrides(self, node: Node, changes: list[tuple[str, Node]]) -> Node:
        """The part's Node with changes laid over it; the same Node for the same changes, so it is read once.

        For an assembly the changes are laid over its parts: {hbm: {bandwidth: ...}} means the part
        hbm of it.
        """
        key = (id(node), *(k for k, _ in changes))
        if key not in self.merged:
            made = Node(
                {k: v for k, v in node.value.items() if k not in PLACING}, node.place, keys=node.keys, weak=node.weak
            )
            assembly = self.assemblies.get(node.value["assembly"].text) if "assembly" in node.value else None
            if assembly is not None and assembly.get("parts") is not None:
                made.value["parts"] = assembly.value["parts"]
            for _, change in changes:
                self.overriding |= {id(inner): inner for inner in values_of(change)}
                change = of_parts_there(change, node, made, self.faults) if assembly is not None else change
                upper = Node({"parts": change}, change.place) if "assembly" in node.value else change
                made = merge(made, upper)
            self.merged[key] = (node, made)
        return self.merged[key][1]

    def assemble(self, full: str, node: Node, place: Place, changed: str) -> None:
        """One instance of an assembly: its parts and its inner links; `changed`: path of what an override changes.

        `open` holds the assemblies this one lies in: one that holds itself is a fault.
        """
        name = node.value["assembly"].text
        assembly = self.assemblies.get(name)
        extra = [k for k in node.value if k not in ("assembly", "parts")]
        if extra and (id(node), "extra") not in self.read:
            self.read[id(node), "extra"] = True
            for key in extra:
                self.faults.add(
                    f"an assembly has no {key!r} of its own",
                    node.keys.get(key, place),
                    "assembly, " + ", ".join(PLACING),
                    nearest(key, PLACING),
                )
        if assembly is None or name in self.open:
            if (name, "missing") not in self.read:
                self.read[name, "missing"] = True
                if assembly:
                    self.faults.add(
                        f"assembly {name!r} holds itself, by way of {' > '.join(self.open)}",
                        node.value["assembly"].place,
                    )
                else:
                    self.faults.add(
                        f"unknown assembly {name!r}",
                        node.value["assembly"].place,
                        ", ".join(self.assemblies) or "none is there",
                        nearest(name, self.assemblies),
                    )
            return
        self.used.add(name)
        known = self.expanded.get(id(node))
        if known is None or self.count + known.count > MAX_PARTS:
            self.expand_first(full, node, name, assembly.get("parts") or Node({}), changed)
        else:
            self.count += known.count
            known.copy(full, self.instances)
        if assembly.get("links") is not None:
            alike = id(node) if id(node) in self.expanded else None
            self.links.append((f"{full}.", assembly.value["links"], f"assemblies.{name}.links", alike))

    def expand_first(self, full: str, node: Node, name: str, own: Node, changed: str) -> None:
        """The parts of an assembly's instance; kept for copies, where nothing was wrong or has a place in a picture."""
        before, count = len(self.instances), self.count
        kept = len(self.faults.found), len(self.gate.refused), len(self.at)
        self.open.append(name)
        self.expand(node.get("parts") or Node({}), f"{full}.", f"assemblies.{name}.parts", full, own, changed)
        self.open.pop()
        new = len(self.instances) - before  # the last of a long dictionary: a list of all would be work over all dies
        made = list(islice(reversed(self.instances.values()), new))[::-1]
        if (len(self.faults.found), len(self.gate.refused), len(self.at)) == kept:
            if all(each.part.assembly == full for each in made):
                self.expanded[id(node)] = Copies(node, made, len(full) + 1, self.count - count)

    def place(
        self, full: str, name: str, node: Node, place: Place, index: tuple[int, ...], path: str, assembly: str
    ) -> Component | None:
        """One part and what is in its slots; None after a fault."""
        found = self.declared(node, path, place)
        if found is None:
            return None
        cls, values, sources, written = found
        part = cls.built(full, values, sources)
        part.index, part.assembly, part.written = index, assembly, written
        self.instances[full] = Instance(part, node, path)
        self.slots(part, node, path)
        return part

    def declared(self, node: Node, path: str, place: Place) -> Declaration | None:
        """(class, values, sources, places) of a part's Node, read once; None after a fault.

        Laid over each other, the last wins: the kind's defaults, the file's values, the preset's
        for each role of the class from the general to the special. What a preset replaces without
        saying so is noted in `replaced`.
        """
        if id(node) in self.read:
            known: Declaration | None = self.read[id(node)][1]
            return known
        self.read[id(node)] = (node, None)
        kind = node.get("kind")
        if kind is None or not kind.is_scalar:
            self.faults.add(f"{path.rpartition('.')[2]} needs its kind", place, "kind: ..., or assembly: ...")
            return None
        try:
            cls = (
                self.gate.load(kind.text, self.folder, Component, kind.place)
                if is_code(kind.text)
                else registry.components.find(kind.text)
            )
        except BadInput as error:
            for fault in error.faults:
                self.faults.add(fault.what, kind.place, fault.allowed, fault.nearest)
            return None
        if cls is None:
            return None
        params = Node(
            {k: v for k, v in node.value.items() if k not in RESERVED}, node.place, keys=node.keys, weak=node.weak
        )
        for key in [key for key in params.value if key in cls.slots_declared]:
            what = f"{cls.kind}: {key} is a slot and no parameter"
            self.faults.add(what, params.keys.get(key, place), f"slots: {{{key}: {{...}}}}")
            del params.value[key]
        before = len(self.faults.found)
        for role in reversed(cls.roles()):
            self.replaced += replaced(path, params, self.preset.get(role))
            params = overlay(params, self.preset.get(role), cls.params, self.faults)
        values, sources = cls.read_params(params, self.faults)
        self.unread(path, params, cls, values)
        self.sources += numbers(path, params, cls.params, sources)
        if len(self.faults.found) > before:
            return None
        written = {key: value.place for key, value in params.value.items()}
        self.read[id(node)] = (node, (cls, values, sources, written))
        return cls, values, sources, written

    def unread(self, path: str, params: Node, cls: type[Component], values: dict[str, Any]) -> None:
        """A fault for each `--set` and override of a parameter that is not read because another stands in its place."""
        for name, node in params.value.items():
            front = cls.params[name].behind if name in cls.params else ""
            asked = node.place.file.startswith(SET_FILE)
            if front and values.get(front) is not None and (asked or id(node) in self.overriding):
                cure = f"--set with {front}=null" if asked else f"{front}: null"
                self.faults.add(
                    f"{path}.{name} is not read: {front} {values[front]} stands in its place",
                    node.place,
                    f"{cure} beside it, which lays {front} aside",
                )

    def slots(self, part: Component, node: Node, path: str) -> None:
        """Fill the part's slots; what fits is decided by the classes' roles."""
        given = node.get("slots") or Node({})
        if not given.is_map:
            self.once(node, "slots", f"{part.kind}: slots must be a mapping, not {given.shape()}", given.place)
            return
        for slot in given.value:
            if slot not in part.slots_declared:
                self.once(
                    node,
                    slot,
                    f"{part.kind} has no slot {slot!r}",
                    given.keys[slot],
                    ", ".join(part.slots_declared) or "none",
                    nearest(slot, part.slots_declared),
                )
        for name, slot in part.slots_declared.items():
            inner = given.get(name)
            if inner is None and slot.default:
                inner = self.merged.setdefault(
                    (part.kind, name), (node, Node({"kind": Node(slot.default, node.place, slot.default)}, node.place))
                )[1]
            if inner is None:
                if not slot.optional:
                    self.once(
                        node, name, f"{part.kind}: slot {name!r} is empty", node.place, f"a part that is {slot.role}"
                    )
                continue
            if not inner.is_map:
                self.once(
                    node, name, f"slot {name!r} must hold a mapping with a kind, not {inner.shape()}", inner.place
                )
                continue
            sub = self.place(
                f"{part.name}.{name}", name, inner, inner.place, part.index, f"{path}.slots.{name}", part.assembly
            )
            if sub is not None and slot.role not in sub.roles():
                self.once(
                    inner,
                    "role",
                    f"{sub.kind} does not fit slot {name!r} of {part.kind}",
                    inner.value["kind"].place,
                    slot.role,
                )
            part.slots[name] = sub

    def once(self, node: Node, what: str, *fault: Any) -> None:
        """Add a fault the first time this Node has it."""
        if (id(node), what) not in self.read:
            self.read[id(node), what] = node
            self.faults.add(*fault)
