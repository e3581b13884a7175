"""Freedom from deadlock, proved before a run from the channel dependency graph.

A channel is (router, output port, VC half): halves are told apart only where datelines use them. A route that leaves
one channel for the next makes an edge; without a cycle no set of packets can wait for one another for ever (Dally and
Seitz). With minimal adaptive routing the graph is that of the escape VC: a packet that has entered it stays in it, and it
may be entered from every state, so its being free of cycles is enough (Duato). Endpoints always take what arrives, so
ejection ends every chain.
"""

import networkx as nx
import numpy as np

from chipweave.errors import BadInput, Fault


def dependencies(net, router):
    """networkx.DiGraph of the channels that routes use one after the other."""
    graph = nx.DiGraph()
    wires = net.wires()
    for goal in range(net.endpoints):
        _towards(net, router, wires, goal, graph)
    return graph


def _halves(net, router, phase):
    """The VC halves that a phase may use: with an odd number of VCs the two overlap, and then each uses both."""
    if net.phase is None:
        return (0,)
    width = router.vcs // router.vc_classes
    return (0, 1) if width % 2 and width > 0 else (int(phase),)


def _towards(net, router, wires, goal, graph):
    """Edges of all packets to one endpoint, whatever router they start from; each (router, port, phase) once."""
    seen = set()
    for start in range(net.routers):
        here, came, phase, before = start, None, 0, ()
        while net.seats[goal][0] != here:
            port = int(net.table[here, goal])
            if net.phase is not None:
                if came is None or net.dims[here, came] != net.dims[here, port]:
                    phase = bool(net.phase[here, goal])
                else:
                    port = came ^ 1
            now = tuple((here, port, half) for half in _halves(net, router, phase))
            graph.add_edges_from((a, b) for a in before for b in now)
            state = (here, port, phase)
            if state in seen and before:
                break
            if before:
                seen.add(state)
            link = wires[here, port]
            here, came, before = link.dst, link.dst_port, now


def cycle(net, router):
    """One cycle of channels that can wait for each other, as a list; empty where there is none."""
    if net.minimal is None and net.radices and (net.phase is None or not (router.vcs // router.vc_classes) % 2) and _is_dimension_order(net):
        return []
    try:
        return [a for a, _ in nx.find_cycle(dependencies(net, router))]
    except nx.NetworkXNoCycle:
        return []


def _is_dimension_order(net):
    """Whether the table is dimension order on a grid, lowest first: such tables have no cycle (with even halves)."""
    place, stride = [], 1
    for k in net.radices:
        place.append(np.arange(net.routers) // stride % k)
        stride *= k
    if stride != net.routers or net.routers != net.endpoints:
        return False
    wanted = np.full(net.table.shape, 255, np.uint8)
    for dim in reversed(range(len(net.radices))):
        differ = place[dim][:, None] != place[dim][None, :]
        wanted[differ] = dim
    here = np.eye(net.routers, dtype=bool)
    return bool((net.dims[np.arange(net.routers)[:, None], net.table] == np.where(here, -1, wanted.astype(int))).all())


def prove(net, router):
    """Nothing where no deadlock is possible; BadInput with the cycle printed where one is."""
    found = cycle(net, router)
    if found:
        names = [f"router {r} output {p}" + (f" half {h}" if net.phase is not None else "") for r, p, h in found]
        raise BadInput(Fault(f"network {net.name} can deadlock: " + " -> ".join(names + names[:1]),
                             allowed="routes without a cycle of channels (a torus needs an even number of VCs), or allow_deadlock"))
