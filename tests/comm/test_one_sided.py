"""One-sided exchange in an NVLink domain: floors, copies for each rank with an expert, widths of the tokens."""

import pytest

from chipweave import topology
from chipweave.declare import registry

SYSTEM = topology.load("gb200_nvl72")
PORTS = SYSTEM.parts["switch"].fabric(SYSTEM.networks["nvlink"])


def time(phase="dispatch", tokens=1024, ranks=8, **more):
    model = registry.time_models.find("comm.one_sided")(dispatch_floor="0 ps", combine_floor="0 ps")
    return model.time(phase, tokens, 8, 7168, ranks, PORTS, **more)


def test_a_copy_leaves_for_each_other_rank_with_an_expert_at_the_rate_of_the_port():
    port = 828e9 * 0.85
    assert time() == pytest.approx(1024 * 7 * 7168 * 2 / port * 1e12, rel=1e-6)


def test_beyond_as_many_ranks_as_experts_a_token_leaves_at_most_once_for_each_expert():
    assert time(ranks=64) / time(ranks=8) == pytest.approx((8 * 63 / 64) / 7, rel=1e-3)


def test_narrow_tokens_cost_by_their_bytes_and_their_scales():
    assert time(dtype="mxfp8") / time() == pytest.approx((1 + 1 / 32) / 2, rel=1e-4)
    assert time(dtype="nvfp4") / time() == pytest.approx((0.5 + 1 / 16) / 2, rel=1e-4)


def test_combine_brings_sixteen_bit_results_whatever_was_dispatched():
    assert time("combine", dtype="nvfp4") == time("combine")


def test_more_ranks_than_the_domain_has_are_refused():
    with pytest.raises(ValueError, match="72"):
        time(ranks=144)
