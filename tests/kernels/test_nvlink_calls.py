"""Calls over NVLink: does each library take the way that its source states, at the bytes that it states?"""

import pytest

from chipweave.kernel_models.expert_exchange import touched
from chipweave.kernel_models.nvlink_calls import (
    MIB,
    OWN_PART,
    PROTOCOLS,
    Domain,
    collective_seconds,
    own_all_reduce,
    send_seconds,
)
from chipweave.ledger import Question, asking

FREE = Domain(rate=1e30, call=8e-6, step=1e-6, launch=2e-6)
RATED = Domain(rate=1e12, call=0.0, step=0.0, launch=0.0, switch_share=0.5)


def test_a_ring_takes_its_steps_and_a_gather_a_part_of_its_own():
    assert collective_seconds(FREE, "all-gather", 2, 1.0) == pytest.approx(8e-6)
    assert collective_seconds(FREE, "all-reduce", 4, 1.0) == pytest.approx(13e-6)
    size = 1e12
    simple = PROTOCOLS[2].base + PROTOCOLS[2].step
    assert collective_seconds(RATED, "all-gather", 2, size) == pytest.approx(simple + (1 + OWN_PART) / 2)
    assert collective_seconds(RATED, "all-to-all", 2, size) == pytest.approx(1 + simple + PROTOCOLS[2].step)
    assert send_seconds(RATED, size) == pytest.approx(1 + simple)
    assert touched(2, 8, own=True) == pytest.approx(2 * (1 - 2**-8))


def test_tensorrt_takes_one_shot_two_or_nccl_by_bytes():
    below, at, beyond = (own_all_reduce(RATED, "trtllm", 4, size)[0] for size in (4 * MIB - 2, 4 * MIB, 8_000_001))
    assert below == pytest.approx(3 * (4 * MIB - 2) / 1e12)
    assert at == pytest.approx(1.5 * 4 * MIB / 1e12)
    assert beyond == collective_seconds(RATED, "all-reduce", 4, 8_000_001)
    assert own_all_reduce(RATED, "trtllm", 2, 16e6)[0] == pytest.approx(16e6 / 1e12)  # two ranks have more room


def test_vllm_takes_its_own_kernel_then_symmetric_memory_then_nccl():
    own, shared, nccl = (own_all_reduce(RATED, "vllm", 4, size) for size in (2 * MIB - 2, 2 * MIB, 32 * MIB))
    assert (own[1], shared[1], nccl[1]) == (1, 3, 1)  # copied in, reduced, copied out
    assert shared[0] == pytest.approx(1.5 * 2 * MIB / 1e12)
    assert nccl[0] == collective_seconds(RATED, "all-reduce", 4, 32 * MIB)
    assert own_all_reduce(RATED, "vllm", 8, 2 * MIB)[0] == pytest.approx(2 * MIB / 0.5e12)  # the switch sums


def test_sglang_takes_the_shorter_of_one_shot_and_two_up_to_its_bytes():
    small, large = (own_all_reduce(FREE, "sglang", 4, size)[0] for size in (1.0, 8 * MIB))
    assert small == large == pytest.approx(2e-6 + 2 * 1e-6)
    assert own_all_reduce(RATED, "sglang", 4, 8 * MIB)[0] == pytest.approx(1.5 * 8 * MIB / 1e12)
    beyond = own_all_reduce(RATED, "sglang", 4, 8 * MIB + 1)[0]
    assert beyond == collective_seconds(RATED, "all-reduce", 4, 8 * MIB + 1)


def answer(group, quantity, conditions, x, unit="us", device="B200 SXM"):
    row = Question("row", group, quantity, unit, device, "-", conditions, "x", str(x), "predicted")
    (found,) = asking.answer("dies", [row]).values()
    return found


def all_reduce(elements, kernel, gpus=4, device="B200 SXM"):
    said = f"gpus={gpus}; kernel={kernel}; framework=of a test; dtype=bfloat16"
    return answer("b200_allreduce", "custom all-reduce time", said, elements, device=device)


def test_calls_from_python_take_what_the_host_takes_and_no_more_than_the_device_beyond():
    few, many = all_reduce(128, "vllm_eager"), all_reduce(1 << 26, "vllm_eager")
    assert few == all_reduce(1024, "vllm_eager") > 3 * all_reduce(128, "vllm_graph")
    assert many == all_reduce(1 << 26, "vllm_graph")
    assert all_reduce(128, "vllm_eager", device="GB200") == pytest.approx(3.05 * few)  # a Grace host
    assert all("fewer than two GPUs" in all_reduce(2, name, 1).why for name in ("trtllm", "sglang_graph", "vllm_eager"))


def test_a_permute_is_one_send_of_each_rank():
    rate = answer("b200_p2p", "collective-permute rate, ring", "gpus=8; dtype=f32", 1 << 31, "GB/s")
    assert 600 < rate < 828
    assert "no collective-permute" in answer("b200_p2p", "a rate", "gpus=8", 1 << 20, "GB/s").why
