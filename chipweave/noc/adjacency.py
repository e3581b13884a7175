"""The links of a network as arrays, and what routes need of them: distances, choices among neighbours, numbers of ways.

Work is done for many destinations at once, each (router, destination) or (link, destination) once.
"""

from __future__ import annotations

import numpy as np

CHUNK = 1 << 22  # (link, destination) pairs looked at in one go
MOST_WAYS = 64  # equally short ways counted, and spread over


class Adjacency:
    """Directed links `src` -> `dst` between routers 0 to n - 1, sorted by (src, dst), each once."""

    def __init__(self, n: int, src: np.ndarray, dst: np.ndarray) -> None:
        self.n, self.src, self.dst = n, src.astype(np.int64), dst.astype(np.int64)
        self.key = self.src * n + self.dst
        self.start = np.searchsorted(self.src, np.arange(n + 1))
        self.into = np.argsort(self.dst, kind="stable")  # links by the router they lead to
        self.into_start = np.searchsorted(self.dst[self.into], np.arange(n + 1))

    def link(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """int64: the link from each a to its b, -1 where there is none."""
        wanted = np.asarray(a, np.int64) * self.n + b
        if not len(self.key):
            return np.full(np.shape(wanted), -1)
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[at] == wanted, at, -1)

    def chunks(self, targets: np.ndarray) -> list[np.ndarray]:
        """The destinations in portions of bounded work."""
        size = max(1, CHUNK // max(1, len(self.src)))
        return [targets[i : i + size] for i in range(0, len(targets), size)]

    def distances(self, targets: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        """int32[n, targets]: the least number of links to each destination, over `allowed` links only; -1: none leads
        there."""
        width = len(targets)
        far = np.full(self.n * width, -1, np.int32)
        mark = np.empty(self.n * width, np.int64)
        into = self.into if allowed is None else self.into[allowed[self.into]]
        start = self.into_start if allowed is None else np.searchsorted(self.dst[into], np.arange(self.n + 1))
        state = np.asarray(targets, np.int64) * width + np.arange(width)
        far[state] = level = 0
        while len(state):
            router, column = np.divmod(state, width)
            count = start[router + 1] - start[router]
            first = np.repeat(start[router] - np.cumsum(count) + count, count)
            found = self.src[into[first + np.arange(len(first))]] * width + np.repeat(column, count)
            found = found[far[found] < 0]
            mark[found] = np.arange(len(found))
            state = found[mark[found] == np.arange(len(found))]
            level += 1
            far[state] = level
        return far.reshape(self.n, width)

    def over_links(self, ufunc: np.ufunc, values: np.ndarray, nothing: int) -> np.ndarray:
        """[n, targets]: `ufunc` of values[link, target] over the links out of each router; `nothing` where it has
        none."""
        out = np.full((self.n, values.shape[1]), nothing, values.dtype)
        some = self.start[:-1] < self.start[1:]
        if some.any():
            out[some] = ufunc.reduceat(values, self.start[:-1][some], axis=0)
        return out

    def nearest(self, far: np.ndarray) -> np.ndarray:
        """bool[links, targets]: whether a link leads one link nearer, `far` as `distances` gives it."""
        return (far[self.dst] >= 0) & (far[self.dst] == far[self.src] - 1)

    def first_nearest(self, far: np.ndarray) -> np.ndarray:
        """int32[n, targets]: of the neighbours that are nearer the one of least number, -1 where none is."""
        ahead = np.where(self.nearest(far), self.dst[:, None], self.n).astype(np.int32)
        step = self.over_links(np.minimum, ahead, self.n)
        step[step == self.n] = -1
        return step

    def ways(self, far: np.ndarray) -> np.ndarray:
        """int32[n, targets]: how many shortest ways lead to each destination, at most MOST_WAYS; 0: none."""
        count = (far == 0).astype(np.int32)
        ahead = self.nearest(far)
        for level in range(1, int(far.max(initial=0)) + 1):
            total = self.over_links(np.add, np.where(ahead, count[self.dst], 0), 0)
            at = far == level
            count[at] = np.minimum(total, MOST_WAYS)[at]
        return count

    def nth_nearest(self, far: np.ndarray, ways: np.ndarray, number: int) -> np.ndarray:
        """int32[n, targets]: the neighbour on shortest way `number`, counted modulo the ways of each router.

        Numbers 0 to w - 1 of a router with w ways are its w different ways, whatever routers they lead through: a
        router's ways are those of its nearer neighbours one behind another, and a part of them that lies within one
        neighbour is as long as that neighbour has ways.
        """
        ahead = self.nearest(far)
        share = np.where(ahead, ways[self.dst], 0).astype(np.int64)
        upto = np.cumsum(share, axis=0)
        upto -= upto[self.start[:-1][self.src]] - share[self.start[:-1][self.src]]
        wanted = number % np.maximum(ways, 1)
        passed = self.over_links(np.add, (upto <= wanted[self.src]).astype(np.int64), 0)
        at = np.minimum(self.start[:-1][:, None] + passed, max(0, len(self.dst) - 1))
        found = self.dst[at] if len(self.dst) else np.zeros_like(far)
        return np.where((ways > 0) & (far > 0), found, -1).astype(np.int32)
