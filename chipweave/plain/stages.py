"""The plain stage engine: the slow, obvious twin of csrc/stages/stages.c, under the same tests.

An event is one stage of one transfer. It requests its resources when it is created, waits for them
if it must, starts, and its successor is created when it starts (booking) or ends (no booking).
Events of one instant run in the order of their numbers; numbers restart whenever transfers are
issued while nothing is in flight.

The heap holds (time, number, what, kind); kind names the method `_run_KIND`: arrive, start, end,
marks, batch_end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

import numpy as np

from chipweave.chain.nouns import Take
from chipweave.chain.stage import DONE
from chipweave.declare import registry
from chipweave.errors import BadInput, Stuck
from chipweave.plain import recorded
from chipweave.plain import tables as plain_tables
from chipweave.plain.durations import value
from chipweave.plain.events import Batch, Event, Transfer, check, repeated
from chipweave.plain.links import PlainLinks
from chipweave.plain.waiting import ArtifactWaiting, SortedWaiting
from chipweave.plain.walking import Walking

MOST_PS = 2**61  # as in csrc/stages


class PlainEngine(Walking):
    """Same interface as `chipweave.fabric.Engine`; times outside are absolute ps, inside since the last barrier."""

    def __init__(
        self, layout: Any, rules: Any, bin_ps: int, max_bins: int, networks: dict[Any, Any] | None = None
    ) -> None:
        self.layout, self.rules = layout, rules
        self.tables = plain_tables.make(layout)
        self.counters = {c: np.zeros(c.count, np.int64) for c in layout.parts["counters"]}
        self.first = {}  # first global number of each resource array and of each circuit network's links
        total = 0
        for array in layout.parts["resources"]:
            self.first[array], total = total, total + array.count
        self.links = {}
        for network in layout.parts["networks"]:
            if registry.link_models.find(network.model).held:
                self.links[network] = PlainLinks(network, total, bin_ps, max_bins)
                total += self.links[network].locks
        self.networks = networks or {}
        self.busy, self.free_at = [False] * total, [0] * total
        self.queue = (
            SortedWaiting(total) if rules.wait_queue == "sorted" or rules.wake == "all" else ArtifactWaiting(total)
        )
        self.base = self.now = self.numbers = self.events = self.in_flight = self.waiting = 0
        self.heap: list[tuple[int, int, Any, str]] = []  # (time, number, event or batch, kind)
        self.batches: list[Batch] = []
        self.journal_rows: list[tuple[int, int, int, int, int]] = []
        self.messages: dict[tuple[Any, int], Event] = {}  # by (network, number)
        self.kept: list[Event] | None = None  # events since the last barrier, where they are recorded

    @property
    def idle(self) -> bool:
        """Whether no batch is in flight."""
        return not self.in_flight

    def issue(
        self, chain: Any, rows: np.ndarray, starts_ps: np.ndarray | None = None, times: int = 1, counted: int = -1
    ) -> int:
        """Start transfers of `chain`; returns the number of the batch.

        rows: int64 [n, operands]; starts_ps: int64 [n], ps after now, all now where None; times: copies of each row,
        operand `counted` one larger in each. Raises BadInput for a priority outside 0..7.
        """
        rows, starts_ps = repeated(rows, starts_ps, times, counted)
        if self.idle:
            self._barrier()
        batch = Batch(len(self.batches), len(rows))
        self.batches.append(batch)
        self.in_flight += 1
        for i, row in enumerate(rows.tolist()):
            transfer = Transfer(batch, i, chain, row)
            if not 0 <= transfer.priority <= 7:
                raise BadInput(f"chain {chain.name}: priority {transfer.priority} of transfer {i} is not in 0..7")
            start = self.now + (int(starts_ps[i]) if starts_ps is not None else 0)
            if start > self.now:
                self._at(start, Event(self._number(), transfer, None, (), 0, start, False), "arrive")
            else:
                self._create(transfer, chain.first(), self.now, side=False)
        if not len(rows):
            self._batch_end(batch)
        return batch.number

    def advance(self, until_ps: int | None = None) -> list[tuple[int, int]]:
        """Run to the next end of batches, at most to `until_ps` (absolute); returns [(batch, end in ps)].

        Raises Stuck where transfers wait and nothing can happen any more.
        """
        done: list[tuple[int, int]] = []
        until = None if until_ps is None else until_ps - self.base
        while True:
            upcoming = self._next_time()
            if upcoming is None or (until is not None and upcoming > until):
                break
            if done and upcoming > self.now:
                return done  # completions of one instant come in one go
            self._run_networks(upcoming)
            if self.heap and self.heap[0][0] == upcoming:
                time, _, event, kind = heapq.heappop(self.heap)
                self.now = time
                getattr(self, "_run_" + kind)(event, done)
        if self.in_flight and upcoming is None:
            raise Stuck(self._stuck())
        if until is not None and not done:
            self.now = max(self.now, until)
        return done

    def finish_ps(self, batch: int) -> np.ndarray:
        """int64 [transfers of the batch]: the absolute end of each, ps."""
        return self.batches[batch].finish + self.base

    def array(self, part: Any) -> np.ndarray:
        """The cells of a counter or the content of a table, as an array."""
        return self.counters[part] if part in self.counters else self.tables[part].array()

    def totals(self) -> dict[int, int]:
        """Number of a counter -> the sum of its cells."""
        return {counter.number: int(cells.sum()) for counter, cells in self.counters.items()}

    def pin(self, keyed: Any, at: int, keys: Iterable[int]) -> None:
        """Put `keys` into instance `at` of a keyed store, never to be evicted."""
        for key in keys:
            self.tables[keyed].pin(at, int(key))

    def image(self) -> None:
        """None: its state is Python's, and a run of the twin is never long."""

    def journal(self) -> np.ndarray:
        """int64 [n, 5]: (ps, table, instance, key, change) of journalled tables since the last call."""
        rows, self.journal_rows = self.journal_rows, []
        return np.array(rows, np.int64).reshape(len(rows), 5)

    def keeps_to_routes(self, network: Any) -> bool:
        """See `chipweave.fabric.Engine.keeps_to_routes`."""
        return getattr(self.networks.get(network), "fixed", True)

    def record(self) -> None:
        """Keep every stage that starts from now on, for `recorded`; a barrier drops those before it."""
        self.kept = self.kept or []
        for network in self.networks.values():
            getattr(network, "record", lambda: None)()

    def trails(self, network: Any) -> np.ndarray:
        """See `chipweave.fabric.Engine.trails`."""
        taken: list[tuple[int, int, int]] = getattr(self.networks.get(network), "trails", list)()
        return np.array(taken, np.int64).reshape(len(taken), 3)

    def recorded(self, batch: int, transfer: int, ended_ps: int) -> np.ndarray:
        """int64 [stages, 9], as chipweave.plain.recorded.rows; -1 for any batch, transfer or end."""
        return recorded.rows(self, batch, transfer, ended_ps)

    def recorded_last(self) -> np.ndarray:
        """int64 [0 or 1, 9]: the stage that ended last, where a walk back along the critical path begins."""
        return recorded.last(self)

    def path(self) -> np.ndarray:
        """int64 [n, 9]: the critical path, last stage first."""
        return recorded.path(self)

    def usage(self, used: np.ndarray, slot_of: np.ndarray, slots: int, rows: list[int], times: list[int]) -> np.ndarray:
        """See `chipweave.fabric.Engine.usage`."""
        return recorded.usage(self, used, slot_of, slots, rows, times)

    def link_statistics(self, network: Any) -> Any:
        """What the links of `network` carried and how long they were busy."""
        source = self.links.get(network) or self.networks[network]
        return source.statistics()

    def close(self) -> None:
        """Nothing to free; the C engine has."""
        pass

    def _run_arrive(self, event: Event, done: list[tuple[int, int]]) -> None:
        """A transfer with a start in the future has arrived at it: its first stage is created."""
        transfer = event.transfer
        self._create(transfer, transfer.chain.first(), self.now, side=False)

    def _run_batch_end(self, batch: Batch, done: list[tuple[int, int]]) -> None:
        self.in_flight -= 1
        done.append((batch.number, self.base + self.now))

    def _run_marks(self, event: Event, done: list[tuple[int, int]]) -> None:
        self._mark(event, event.walk.end_marks)

    def _run_start(self, event: Event, done: list[tuple[int, int]]) -> None:
        """A stage has all its resources: walk on to learn its duration, count, and schedule its end.

        A send over links that are not held (flit) has no duration of its own: the network reports
        the arrival, and until then the event waits in `messages`. With booking the successor is
        created now, although the stage ends later; marks of the end then need an event of their
        own.
        """
        self.events += 1
        event.started = self.now
        if self.kept is not None:
            self.kept.append(event)
        walk = event.walk = self._walk(event)
        stage = event.transfer.chain.stages[event.stage]
        if stage.kind == "send" and not registry.link_models.find(stage.message.network.model).held:
            message = stage.message
            operands = event.transfer.operands
            self.networks[message.network].send(
                self.now_ps,
                event.number,
                operands[message.source],
                operands[message.target],
                value(message.bytes, operands),
                (event.transfer.chain.name, event.stage),
            )
            self.messages[message.network, event.number] = event
            return
        assert walk.lasts is not None, "only stages of a network whose links are not held go without"
        end = self.now + walk.lasts
        event.ended = end
        self._count_links(event, stage, end)
        if not self.rules.booking:
            self._at(end, event, "end")
            return
        if walk.end_marks:
            late = Event(self._number(), event.transfer, event.stage, (), 0, end, event.side)
            late.walk = walk
            self._at(end, late, "marks")
        self._go_on(event, end)
        self._release(event, end)

    def _run_end(self, event: Event, done: list[tuple[int, int]]) -> None:
        """A stage ends: marks of its end, then successors, then resources; the order decides ties
        of the same instant.
        """
        event.ended = self.now
        self._mark(event, event.walk.end_marks)
        self._go_on(event, self.now)
        self._release(event, self.now)

    def _go_on(self, event: Event, time: int) -> None:
        """Create what follows `event` at `time`; the last stage of the last transfer ends the batch.

        Side transfers that a stage spawns count for the end of the batch and have no finishing time
        of their own.
        """
        if time > MOST_PS:
            raise BadInput("time beyond 2^61 ps")
        for side in event.walk.spawn:
            event.transfer.batch.outstanding += 1
            self._create(event.transfer, side, time, side=True)
        if event.walk.then != DONE:
            self._create(event.transfer, event.walk.then, time, event.side)
            return
        batch = event.transfer.batch
        self.events += 1
        batch.last = max(batch.last, time)
        batch.outstanding -= 1
        if not event.side:
            batch.finish[event.transfer.index] = time
        if not batch.outstanding:
            self._batch_end(batch)

    def _batch_end(self, batch: Batch) -> None:
        """Schedule the report of a batch at the latest end of its transfers."""
        batch.last = max(batch.last, self.now)
        self._at(batch.last, batch, "batch_end")

    def _create(self, transfer: Transfer, name: str, time: int, side: bool) -> None:
        """Make the event of a stage that becomes due at `time`, and admit it or let it wait.

        Without barging it waits also where another waits for one of its resources, even if all are
        free.
        """
        stage = transfer.chain.stages[name]
        event = Event(
            self._number(), transfer, name, self._resources(stage, transfer.operands), transfer.priority, time, side
        )
        barred = not self.rules.barging and any(self.queue.any(r) for r in event.resources)
        if barred or any(self.busy[r] for r in event.resources):
            event.waiting = True
            self.waiting += 1
            self.queue.push(event)
        else:
            self._admit(event)

    def _admit(self, event: Event) -> None:
        """Give `event` its resources from the latest instant at which one of them becomes free."""
        start = max([event.asked] + [self.free_at[r] for r in event.resources])
        for r in event.resources:
            self.busy[r] = True
        self.waiting -= event.waiting
        event.waiting = False
        self.queue.admitted(event, start)
        self._at(start, event, "start")

    def _release(self, event: Event, free_at: int) -> None:
        """Free the resources at `free_at` and admit waiters: all in order, or only the head of each
        queue (rules.wake).
        """
        for r in event.resources:
            self.busy[r] = False
            self.free_at[r] = free_at
        for waiter in (
            self.queue.all(event.resources) if self.rules.wake == "all" else self.queue.heads(event.resources)
        ):
            if waiter.waiting and not any(self.busy[r] for r in waiter.resources):
                self._admit(waiter)

    def _resources(self, stage: Any, operands: dict[str, int]) -> tuple[int, ...]:
        """Global numbers of what a stage holds: taken units, and the links of a route under a link
        model that holds them.

        Each number once, in the order of first mention. Raises BadInput where an operand names a
        unit that does not exist.
        """
        found = []
        for take in stage.take:
            if isinstance(take, Take):
                at = operands[take.operand]
                if not 0 <= at < take.resources.count:
                    raise BadInput(
                        f"{take.resources.name}[{at}] does not exist: "
                        f"{take.operand} must be in 0..{take.resources.count - 1}"
                    )
                found.append(self.first[take.resources] + at)
            else:
                found += self.links[take.network].locks_of(operands[take.source], operands[take.target])
        if stage.kind == "send" and registry.link_models.find(stage.message.network.model).held:
            found += self.links[stage.message.network].locks_of(
                operands[stage.message.source], operands[stage.message.target]
            )
        return tuple(dict.fromkeys(found))

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers - 1

    def _at(self, time: int, what: Batch | Event, kind: str) -> None:
        """Push an event under its own number, a batch under a new one: numbers break ties."""
        number = what.number if isinstance(what, Event) else self._number()
        heapq.heappush(self.heap, (time, number, what, kind))

    def _next_time(self) -> int | None:
        """The next instant at which anything happens, here or in a network, ps since the barrier;
        None where nothing will.
        """
        times = [self.heap[0][0]] if self.heap else []
        times += [t - self.base for t in (n.next_time() for n in self.networks.values()) if t is not None]
        return min(times, default=None)

    def _run_networks(self, time: int) -> None:
        """Let networks run to `time`; what arrives by then ends its stage, before other events of that instant."""
        for network, model in self.networks.items():
            for number in model.advance(self.base + time):
                self._at(time, self.messages.pop((network, number)), "end")

    def _barrier(self) -> None:
        """Nothing is in flight: time and numbers restart at 0, waiting queues and free times are forgotten.

        It bounds the numbers, and makes two layers with equal transfers equal in every tie.
        """
        self.base, self.now, self.numbers = self.base + self.now, 0, 0
        self.kept = None if self.kept is None else []
        self.free_at = [0] * len(self.free_at)
        self.queue.clear()

    def _stuck(self) -> str:
        return f"{self.waiting} stages wait for resources that nothing will release"

    def check(self) -> None:
        """Every invariant; raises AssertionError."""
        check(self)
