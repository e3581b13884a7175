"""Packet lists: read, replayed on a flit network, and written with what became of them."""

import csv

from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.fabric.noc import replay

NEEDED = ("src", "dst", "size", "ctime")
MOST_PACKETS, MOST_FLITS, MOST_TIME = 50_000_000, 1 << 30, 1 << 48


def read(path, endpoints):
    """[(src, dst, size, ctime)] of a CSV with at least these columns; every bad line at once as BadInput."""
    faults, packets = Faults(), []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [n for n in NEEDED if n not in (rows.fieldnames or [])]
            if missing:
                raise BadInput(
                    Fault(f"columns missing: {', '.join(missing)}", Place(str(path), 1), allowed=", ".join(NEEDED))
                )
            for row in rows:
                packet = _packet(row, endpoints)
                if isinstance(packet, str):
                    faults.add(packet, Place(str(path), rows.line_num))
                    if len(faults.found) >= 100:
                        break
                    continue
                packets.append(packet)
                if len(packets) > MOST_PACKETS:
                    raise BadInput(Fault(f"more than {MOST_PACKETS} packets", Place(str(path), rows.line_num)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            Fault(
                f"cannot be read: {words[:1].lower()}{words[1:]}",
                Place(str(path)),
                "a CSV file with the columns " + ", ".join(NEEDED),
            )
        ) from None
    faults.raise_if_any()
    return packets


def _packet(row, endpoints):
    """The packet of a line, or what is wrong with it in words."""
    try:
        src, dst, size, ctime = (int(row[n]) for n in NEEDED)
    except (TypeError, ValueError):
        return f"{', '.join(NEEDED)} must be whole numbers"
    if not (0 <= src < endpoints and 0 <= dst < endpoints):
        return f"src {src}, dst {dst}: endpoints are 0 to {endpoints - 1}"
    if not 1 <= size <= MOST_FLITS:
        return f"size {size}: 1 to {MOST_FLITS} flits"
    if not 0 <= ctime <= MOST_TIME:
        return f"ctime {ctime}: 0 to {MOST_TIME}"
    return src, dst, size, ctime


def run(net, router, packets, seed=0):
    """[(itime, atime, hops)] of packets in the order given."""
    return replay(net, router, packets, seed=seed)


def write(file, packets, arrivals):
    """CSV `src,dst,size,ctime,itime,atime,hops`, one packet a line, in the order given."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow([*NEEDED, "itime", "atime", "hops"])
    out.writerows([*p, *a] for p, a in zip(packets, arrivals))
