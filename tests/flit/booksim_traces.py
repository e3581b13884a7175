"""The shipped BookSim 2 traces as networks, routers and packets: shared by the tests of both routers."""

import csv
from collections import defaultdict
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import chipweave.validation
from chipweave.noc.router import SPELLINGS, Router
from chipweave.noc.routing import grid, irregular

FOLDER = Path(chipweave.validation.__file__).parent / "references" / "booksim"
KNOWN = {f.name for f in fields(Router)} | set(SPELLINGS)
NAMES = ["T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T15", "T16"]


def rows(name):
    with open(FOLDER / name, newline="") as file:
        return list(csv.DictReader(file))


@lru_cache
def index():
    return {row["trace_id"]: row for row in rows("packet_traces_index.csv")}


@lru_cache
def packets():
    found = defaultdict(list)
    for row in rows("packet_traces.csv"):
        found[row["trace_id"]].append(
            tuple(int(row[k]) for k in ("src", "dst", "size", "ctime", "itime", "atime", "hops"))
        )
    return found


def router(row):
    return Router.of({k: v for k, v in row.items() if k in KNOWN and k != "routing_function"})


def network(row):
    if row["topology"] != "anynet":
        return grid([int(row["k"])] * int(row["n"]), wrap=row["topology"] == "torus")
    edges = {
        (int(r["src_router"]), int(r["dst_router"])): int(r["latency"])
        for r in rows("anynet_links.csv")
        if r["net"] == row["network"]
    }
    return irregular(int(row["k"]), edges)


def trace(name):
    """(network, router, [(src, dst, size, ctime)], [(itime, atime, hops)])"""
    row, found = index()[name], packets()[name]
    return network(row), router(row), [p[:4] for p in found], [p[4:] for p in found]
