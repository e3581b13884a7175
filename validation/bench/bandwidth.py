"""Bandwidth of the L2 and of memory under the access patterns of gpu-benches: gpu-l2-cache, gpu-cache, gpu-stream."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.line_rate.sm_program import ENDLESS, STOP, Jump, Load, Loop, Store, Wait

from .die import GIB, KIB, MIB, Die, load

LINE = 128
NO_REUSE = 150 * MIB
ROW = 8 * KIB  # what a block of 1024 threads reads at a step
STEPS = 64  # steps of a block of gpu-l2-cache: 512 KiB
US = 1_000_000  # ps


# ---- every block its own chunk (gpu-l2-cache)
# ---------------------------------------------------------------------------


def private_chunks(topology: Any, size: Any, seed: int = 0, **options: Any) -> Any:
    """Bytes/s of all SMs while blocks read chunks of 512 KiB, chunk = block number modulo their number.

    Two blocks of 1024 threads an SM, one after the other for ever; in the steady state they stand at different steps of
    their chunks. `size` is that of all chunks together.
    """
    die = Die(topology, seed=seed + int(size), **options)
    chunks = max(1, round(size / (512 * KIB)))
    slots = 2 * len(die.sms)
    _warm_chunks(die, chunks, slots, size)
    block = load(0, block_step=ROW, block_mod=chunks, warp_step=256, loop_step=chunks * ROW)
    for i, sm in enumerate(die.sms):
        die.program(
            sm,
            [block, Loop(0, STEPS)],
            1024,
            2,
            first=i,
            step=len(die.sms),
            blocks=ENDLESS,
            count=i * STEPS // slots,
            place_count=len(die.sms) * STEPS // slots,
        )
        die.launch(sm)
    warm, measured = (0.8, 1.0) if size < 40 * MIB else (1.6, 1.6)
    return die.rate("loaded", warm * US, measured * US)


def _warm_chunks(die: Any, chunks: Any, slots: Any, size: Any) -> None:
    """Touch what the blocks before would have read, in the order of their steps."""
    if size > NO_REUSE:
        return
    n = len(die.sms)
    slot = np.arange(slots)
    phase = slot * STEPS // slots
    lines = np.arange(ROW // LINE)
    keep = max(64 * MIB, 2.2 * min(size, 70 * MIB))
    for step in range(-int(keep / (slots * ROW)) - 1, 0):
        at = phase + step
        block = slot + at // STEPS * slots
        address = (at % STEPS) * chunks * ROW + block % chunks * ROW
        addresses = (address[:, None] + lines * LINE).ravel().astype(np.uint64)
        die.endpoints.touch(np.asarray(die.sms)[np.repeat(slot % n, len(lines))], addresses)


# ---- every SM the same buffer (gpu-cache)
# ---------------------------------------------------------------------------------


def same_buffer(topology: Any, size: Any, threads: int = 256, width: int = 8, seed: int = 0, **options: Any) -> Any:
    """Bytes/s of all SMs, one block each, all reading the same buffer from end to end, over and over.

    width  bytes a thread loads at a time; 32 loads, or a whole pass where that is fewer, before the first is used
    """
    die = Die(topology, seed=seed + int(size), **options)
    stride = threads * width
    passes = max(1, round(size / stride))
    unroll = min(32, passes)
    turns = max(1, passes // unroll)
    lanes: dict[str, Any] = {"warp_step": 32 * width, "lane_step": width, "size": width}
    body = [load(j * stride, loop_step=unroll * stride, **lanes) for j in range(unroll)]
    ops = body * max(1, 16 // unroll) + [Wait(), Loop(0, turns), Jump(0)]
    addresses = np.arange(0, turns * unroll * stride, LINE, dtype=np.uint64)
    if size < 2 * MIB:
        for sm in die.sms:
            die.endpoints.touch([sm], addresses)
    else:
        for _ in range(1 if size > NO_REUSE / 2 else 2):
            die.endpoints.touch(die.sms[:2], np.repeat(addresses, 2))
    for i, sm in enumerate(die.sms):
        die.program(sm, ops, threads)
        die.launch(sm, i * 1000)
    return die.rate("loaded", 1.5 * US, 1.5 * US)


# ---- streams from memory by occupancy (gpu-stream)
# ------------------------------------------------------------------------

ARRAYS = [i * 4 * GIB for i in range(4)]
WARM, MEASURED, TICK = 2 * US, 8 * US, US // 8
OFFSET = 4096  # the stencils begin a little way into their array


def stream_ops(kernel: Any, threads: Any, streams: Any, element: int = 8) -> Any:
    """Ops of one element of `element` bytes a thread. `streams`: arrays that the triad moves, 3 or 4."""
    a, b, c, d = ARRAYS

    def array(base: Any, **more: Any) -> Any:
        return load(base, block_step=threads * element, warp_step=32 * element, lane_step=element, size=element, **more)

    reads = {
        "init": [],
        "read": [b],
        "scale": [b],
        "triad": [b, c, d][: streams - 1],
        "3pt": [b + OFFSET + element * k for k in (-1, 0, 1)],
        "5pt": [b + OFFSET + element * k for k in (-2, -1, 0, 1, 2)],
    }[kernel]
    ops = [array(base, lanes=min(32, threads)) for base in reads] + [Wait()] * bool(reads)
    if kernel != "read":
        ops.append(array(a, lanes=min(32, threads), store=True))
    return ops


def moved(kernel: Any, streams: Any) -> Any:
    """Arrays whose bytes the benchmark counts."""
    return {"init": 1, "read": 1, "scale": 2, "triad": streams, "3pt": 2, "5pt": 2}[kernel]


class Stream:
    """One kernel of gpu-stream on one die; occupancies are measured one after the other, as the benchmark does."""

    def __init__(self, topology: Any, kernel: Any, streams: int = 3, element: int = 8, **options: Any) -> None:
        self.die, self.kernel, self.streams, self.element = Die(topology, **options), kernel, streams, element
        self.next_block_bytes = 0
        self._fill()

    def _fill(self) -> None:
        """Lines of the elements that came before: read and, where the kernel stores, dirty."""
        step, span = 2 * KIB, 72 * MIB // moved(self.kernel, self.streams)
        ops = stream_ops(self.kernel, 256, self.streams, self.element)
        bases = [(op.base, isinstance(op, Store)) for op in ops if isinstance(op, Load)]
        if self.kernel in ("3pt", "5pt"):
            bases = [bases[0], bases[-1]]
        n = span // step
        offset = np.arange(n, dtype=np.int64)[:, None, None] * step
        base = np.array([b // LINE * LINE for b, _ in bases])[None, :, None]
        line = np.arange(0, step, LINE)[None, None, :]
        store = np.array([s for _, s in bases], dtype=np.int64)[None, :, None]
        sms = np.repeat(np.asarray(self.die.sms)[np.arange(n) % len(self.die.sms)], len(bases) * step // LINE)
        self.die.endpoints.touch(sms, (offset + base + line + store).ravel().astype(np.uint64))
        self.next_block_bytes = n * step

    def bandwidth(self, threads: Any, blocks_at_once: int = 2) -> Any:
        """Bytes/s, as the benchmark counts them, by threads of a block and blocks of an SM."""
        die, e = self.die, self.die.endpoints
        ops = stream_ops(self.kernel, threads, self.streams, self.element)
        block = threads * self.element
        first = -(-self.next_block_bytes // block)
        n, begin = len(die.sms), e.total(die.sms, "blocks")
        for i, sm in enumerate(die.sms):
            die.program(sm, ops, threads, blocks_at_once, first=first + i, step=n, blocks=ENDLESS)
            die.launch(sm, i * 500)
        rate = self._bytes_per_second(block * moved(self.kernel, self.streams))
        for sm in die.sms:
            e.start(sm, STOP)
        e.run()
        self.next_block_bytes = (first + e.total(die.sms, "blocks") - begin + 2 * n) * block
        return rate

    def _bytes_per_second(self, block_bytes: int) -> float:
        """What the benchmark counts of a block, over time.

        Blocks end in waves: of one window, it depends on its ends by up to a tenth how many it catches, and the rate
        comes out above what the pins carry. So it is the mean over all windows of half of MEASURED that lie in it.
        Where blocks wait for nothing (init), they end faster than memory takes their stores until queues are full, 15
        us and more: there memory's own writes count.
        """
        e = self.die.endpoints
        places, statistic, each = self.die.sms, "blocks", block_bytes
        if self.kernel == "init":
            places, statistic, each = self.die.channels, "writes", LINE
        e.run(e.now + WARM)
        ends = [e.total(places, statistic)]
        for _ in range(MEASURED // TICK):
            e.run(e.now + TICK)
            ends.append(e.total(places, statistic))
        half = len(ends) // 2
        return float(np.mean(np.subtract(ends[half:], ends[: len(ends) - half]))) * each / (half * TICK * 1e-12)
