"""What a stage of the plain engine does at the instant it starts: choices, durations, marks, counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.chain.nouns import Take
from chipweave.chain.stage import DONE, TIMED, Question
from chipweave.chain.ways import ways_between
from chipweave.declare import registry
from chipweave.errors import BadInput
from chipweave.plain.durations import duration_ps, value
from chipweave.plain.events import Event, Walk, answered
from chipweave.plain.links import PlainLinks


class Walking:
    """The part of PlainEngine that follows chains; it uses the tables and counters that the engine sets up."""

    tables: dict[Any, Any]
    counters: dict[Any, np.ndarray]
    links: dict[Any, PlainLinks]
    journal_rows: list[tuple[int, int, int, int, int]]
    free_at: list[int]
    base: int
    now: int

    @property
    def now_ps(self) -> int:
        """Absolute time of the last event, ps."""
        return self.base + self.now

    def _walk(self, event: Event) -> Walk:
        """Follow a stage through choices and instant stages to the next one that takes time or sends.

        Collects on the way what has to be done at the end. Questions that Python answers are put
        here, at the start of the stage. Raises BadInput for a choice outside its branches and for a
        negative duration.
        """
        walk, name = Walk(), event.stage
        stages = event.transfer.chain.stages
        operands = event.transfer.operands
        while True:
            stage = stages[name]
            if stage.kind == "choose":
                answer = self._ask(event, stage)
                if not 0 <= answer < len(stage.branches):
                    raise BadInput(f"stage {stage.name}: the answer {answer} is none of {len(stage.branches)} branches")
                name = stage.branches[answer]
            else:
                held = stage.message and registry.link_models.find(stage.message.network.model).held
                lasts = stage.message if held else stage.lasts
                if lasts is not None:
                    walk.lasts = duration_ps(lasts, operands, self._question(event, stage))
                    if walk.lasts < 0:
                        raise BadInput(f"stage {stage.name}: a duration of {walk.lasts} ps")
                self._mark(event, [m for m in stage.marks if m.when == "start"])
                walk.end_marks += [m for m in stage.marks if m.when == "end"]
                for count in stage.counts:
                    self._count(count, operands)
                walk.spawn += stage.spawn
                name = stage.then
            if name == DONE or stages[name].kind in TIMED:
                walk.then = name
                return walk

    def _question(self, event: Event, stage: Any) -> Question:
        """What a callback may know about the stage it decides."""
        transfer = event.transfer
        return Question(
            transfer.chain.name, stage.name, self.now_ps, transfer.batch.number, transfer.index, dict(transfer.operands)
        )

    def _ask(self, event: Event, stage: Any) -> int:
        """The number of the branch: by a callback of the layout's, or by the tables and operands."""
        query, operands = stage.query, event.transfer.operands
        of = [operands[name] for name in query.of]
        if query.op == "ask":
            return int(query.answer(self._question(event, stage)))
        return answered(query, of, self.tables)

    def _mark(self, event: Event, marks: list[Any]) -> None:
        """Apply marks to tables; changes of a journalled table are written down with the time, ps."""
        for mark in marks:
            if mark.op == "ask":
                mark.answer(self._question(event, event.transfer.chain.stages[event.stage]))
                continue
            of = [event.transfer.operands[name] for name in mark.of]
            more = (mark.value,) if mark.op == "bits_set" else ()
            changes = getattr(self.tables[mark.table], mark.op.split("_")[1])(*of, *more)
            if mark.table.journal:
                family = {"tags": 0, "keyed": 1, "bits": 2}[mark.op.split("_")[0]]
                self.journal_rows += [
                    (self.now_ps, family * 1000 + mark.table.number, of[0], key, what) for key, what in changes
                ]

    def _count(self, count: Any, operands: dict[str, int]) -> None:
        """Add to a counter: a constant, terms of operands, or hops of a route.

        A piece i of n takes floor(amount (i+1)/n) - floor(amount i/n), so that the pieces add up
        exactly.
        """
        amount = value(count.amount, operands)
        if count.hops:
            network, source, target = count.hops
            amount += len(ways_between(network, operands[source], operands[target])[0])
        piece, pieces = count.piece
        if pieces:
            amount = amount * (piece + 1) // pieces - amount * piece // pieces
        self.counters[count.counter][operands[count.at]] += amount

    def _count_links(self, event: Event, stage: Any, end: int) -> None:
        """Credit the links of a route with bytes, busy time, and the wait for those that were not free."""
        takes = [(t.network, t.source, t.target, t.bytes) for t in stage.take if not isinstance(t, Take)]
        if stage.message:
            takes.append((stage.message.network, stage.message.source, stage.message.target, stage.message.bytes))
        operands = event.transfer.operands
        for network, source, target, size in takes:
            links = self.links[network]
            free = [self.free_at[r] for r in links.locks_of(operands[source], operands[target])]
            links.count(
                operands[source], operands[target], value(size, operands), self.base, self.now, end, event.asked, free
            )
