"""Messages between GPUs of one NVLink domain: NCCL's collectives, and the all-reduces of inference servers.

Rings as NCCL itself estimates them (src/graph/tuning.cc), with its protocols. What a call, a step and the links give
come from calibration rows, through `Domain`. NCCL's own sums in the switch are not modelled: it takes them by its own
estimate from three ranks on, and they are measured no sooner than its rings up to 1 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

from .ring_protocols import Protocol, call_seconds

PROTOCOLS = (
    Protocol("LL", 0.0, 0.0, 0.25),
    Protocol("LL128", 7.4e-6, 1.3e-6, 0.9375),
    Protocol("Simple", 1.8e-6, 2.8e-6, 1.0),
)
"""Beyond LL's own base and step, which are calibrated (NCCL src/graph/tuning.cc, rings over NVLink: baseLatencies 6.6,
14.0, 8.4 us; hwLatencies 0.6, 1.9, 3.4 us). Shares: LL128 carries 120 of 128 bytes; a quarter for LL, whose flags take
half of it and whose stores are of 8 bytes, is a guess."""
LL_THRESHOLD = 16384
"""Bytes for a peer up to which a send uses LL (NCCL src/enqueue.cc, P2P_LL_THRESHOLD)."""
OWN_PART = 0.5
"""Of a byte on the links, what a byte of a rank's own part costs: it is copied without staging in a peer's buffer, a
guess."""

MIB = 1 << 20
TRT_TWO_SHOTS = {2: 32 * MIB, 4: 4 * MIB, 8: 2 * MIB}
"""Ranks -> 16-bit bytes from which TensorRT-LLM's own all-reduce takes two shots on Blackwell; TRT_ROOM: bytes that it
has room for, of two ranks and of more (customAllReduceUtils.h, HeuristicThresholdLP, getMaxRequiredWorkspaceSize)."""
TRT_ROOM, TRT_ROOM_OF_MANY = 16_000_000, 8_000_000
VLLM_CUSTOM = {2: 2 * MIB, 4: 2 * MIB, 6: MIB, 8: MIB}
VLLM_SYMMETRIC = {2: 8 * MIB, 4: 32 * MIB, 6: 128 * MIB, 8: 128 * MIB}
VLLM_IN_SWITCH = (6, 8)
"""Ranks -> bytes below which vLLM on Blackwell takes its own kernel, below which PyTorch's symmetric memory; ranks that
reduce in the switch there (vllm all_reduce_utils.py, symm_mem.py, capability 10.0)."""
SGLANG_CUSTOM = 8 * MIB
"""Bytes up to which SGLang takes its own kernel (custom_all_reduce.py, _MAX_CAR_SIZE)."""


@dataclass(frozen=True)
class Domain:
    """GPUs of an NVLink domain as calls see it.

    Attributes:
        rate: bytes/s one way that a GPU's links carry beneath a kernel.
        call, step: seconds of an NCCL call before its first step, and of a step of its LL protocol: a write to a peer,
            the flag behind it and the poll.
        launch: seconds of the shortest kernel of a graph.
        switch_share: of `rate`, that a sum in the switch reaches beneath PyTorch's kernel.
    """

    rate: float
    call: float
    step: float
    launch: float
    switch_share: float = 1.0


def collective_seconds(domain: Domain, kind: str, ranks: int, size: float) -> float:
    """Seconds of one call of NCCL.

    Args:
        kind: all-reduce, all-gather, reduce-scatter or all-to-all.
        size: bytes as nccl-tests counts them.
    """
    steps = {"all-reduce": 2 * (ranks - 1), "all-to-all": 2}.get(kind, ranks - 1)
    moved = (2.0 if kind == "all-reduce" else 1.0) * (ranks - 1) / ranks * size + OWN_PART * size / ranks
    call = domain.call + (steps - 1) * domain.step
    usable: tuple[Protocol, ...] = PROTOCOLS
    if kind == "all-to-all":  # a rank's own part passes the same copy loop; sends use LL up to a threshold, then Simple
        moved = size
        usable = PROTOCOLS[:1] if size / ranks <= LL_THRESHOLD else PROTOCOLS[2:]
    return call_seconds(steps, moved, domain.rate, call, usable)


def send_seconds(domain: Domain, size: float) -> float:
    """Seconds of a send to one peer while each rank has one, as large messages go."""
    return domain.call + PROTOCOLS[2].base + PROTOCOLS[2].step + size / domain.rate


def own_all_reduce(domain: Domain, library: str, ranks: int, size: float) -> tuple[float, int]:
    """(seconds on the device, calls that the host makes) of an inference server's all-reduce.

    Args:
        library: trtllm, vllm or sglang.
        size: bytes of the operand.
    """
    if library == "trtllm":
        if size > (TRT_ROOM if ranks < 3 else TRT_ROOM_OF_MANY):
            return collective_seconds(domain, "all-reduce", ranks, size), 1
        shots = _two_shots if size >= _of(TRT_TWO_SHOTS, ranks) else _one_shot
        return shots(domain, ranks, size), 1
    custom = _of(VLLM_CUSTOM, ranks) if library == "vllm" else SGLANG_CUSTOM + 1
    if size < custom:
        return min(_one_shot(domain, ranks, size), _two_shots(domain, ranks, size)), 1
    if library == "vllm" and size < _of(VLLM_SYMMETRIC, ranks):  # copied into shared memory and out of it
        in_switch = ranks in VLLM_IN_SWITCH
        return (_in_switch if in_switch else _two_shots)(domain, ranks, size), 3
    return collective_seconds(domain, "all-reduce", ranks, size), 1


def _of(table: dict[int, int], ranks: int) -> int:
    """The entry of the fewest ranks in `table` that are no fewer than `ranks`; 0 beyond them all."""
    return next((table[known] for known in sorted(table) if known >= ranks), 0)


def _one_shot(domain: Domain, ranks: int, size: float) -> float:
    """All ranks meet, then each reads all data of all peers."""
    return domain.launch + 2 * domain.step + (ranks - 1) * size / domain.rate


def _two_shots(domain: Domain, ranks: int, size: float) -> float:
    """All ranks meet, each sums its part, all meet, each reads the others' sums."""
    return domain.launch + 4 * domain.step + 2.0 * (ranks - 1) / ranks * size / domain.rate


def _in_switch(domain: Domain, ranks: int, size: float) -> float:
    """All ranks meet, the switch sums the parts that each asks for and sends them to all."""
    return domain.launch + 2 * domain.step + size / (domain.rate * domain.switch_share)
