"""Shapes read from files of links: what CSV and GraphML have in common.

A file names its routers. Where the network joins parts or has `routers: N`, a name is an endpoint's number, place or
name; without, the routers of the file are the endpoints, in the order in which the file names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chipweave.declare import units
from chipweave.declare.params import Param
from chipweave.errors import BadInput, Place
from chipweave.noc.listed import Ends
from chipweave.noc.shape import MAX_LINKS, Reader, Shape
from chipweave.noc.wiring import Own, Places, Wiring, pairs_of

MAX_BYTES = 64 << 20

Row = tuple[str, str, dict[str, str], Place]  # two ends, what the link says of itself as text, where


def text_of(path: Path) -> str:
    """A file's text, of bounded size, a byte order mark taken off."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{path}: cannot be read: {reason}") from None


class EdgeFile(Shape):
    """Base of shapes that read their links from the file named by `file`."""

    makes_endpoints = True
    file = Param("str", doc="path, relative to the YAML file")

    def rows(self, path: Path) -> tuple[list[str], list[Row]]:
        """(routers that the file names beside those of its links, its links).

        Raises:
            BadInput: the file cannot be read as what it is.
        """
        raise NotImplementedError

    def read(self, reader: Reader) -> tuple[list[str], list[Row]]:
        """`rows` of the file; nothing after a fault."""
        place = reader.node.value["file"].place
        try:
            names, rows = self.rows(reader.folder("file") / self.file)
        except BadInput as error:
            for fault in error.faults:
                reader.faults.add(fault.what, fault.place if fault.place.file else place, fault.allowed, fault.nearest)
            return [], []
        if len(rows) > MAX_LINKS:
            reader.faults.add(f"{self.file}: more than {MAX_LINKS} links", place)
            return [], []
        return names, rows

    def names(self, reader: Reader) -> list[str] | None:
        """The file's routers, in the order in which it names them; numbers 0 to N - 1 in theirs."""
        declared, rows = self.read(reader)
        found = list(dict.fromkeys([*declared, *(end for a, b, _, _ in rows for end in (a, b))]))
        if found and all(name.isdecimal() and len(name) < 7 for name in found):
            count = 1 + max(map(int, found))
            return [str(i) for i in range(count)] if count <= 2 * len(found) + 64 else sorted(found, key=int)
        return found or None

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Links in the file's order; a link given twice is a fault."""
        ends = Ends(list(places.names), places.by_text())
        ends.number.update({name.rpartition(".")[2]: i for i, name in enumerate(places.names)})
        pairs: list[tuple[int, int]] = []
        own: dict[int, Own] = {}
        seen: dict[tuple[int, int], Place] = {}
        for a, b, says, place in self.read(reader)[1]:
            start, end = ends.find(a), ends.find(b)
            if start is None or end is None:
                unknown = a if start is None else b
                reader.faults.add(f"{unknown!r} is no router of network {reader.name!r}", place)
                continue
            mine = self.own(says, place, reader)
            key = (start, end) if mine.one_way else (min(start, end), max(start, end))
            if start == end or key in seen:
                what = f"a link from {a} to itself" if start == end else f"the link {a} - {b} is listed twice"
                reader.faults.add(what + (f", first at {seen[key]}" if key in seen else ""), place)
                continue
            seen[key] = place
            if mine != Own():
                own[len(pairs)] = mine
            pairs.append((start, end))
        return Wiring(pairs_of(pairs), own=own)

    def own(self, says: dict[str, str], place: Place, reader: Reader) -> Own:
        """What a link says of itself, with units; an empty text says nothing."""

        def parsed(name: str, dimension: str) -> Any:
            text = (says.get(name) or "").strip()
            if not text:
                return None
            try:
                value: Any = units.parse(text, dimension)
            except BadInput as error:
                reader.faults.add(f"{name}: {error.faults[0].what}", place, error.faults[0].allowed)
                return None
            if value <= 0:
                reader.faults.add(f"{name} = {text} must be above zero", place)
                return None
            return value

        one_way = (says.get("one_way") or "").strip().lower()
        if one_way not in ("", "true", "false", "1", "0", "yes", "no"):
            reader.faults.add(f"one_way: {one_way!r} is neither true nor false", place, "true, false")
        return Own(parsed("latency", "time"), parsed("bandwidth", "bandwidth"), one_way in ("true", "1", "yes"))
