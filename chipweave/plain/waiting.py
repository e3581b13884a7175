"""Wait queues of the plain stage engine: who is the head of a resource's queue, and in which order heads are tried."""

import heapq

from sortedcontainers import SortedKeyList


class SortedWaiting:
    """Waiters of each resource in order of (priority, requested time, number); the admitted leave at once."""

    def __init__(self, resources):
        self.queues = [SortedKeyList(key=lambda event: event.rank()) for _ in range(resources)]

    def push(self, event):
        for r in event.resources:
            self.queues[r].add(event)

    def admitted(self, event, start):
        for r in event.resources:
            self.queues[r].discard(event)  # before its rank changes
        event.time = start

    def any(self, r):
        return bool(self.queues[r])

    def heads(self, resources):
        heads = [self.queues[r][0] for r in resources if self.queues[r]]
        return iter(sorted(heads, key=lambda e: (e.time, e.number)))

    def all(self, resources):
        return sorted({e for r in resources for e in self.queues[r]}, key=lambda e: e.rank())

    def clear(self):
        for queue in self.queues:
            queue.clear()


class Candidate:
    """An entry of the candidate heap: ordered by the event's live time, then number."""

    def __init__(self, event):
        self.event = event

    def __lt__(self, other):
        return (self.event.time, self.event.number) < (other.event.time, other.event.number)


class ArtifactWaiting:
    """The published artifact's queues: `heapq` over events whose time is overwritten when they are admitted.

    An admitted event stays in the heaps as a dead entry, with its now larger time, and so disturbs their order; dead
    entries go only when they stand at the top while the head is looked up.
    """

    def __init__(self, resources):
        self.heaps = [[] for _ in range(resources)]

    def push(self, event):
        for r in event.resources:
            heapq.heappush(self.heaps[r], event)

    def admitted(self, event, start):
        event.time = start

    def any(self, r):
        return any(e.waiting for e in self.heaps[r])

    def heads(self, resources):
        """Heads of all the resources first go on one more heap; what is admitted meanwhile disturbs that one too."""
        candidates = []
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

    def all(self, resources):
        raise AssertionError("trying all waiters needs no heap order: use the sorted queue")

    def clear(self):
        self.heaps = [[] for _ in self.heaps]
