"""How NCCL decides: channels from the NVLink bandwidth, algorithm and protocol from its cost table, chunks, threads.

A rewrite of what NCCL does on one NVSwitch node of Hopper GPUs (NVIDIA/nccl v2.30, Apache-2.0: src/graph/search.cc,
src/graph/tuning.cc, src/enqueue.cc; the constants are NCCL's own). The cost table only decides; the times that are
predicted come from the schedules run on the node's links. All GB/s are 1e9 bytes/s as floats, all times us: NCCL's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

SPEEDS = (60.0, 50.0, 40.0, 30.0, 24.0, 20.0, 15.0, 12.0, 11.0, 6.0, 3.0)  # sm90SpeedArrayIntra
LL, LL128, SIMPLE = "LL", "LL128", "Simple"
BASE = {"tree": (6.8, 14.0, 8.4), "ring": (6.6, 14.0, 8.4)}  # baseLatencies
HOP = {"tree": (0.6, 1.25, 4.0), "ring": (0.6, 1.9, 3.4)}  # hwLatencies over NVLink
NVLS_LATENCY, NVLS_EFFICIENCY = 25.0, 0.85
LL_MAX, LL128_CHANNEL, TREE_CHANNEL = 141.0, 36.7, 38.7  # llMaxBws, perChMax*Bws of Hopper, one node
TREE_CORRECTION = (
    (
        1.0,
        1.0,
        1.0,
        1.0,
        0.9,
        0.8,
        0.7,
        0.7,
        0.7,
        0.7,
        0.6,
        0.5,
        0.4,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
    ),
    (
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        0.9,
        0.8,
        0.8,
        0.8,
        0.7,
        0.6,
        0.6,
        0.6,
        0.6,
        0.6,
        0.6,
        0.8,
        0.9,
        0.9,
        0.9,
        0.9,
        1.0,
        1.0,
        1.0,
    ),
    (
        0.9,
        0.9,
        0.9,
        0.9,
        0.9,
        0.9,
        0.9,
        0.8,
        0.7,
        0.6,
        0.6,
        0.5,
        0.5,
        0.5,
        0.5,
        0.6,
        0.7,
        0.8,
        0.7,
        0.7,
        0.8,
        0.9,
        0.9,
        0.9,
    ),
)
THREADS = {LL: 512, LL128: 640, SIMPLE: 512}
THRESHOLD = {LL: 8, LL128: 8, SIMPLE: 64}  # bytes a thread must have before a channel more is used
NVLS_CHANNELS, MAX_CHANNELS = 16, 64
KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Choice:
    """Algorithm ("ring", "tree", "nvls"), protocol, channels and threads of each channel's thread block.

    Protocols are NCCL's: "ll" (8-byte words with a flag in each), "ll128" (120 bytes and a flag),
    "simple" (bulk with barriers).
    """

    algorithm: str
    protocol: str
    channels: int
    threads: int


def ring_graph(bandwidth: float) -> tuple[int, float]:
    """(channels, GB/s each) of NCCL's rings on a switch that gives each GPU `bandwidth` GB/s: the widest set of equal
    rings, the fastest rings first, none slower than half of the best found; four or fewer, or rings of 50 GB/s up, are
    halved (ncclTopoDupChannels)."""
    best = (0, 0.0)
    for speed in (s for s in SPEEDS if s <= bandwidth):
        if best[1] and speed / best[1] <= 0.49:
            break
        count = int(bandwidth / speed)
        if count * speed > best[0] * best[1]:
            best = (count, speed)
    count, speed = best
    return (count * 2, speed / 2) if speed >= 50 or (count <= 4 and speed >= 25) else best


def channels(bandwidth: float) -> int:
    """Channels of a ring collective: every ring is used twice (ncclTopoPostset).

    bandwidth: of a GPU's NVLinks, GB/s.
    """
    return min(MAX_CHANNELS, 2 * ring_graph(bandwidth)[0])


def cost_table(collective: str, ranks: int, size: int, bandwidth: float) -> dict[tuple[str, str], float]:
    """{(algorithm, protocol): us} as NCCL estimates it; `size` is the larger of a rank's two buffers, bytes.

    time = base latency + steps x latency of a hop + size / (bus bandwidth x ranks / steps), as
    ncclTopoTuneModel and ncclTopoGetAlgoTime have it. LL halves the bus and is capped (LL_MAX);
    LL128 carries 120 of each 128 bytes, which NCCL counts as 0.92 of the bus.
    """
    count, speed = ring_graph(bandwidth)
    reduces_all = collective == "all_reduce"
    sends = 2 * (ranks - 1) if reduces_all else ranks - 1
    table = {}
    for p, protocol in enumerate((LL, LL128, SIMPLE)):
        bus = count * speed
        bus = (min(LL_MAX, bus * 0.5), min(bus * 0.92, count * LL128_CHANNEL), bus)[p]
        table["ring", protocol] = BASE["ring"][p] + sends * HOP["ring"][p] + size / (1e3 * bus * ranks / sends)
        if reduces_all:
            table["tree", protocol] = (
                BASE["tree"][p] + 2 * (ranks - 1) * HOP["tree"][p] + size / (1e3 * _tree(count, speed, p, size))
            )
    if ranks > 2 and reduces_all:  # for the others it is never the cheapest: no traffic is saved
        table["nvls", SIMPLE] = NVLS_LATENCY + size / (1e3 * _nvls(ranks, bandwidth) * ranks / sends)
    return table


def _tree(count: int, speed: float, p: int, size: int) -> float:
    """Bus bandwidth of a double binary tree, GB/s, with NCCL's table of corrections by size: one
    factor for each power of two from 64 bytes.
    """
    bus = min(count * speed * 0.92, count * TREE_CHANNEL)
    bus = (min(bus / 3.8, LL_MAX), min(bus * 7 / 9, count * LL128_CHANNEL), bus)[p]
    step = int(log2(size / 64)) if size >= 64 else -1
    return bus * 0.5 * (TREE_CORRECTION[p][step] if 0 <= step < 23 else 1.0)


def _nvls(ranks: int, bandwidth: float) -> float:
    """Bus bandwidth of in-switch reduction, GB/s.

    Every GPU is the head of one share of the message; all pull from all, so the shares divide the
    links evenly.
    """
    speed = next((s for s in SPEEDS if s * ranks <= bandwidth), SPEEDS[-1])
    return 2 * ranks * speed * NVLS_EFFICIENCY * (ranks - 1) / ranks


def choose(collective: str, ranks: int, size: int, bandwidth: float, nvls: bool = True) -> Choice:
    """The `Choice` of NCCL for one call; `nvls` False: in-switch reduction is turned off (NCCL_NVLS_ENABLE=0)."""
    table = cost_table(collective, ranks, size, bandwidth)
    algorithm, protocol = min((way for way in table if nvls or way[0] != "nvls"), key=lambda way: table[way])
    return with_channels(algorithm, protocol, ranks, size, bandwidth)


def with_channels(algorithm: str, protocol: str, ranks: int, size: int, bandwidth: float) -> Choice:
    """Channels and threads for small messages: first fewer channels, then fewer threads (topoGetAlgoInfo).

    A channel wants threads x threshold bytes; a block has at least 96 threads (three warps).
    """
    if algorithm == "nvls":
        return Choice(algorithm, protocol, NVLS_CHANNELS, 640)
    threads, threshold = THREADS[protocol], THRESHOLD[protocol]
    if algorithm == "ring" and protocol == LL:
        threshold *= ranks
    count = max(1, min(channels(bandwidth), size // (threads * threshold)))
    while size < count * threads * threshold and threads % 128 == 0:
        threads //= 2
    return Choice(algorithm, protocol, int(count), max(96, threads))


def ring_pieces(block: int, count: int, chunk: int) -> list[int]:
    """Bytes of each round of a ring, all channels together: `chunk` bytes a channel, the rest in the last."""
    return _cut(block, count * chunk)


def nvls_chunk(size: int, ranks: int) -> int:
    """Bytes of one head's chunk in one channel (calcCollChunking): smaller ones where the message
    would not fill them.
    """
    chunk, together = 128 * KIB, NVLS_CHANNELS * ranks
    for times, smaller in ((64, 64 * KIB), (8, 32 * KIB), (2, 16 * KIB)):
        if size < times * together * chunk and chunk > smaller:
            chunk = smaller
    return chunk


def exchange_channels(ranks: int, size: int, bandwidth: float) -> int:
    """Channels for one peer of an all-to-all, `size` bytes to it (addP2pToPlan): as many as share the thread blocks of
    all peers, none with less than 64 KiB; twice as many where one would have more than 16 MiB."""
    all_channels = 2 ** ceil(log2(channels(bandwidth)))
    most = min(all_channels, 2 ** ceil(log2(2 * max(1, round(bandwidth / 20.6)))))
    least = most
    while least * ranks > all_channels and least > 1:
        least //= 2
    step = 512 * KIB
    count = min(least, ceil(size / (step // 8)))
    while max(step // 8, ceil(size / count)) > 32 * step and count <= most // 2:
        count *= 2
    return count


def _cut(total: int, piece: int) -> list[int]:
    """`total` in pieces of `piece`, the rest last; one piece even where total is 0."""
    whole, rest = divmod(total, piece)
    return [piece] * int(whole) + ([rest] if rest or not whole else [])
