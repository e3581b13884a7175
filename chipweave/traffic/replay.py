"""Packet lists: read, replayed on a flit network, and written with what became of them."""

from __future__ import annotations

import csv
from typing import Any

from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.fabric.noc import replay
from chipweave.io import csvfile

NEEDED = ("src", "dst", "size", "ctime")
LISTED = (*NEEDED, "itime", "atime", "hops")
MOST_PACKETS, MOST_FLITS, MOST_TIME = 50_000_000, 1 << 30, 1 << 48


def read(path: str, endpoints: int, router: Any = None) -> Any:
    """[(src, dst, size, ctime)] of a CSV with at least these columns; every bad line at once as BadInput.

    router: with flow_control = cut_through, packets that do not fit its VCs are faults too.
    """
    faults, packets = Faults(), []
    cut_through = router is not None and router.flow_control == "cut_through"
    most = {"src": endpoints - 1, "dst": endpoints - 1, "size": MOST_FLITS, "ctime": MOST_TIME}
    for row, place in csvfile.rows(path, NEEDED, faults):
        packet = tuple(csvfile.whole(row[name], int(name == "size"), most[name]) for name in NEEDED)
        if None in packet:
            faults.found += [
                csvfile.cell_fault(name, row[name], int(name == "size"), most[name], place)
                for name, value in zip(NEEDED, packet, strict=True)
                if value is None
            ]
        elif cut_through and packet[2] > router.vc_depth:
            what = f"a packet of {packet[2]} flits does not fit a VC of {router.vc_depth} (flow_control = cut_through)"
            faults.add(what, place, f"at most {router.vc_depth} flits, a larger vc_depth, or flow_control = wormhole")
        packets.append(packet)
        if len(packets) > MOST_PACKETS:
            raise BadInput(Fault(f"more than {MOST_PACKETS} packets", Place(str(path), place.line)))
    faults.raise_if_any()
    return packets


def run(net: Any, router: Any, packets: Any, seed: int = 0) -> Any:
    """[(itime, atime, hops)] of packets in the order given."""
    return replay(net, router, packets, seed=seed)


def write(file: Any, packets: list[tuple[int, int, int, int]], arrivals: list[tuple[int, int, int]]) -> None:
    """CSV `src,dst,size,ctime,itime,atime,hops`, one packet a line, in the order given."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(LISTED)
    out.writerows([*p, *a] for p, a in zip(packets, arrivals, strict=False))
