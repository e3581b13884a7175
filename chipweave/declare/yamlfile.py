"""YAML read safely, with the place (file:line:column) of every key and value, and without YAML 1.1's surprises.

PyYAML's events are used and nothing of its construction: no tag is ever acted upon. What differs from PyYAML, because
a person reads it otherwise:

    written               PyYAML        here
    1e9                   text          the number 1000000000
    010                   8             a fault: write 10, or '010'
    1:30                  90            the text "1:30"
    on, off, yes, no      true, false   the texts; where true or false is needed, a fault that says so
    2024-01-01            a date        the text
    key: twice            the last      a fault naming both places
    !!tag, <<, &a, *a     acted upon    faults

A file is bounded in bytes, nodes and depth, holds one document, and is UTF-8. All faults found are raised together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from chipweave.declare import units
from chipweave.errors import BadInput, Faults, Place

MAX_BYTES = 4 << 20
SMALL_BYTES = 64 << 10  # trees of files up to this size are kept
MAX_NODES = 200_000
MAX_DEPTH = 40

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: ten times quicker
NULLS = ("", "~", "null", "Null", "NULL")
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
OCTAL_LOOK = re.compile(r"[+-]?0\d[\d_]*$")
RADIX = re.compile(r"0x[0-9a-fA-F]{1,16}$|0o[0-7]{1,22}$")


@dataclass
class Node:
    """A mapping, a list or a scalar, and where it stands.

    Attributes:
        value: dict of text -> Node, list of Node, or a scalar (None, bool, int, float, str).
        place: where it begins.
        text: a scalar as it is written, for exact numbers ("3.35" is not the float nearest to it); else "".
        keys: for a mapping, text -> Place of each key.
        weak: keys that were written for another kind (see chipweave.topology.tree); passed over where undeclared.
    """

    value: Any
    place: Place = Place()
    text: str = ""
    keys: dict[str, Place] = field(default_factory=dict)
    weak: frozenset[str] = frozenset()

    @property
    def is_map(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, (dict, list))

    def get(self, key: str) -> Node | None:
        """The Node under `key` of a mapping, or None."""
        return self.value.get(key) if self.is_map else None

    def plain(self) -> Any:
        """Dicts, lists and scalars without places, for JSON and JSON schemas."""
        if self.is_map:
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if self.is_list else self.value

    def shape(self) -> str:
        """What it is, in the words a message needs."""
        return (
            "a mapping"
            if self.is_map
            else "a list"
            if self.is_list
            else "empty"
            if self.value is None
            else repr(self.text)
        )


def load(path: Path) -> Node:
    """The root Node of a file.

    Raises:
        BadInput: the file is missing, too large or not UTF-8, or all faults of its YAML.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    return loads(data, str(path))


