"""Statistics of the links of a flit network: what passed, what waited, when, and whose flits they were."""

from __future__ import annotations

from typing import Any

import numpy as np


def document(kernel: Any, flit_bytes: Any = None) -> Any:
    """Links of an open FlitSimulator from cycle 0 to now, busiest first: `chipweave.links/1`.

    busy: cycles with a flit on the wire (flits x interval); idle: the others, busy + idle = cycles. stalled_credit and
    stalled_arbitration are in VC-cycles: several VCs may wait for one link at once. bins: [flits, stalled_credit,
    stalled_arbitration] of `bin_cycles` cycles each. wire_bytes: flits x bytes of a flit. flows: flits of a pair of
    endpoints, at most `over` too many.
    """
    counts, (width, bins), flows = kernel.counts().sum(axis=1), kernel.bins(), kernel.flows()
    used, rows = -(-kernel.now // width), []
    for at, source, target, interval in places(kernel.network):
        flits, credit, arbitration = map(int, counts[at])
        busy = min(int(flits * interval), kernel.now)  # the last flit may still be on a slow wire
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
        rows.append(row | {"wire_bytes": flits * flit_bytes} if flit_bytes else row)
    rows.sort(key=lambda r: -r["busy"])
    return {"schema": "chipweave.links/1", "cycles": kernel.now, "bin_cycles": width, "links": rows}


def places(network: Any) -> list[tuple[int, str, str, int]]:
    """(row of FlitSimulator.counts(), from, to, cycles a flit takes) of every link, ejection and injection wire."""
    starts = [0, *map(int, network.ports.cumsum())]
    found = [(starts[k.src] + k.src_port, f"router {k.src}", f"router {k.dst}", k.interval) for k in network.links]
    for e, (router, port) in enumerate(network.terminals):
        found.append((starts[router] + int(port), f"router {router}", f"endpoint {e}", 1))
        found.append((starts[-1] + e, f"endpoint {e}", f"router {router}", 1))
    return found


def intervals(network: Any) -> Any:
    """float64[rows of FlitSimulator.counts()]: cycles a flit takes on each link, 1 on terminals and unused ports."""
    starts = np.concatenate([[0], network.ports.cumsum()])
    rows, found = network.links.rows, np.ones(int(starts[-1]) + network.endpoints)
    found[starts[rows[:, 0]] + rows[:, 1]] = rows[:, 5] / rows[:, 6]
    return found


def hottest(kernel: Any, n: int = 5) -> list[dict[str, float | str]]:
    """The n busiest links in short: from, to, share of cycles busy."""
    net, now = kernel.network, max(1, kernel.now)
    busy = np.minimum(1.0, kernel.counts()[:, :, 0].sum(axis=1) * intervals(net) / now)
    starts = np.concatenate([[0], net.ports.cumsum()])
    rows, terminals = net.links.rows, np.array(net.terminals, np.int64).reshape(-1, 2)
    ends = np.arange(len(terminals))
    at = np.concatenate([starts[rows[:, 0]] + rows[:, 1], starts[terminals[:, 0]] + terminals[:, 1], starts[-1] + ends])
    names = [f"router {r}" for r in range(net.routers)] + [f"endpoint {e}" for e in range(len(terminals))]
    first = np.concatenate([rows[:, 0], terminals[:, 0], net.routers + ends])
    last = np.concatenate([rows[:, 2], net.routers + ends, terminals[:, 0]])
    best = np.lexsort([np.arange(len(at)), -busy[at]])[:n]
    return [{"from": names[first[i]], "to": names[last[i]], "busy": float(busy[at[i]])} for i in best.tolist()]
