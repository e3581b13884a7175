"""What a hardware block is: declared parameters, ports, slots and statistics.

    @component("memory.llc")
    class Llc(Component):
        "One line, then words."
        access = Port(provides="memory.access", many=True, doc="lookups of this die's SMs and router")
        miss = Port(uses="memory.access", doc="to the HBM controller")
        atu = Slot("d2d.atu", optional=True, doc="remote address to local copy")
        hit_latency = Param("time", default="100 ns", low="1 ps", doc="lookup to data, on a hit")
        hits = Stat("accesses", "lookups that found their line")

        def setup(self):
            "Called once the whole system stands: links made, slots filled."

The kind is what YAML says; the file's name, the kind and the class agree. A new kind is one new file in components/
and one test file. Components never hold one another, but for the parts in their slots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chipweave.declare import registry
from chipweave.declare.params import REQUIRED, Declared, Param, Stat
from chipweave.declare.provenance import Source
from chipweave.errors import Place

__all__ = ["Component", "Param", "Port", "Slot", "Stat", "component", "REQUIRED"]

Class = TypeVar("Class", bound=type[Any])


RESERVED = (
    "kind",
    "assembly",
    "slots",
    "grid",
    "count",
    "absent",
    "override",
    "at",
)  # YAML keys of a part that are no parameters


class Port:
    """Where links end. A link joins a port that `uses` a protocol to one that `provides` it.

    Args:
        provides, uses: the protocol's name ("memory.access"); exactly one of the two. A port that uses "network"
            is where a network takes hold of a part.
        many: any number of links may end here; otherwise exactly one (or none, if `optional`).
        optional: no link needs to end here.
        doc: one line: what is sent and what comes back.
    """

    def __init__(
        self,
        provides: str | None = None,
        uses: str | None = None,
        many: bool = False,
        optional: bool = False,
        doc: str = "",
    ) -> None:
        if bool(provides) == bool(uses):
            raise TypeError("a port either provides a protocol or uses one")
        self.protocol, self.provides = provides or uses or "", bool(provides)
        self.many, self.optional, self.doc = many, optional, doc

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name


class Slot:
    """A place for a part inside a part, with no link between the two.

    Args:
        role: what fits: kinds that are `role` or declare it in `fits` ("d2d.atu").
        optional: may stay empty.
        default: kind that fills it where nothing is written.
        doc: one line.
    """

    def __init__(self, role: str, optional: bool = False, default: str | None = None, doc: str = "") -> None:
        self.role, self.optional, self.default, self.doc = role, optional, default, doc

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, part: Any, owner: type[Any] | None = None) -> Any:
        return self if part is None else part.slots.get(self.name)


class Component(Declared):
    """The base of all hardware blocks. See `Declared` for parameters and statistics.

    Attributes of the class:
        ports, slots_declared: name -> Port, name -> Slot.
        fits: roles besides its own kind (and its bases' kinds) that it can fill in a slot.
        time_class: what time spent at its resources counts as ("compute", "llc", "hbm"); "": its kind.
        engine: "" for a part that publishes stages; "python" for one that works in plain Python, at that cost.
    Attributes of an instance, beside `Declared`'s:
        index: place in its grid as a tuple, (3,) for count, () for a part that is there once.
        assembly: name of the assembly instance it belongs to ("die[0][3]"), or "".
        slots: slot name -> the part in it, or None.
        links: port name -> list of (part, port name) at the other ends.
        written: parameter -> the Place where its value is written, of those that are.
    """

    ports: dict[str, Port] = {}
    slots_declared: dict[str, Slot] = {}
    fits: tuple[str, ...] = ()
    time_class = ""
    engine = ""
    declares = (*Declared.declares, ("ports", Port), ("slots_declared", Slot))

    def _fill(self, name: str, values: dict[str, Any], sources: dict[str, Source]) -> None:
        """Set what a part has beside its values: its place in a grid, its assembly, its slots and links."""
        super()._fill(name, values, sources)
        self.index: tuple[int, ...] = ()
        self.assembly = ""
        self.slots: dict[str, Component | None] = {slot: None for slot in self.slots_declared}
        self.links: dict[str, list[tuple[Any, Any]]] = {port: [] for port in self.ports}
        self.written: dict[str, Place] = {}

    @classmethod
    def roles(cls) -> tuple[str, ...]:
        """Every role the class fills: its kind, the kinds of its bases, and what `fits` adds."""
        kinds = [kind for base in cls.__mro__ if (kind := getattr(base, "kind", ""))]
        return tuple(dict.fromkeys([*kinds, *cls.fits]))

    def setup(self) -> None:
        """Called once, when links are made and slots filled."""


def component(kind: str) -> Callable[[Class], Class]:
    """Class decorator: register a Component under `kind` ("memory.llc").

    Raises:
        RegistryError: the kind is declared already; the message names both modules.
    """

    def declare(cls: Class) -> Class:
        if not issubclass(cls, Component):
            raise TypeError(f"{cls.__name__} is registered as a component and is not a Component")
        taken = [name for name in cls.params if name in RESERVED]
        if taken:
            raise TypeError(
                f"{cls.__name__}: {', '.join(taken)} cannot be a parameter; YAML uses the word for the part itself"
            )
        cls.kind = kind
        registry.components.declare(kind, cls)
        return cls

    return declare
