"""State of the plain SM, which its parts (load-store unit, cluster, the SM itself) share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chipweave.plain.endpoints import Message, PlainCore

Entry = list[Any]  # of L1: [line, valid, {sector bits: fetch}]


@dataclass
class Warp:
    """Where a warp stands."""

    block: int
    index: int
    place: int
    count: int
    pc: int = 0
    waiting: int = 0
    ready: int = 0
    paused: bool = False
    issued: bool = False
    line_done: int = 0
    barrier: int | None = None


@dataclass
class Fetch:
    """A request under way: its line, sectors, the L1 entry it fills (or None) and the warps that wait, in order."""

    line: int
    mask: int
    entry: Entry | None
    waiting: list[Warp]


class SmState:
    """What the parts of the SM read and write, and which calls of the SM they make."""

    stats: dict[str, int]  # set by the engine
    host: PlainCore
    me: int
    p: dict[str, int]  # the parameters
    period: int  # fs
    sets: list[list[Entry | None]]  # L1
    load_room: int  # sectors
    store_room: int
    warps: dict[int, Warp]
    fetches: dict[int, Fetch]  # by number, which is the tag of the request
    next_fetch: int
    pending: list[int]  # bytes that each mbarrier waits for
    running: int  # blocks
    command: Message | None
    lsu: int  # fs at which the load-store unit is free
    lsu_used: int  # its slots
    blocks: int
    first_block: int
    next_block: int
    physical: Callable[[int], int]
    lane: Callable[[int], int]
    wake_at: Callable[[int, int], None]
    load_back: Callable[[Warp], None]
    resume_stalled: Callable[[], None]
    launch: Callable[[], None]
