"""Plain twin of csrc/behaviours/command_processor/command_processor.c: launches one after the other."""

from __future__ import annotations

from chipweave.plain.endpoints import WRITE, Message, PlainCore

SUBMIT, QUEUED, START = 1, 2, 3


class PlainCommandProcessor:
    """State as in the C struct."""

    stats: dict[str, int]  # set by the engine

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.queue: list[int] = []
        self.busy, self.waiting_for = False, 0

    def attach(self, what: int, data: list[int]) -> None:
        raise ValueError("takes no tables")

    def start(self) -> None:
        """Start the kernel at the front of the queue: one message to each SM, deal_cycles apart."""
        blocks, self.waiting_for = self.queue.pop(0), self.p["sms"]
        if not self.stats["launches"]:
            self.stats["first_start"] = self.host.time
        for i in range(self.p["sms"]):
            self.host.post(
                self.me, 0, i, i * self.p["deal_cycles"] * self.period // 1000, Message(address=blocks, kind=WRITE)
            )

    def timer(self, code: int, data: int) -> None:
        """A host's call arrives after call_ps; a queued kernel starts at once if none runs, else gap_ps after it."""
        if code == SUBMIT:
            self.host.schedule(self.me, self.p["call_ps"], 1, QUEUED, data)
            return
        if code == QUEUED:
            self.queue.append(data)
            if self.busy:
                return
            self.busy = True
        self.start()

    def receive(self, m: Message) -> None:
        """An SM reports the end of its part; the last one ends the kernel."""
        self.waiting_for -= 1
        if self.waiting_for:
            return
        self.stats["launches"] += 1
        self.stats["last_end"] = self.host.time
        if self.queue:
            self.host.schedule(self.me, self.p["gap_ps"], 1, START, 0)
        else:
            self.busy = False


TWIN = PlainCommandProcessor
