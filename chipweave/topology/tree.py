"""Laying YAML over YAML: `extends`, overrides of single instances, presets, and `--set a.b=value`.

Mappings are merged key by key, the upper one winning; anything else is replaced as a whole. A value with its source
({value: ..., source: ..., kind: ...}) is one value. `key: null` takes a key away. Where the upper one names another
`kind`, parameters written for the old kind that the new one does not declare are passed over: that is what lets a
part be swapped by one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from chipweave.declare import yamlfile
from chipweave.declare.params import Param
from chipweave.declare.provenance import split
from chipweave.declare.user_code import FILE
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Faults, Place, nearest

TOP = (
    "schema",
    "name",
    "about",
    "device",
    "extends",
    "systems",
    "assemblies",
    "parts",
    "networks",
    "links",
    "expect",
    "sources",
)
SCHEMA = "chipweave.topology/1"
MAPPINGS = ("assemblies", "parts", "networks", "expect")
TEXTS = ("about", "device")
SEGMENT = re.compile(r"([A-Za-z_][\w-]*)((?:\[[^\]]*\])*)$")
SET_FILE = "--set"


def is_valued(node: Node) -> bool:
    """Whether a Node is a value with its source."""
    return node.is_map and "value" in node.value


def check_keys(root: Node, faults: Faults) -> None:
    """Keys that a topology has not, sections and texts of another shape, another schema: for a mapping Node."""
    for key, node in root.value.items():
        if key not in TOP:
            faults.add(f"a topology has no {key!r}", root.keys.get(key, node.place), ", ".join(TOP), nearest(key, TOP))
        elif key in MAPPINGS and not node.is_map:
            faults.add(f"{key} must be a mapping, not {node.shape()}", node.place)
        elif key in TEXTS and not node.is_scalar:
            faults.add(f"{key} must be a text, not {node.shape()}", node.place)
    check_schema(root, faults)


def check_schema(root: Node, faults: Faults) -> None:
    """A fault where a mapping Node says the schema of something else."""
    schema = root.get("schema")
    if schema is not None and schema.text != SCHEMA:
        faults.add(f"schema {schema.text!r} is not a topology's", schema.place, SCHEMA, nearest(schema.text, [SCHEMA]))


def merge(lower: Node | None, upper: Node) -> Node:
    """`upper` laid over `lower`, as a new Node; neither is changed."""
    if lower is None or not (lower.is_map and upper.is_map) or is_valued(lower) or is_valued(upper):
        return upper
    value, keys = dict(lower.value), dict(lower.keys)
    for key, node in upper.value.items():
        if node.value is None:
            value.pop(key, None)
        else:
            value[key] = merge(value.get(key), node)
        keys[key] = upper.keys.get(key, node.place)
    weak = lower.weak - set(upper.value)
    old, new = lower.get("kind"), upper.get("kind")
    if old is not None and new is not None and old.text != new.text:
        weak = weak | (set(lower.value) - set(upper.value))
    return Node(value, lower.place, keys=keys, weak=frozenset(weak))


def overlay(node: Node, upper: Node | None, params: Mapping[str, Param], faults: Faults) -> Node:
    """`upper` (a preset's mapping) laid over `node`, except where the user wrote `--set`.

    A value that says `instead_of` is laid only where that is what it would replace: a preset may correct one figure
    of one product without touching another product's. One with `yields: true` is laid only where the files say nothing.
    What is replaced is read all the same, for its faults.
    """
    if upper is None or not node.is_map:
        return node
    laid = {k: v for k, v in upper.value.items() if _replaces(v, node.get(k), params.get(k))}
    for key in laid.keys() & node.value.keys() & params.keys():
        if not node.value[key].place.file.startswith(SET_FILE):
            _read(params[key], node.value[key], faults)
    laid = {k: _bare(v) if is_valued(v) else v for k, v in laid.items()}
    asked = {k: v for k, v in node.value.items() if v.place.file.startswith(SET_FILE)}
    taken_away = [k for k, place in node.keys.items() if k not in node.value and place.file.startswith(SET_FILE)]
    laid = {k: v for k, v in laid.items() if k not in taken_away}
    top = Node(asked, keys={k: node.keys[k] for k in asked})
    return merge(merge(node, Node(laid, upper.place, keys=upper.keys)), top)


def replaced(path: str, node: Node, upper: Node | None) -> list[str]:
    """In words, what a preset's mapping replaces of what the files say without an `instead_of` that says it
    should."""
    words: list[str] = []
    for key, new in upper.value.items() if upper is not None else ():
        old = node.get(key)
        said = is_valued(new) and "instead_of" in new.value or yields(new)
        if old is not None and not said and not old.place.file.startswith(SET_FILE):
            was, now = (n.value["value"].text if is_valued(n) else n.text for n in (old, new))
            words += [f"{path}.{key} = {was} (the preset's: {now})"] if was != now else []
    return words


def _bare(node: Node) -> Node:
    """A preset's value without the words on when it is laid."""
    rest = {word: inner for word, inner in node.value.items() if word not in ("instead_of", "yields")}
    return rest["value"] if list(rest) == ["value"] else Node(rest, node.place, keys=node.keys)


def yields(node: Node) -> bool:
    """Whether a preset's value leaves what the files say."""
    return is_valued(node) and "yields" in node.value and node.value["yields"].value is True


def _read(param: Param, node: Node, faults: Faults) -> None:
    """Read a value for its faults alone."""
    try:
        param.read(split(node, faults)[0])
    except BadInput as error:
        faults.found += error.faults


def _replaces(node: Node, there: Node | None, param: Param | None) -> bool:
    """Whether a preset's value takes the place of what is there (None: the default)."""
    if yields(node) and there is not None:
        return False
    if not is_valued(node) or "instead_of" not in node.value or param is None:
        return True
    try:
        here = (
            param.read(there.value["value"] if is_valued(there) else there)
            if there is not None
            else param.default_value()
        )
        return here == param.read(node.value["instead_of"])
    except BadInput:  # reported where the value itself is read
        return False


def apply_sets(root: Node, sets: Iterable[str], faults: Faults) -> Node:
    """The tree with every `a.b=value` of `sets` laid over it, in order."""
    for text in sets:
        place = Place(f"{SET_FILE} {text}")
        path, equals, value = text.partition("=")
        if not equals:
            faults.add("a setting is written a.b=value", place)
            continue
        try:
            node = (
                Node(None, place)
                if value.strip() in yamlfile.NULLS[1:]
                else _relabel(yamlfile.loads(value or '""', place.file), place)
            )
        except BadInput as error:
            faults.found += error.faults
            continue
        steps = _steps(root, path.strip(), faults, place)
        if steps:
            for step in reversed(steps):
                node = Node({step: node}, place, keys={step: place})
            root = merge(root, node)
    return root


def _relabel(node: Node, place: Place) -> Node:
    """The Node with `place` everywhere: a setting has no lines. A file of code is looked for in the current folder."""
    value = node.value
    if node.is_map:
        value = {k: _relabel(v, place) for k, v in value.items()}
    elif node.is_list:
        value = [_relabel(v, place) for v in value]
    elif FILE.match(node.text):
        return Node(str(Path.cwd() / node.text), place, str(Path.cwd() / node.text))
    return Node(value, place, node.text, {k: place for k in node.keys})


def _steps(root: Node, path: str, faults: Faults, place: Place) -> list[str] | None:
    """The keys from the root of the tree that a setting's path stands for, or None with a fault added.

    A path starts at the root of the file (`networks.d2d.latency`), at a network (`d2d.latency`), at a part
    (`die.hbm.bandwidth`, `die[0][3].hbm.bandwidth`) or, where there is one network, at one of its keys.
    """
    words = re.findall(r"[^.\[\]]+(?:\[[^\]]*\])*", path)
    head = SEGMENT.match(words[0]) if words else None
    if head is None or ".".join(words) != path or not all(SEGMENT.match(w) for w in words):
        faults.add(f"{path!r} is not a path such as die.hbm.bandwidth", place)
        return None
    first, index = head.groups()
    parts, networks, assemblies = (root.get(k) or Node({}) for k in ("parts", "networks", "assemblies"))
    if first in TOP and not index:
        return words
    if first in networks.value and not index:
        return ["networks", *words]
    if first in parts.value:
        part = parts.value[first]
        inner = part.get("assembly")
        if index:
            return ["parts", first, "override", index, *_inside(words[1:], faults, place)]
        if inner is not None and len(words) > 1 and words[1] not in ("grid", "count", "absent", "override"):
            return ["assemblies", inner.text, "parts", *_inside(words[1:], faults, place)]
        return ["parts", *(_inside(words, faults, place) if inner is None else words)]
    if first in assemblies.value:
        return [
            "assemblies",
            first,
            *([] if words[1:2] == ["links"] else ["parts"]),
            *_inside(words[1:], faults, place),
        ]
    if len(networks.value) == 1 and not index:
        return ["networks", next(iter(networks.value)), *words]
    starts = [*parts.value, *networks.value, *assemblies.value, *TOP]
    faults.add(f"nothing is called {first!r}", place, ", ".join(starts), nearest(first, starts))
    return None


def _inside(words: list[str], faults: Faults, place: Place) -> list[str]:
    """Steps within a part: all between its name and the parameter are slots."""
    if not words:
        return []
    part, *rest = words
    steps = [part]
    for word in rest[:-1]:
        steps += [word] if word == "slots" or steps[-1] == "slots" else ["slots", word]
    return steps + rest[-1:]
