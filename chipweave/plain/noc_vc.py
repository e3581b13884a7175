"""Input VCs, output VCs and the stages of one router of the plain network; `chipweave.plain.noc_router` moves them."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chipweave.plain.noc import Flit

Choice = tuple[int, int, int, int]  # (output port, first VC, last VC, rank)
IDLE, ROUTING, VC_ALLOC, ACTIVE = "idle", "routing", "vc_alloc", "active"


def paced(interval: float | Fraction, owed: float | Fraction) -> tuple[int, float | Fraction]:
    """(whole cycles until the next flit, what is owed then): an interval that is no whole number is kept in the
    mean."""
    wait = int(interval + owed)
    return wait, interval + owed - wait


class Stage:
    """Work that takes `delay` cycles. A stage with work in progress accepts none: batches, not a pipeline."""

    def __init__(self, delay: int) -> None:
        self.waiting: list[Any] = []
        self.batch: list[Any] = []
        self.delay, self.due = delay, 0

    def start(self, now: int) -> list[Any]:
        """The batch begun in this cycle, empty where the last one is still in progress."""
        if self.batch or not self.waiting:
            return []
        self.batch, self.waiting, self.due = self.waiting, [], now + self.delay - 1
        return self.batch

    def finish(self, now: int) -> list[Any]:
        """The batch that completes in this cycle."""
        if not self.batch or now < self.due:
            return []
        done, self.batch = self.batch, []
        return done


class InputVc:
    """A VC of an input port: its buffer of flits and where its packet is on the way through the stages."""

    def __init__(self, port: int, vc: int) -> None:
        self.port, self.vc = port, vc
        self.buffer: deque[Flit] = deque()
        self.state = IDLE
        self.route: list[Choice] | None = None
        self.out_port = self.out_vc = -1  # none yet
        self.next_route: tuple[int, int, int] | None = None  # noq: (port, first, last) at the next router
        self.matched: int | None = None  # what this cycle's allocation came to
        self.grant: int | None = None  # what this cycle's switch allocation came to
        self.held_ok = False  # the held switch serves it in this cycle
        self.priority = 0

    def set_priority(self, kind: str) -> None:
        """Refresh the priority that allocators see: length of the queue, or that of the flit at the front."""
        if kind == "none" or not self.buffer:
            return
        self.priority = len(self.buffer) if kind == "queue_length" else self.buffer[0].priority


class OutputVc:
    """The sender's view of the VC at the other end of a link."""

    def __init__(self, depth: int, atomic: int) -> None:
        self.depth, self.atomic = depth, atomic
        self.owner: Any = None
        self.occupied, self.tail_sent = 0, False

    @property
    def full(self) -> bool:
        """Whether the buffer at the other end may have no free slot: flits sent, less credits returned."""
        return self.occupied >= self.depth

    def take(self, owner: Any) -> None:
        """`owner`, an input VC, has it until its tail has passed (atomic: until all credits are back)."""
        self.owner, self.tail_sent = owner, False

    def sending(self, flit: Flit) -> None:
        """A flit goes: one slot less; a tail gives the VC back, if it is not atomic."""
        self.occupied += 1
        if flit.tail:
            self.tail_sent = True
            if not self.atomic:
                self.owner = None

    def credit(self) -> None:
        """A slot is free again; an atomic VC is free with the last credit after its tail."""
        self.occupied -= 1
        if self.atomic and self.occupied == 0 and self.tail_sent:
            self.owner = None
