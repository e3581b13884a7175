"""The schedules of collectives: who sends what to whom after which step. Pure functions, no times of their own.

Each gives a list of `Step`s in the order in which each rank does them. `size` is in bytes; `after` are positions in the
list. A rank's own steps run in order. `what` says what is moved, so that tests can count: a set of (block, origins).

    ring      rank r sends to r + 1; all_gather n - 1 sends a rank, all_reduce 2 (n - 1)
    chain     reduce up the chain n-1 .. 0, broadcast down it (NCCL's tree inside a node)
    switch    NVLS: the switch adds what it pulls from all ranks and multicasts the sum
    exchange  every rank to every other, all at once
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step of one rank.

    rank     who does it
    to       receiver, or None for a copy inside the rank
    size     bytes
    after    positions of steps of other ranks that bring what this one needs
    block    which block of the result it moves
    adds     the rank's own contribution is added to what passes through
    kind     "send", "forward", "receive", "scatter", "reduce", "gather"
    """

    rank: int
    to: int | None
    size: int
    after: tuple[int, ...] = ()
    block: int = 0
    adds: bool = False
    kind: str = "send"


def ring_all_gather(ranks: int, block: int) -> list[Step]:
    """n steps a rank: send the own block, pass on n - 2, copy the last. `block`: bytes of one rank's part."""
    return _ring(ranks, block, ranks - 1, lambda rank, j: (rank - j) % ranks, lambda j: False)


def ring_reduce_scatter(ranks: int, block: int) -> list[Step]:
    """n steps a rank: send a block, add to n - 2 and pass them on, add to the last and keep it."""
    return _ring(ranks, block, ranks - 1, lambda rank, j: (rank - 1 - j) % ranks, lambda j: True)


def ring_all_reduce(ranks: int, block: int) -> list[Step]:
    """2n - 1 steps a rank: reduce-scatter, the finished block sent on at once, then all-gather. `block`: bytes / n."""
    return _ring(ranks, block, 2 * (ranks - 1), lambda rank, j: (rank - 1 - j) % ranks, lambda j: j < ranks)


def _ring(ranks: int, block: int, sends: int, block_of: Any, adds: Any) -> list[Step]:
    """`sends` sends a rank and a closing receive; step j of a rank needs step j - 1 of the rank before it."""
    steps = []
    for j in range(sends + 1):
        for rank in range(ranks):
            after: tuple[int, ...] = () if j == 0 else ((j - 1) * ranks + (rank - 1) % ranks,)
            to = (rank + 1) % ranks if j < sends else None
            kind = "receive" if to is None else "send" if j == 0 else "forward"
            steps.append(Step(rank, to, block, after, block_of(rank, j), adds(j), kind))
    return steps


def chain_all_reduce(ranks: int, block: int) -> list[Step]:
    """Reduce along the chain to rank 0, then broadcast back: 2 (n - 1) sends of the whole `block` one after another."""
    steps: list[Step] = []
    before: tuple[int, ...] = ()
    for rank in range(ranks - 1, 0, -1):
        steps.append(Step(rank, rank - 1, block, before, 0, True, "forward" if before else "send"))
        before = (len(steps) - 1,)
    for rank in range(ranks - 1):
        steps.append(Step(rank, rank + 1, block, before, 0, rank == 0, "forward"))
        before = (len(steps) - 1,)
    return steps + [Step(ranks - 1, None, block, before, 0, False, "receive")]


def switch_all_reduce(ranks: int, block: int) -> list[Step]:
    """NVLS, three steps a rank: scatter the own data to the switch's buffers, reduce and multicast the own slice
    through the switch, gather the result. `block`: bytes of one slice (the message / n)."""
    scatter = [Step(rank, None, ranks * block, (), rank, True, "scatter") for rank in range(ranks)]
    everyone = tuple(range(ranks))
    reduce = [Step(rank, None, block, everyone, rank, False, "reduce") for rank in range(ranks)]
    gather = [
        Step(rank, None, ranks * block, tuple(range(ranks, 2 * ranks)), rank, False, "gather") for rank in range(ranks)
    ]
    return scatter + reduce + gather


def exchange(ranks: int, size: Any) -> list[Step]:
    """All-to-all: each rank sends `size(source, target)` bytes to each other rank, who then copies them out."""
    pairs = [(a, b) for a in range(ranks) for b in range(ranks) if a != b]
    sends = [Step(a, b, size(a, b), (), a, False, "send") for a, b in pairs]
    copies = [Step(b, None, sends[i].size, (i,), a, False, "receive") for i, (a, b) in enumerate(pairs)]
    return sends + copies


def one_shot(ranks: int, block: int) -> list[Step]:
    """Every rank reads the whole message of each other rank and adds: `block` = the message's bytes."""
    return [Step(a, b, block, (), a, True, "send") for a in range(ranks) for b in range(ranks) if a != b]


def two_shot(ranks: int, block: int) -> list[Step]:
    """Reduce-scatter by direct reads, a barrier, all-gather by direct reads: `block` = the message / n."""
    first = [Step(a, b, block, (), b, True, "send") for a in range(ranks) for b in range(ranks) if a != b]
    barrier = tuple(range(len(first)))
    return first + [Step(a, b, block, barrier, a, False, "send") for a in range(ranks) for b in range(ranks) if a != b]
