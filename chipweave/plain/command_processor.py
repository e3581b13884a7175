"""Plain twin of csrc/behaviours/command_processor/command_processor.c: launches one after the other."""

from __future__ import annotations

from typing import Any

from chipweave.plain.endpoints import WRITE, Message

SUBMIT, QUEUED, START = 1, 2, 3


class PlainCommandProcessor:
    """State as in the C struct."""

    def __init__(self, host: Any, me: Any, parameters: Any) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.queue, self.busy, self.waiting_for = [], False, 0

    def attach(self, what: Any, data: Any) -> Any:
        raise ValueError("takes no tables")

    def start(self) -> None:
        blocks, self.waiting_for = self.queue.pop(0), self.p["sms"]
        if not self.stats["launches"]:
            self.stats["first_start"] = self.host.time
        for i in range(self.p["sms"]):
            self.host.post(
                self.me, 0, i, i * self.p["deal_cycles"] * self.period // 1000, Message(address=blocks, kind=WRITE)
            )

    def timer(self, code: int, data: int) -> None:
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
