"""Tables that `chipweave characterise` measured on a line-rate die, for the stage kinds of the same die.

    table = load("h100_sxm")                        # shipped beside the topologies, or a path
    table.memory["read"].latency                    # ps; .share of the pins' bandwidth
    table.hit(12_582_912)                           # (latency ps, bytes/s) of a slice read again from the LLC
    table.utilisation_of(12_582_912)                # rows (tokens up to, share of peak), as in chipweave.trace.models

What the file must hold is declared below, and nothing else may be in it. `residuals` are for people: the line-rate
run, the table's answer, and how far they are apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from chipweave.declare import yamlfile
from chipweave.declare.params import Param, check_head, named, read_all
from chipweave.errors import nearest
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
    memory: dict
    hits: tuple
    gemms: dict

    def access(self, what: str) -> Access:
        """The Access of "read", "remote_read" or "write"; a reader on another die counts as a local one where it was
        not measured."""
        return self.memory.get(what) or self.memory["read"]

    def hit(self, size: int) -> tuple[int, Fraction]:
        """(latency ps, bytes/s) of a slice of `size` bytes read again: of the smallest measured slice that is as
        large."""
        return next((row for row in self.hits if row[0] >= size), self.hits[-1])[1:]

    def utilisation_of(self, size: int) -> tuple[tuple[Fraction | int | None, ...], ...]:
        """Rows of the measured expert whose slice has `size` bytes; None where none has."""
        return self.gemms.get(size)


@lru_cache
def load(name: Any) -> Any:
    """The table of a shipped name or a path.

    Raises:
        BadInput: every fault of the file.
    """
    return read(yamlfile.load(find(name, "tables")))


def check_file(path: Any, allow_code: Any) -> None:
    """Behind `chipweave check`; there is no code in a table."""
    read(yamlfile.load(path))


def read(root: yamlfile.Node) -> Any:
    """A `Characterised` from the root Node of its file; see `load`."""
    faults = check_head(root, "characterised table", SCHEMA, HEAD, NEEDED)
    rates = _values(RATES, yamlfile.Node({name: root.get(name) for name in RATES}, root.place), faults, "the table")
    memory = {what: Access(**values) for what, values in _memory(root.get("memory"), faults) if values}
    hits = [_values(HIT, row, faults, "a row of llc") for row in _list(root.get("llc"), "llc", faults)]
    gemms = [(row, _values(GEMM, row, faults, "a row of gemm")) for row in _list(root.get("gemm"), "gemm", faults)]
    faults.raise_if_any()
    rows = {values["slice"]: _utilisation(values["utilisation"], row.place, faults) for row, values in gemms}
    faults.raise_if_any()
    return Characterised(
        str(root.get("name").value),
        rates["peak"],
        rates["bandwidth"],
        memory,
        tuple(sorted((h["bytes"], h["latency"], h["rate"]) for h in hits)),
        rows,
    )


def _values(columns: dict[str, Param], node: yamlfile.Node, faults: Any, what: str) -> dict[Any, Any]:
    """{name: value} of a row, or None with the faults told."""
    if not node.is_map:
        faults.add(f"{what} is a mapping, not {node.shape()}", node.place)
        return None
    before = len(faults.found)
    values = read_all(named(dict(columns)), node, faults, what)[0]
    return values if len(faults.found) == before else None


def _memory(node: yamlfile.Node, faults: Any) -> Iterator[tuple[str, dict[str, Fraction | int]]]:
    if not node.is_map or not {"read", "write"} <= set(node.value):
        faults.add("memory must have read and write", node.place, ", ".join(MEMORY))
        return
    for what, row in node.value.items():
        if what not in MEMORY:
            faults.add(f"memory has no {what!r}", node.keys[what], ", ".join(MEMORY), nearest(what, MEMORY))
            continue
        yield what, _values(ACCESS, row, faults, f"memory.{what}")


def _list(node: Any, name: Any, faults: Any) -> Any:
    if not node.is_list or not node.value:
        faults.add(f"{name} is a list of rows, not {node.shape()}", node.place)
        return ()
    return node.value


def _utilisation(rows: Any, place: Any, faults: Any) -> Any:
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
