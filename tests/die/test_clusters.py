"""Is another SM's shared memory as far, as fast and as shared as the network of the GPC says; do kernel and twin
agree?"""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_die import LOOP, SHARED, SM, WAIT, outcome, program

from chipweave import topology
from chipweave.line_rate.endpoints import Endpoints

ENGINES = ["kernel", "plain"]
HOP, LOCAL = 70, 25  # cycles of 1 ns


def gpc(engine="kernel", sms=4, port_bytes=0, **sm):
    """(Endpoints, SMs, network): one GPC."""
    e = Endpoints(16, 64, engine=engine)
    parts = [
        e.add("sm", **{**SM, "clock": 10**9, "shared_cycles": LOCAL, "rank": i, "turnaround": 0, **sm})
        for i in range(sms)
    ]
    network = e.add("sm_network", clock=10**9, cycles=HOP, port_bytes=port_bytes)
    for part in parts:
        e.wire(part, "cluster", network, "sm", 1)
    return e, parts, network


def load(cluster, peer, lanes=1, size=4, store=0, lane_step=None, at=0):
    return (SHARED, at, cluster, peer, 0, 0, size if lane_step is None else lane_step, size, lanes, store)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("peer, cycles", [(0, LOCAL), (1, 2 * HOP + LOCAL), (3, 2 * HOP + LOCAL)])
def test_a_load_takes_the_network_twice_and_the_memory_once(engine, peer, cycles):
    e, sms, _ = gpc(engine)
    program(e, sms[0], [load(4, peer), (WAIT,)])
    e.run()
    assert e.now == 1000 + cycles * 1000 + (4 if peer else 0)  # four wires of 1 ps


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cluster_wraps_round_within_its_own_ranks(engine):
    e, sms, _ = gpc(engine)
    program(e, sms[3], [load(2, 1), (WAIT,)])
    e.run()
    assert [e.statistics(s)["served"] for s in sms] == [0, 0, 32, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_readers_of_one_sm_share_what_it_can_send(engine):
    """128 B at 16 B a cycle leave in 8 cycles: each further reader of the same SM ends 8 cycles after the one
    before."""
    ends = []
    for readers in (1, 2, 3):
        e, sms, _ = gpc(engine, port_bytes=1600)
        for i in range(readers):
            program(e, sms[i], [load(4, 3 - i, 32), (WAIT,)])
        e.run()
        ends.append(e.now)
    assert [b - a for a, b in itertools.pairwise(ends)] == [8000, 8000]


@pytest.mark.parametrize("engine", ENGINES)
def test_readers_of_different_sms_do_not_meet(engine):
    e, sms, _ = gpc(engine, port_bytes=1600)
    for part in sms:
        program(e, part, [load(4, 1, 32), (WAIT,)])
    e.run()
    alone, parts, _ = gpc(engine, port_bytes=1600)
    program(alone, parts[0], [load(4, 1, 32), (WAIT,)])
    alone.run()
    assert e.now == alone.now


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("step, size, cycles", [(4, 4, 1), (8, 4, 2), (128, 4, 32), (8, 8, 2), (16, 16, 4), (0, 4, 1)])
def test_banks_of_shared_memory_hold_the_unit_by_width_and_stride(engine, step, size, cycles):
    e, sms, _ = gpc(engine)
    program(e, sms[0], [load(1, 0, 32, size, lane_step=step), (WAIT,)])
    e.run()
    assert e.statistics(sms[0])["lsu_busy"] == cycles * 1000


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "changes, cycles", [({}, 4), ({"lsu_bytes": 64}, 8), ({"lsu_bytes": 256}, 4), ({"lsu_banks": 16}, 8)]
)
def test_the_unit_is_as_wide_as_its_parameters_say(engine, changes, cycles):
    """32 lanes of 16 B are 512 B and 128 words: so many a cycle as data path and banks pass."""
    e, sms, _ = gpc(engine, **changes)
    program(e, sms[0], [load(1, 0, 32, 16), (WAIT,)])
    e.run()
    assert e.statistics(sms[0])["lsu_busy"] == cycles * 1000


@pytest.mark.parametrize("engine", ENGINES)
def test_of_so_many_slots_one_is_lost(engine):
    e, sms, _ = gpc(engine, lsu_slots=5)
    program(e, sms[0], [load(1, 0, 32), (LOOP, 0, 16)])
    e.run()
    assert e.statistics(sms[0])["lsu_busy"] == 20 * 1000  # 16 wavefronts and every fifth cycle


def scrambled(engine, seed):
    import random

    rng = random.Random(seed)
    e, sms, network = gpc(
        engine,
        port_bytes=rng.choice([0, 700, 1600]),
        load_sectors=rng.choice([8, 64]),
        store_sectors=8,
        lsu_slots=rng.choice([0, 3]),
    )
    for i, part in enumerate(sms):
        ops = [
            load(
                rng.choice([1, 2, 4]),
                rng.randrange(4),
                rng.randrange(1, 33),
                rng.choice([4, 8, 16]),
                rng.randrange(2),
                rng.choice([4, 8, 36]),
                128 * rng.randrange(9),
            )
            for _ in range(4)
        ]
        program(e, part, [*ops, (LOOP, 0, 3), (WAIT,)], rng.choice([32, 96]), rng.randrange(1, 3), i, 4, 12)
    e.run()
    return outcome(e, [*sms, network])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_kernel_and_twin_end_in_the_same_picosecond(seed):
    assert scrambled("kernel", seed) == scrambled("plain", seed)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 72), st.integers(1, 9), st.integers(1, 16))
def test_clusters_lie_in_one_gpc_and_no_sm_is_in_two(tpcs, gpcs, size):
    sm = topology.load("gh200", sets=(f"sm.sms={2 * tpcs}", f"sm.gpcs={gpcs}")).parts["sm"]
    clusters = sm.clusters(size)
    taken = [i for members in clusters for i in members]
    assert len(taken) == len(set(taken)) == size * len(clusters)
    for members in clusters:
        places = [sm.places[i] for i in members]
        assert len({g for g, _ in places}) == 1
        assert [r for _, r in places] == list(range(places[0][1], places[0][1] + size)) and places[0][1] % size == 0


@pytest.mark.parametrize(
    "name, size, clusters",
    [("h100_sxm", 1, 132), ("h100_sxm", 2, 66), ("h100_sxm", 4, 32), ("h100_sxm", 16, 8), ("h800_pcie", 4, 25)],
)
def test_a_die_has_room_for_so_many_clusters(name, size, clusters):
    assert len(topology.load(name).parts["sm"].clusters(size)) == clusters


def test_an_answer_of_a_peer_that_is_not_waited_for_is_none_of_the_next_block_s():
    def ended(engine):
        e, sms, _ = gpc(engine)
        program(e, sms[0], [load(4, 1), (WAIT,), load(4, 2)], blocks=5)
        e.run()
        return e.statistics(sms[0])["blocks"], outcome(e, sms)

    kernel, plain = map(ended, ENGINES)
    assert kernel == plain and kernel[0] == 5
