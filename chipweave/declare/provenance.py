"""Where a number comes from, written beside it.

    bandwidth: {value: 3.35 TB/s, source: "NVIDIA H100 data sheet, table 1", kind: datasheet}

`kind` says how far to trust it. Any value in a topology or preset may be written so; in the files shipped with
chipweave every number must be, and a test holds them to it. `chipweave info SYSTEM --sources` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, Place, nearest

KINDS = {
    "measured": "read off a run on hardware",
    "datasheet": "stated by the maker",
    "fitted": "chosen so that calibration rows are met",
    "assumed": "our choice, or taken from a paper that does not say how it was found",
}


@dataclass(frozen=True)
class Source:
    """One number's origin: the citation, the kind (one of KINDS) and the place where it is written."""

    text: str
    kind: str
    place: Place = Place()


def split(node: Node, faults: Faults) -> tuple[Node, Source | None]:
    """(the bare value's Node, its Source or None) of a value written plainly or with its source."""
    if not (node.is_map and "value" in node.value):
        return node, None
    for key, value in node.value.items():
        if key not in ("value", "source", "kind"):
            faults.add(
                f"unknown key {key!r} beside value",
                node.keys.get(key, value.place),
                "value, source, kind",
                nearest(key, ("source", "kind")),
            )
    source, kind = node.get("source"), node.get("kind")
    if source is None or not source.is_scalar or not source.text.strip():
        faults.add(
            "a value written with its source needs the source's text",
            node.place,
            "{value: ..., source: ..., kind: ...}",
        )
        return node.value["value"], None
    if kind is None or kind.text not in KINDS:
        place = kind.place if kind else node.place
        faults.add("a source needs its kind", place, ", ".join(KINDS), nearest(kind.text, KINDS) if kind else "")
        return node.value["value"], None
    return node.value["value"], Source(source.text, kind.text, source.place)


def numbers(
    path: str, node: Node, params: Mapping[str, Any], sources: Mapping[str, Source]
) -> list[tuple[str, Node, Source | None]]:
    """[(path, Node, Source or None)] of the numbers written in a mapping Node; words count only where they say their
    source."""
    words = ("choice", "str", "bool")
    return [
        (f"{path}.{key}", value, sources.get(key))
        for key, value in node.value.items()
        if key in params and (params[key].type not in words or key in sources)
    ]
