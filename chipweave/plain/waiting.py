"""Wait queues of the plain stage engine: who is the head of a resource's queue, and in which order heads are tried."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from sortedcontainers import SortedKeyList


class SortedWaiting:
    """Waiters of each resource in order of (priority, requested time, number); the admitted leave at once."""

    def __init__(self, resources: int) -> None:
        self.queues = [SortedKeyList(key=lambda event: event.rank()) for _ in range(resources)]

    def push(self, event: Any) -> None:
        """An event waits for all its resources at once, and stands in the queue of each."""
        for r in event.resources:
            self.queues[r].add(event)

    def admitted(self, event: Any, start: int) -> None:
        """The event leaves all queues; its time becomes that of its start."""
        for r in event.resources:
            self.queues[r].discard(event)  # before its rank changes
        event.time = start

    def any(self, r: int) -> bool:
        """Whether anything waits for resource `r`."""
        return bool(self.queues[r])

    def heads(self, resources: tuple[int, ...]) -> Iterable[Any]:
        """The first of each resource's queue, in the order they are tried."""
        heads = [self.queues[r][0] for r in resources if self.queues[r]]
        return iter(sorted(heads, key=lambda e: (e.time, e.number)))

    def all(self, resources: tuple[int, ...]) -> list[Any]:
        """Everything that waits for any of the resources, in order."""
        return sorted({e for r in resources for e in self.queues[r]}, key=lambda e: e.rank())

    def clear(self) -> None:
        """Forget everything: at a barrier nothing waits."""
        for queue in self.queues:
            queue.clear()


class Candidate:
    """An entry of the candidate heap: ordered by the event's live time, then number."""

    def __init__(self, event: Any) -> None:
        self.event = event

    def __lt__(self, other: Candidate) -> bool:
        return (self.event.time, self.event.number) < (other.event.time, other.event.number)


class ArtifactWaiting:
    """The published artifact's queues: `heapq` over events whose time is overwritten when they are admitted.

    An admitted event stays in the heaps as a dead entry, with its now larger time, and so disturbs their order; dead
    entries go only when they stand at the top while the head is looked up.
    """

    def __init__(self, resources: int) -> None:
        self.heaps: list[list[Any]] = [[] for _ in range(resources)]

    def push(self, event: Any) -> None:
        """An event enters the heap of each of its resources."""
        for r in event.resources:
            heapq.heappush(self.heaps[r], event)

    def admitted(self, event: Any, start: int) -> None:
        """The event's time changes under the heaps it stands in; they are not put in order again."""
        event.time = start

    def any(self, r: int) -> bool:
        """Whether any entry of resource `r` still waits."""
        return any(e.waiting for e in self.heaps[r])

    def heads(self, resources: tuple[int, ...]) -> Iterator[Any]:
        """Heads of all the resources first go on one more heap; what is admitted meanwhile disturbs that one too."""
        candidates: list[Candidate] = []
        for r in resources:
            heap = self.heaps[r]
            while heap and not heap[0].waiting:
                heapq.heappop(heap)
            if heap:
                heapq.heappush(candidates, Candidate(heap[0]))
        while candidates:
            event = heapq.heappop(candidates).event
            if event.waiting:
                yield event

    def all(self, resources: tuple[int, ...]) -> list[Any]:
        """Not defined: AssertionError."""
        raise AssertionError("trying all waiters needs no heap order: use the sorted queue")

    def clear(self) -> None:
        """Forget everything, dead entries too."""
        self.heaps = [[] for _ in self.heaps]