def loads(data: bytes | str, name: str = "text") -> Node:
    """The root Node of YAML given as text or bytes; `name` stands for the file in places."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{name}: larger than {MAX_BYTES} bytes, the most a YAML file may have")
    return _of_small(raw, name) if len(raw) <= SMALL_BYTES else _of(raw, name)


@lru_cache(maxsize=64)
def _of_small(raw: bytes, name: str) -> Node:
    """As `_of`; one command reads a topology and a preset several times. No tree is changed once it is read."""
    return _of(raw, name)


def _of(raw: bytes, name: str) -> Node:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: byte {error.start} is not UTF-8 text") from None
    faults = Faults()
    root = _Reader(name, faults).read(text)
    faults.raise_if_any()
    if root is None or root.value is None:
        raise BadInput(f"{name}: the file is empty")
    return root


class _Reader:
    """Builds Nodes from PyYAML's events; `stack` holds the open mappings and lists, so depth costs no recursion."""

    def __init__(self, name: str, faults: Faults) -> None:
        self.name, self.faults = name, faults
        self.stack: list[list[Any]] = []  # [an open mapping or list, its key that waits for a value]
        self.root: Node | None = None
        self.nodes, self.documents = 0, 0

    def read(self, text: str) -> Node | None:
        """The root Node of a text, None after a fault.

        Works on the parser's events, never on constructed objects: so every Node has its place, and
        no tag can build anything.
        """
        try:
            for event in yaml.parse(text, Loader):
                if not self.take(event):
                    break
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            what = getattr(error, "problem", None) or str(error).splitlines()[0]
            context = getattr(error, "context", None)
            if "nesting depth" in what:  # libyaml from 0.2.6 on has a limit of its own, and looks ahead of the events
                self.faults.add(f"nested deeper than {MAX_DEPTH}", self.place(mark))
            else:
                self.faults.add(f"not YAML: {what}" + (f" ({context})" if context else ""), self.place(mark))
        return self.root

    def place(self, mark: Any) -> Place:
        return Place(self.name, mark.line + 1, mark.column + 1) if mark else Place(self.name)

    def take(self, event: Any) -> bool:
        """Deal with one event; False stops the reading."""
        place = self.place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.faults.add("a second document; one file holds one", place)
                return False
        elif isinstance(event, yaml.AliasEvent):
            self.faults.add(f"alias *{event.anchor}: aliases are not used here, write the value out", place)
            return self.attach(Node(None, place))
        elif isinstance(event, yaml.NodeEvent):
            return self.open(event, place)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop()
        return True

    def open(self, event: Any, place: Place) -> bool:
        """Begin a scalar, list or mapping; anchors and tags are faults. Returns whether to go on."""
        if event.anchor:
            self.faults.add(f"anchor &{event.anchor}: anchors are not used here", place)
        if event.tag and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!" and event.style):
            self.faults.add(f"tag {event.tag}: tags are not used here", place)
        if isinstance(event, yaml.ScalarEvent):
            return self.attach(self.scalar(event, place))
        node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], place)
        going_on = self.attach(node)
        self.stack.append([node, None])
        if len(self.stack) > MAX_DEPTH:
            self.faults.add(f"nested deeper than {MAX_DEPTH}", place)
            return False
        return going_on

    def attach(self, node: Node) -> bool:
        """Put a finished scalar, or a mapping or list just opened, where it belongs."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.faults.add(f"more than {MAX_NODES} keys and values", node.place)
            return False
        if not self.stack:
            self.root = node
            return True
        parent, key = self.stack[-1]
        if parent.is_list:
            parent.value.append(node)
        elif key is None:
            self.stack[-1][1] = self.key(parent, node)
        else:
            if key[0] is not None:
                parent.value[key[0]] = node
            self.stack[-1][1] = None
        return True

    def key(self, parent: Node, node: Node) -> tuple[str | None, ...]:
        """A mapping's key as (text,); (None,) for one that is a fault, so that its value is passed over."""
        if not node.is_scalar or node.value is None:
            self.faults.add("a key must be a text", node.place)
        elif node.text == "<<":
            self.faults.add("merge key <<: not used here, write the keys out", node.place)
        elif node.text in parent.keys:
            self.faults.add(f"key {node.text!r} is given twice, first at {parent.keys[node.text]}", node.place)
        else:
            parent.keys[node.text] = node.place
            return (node.text,)
        return (None,)

    def scalar(self, event: Any, place: Place) -> Node:
        """A scalar as a Node. Quoted text stays text; a number that YAML 1.1 reads as octal is a fault."""
        text = event.value
        if event.style:  # quoted or a block: text, whatever it looks like
            return Node(text, place, text)
        if OCTAL_LOOK.match(text):
            decimal = text.lstrip("+-0_") or "0"
            self.faults.add(f"{text} could be read as octal", place, f"{decimal}, or '{text}' in quotes for a text")
        return Node(_meaning(text), place, text)


def _meaning(text: str) -> float | str | None:
    """What a plain scalar stands for: None, bool, int, float or the text itself."""
    if text in NULLS:
        return None
    if text in BOOLS:
        return BOOLS[text]
    if RADIX.match(text):
        return int(text, 0)
    exact = units.number(text)
    if exact is None:
        return text
    whole = exact.denominator == 1 and ("." not in text or "e" in text.lower())
    return int(exact) if whole else float(exact)
