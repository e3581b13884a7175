"""Parallel ways and slow links: are they used as they are, or is it said that they are not?"""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from chipweave import topology
from chipweave.cli import replay as replay_command
from chipweave.run import simulate
from chipweave.run.die_figures import NEEDED, costs_of
from chipweave.run.spec import RunSpec
from chipweave.views.filetypes import check_and_warn

LEAVES = [[host, 8 + host // 2] for host in range(8)] + [[leaf, spine] for leaf in range(8, 12) for spine in (12, 13)]
TREE = """schema: chipweave.topology/1
name: fat_tree
networks:
  net:
    {routers: 14, shape: edges, edges: EDGES, latency: 1 ns, bandwidth: 32 GB/s, link_model: flit,
    router: {vc_depth: 16}}
"""
FAST_EDGES = """schema: chipweave.topology/1
extends: wafer
name: fast_edges
parts:
  die:
    grid: [4, 6]
    override:
      "[0][*]": {hbm: {bandwidth: 8 TB/s, capacity: 144 GB}}
      "[3][*]": {hbm: {bandwidth: 8 TB/s, capacity: 144 GB}}
      "[1..2][0]": {hbm: {bandwidth: 8 TB/s, capacity: 144 GB}}
      "[1..2][5]": {hbm: {bandwidth: 8 TB/s, capacity: 144 GB}}
networks: {d2d: {override: [{between: ["[*][2]", "[*][3]"], bandwidth: 400 GB/s}]}}
"""


def tree(folder, spread=""):
    path = folder / "fat_tree.yaml"
    path.write_text(TREE.replace("EDGES", f"{LEAVES}{spread}"))
    return path


def last_arrivals(folder, capsys, topology):
    """Cycle in which each of two flows of 10,000 flits between two leaves has arrived."""
    (folder / "two.csv").write_text("src,dst,size,ctime\n0,2,10000,0\n1,3,10000,0\n")
    out = folder / "out.csv"
    replay_command.command.main([str(topology), str(folder / "two.csv"), "--csv", str(out)], standalone_mode=False)
    return [int(row["atime"]) for row in csv.DictReader(out.open())]


def test_a_listed_fat_tree_says_that_a_spine_idles_and_how_it_is_used(tmp_path, capsys):
    """An edge list spreads nothing unasked: two flows over one spine take twice the time, and `check` says so."""
    [warning] = check_and_warn(str(tree(tmp_path)))[1]
    assert "no route leads through net[13], though routes lead through others with the same links" in warning.what
    assert warning.place.line == 5
    spread = (
        ", spread: packet, allow_deadlock: true"  # spines that send down to leaves and up again can wait in a circle
    )
    [deadlock] = check_and_warn(str(tree(tmp_path, spread)))[1]
    assert "allow_deadlock" in deadlock.what
    one, both = (max(last_arrivals(tmp_path, capsys, tree(tmp_path, s))) for s in ("", spread))
    assert 20_000 < one < 20_100 and 10_000 < both < 10_200


@pytest.mark.slow
def test_work_goes_around_a_slow_column(tmp_path):
    """`allo` is faster than `ep`, not slower where nothing can be gained, and loads slow links less than equal ones."""
    path = tmp_path / "fast_edges.yaml"
    path.write_text(FAST_EDGES)

    def run(topology, strategy, sets=()):
        more = dict(model="qwen3-235b", trace="qwen-syn", batch=1024, steps=2, preset="paper")
        return simulate.simulate(RunSpec(topology=topology, strategy=strategy, sets=sets, **more))

    def over_the_column(outcome):
        [(_, names, stats)] = outcome.links
        crossing = [("[2].d2d -> " in n and "[3].d2d" in n) or ("[3].d2d -> " in n and "[2].d2d" in n) for n in names]
        return sum(int(size) for size, crosses in zip(stats.bytes, crossing, strict=True) if crosses)

    ours, ep = run(str(path), "allo"), run(str(path), "ep")
    assert ours.row["decode_time_ns"] <= ep.row["decode_time_ns"]
    assert ours.row["prefill_time_ns"] < 0.9 * ep.row["prefill_time_ns"]
    equal = run("wafer", "allo", ("parts.die.grid=[4, 6]",))
    assert 0 < over_the_column(ours) < 0.5 * over_the_column(equal)


@pytest.mark.parametrize("spread, rate", [("packet", 400), ("pair", 100)])
def test_policies_see_the_rate_of_all_planes_where_packets_take_turns(spread, rate):
    sets = ("networks.d2d.shape=switch", "networks.d2d.switches=4", "d2d.bandwidth=100 GB/s", f"d2d.spread={spread}")
    system = topology.load("wafer", sets=("parts.die.grid=[1, 4]", "networks.d2d.routing=shortest", *sets))
    network, facts = system.networks["d2d"], {name: [1] * 4 for name in NEEDED}
    costs = costs_of(facts, network, SimpleNamespace(expert_bytes=1, slices=1, hidden=1, intermediate=1), [0, 1, 2, 3])
    assert costs.link_bandwidth == rate * 10**9 and costs.dies.links_alike
    apart = ~np.eye(4, dtype=bool)
    assert (costs.dies.route_bandwidth[apart] == rate * 1e9).all() and (
        costs.dies.route_latency_ps[apart] == 400_000
    ).all()
