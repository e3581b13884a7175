"""Does every packet of BookSim 2's traces leave and arrive in the same cycle, by both engines and the plain twin?"""

import pytest

from chipweave.fabric.noc import FlitSimulator, replay
from chipweave.noc.routing import irregular
from chipweave.plain.noc import Packet, PlainNetwork

from .booksim_traces import NAMES, index, network, rows, trace


@pytest.mark.slow
@pytest.mark.parametrize("general", [False, True], ids=["chosen engine", "general engine"])
@pytest.mark.parametrize("name", NAMES)
def test_every_packet_of_a_booksim_trace_is_equal_on_the_kernel(name, general):
    net, router, packets, expected = trace(name)
    assert replay(net, router, packets, general=general) == expected


def test_the_fast_engine_serves_all_traces_but_the_islip_one():
    assert [name for name in NAMES if not FlitSimulator(*trace(name)[:2]).fast] == ["T06"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_packet_of_a_booksim_trace_is_equal_on_the_plain_router(name):
    net, router, packets, expected = trace(name)
    end = (
        sorted(p[3] for p in packets)[min(400, len(packets) - 1)] + 40
    )  # the beginning is enough: the kernel runs all of it
    early = [(Packet(*p), e) for p, e in zip(packets, expected, strict=False) if p[3] <= end]
    plain = PlainNetwork(net, router)
    for packet, _ in sorted(early, key=lambda pair: pair[0].ctime):
        plain.add(packet)
    while plain.now <= end:
        plain.step()
    arrived = [(p, e) for p, e in early if e[1] <= end]
    assert len(arrived) > 100
    assert [(p.itime, p.atime, p.hops) for p, _ in arrived] == [e for _, e in arrived]


def test_shortest_paths_are_the_next_hops_of_the_given_tables():
    row = index()["T07"]
    edges = {(int(r["src_router"]), int(r["dst_router"])): int(r["latency"]) for r in rows("anynet_links.csv")}
    size = int(row["k"])
    given = [[0] * size for _ in range(size)]
    for r in rows("anynet_routes.csv"):
        given[int(r["router"])][int(r["dest_node"])] = int(r["next_router"])
    assert (network(row).table == irregular(size, edges, next_router=given).table).all()
