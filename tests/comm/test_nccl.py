"""Does the model choose what NCCL chooses, and do its calls add up?"""

import pytest

from chipweave import topology
from chipweave.components.nvswitch_node import Fabric
from chipweave.components.time_models import nccl_choice as choice
from chipweave.components.time_models.nccl import Nccl

NODE = Fabric(8, 370_800_000_000)
ROUND = Nccl(floor="5 us", ll_rate="10 GB/s", copy_rate="25 GB/s", send_rate="20 GB/s", unpack_rate="40 GB/s")


def test_an_nvswitch_node_of_h100_has_24_ring_channels():
    assert choice.ring_graph(370.8) == (12, 30.0)
    assert choice.channels(370.8) == 24


def test_nccls_own_estimate_of_nvls_is_what_its_maintainers_state():
    """Row nccl-0260: bus bandwidth 480 GB/s, algorithm bandwidth about 275."""
    time = choice.cost_table("all_reduce", 8, 2**32, 370.8)["nvls", "Simple"]
    assert 2**32 / time / 1e3 == pytest.approx(272, abs=1)


@pytest.mark.parametrize(
    "collective, ranks, size, expected",
    [
        ("all_reduce", 8, 512, ("ring", "LL")),
        ("all_reduce", 8, 2**20, ("ring", "LL")),
        ("all_reduce", 8, 2**21, ("nvls", "Simple")),
        ("all_reduce", 2, 2**20, ("ring", "LL")),
        ("all_reduce", 2, 2**21, ("ring", "Simple")),
        ("all_gather", 8, 2**23, ("ring", "LL128")),
        ("all_gather", 8, 2**25, ("ring", "Simple")),
        ("all_reduce", 4, 2**28, ("ring", "Simple")),
    ],
)
def test_algorithm_and_protocol_by_size(collective, ranks, size, expected):
    chosen = choice.choose(collective, ranks, size, 370.8)
    assert (chosen.algorithm, chosen.protocol) == expected


def test_small_messages_use_fewer_channels_then_fewer_threads():
    count = [
        (c.channels, c.threads)
        for c in (choice.choose("all_gather", 2, size, 370.8) for size in (2048, 8192, 65536, 2**20))
    ]
    assert count == [(1, 128), (1, 512), (8, 512), (24, 512)]


@pytest.mark.parametrize(
    "ranks, part, expected",
    [(2, 2**15, 1), (2, 2**17, 2), (2, 2**20, 16), (2, 2**29, 32), (4, 2**20, 8), (8, 2**20, 4)],
)
def test_channels_of_an_exchange_keep_64_kib_a_thread_block(ranks, part, expected):
    assert choice.exchange_channels(ranks, part, 370.8) == expected


@pytest.mark.parametrize("size, chunk", [(2**21, 16), (2**23, 32), (2**26, 64), (2**30, 128)])
def test_nvls_chunks_grow_with_the_message(size, chunk):
    assert choice.nvls_chunk(size, 8) == chunk * 1024


def test_ll_all_gather_of_two_takes_its_closed_form():
    """8 KiB on one channel: send 4 KiB, hop, receive 4 KiB, at 10 GB/s."""
    assert ROUND.time("all_gather", 2, 8192, NODE) == 5_000_000 + 409_600 + 600_000 + 409_600


def test_simple_exchange_of_two_takes_its_closed_form():
    """64 KiB on one channel: send at 20 GB/s, copy out at 40, each after one synchronised slice."""
    assert ROUND.time("alltoall", 2, 2**17, NODE) == 5_000_000 + 2 * 1_700_000 + 3_276_800 + 1_638_400


def test_a_long_all_gather_of_eight_nears_the_links_payload():
    time = ROUND.time("all_gather", 8, 2**34, NODE)
    assert 0.98 < 2**34 * 7 / 8 / (time / 1e12) / 370.8e9 <= 1


def test_nvls_reaches_more_than_twice_a_links_rate_in_bus_terms():
    time = ROUND.time("all_reduce", 8, 2**32, NODE)
    assert 2**32 * 1.75 / (time / 1e12) > 450e9


def test_without_in_switch_reduction_a_long_all_reduce_is_a_ring():
    assert choice.choose("all_reduce", 8, 2**32, 370.8).algorithm == "nvls"
    assert choice.choose("all_reduce", 8, 2**32, 370.8, nvls=False).algorithm == "ring"
    assert 300e9 < 2**32 * 1.75 / (ROUND.time("all_reduce", 8, 2**32, NODE, nvls=False) / 1e12) < 370.8e9


@pytest.mark.parametrize("ranks", [1, 9])
def test_a_node_refuses_ranks_it_does_not_have(ranks):
    with pytest.raises(ValueError, match="on a node of 8"):
        ROUND.time("all_gather", ranks, 1024, NODE)


@pytest.mark.parametrize("name, links, device", [("dgx_h100", 18, "H100"), ("dgx_h800", 8, "H800")])
def test_the_nodes_bandwidth_is_its_links_payload(name, links, device):
    system = topology.load(name)
    fabric = system.parts["switch"].fabric(system.networks["nvlink"])
    assert system.parts["gpu[0]"].link_count == links
    assert fabric.ranks == 8 and fabric.bandwidth == links * 20_600_000_000
    assert fabric.links(8)["out", 7] == fabric.bandwidth
    assert fabric.links(8, exchange=True)["in", 0] == fabric.bandwidth * 85 / 100
    assert fabric.links(2, exchange=True)["in", 0] == fabric.bandwidth, "two GPUs have one port each to send to"
