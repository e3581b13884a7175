"""Do dispatch, combine and the custom all-reduce move the bytes their stacks move?"""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from chipweave.components.nvswitch_node import Fabric, NetworkAdapter, PcieHostLink
from chipweave.components.time_models.custom_allreduce import CustomAllreduce
from chipweave.components.time_models.deepep import DeepepLowLatency, DeepepNormal, message_bytes, share_of_ranks
from chipweave.components.time_models.nccl import Nccl
from chipweave.components.time_models.pplx import Pplx

NODE = Fabric(8, 100_000_000_000)  # 100 bytes a nanosecond
WIDE = Fabric(8, 100_000_000_000, adapter=50_000_000_000)
MEMORY = {"memory_bandwidth": "1000 GB/s", "memory_efficiency": "100 %"}

LOW = DeepepLowLatency(**MEMORY)


def test_a_token_on_the_wire():
    assert message_bytes(7168, fp8=True) == 16 + 7168 + 224
    assert message_bytes(7168, fp8=False) == 14336


@pytest.mark.parametrize("experts, ranks, topk", [(8, 4, 2), (8, 2, 3), (6, 3, 5)])
def test_share_of_ranks_counts_every_choice_of_experts(experts, ranks, topk):
    here = set(range(experts // ranks))
    choices = list(combinations(range(experts), topk))
    hits = sum(1 for c in choices if here & set(c))
    assert share_of_ranks(experts, ranks, topk) == pytest.approx(float(Fraction(hits, len(choices))))


def test_low_latency_combine_is_links_then_memory():
    """8 tokens of 1000 values, top-8, 8 ranks: 16,000 bytes to each peer at 100 B/ns over 7 peers, then 144,000 read
    and written."""
    own = DeepepLowLatency(combine_floor="1 us", **MEMORY)
    assert own.time("combine", 8, 8, 1000, 8, NODE) == 1_000_000 + 7 * 160_000 + 144_000


def test_low_latency_beyond_the_node_goes_through_the_adapter():
    """16 ranks: half of the 128,000 bytes leave by an adapter of 1 byte a nanosecond, slower than all else."""
    own = DeepepLowLatency(combine_floor="1 us", **MEMORY)
    node = Fabric(8, 100_000_000_000, adapter=1_000_000_000)
    assert own.time("combine", 8, 8, 1000, 16, node) == 1_000_000 + 64_000_000 + 144_000


def test_an_adapters_payload_is_its_packets():
    assert NetworkAdapter(bandwidth="100 GB/s", packet="1000 B", overhead="250 B").payload == 80_000_000_000


def test_normal_dispatch_follows_the_sms_until_the_links_are_full():
    own = DeepepNormal(dispatch_floor="1 us", warp_rate="0.3 GB/s", token_latency="0 ns")
    times = [own.time("dispatch", 100_000, 8, 7168, 256, sms, 8, NODE) for sms in (4, 8, 16, 256, 512)]
    assert times[0] / times[1] == pytest.approx(2, rel=0.01)
    assert times[1] / times[2] == pytest.approx(2, rel=0.01)
    assert times[3] == pytest.approx(times[4], rel=0.01)


def test_normal_dispatch_of_a_full_team_takes_its_closed_form():
    """One channel, three warps a peer, every rank hit: 3 tokens to a peer go in one round, the receiver takes one
    more."""
    own = DeepepNormal(dispatch_floor="0 ns", warp_rate="1 GB/s", token_latency="100 ns")
    token = 100_000 + message_bytes(128, True) * 1000
    assert own.time("dispatch", 3, 8, 128, 8, 2, 8, Fabric(8, 10**15)) == pytest.approx(2 * token, abs=2)


def test_pplx_dispatch_walks_all_tokens_first():
    own = Pplx(dispatch_floor="0 ns", l1_latency="10 ns", l2_latency="110 ns", shared_latency="20 ns", **MEMORY)
    walk = 32 * (10_000 + 2 * 20_000) + 8 * 100_000
    message, tokens = 7168 + 224, 32
    pair = tokens * message
    assert own.time("dispatch", 32, 8, 7168, 8, NODE) == pytest.approx(
        walk + 7 * pair * 10 + 2 * 8 * tokens * message, abs=10
    )


def test_custom_all_reduce_of_two_reads_the_peer_at_the_loads_in_flight():
    """36 x 512 x 16 bytes in flight over 1.2 us; far less than the link."""
    own = CustomAllreduce(graph_floor="4 us", eager_floor="20 us", hop="0.6 us", **MEMORY)
    nccl, wide = Nccl(), Fabric(8, 10**15)
    assert own.time("graph", 2, 294_912, nccl, wide) == 4_000_000 + 1_200_000
    assert own.time("eager", 2, 294_912, nccl, wide) == 20_000_000
    assert own.time("graph", 2, 2**23, nccl, NODE) == nccl.time("all_reduce", 2, 2**23, NODE)
    copied = own.time("eager", 2, 2**23, nccl, NODE) - own.time("graph", 2, 2**23, nccl, NODE)
    assert copied == 2 * 2**23


def test_pcie_host_link_is_latency_and_payload():
    assert PcieHostLink(bandwidth="50 GB/s", efficiency="80 %", latency="1 us").time(40_000) == 2_000_000


def test_even_loads_of_an_uneven_exchange_take_the_even_exchange_s_time():
    for ranks in (8, 32):
        copies = np.full((ranks, ranks), 64 * 8 / ranks)
        for phase in ("dispatch", "combine"):
            even = LOW.time(phase, 64, 8, 7168, ranks, WIDE)
            assert LOW.time_of(phase, copies, 64, 7168, WIDE) == pytest.approx(even, rel=2e-3)


def test_a_rank_that_gets_twice_as_much_makes_dispatch_and_combine_wait_for_it():
    share = np.array([2.0, *[6 / 7] * 7])
    hot, even = np.tile(64 * share, (8, 1)), np.full((8, 8), 64.0)
    for phase in ("dispatch", "combine"):
        times = [LOW.time_of(phase, c, 64, 7168, WIDE) - LOW.time_of(phase, 0 * c, 0, 7168, WIDE) for c in (hot, even)]
        assert 1.5 < times[0] / times[1] <= 2.0
