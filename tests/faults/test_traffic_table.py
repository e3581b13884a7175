"""Does `table(FILE)` send what the file says: from whom, to whom, how much, and nothing else?"""

import pytest

from chipweave.errors import BadInput
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.traffic import replay
from chipweave.traffic import synthetic as traffic
from chipweave.traffic import table as traffic_table

NOXIM = "0 8 0.01\n3 1 0.02\n8 6 0.1\n2 4 0.2\n"


@pytest.fixture
def table(tmp_path):
    """text -> the pattern of a file that has it."""

    def written(text):
        (tmp_path / "t.txt").write_text(text)
        return f"table({tmp_path / 't.txt'})"

    return written


def test_endpoints_without_a_line_are_silent_and_the_others_share_the_load(table):
    row = traffic.run(grid([4, 4]), Router(), table(NOXIM), 0.02, cycles=40_000)
    assert row["offered_flits"] == pytest.approx(0.02, rel=0.03)
    assert row["accepted_flits"] == pytest.approx(row["offered_flits"], rel=0.01)
    assert row["accepted_flits_node_min"] == 0
    # endpoint 4 takes 0.2 / 0.33 of all flits
    assert row["accepted_flits_node_max"] == pytest.approx(0.02 * 16 * 0.2 / 0.33, rel=0.03)


def test_hops_are_those_of_the_pairs(table):
    """0 -> 8 passes 3 routers, 3 -> 1 as many, 8 -> 6 five: alone, each says so exactly."""
    for line, hops in (("0 8 1", 3), ("3 1 1", 3), ("8 6 1", 4)):
        row = traffic.run(grid([4, 4]), Router(), table(line), 0.01, cycles=2000)
        assert row["hops_mean"] == hops and row["packets"] > 0


def test_the_least_latency_is_that_of_one_packet_alone(table):
    """At a low load a packet of 3 flits meets nobody: it takes what `replay` gives it in an empty network."""
    row = traffic.run(grid([4, 4]), Router(), table("0 3 1"), 0.0005, "3", cycles=50_000)
    ((_, atime, hops),) = replay.run(grid([4, 4]), Router(), [(0, 3, 3, 0)])
    assert row["latency_min"] == atime and row["hops_mean"] == hops and row["packets"] > 50


def test_a_goal_is_drawn_by_its_share(table):
    read = traffic_table.read(table("0 1 3\n0 2 1\n").removeprefix("table(").removesuffix(")"), 16)
    packets = traffic_table.Packets(read, 16, 1 / 32, [(1, 1.0), (5, 1.0)], seed=3)
    rows = [row for _ in range(100) for row in packets.window(1 << 40).tolist()]
    goals, sizes = [r[2] for r in rows], [r[3] for r in rows]
    assert set(goals) == {1, 2} and goals.count(1) / len(goals) == pytest.approx(0.75, abs=0.02)
    assert sizes.count(5) / len(sizes) == pytest.approx(0.5, abs=0.02)
    assert len(rows) / (100 * 1024) == pytest.approx(16 / 32 / 3, rel=0.03)


def test_the_same_seed_makes_the_same_packets_and_another_others(table):
    rows = [
        traffic.run(grid([4, 4]), Router(), table(NOXIM), 0.02, cycles=2000, seed=seed)["latency_mean"]
        for seed in (1, 1, 2)
    ]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(
    "text, words",
    [
        ("0 1\n", "t.txt:1: 2 entries; allowed: src dst rate"),
        ("0 16 1\n", "t.txt:1: dst '16' is no endpoint; allowed: 0 to 15"),
        ("-1 3 1\n", "t.txt:1: src '-1' is no endpoint"),
        ("0 1 x\n", "t.txt:1: rate 'x'"),
        ("0 1 -0.5\n", "t.txt:1: rate '-0.5'"),
        ("0 1 nan\n", "t.txt:1: rate 'nan'"),
        ("0 1 1\n\n0 1 2\n", "t.txt:3: 0 to 1 is given twice, first in line 1"),
        ("# none\n", "no rate is above 0"),
        ("0 1 0\n", "no rate is above 0"),
    ],
)
def test_a_line_that_says_nothing_is_refused(table, text, words):
    with pytest.raises(BadInput) as error:
        traffic.parse(grid([4, 4]), table(text))
    assert words in str(error.value)


def test_a_load_that_one_endpoint_cannot_send_is_refused(table):
    with pytest.raises(BadInput, match=r"too much for endpoint 2; allowed: at most 0\.1031"):
        traffic.run(grid([4, 4]), Router(), table(NOXIM), 0.2)
    with pytest.raises(BadInput, match="pattern table; allowed: bernoulli"):
        traffic.run(grid([4, 4]), Router(), table(NOXIM), 0.01, injection="on_off(0.5,0.5)")
