"""Tables that `chipweave characterise` measured on a line-rate die, for the stage kinds of the same die.

    table = load("h100_sxm")                        # shipped beside the topologies, or a path
    table.memory["read"].latency                    # ps; .share of the pins' bandwidth
    table.hit(12_582_912)                           # (latency ps, bytes/s) of a slice read again from the LLC
    table.utilisation_of(12_582_912)                # rows (tokens up to, share of peak), as in chipweave.trace.models

What the file must hold is declared below, and nothing else may be in it. `residuals` are for people: the line-rate
run, the table's answer, and how far they are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from chipweave.declare import yamlfile
from chipweave.declare.params import Param, check_head, named, read_all
from chipweave.errors import Faults, Place, nearest
from chipweave.io.remembered import by_file
from chipweave.io.shipped import find

SCHEMA = "chipweave.characterised/1"
MEMORY = ("read", "remote_read", "write")
HEAD = ("schema", "name", "about", "origin", "peak", "bandwidth", "memory", "llc", "gemm", "residuals")
NEEDED = ("schema", "name", "peak", "bandwidth", "memory", "llc", "gemm")
RATES = named({"peak": Param("compute", low="1 flop/s"), "bandwidth": Param("bandwidth", low="1 B/s")})
ACCESS = named({"latency": Param("time", low="0 ps", rounding=True), "share": Param("share", low=0.0001, high=1)})
HIT = named(
    {
        "bytes": Param("bytes", low="1 B"),
        "latency": Param("time", low="0 ps", rounding=True),
        "rate": Param("bandwidth", low="1 B/s"),
    }
)
GEMM = named(
    {
        "slice": Param("bytes", low="1 B"),
        "utilisation": Param("table", columns={"tokens": Param("str"), "share": Param("share", low=0.00001, high=1)}),
    }
)


@dataclass(frozen=True)
class Access:
    """Time of an access = latency (ps) + bytes / (share x bandwidth of the pins); only the second part keeps others
    waiting."""

    latency: int
    share: Fraction


@dataclass(frozen=True)
class Characterised:
    """One table.

    Attributes:
        peak, bandwidth: of the tensor cores and the memory pins of the die that was measured, flop/s and bytes/s.
        memory: "read", "write" and perhaps "remote_read" -> Access.
        hits: ((slice bytes, latency ps, Fraction of bytes/s), ...), by size.
        gemms: slice bytes -> ((most tokens or None, Fraction of peak), ...).
    """

    name: str
    peak: Fraction
    bandwidth: Fraction
    memory: dict[str, Access]
    hits: tuple[tuple[int, int, Fraction], ...]
    gemms: dict[int, tuple[tuple[int | None, Fraction], ...]]

    def access(self, what: str) -> Access:
        """The Access of "read", "remote_read" or "write"; a reader on another die counts as a local one where it was
        not measured."""
        return self.memory.get(what) or self.memory["read"]

    def hit(self, size: int) -> tuple[int, Fraction]:
        """(latency ps, bytes/s) of a slice of `size` bytes read again: of the smallest measured slice that is as
        large."""
        _, latency, rate = next((row for row in self.hits if row[0] >= size), self.hits[-1])
        return latency, rate

    def utilisation_of(self, size: int) -> tuple[tuple[int | None, Fraction], ...] | None:
        """Rows of the measured expert whose slice has `size` bytes; None where none has."""
        return self.gemms.get(size)


@by_file
def load(name: str | Path) -> Characterised:
    """The table of a shipped name or a path.

    Raises:
        BadInput: every fault of the file.
    """
    return read(yamlfile.load(find(name, "tables")))


def check_file(path: Path, allow_code: bool) -> None:
    """Behind `chipweave check`; there is no code in a table."""
    read(yamlfile.load(path))


def read(root: yamlfile.Node) -> Characterised:
    """A `Characterised` from the root Node of its file; see `load`."""
    faults = check_head(root, "characterised table", SCHEMA, HEAD, NEEDED)
    written = yamlfile.Node({name: root.get(name) for name in RATES}, root.place)
    rates = _values(RATES, written, faults, "the table") or {}
    memory = {what: Access(**values) for what, values in _memory(root.value["memory"], faults) if values}
    hits = [_values(HIT, row, faults, "a row of llc") or {} for row in _list(root.value["llc"], "llc", faults)]
    gemms = [
        (row, _values(GEMM, row, faults, "a row of gemm") or {}) for row in _list(root.value["gemm"], "gemm", faults)
    ]
    faults.raise_if_any()  # what is empty has its fault
    rows = {values["slice"]: _utilisation(values["utilisation"], row.place, faults) for row, values in gemms}
    faults.raise_if_any()
    return Characterised(
        str(root.value["name"].value),
        rates["peak"],
        rates["bandwidth"],
        memory,
        tuple(sorted((h["bytes"], h["latency"], h["rate"]) for h in hits)),
        rows,
    )


def _values(columns: dict[str, Param], node: yamlfile.Node, faults: Faults, what: str) -> dict[str, Any] | None:
    """{name: value} of a row, or None, with its faults noted."""
    if not node.is_map:
        faults.add(f"{what} is a mapping, not {node.shape()}", node.place)
        return None
    before = len(faults.found)
    values = read_all(named(dict(columns)), node, faults, what)[0]
    return values if len(faults.found) == before else None


def _memory(node: yamlfile.Node, faults: Faults) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(sort of access, row) of the memory section: read and write must be there, remote_read may be."""
    if not node.is_map or not {"read", "write"} <= set(node.value):
        faults.add("memory must have read and write", node.place, ", ".join(MEMORY))
        return
    for what, row in node.value.items():
        if what not in MEMORY:
            faults.add(f"memory has no {what!r}", node.keys[what], ", ".join(MEMORY), nearest(what, MEMORY))
            continue
        yield what, _values(ACCESS, row, faults, f"memory.{what}")


def _list(node: yamlfile.Node, name: str, faults: Faults) -> Sequence[yamlfile.Node]:
    """Rows of a list; a fault, and none, where it is no list or empty."""
    if not node.is_list or not node.value:
        faults.add(f"{name} is a list of rows, not {node.shape()}", node.place)
        return ()
    rows: Sequence[yamlfile.Node] = node.value
    return rows


def _utilisation(
    rows: Sequence[dict[str, Any]], place: Place, faults: Faults
) -> tuple[tuple[int | None, Fraction], ...]:
    """((most tokens or None, share), ...) with rising tokens, the last for any number."""
    *limits, last = [row["tokens"] for row in rows]
    if (
        last != "any"
        or not all(limit.isdigit() for limit in limits)
        or [*map(int, limits)] != sorted({int(t) for t in limits})
    ):
        faults.add(
            "utilisation must be rows with rising tokens, the last for any",
            place,
            "- {tokens: any, share: 0.69} at the end",
        )
        return ()
    return tuple((None if row["tokens"] == "any" else int(row["tokens"]), row["share"]) for row in rows)
