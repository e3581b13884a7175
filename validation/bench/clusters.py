"""Microbenchmarks of what an SM has beside its loads: shared memory, own and of its cluster, bulk copies, launches."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.line_rate.sm_program import ENDLESS, Barrier, Copy, Jump, Loop, Shared, Wait

from .die import KIB, MIB, Die, load

HOPS = 256
US = 1_000_000  # ps
DESCRIPTORS = 1  # csrc/behaviours/tma/tma.h
SUBMIT = 1  # csrc/behaviours/command_processor/command_processor.h
WORDS = 16  # B a lane of the copies: float4


def _cycles(die: Any, sm: Any, ops: Any) -> Any:
    """SM cycles a turn of `ops` by one warp of one lane, without the block's start and end."""
    ends = []
    for turns in (1, HOPS + 1):
        start = die.endpoints.now
        die.program(sm, [*ops, Loop(0, turns)], 1)
        die.launch(sm)
        die.endpoints.run()
        ends.append(die.endpoints.now - start)
    return (ends[1] - ends[0]) / HOPS / die.period_ps


def _shared(cluster: Any, peer: Any, lanes: int = 1, size: int = 4, store: int = 0, at: int = 0) -> Any:
    """A Shared operation of `lanes` lanes side by side, `size` bytes each, on the SM `peer` ranks on."""
    return Shared(at, cluster, peer, 32 * size, 0, size, size, lanes, store)


def shared_cycles(topology: Any, **options: Any) -> Any:
    """SM cycles of a dependent load of the SM's own shared memory."""
    die = Die(topology, sms=2, **options)
    return _cycles(die, die.sms[0], [_shared(1, 0), Wait()])


def remote_cycles(topology: Any, cluster: int = 2, peer: int = 1, **options: Any) -> Any:
    """A dependent load of another SM's shared memory in a cluster; `peer` 0: the SM's own, by its address in the
    cluster."""
    die = Die(topology, **options)
    first = die.system.parts["sm"].clusters(cluster)[0][0]
    return _cycles(die, die.sms[first], [_shared(cluster, peer), Wait()])


def ring_copy(topology: Any, cluster: int = 2, **options: Any) -> Any:
    """Bytes/s of all SMs, each copying the shared memory of the next SM of its cluster into its own; SMs that no
    cluster has room for in their GPC stay idle."""
    die = Die(topology, **options)
    busy = [die.sms[i] for members in die.system.parts["sm"].clusters(cluster) for i in members]
    ops = [_shared(cluster, 1, 32, WORDS, at=k * 16 * KIB) for k in range(4)] + [
        Wait(),
        _shared(1, 0, 32, WORDS, 1),
        Jump(0),
    ]
    for i, sm in enumerate(busy):
        die.program(sm, ops, 1024)
        die.launch(sm, i * 1000)
    return die.rate("remote", 2 * US, 4 * US)


def copy_extra_cycles(topology: Any, **options: Any) -> Any:
    """What a bulk copy of a line that is in L2 takes longer than a load of it past L1, SM cycles."""
    die = Die(topology, sms=3, **options)
    sm = die.sms[0]
    die.endpoints.touch([die.sms[2]], np.zeros(1, np.uint64), mask=15)
    die.endpoints.attach(die.numbers["tma"][0], DESCRIPTORS, [0, 128, 128, 1, 128])
    plain = _cycles(die, sm, [load(0, lanes=1, past_l1=1), Wait()])
    return _cycles(die, sm, [Copy(bytes=128), Barrier(0)]) - plain


def copy_rate(topology: Any, box: Any = 16 * KIB, **options: Any) -> Any:
    """Bytes/s of all SMs that fill shared memory by bulk copies out of L2, two boxes under way."""
    die = Die(topology, **options)
    size = 8 * MIB
    for _ in range(2):
        die.endpoints.touch(die.sms[:2], np.repeat(np.arange(0, size, 128, dtype=np.uint64), 2), mask=15)
    boxes = size // box
    for i, sm in enumerate(die.sms):
        die.endpoints.attach(die.numbers["tma"][i], DESCRIPTORS, [i * box % size, box, box, 1, box])
        ops = [
            Copy(0, 0, 0, 1, box, 0),
            Copy(0, 1, 0, 1, box, 1),
            Barrier(0),
            Barrier(1),
            Loop(0, boxes // 4),
        ]
        die.program(sm, ops, 1, 1, blocks=ENDLESS)
        die.launch(sm, i * 1000)
    return die.rate("copied", 1.5 * US, 1.5 * US)


def scale_kernel(
    topology: Any, moved: Any, way: str = "stream", kernels: int = 6, threads: int = 256, **options: Any
) -> Any:
    """Seconds a kernel of a train of launches that scale an array: `moved` bytes, half of them read, one 8 B element a
    thread."""
    die = Die(topology, sets=(f"front.way={way}",), **options)
    blocks = max(1, round(moved / 16 / threads))
    read, written = 0, 1 << 32
    ops = [
        load(read, block_step=threads * 8, warp_step=256),
        Wait(),
        load(written, block_step=threads * 8, warp_step=256, store=True),
    ]
    for i, sm in enumerate(die.sms):
        die.program(sm, ops, threads, min(32, 2048 // threads), first=i, step=len(die.sms), blocks=0)
    front = die.numbers["front"][0]
    ends = []
    for count in (2, kernels):  # a train ends with its last kernel: what a kernel more takes
        for _ in range(count):
            die.endpoints.start(front, SUBMIT, 0, blocks)
        start = die.endpoints.now
        die.endpoints.run()
        ends.append(die.endpoints.now - start)
    return (ends[1] - ends[0]) / (kernels - 2) * 1e-12


def launch_call(topology: Any, **options: Any) -> Any:
    """Seconds from a host's call to a kernel's start on an idle GPU: the launch latency without the host's own code."""
    die = Die(topology, sms=2, **options)
    for sm in die.sms:
        die.program(sm, [load(0, lanes=1)], 1, blocks=0)
    front = die.numbers["front"][0]
    die.endpoints.start(front, SUBMIT, 0, 0)
    die.endpoints.run()
    return die.endpoints.statistics(front)["first_start"] * 1e-12
