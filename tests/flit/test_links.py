"""Do bins over time and hottest flows of links say what passed, in both engines, as the plain router saw it?"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular
from chipweave.plain.noc import Packet, PlainNetwork
from chipweave.traffic import link_stats
from chipweave.traffic import synthetic as traffic

from .test_kernel_is_twin import networks, routers
from .test_kernel_is_twin import traffic as packets_of


def places(net):
    return [(r, p) for r in range(net.routers) for p in range(net.ports[r])] + [(-1, e) for e in range(net.endpoints)]


def agree(net, router, packets, general, kept):
    plain = PlainNetwork(net, router)
    plain.run([Packet(*p) for p in packets], 600)
    kernel = FlitSimulator(net, router, general=general, watchdog=0, flows=kept)
    kernel.send([(i, p[3], p[2], p[0], p[1], p[4], p[2]) for i, p in enumerate(packets)])
    kernel.advance(plain.now)
    width, bins = kernel.bins()
    for place, bin_, flows in zip(places(net), bins, kernel.flows(), strict=False):
        seen = plain.passed[place]
        assert [int(n) for n in bin_[:, 0]] == [sum(t // width == k for t, _, _ in seen) for k in range(len(bin_))]
        exact = Counter((s, d) for _, s, d in seen)
        assert all(n - over <= exact[s, d] <= n for n, over, s, d in flows)
        assert {pair for pair, n in exact.items() if n * kept > len(seen)} <= {f[2:] for f in flows}
        assert sum(f[0] for f in flows) == len(seen)
    assert (bins.sum(axis=1) == kernel.counts().sum(axis=1)).all()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.booleans(), st.sampled_from([1, 2, 8]))
def test_bins_and_flows_are_those_of_the_plain_router(data, general, kept):
    net = data.draw(networks())
    router = data.draw(routers(fast=not general))
    agree(net, router, data.draw(packets_of(net, router)), general, kept)


def test_bins_double_their_width_and_keep_every_cycle():
    kernel = FlitSimulator(irregular(2, {(0, 1): 1, (1, 0): 1}), Router(), skip=False)
    kernel.send([(i, c, 1, 0, 1, 0, 1) for i, c in enumerate((0, 8000, 8192, 100_000))])
    kernel.drain(1 << 30)
    width, bins = kernel.bins()
    sent = bins[-2, :, 0]  # injection wire of endpoint 0: a flit leaves in the cycle it is queued
    assert width == 4096 and {k: int(n) for k, n in enumerate(sent) if n} == {0: 1, 1: 1, 2: 1, 24: 1}


def test_a_bin_counts_beyond_32_bits():
    kernel, flits = FlitSimulator(grid([3]), Router()), (1 << 31) - 1
    kernel.send([(i, 0, flits, 0, 2, 0, flits) for i in range(100)])
    kernel.drain(1 << 60)
    width, bins = kernel.bins()
    assert bins[:, :, 0].max() == width == 1 << 33
    assert (bins.sum(axis=1) == kernel.counts().sum(axis=1)).all() and kernel.counts()[-3, :, 0].sum() == 100 * flits


def test_bins_of_a_skipped_run_keep_totals_and_are_off_by_less_than_a_period():
    net, kernels = grid([5, 5]), []
    for skip in (False, True):
        kernel = FlitSimulator(net, Router(vcs=8), skip=skip)
        kernel.send([(i, 0, 100_000, s, d, 0, 100_000) for i, (s, d) in enumerate([(0, 24), (4, 20), (5, 24)])])
        kernel.drain(1 << 40)
        kernels.append(kernel)
    (width, stepped), (other, skipped) = kernels[0].bins(), kernels[1].bins()
    assert width == other and (stepped.sum(axis=1) == skipped.sum(axis=1)).all()
    period = kernels[1].skipped["longest_period"]
    off = abs(stepped.astype(int) - skipped.astype(int))
    assert period > 0 and off[:, :, 0].max() <= 2 * period


@pytest.mark.parametrize("general", [False, True])
def test_rows_of_links_name_the_hot_flow_and_account_for_every_cycle(general):
    net = grid([4, 4])
    kernel = FlitSimulator(net, Router(), seed=1, flows=4, general=general)
    result = traffic.run(net, Router(), "hotspot({{5},{1}})", 0.05, cycles=2000, kernel=kernel)
    report = link_stats.document(kernel, 64)
    assert report["links"][0]["to"] == "endpoint 5" and report["links"][0]["flits"] >= result["packets"] > 1000
    assert {f["dst"] for k in report["links"] for f in k["flows"]} == {5}
    for k in report["links"]:
        assert k["busy"] + k["idle"] == report["cycles"] and k["wire_bytes"] == 64 * k["flits"]
        assert sum(b[0] for b in k["bins"]) == k["flits"] and sum(f["flits"] for f in k["flows"]) == k["flits"]


def test_flows_kept_change_no_arrival():
    net, ends = grid([3, 3]), []
    for flows in (0, 3):
        kernel = FlitSimulator(net, Router(), flows=flows)
        kernel.send([(i, i % 5, 5, i % 9, (i * 4) % 9, 0, 5) for i in range(60)])
        kernel.drain(1 << 20)
        ends.append(sorted(kernel.collect()))
    assert ends[0] == ends[1] and len(ends[0]) == 60
