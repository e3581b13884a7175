"""Statistics of the links of a flit network: what passed, what waited, when, and whose flits they were."""


def document(kernel, flit_bytes=None):
    """Links of an open Kernel from cycle 0 to now, busiest first: `chipweave.links/1`.

    busy: cycles with a flit on the wire (flits x interval); idle: the others, busy + idle = cycles. stalled_credit and
    stalled_arbitration are in VC-cycles: several VCs may wait for one link at once. bins: [flits, stalled_credit,
    stalled_arbitration] of `bin_cycles` cycles each. flows: flits of a pair of endpoints, at most `over` too many.
    """
    counts, (width, bins), flows = kernel.counts().sum(axis=1), kernel.bins(), kernel.flows()
    used, rows = -(-kernel.now // width), []
    for at, source, target, interval in places(kernel.network):
        flits, credit, arbitration = map(int, counts[at])
        busy = min(flits * interval, kernel.now)  # the last flit may still be on a slow wire
        row = {
            "from": source,
            "to": target,
            "flits": flits,
            "busy": busy,
            "idle": kernel.now - busy,
            "stalled_credit": credit,
            "stalled_arbitration": arbitration,
            "bins": bins[at, :used].tolist(),
            "flows": [{"src": s, "dst": d, "flits": n, "over": over} for n, over, s, d in flows[at]],
        }
        rows.append(row | {"bytes": flits * flit_bytes} if flit_bytes else row)
    rows.sort(key=lambda r: -r["busy"])
    return {"schema": "chipweave.links/1", "cycles": kernel.now, "bin_cycles": width, "links": rows}


def places(network):
    """(row of Kernel.counts(), from, to, cycles a flit takes) of every link, ejection and injection wire."""
    starts = [0, *map(int, network.ports.cumsum())]
    found = [(starts[k.src] + k.src_port, f"router {k.src}", f"router {k.dst}", k.interval) for k in network.links]
    for e, (router, port) in enumerate(network.seats):
        found.append((starts[router] + int(port), f"router {router}", f"endpoint {e}", 1))
        found.append((starts[-1] + e, f"endpoint {e}", f"router {router}", 1))
    return found


def hottest(kernel, n=5):
    """The n busiest links in short: from, to, share of cycles busy."""
    counts = kernel.counts()[:, :, 0].sum(axis=1)
    now = max(1, kernel.now)
    rows = [
        (min(1.0, int(counts[at]) * interval / now), source, target)
        for at, source, target, interval in places(kernel.network)
    ]
    return [{"from": a, "to": b, "busy": share} for share, a, b in sorted(rows, key=lambda r: -r[0])[:n]]
