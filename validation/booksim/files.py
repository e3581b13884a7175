"""The files of a BookSim 2 reference folder, and the networks and routers their rows describe."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from chipweave import ledger
from chipweave.errors import BadInput, Faults
from chipweave.io import csvfile
from chipweave.noc.router import SPELLINGS, Router
from chipweave.noc.routing import grid, irregular

from . import options as booksim_options

KNOWN = ({f.name for f in fields(Router)} | set(SPELLINGS)) - {"routing_function", "injection_rate"}
NETWORK = ("topology", "k", "n", "network", "routing_function")
RUN = ("warmup_periods", "sample_period", "measure_cycles", "sim_type", "offered_flits")
FILES = {  # name: the columns that are always read
    "reference.csv": ("config_id", "point", *NETWORK, *RUN, "status", "region", "plat_mean", "accepted_flits_mean"),
    "packet_traces.csv": ("trace_id", "src", "dst", "size", "ctime", "itime", "atime", "hops"),
    "packet_traces_index.csv": ("trace_id", *NETWORK),
    "anynet_links.csv": ("net", "src_router", "dst_router", "latency"),
    "anynet_routes.csv": ("net", "router", "dest_node", "next_router"),
    "microbench.csv": (
        "packet_size",
        "link_latency",
        "offered_flits",
        "warmup_cycles",
        "measure_cycles",
        "accepted_flits_per_node",
    ),
}
KEYS = {  # what a row of a file may have only once
    "reference.csv": ("config_id", "point"),
    "packet_traces_index.csv": ("trace_id",),
    "anynet_links.csv": ("net", "src_router", "dst_router"),
    "anynet_routes.csv": ("net", "router", "dest_node"),
}
MOST_NUMBER = 1 << 40
MOST_ENDPOINTS = 16_384


class Folder:
    """Rows of the files that are there, read once; a missing file has none."""

    def __init__(self, path: Any) -> None:
        """path: the folder; files are read when they are needed."""
        self.path = path
        self.read: dict[str, list[Any]] = {}

    def rows(self, name: str) -> list[Any]:
        """Rows of a file as {column: text}; BadInput where its columns are not those of the format."""
        if name not in self.read:
            path = self.path / name
            self.read[name] = _checked(path, name) if path.is_file() else []
        return self.read[name]

    def network(self, row: dict[str, str]) -> Any:
        """chipweave.noc.routing.RouterGraph of a row (columns topology, k, n, network, routing_function,
        use_noc_latency).

        Raises BadInput where the row needs a file that is not there, or a topology that we do not have.
        """
        kind, k, n = row["topology"], whole(row, "k"), whole(row, "n")
        if kind in ("mesh", "torus"):
            if not 1 <= n <= 8 or k < 1 or k**n > MOST_ENDPOINTS:
                raise BadInput(f"{kind} of {k}^{n} routers: at most {MOST_ENDPOINTS}")
            latency = None if row.get("use_noc_latency", "1") in ("1", "") else 1
            net = grid([k] * n, wrap=kind == "torus", latency=latency, routing=row["routing_function"])
            return one_way_a_rank(net) if row["routing_function"] == "min_adapt" else net
        if kind != "anynet" or row["routing_function"] != "min":
            raise BadInput(
                f"topology {kind} with routing {row['routing_function']}: "
                "not modelled; mesh, torus with dor, anynet with min"
            )
        links = {
            (whole(r, "src_router"), whole(r, "dst_router")): whole(r, "latency")
            for r in self.rows("anynet_links.csv")
            if r["net"] == row["network"]
        }
        if not links:
            raise BadInput(f"anynet_links.csv has no links of network {row['network']!r}")
        size = max(max(pair) for pair in links) + 1
        if size > MOST_ENDPOINTS:
            raise BadInput(f"network {row['network']!r} has more than {MOST_ENDPOINTS} routers")
        hops = {
            (whole(r, "router"), whole(r, "dest_node")): whole(r, "next_router")
            for r in self.rows("anynet_routes.csv")
            if r["net"] == row["network"]
        }
        tables: Any = [[hops.get((r, e)) for e in range(size)] for r in range(size)] if hops else None
        return irregular(size, links, next_router=tables, name=row["network"])


def one_way_a_rank(net: Any) -> Any:
    """BookSim 2's sets of routes hold one entry per rank: of the adaptive ways, all of one rank, the first alone.

    That is the way of the escape VC, so a packet is free in its VC and not in its direction.
    """
    net.minimal = np.where(net.minimal, np.uint64(1) << net.table.astype(np.uint64), np.uint64(0))
    return net


def _checked(path: Any, name: Any) -> Any:
    """The rows of a file; BadInput where a column is missing or there twice, or a row that can be there once is there
    again."""
    faults, rows = Faults(), []
    seen: dict[tuple[str, ...], int] = {}
    for row, place in csvfile.rows(path, FILES[name], faults):
        key = tuple(row[k] for k in KEYS.get(name, ()))
        if key and key in seen:
            faults.add(f"{', '.join(key)} is there already in line {seen[key]}", place)
        seen[key] = place.line
        rows.append(row)
    faults.raise_if_any()
    return rows


def whole(row: dict[str, str], name: str, low: Any = -MOST_NUMBER, high: Any = MOST_NUMBER) -> int:
    """A cell as a whole number; BadInput where it is none, or not from `low` to `high`."""
    value = csvfile.whole((row.get(name) or "").strip(), low, high)
    if value is None:
        allowed = "" if high == MOST_NUMBER else f", {low} to {high}"
        raise BadInput(f"column {name}: {row.get(name)!r} is no whole number{allowed}")
    return value


def number(row: dict[str, str], name: str) -> float:
    """A cell as a finite number; BadInput where it is none."""
    value = ledger.number(row.get(name) or "")
    if value is None:
        raise BadInput(f"column {name}: {row.get(name)!r} is no number")
    return value


def router(row: dict[str, str]) -> Router:
    """Router of a row's columns; BadInput for an option or a value that is not ours."""
    booksim_options.check(row)
    values = row | {"vc_buf_size": booksim_options.vc_depth(row)}
    return Router.of({k: v for k, v in values.items() if k in KNOWN and v not in ("", None)})
