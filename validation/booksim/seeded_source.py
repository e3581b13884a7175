"""The source of BookSim 2's one-stream rates: who draws when, from the very numbers it draws.

Two endpoints offer each other Bernoulli packets of S flits with probability 1/S a cycle. Where that is as much as the
link carries, the two drift between a full queue and none, and what a window accepts depends, in its third and fourth
digit, on the draws themselves; even where the router is the limit, the phase in which the first packets meet decides
whether the window holds one broken period more. A rate is only comparable digit by digit under the same draws.

The numbers are the public ones of D. E. Knuth, The Art of Computer Programming, volume 2, section 3.6 (lagged
Fibonacci, floating point, seeding of 2002), written here from the book's description over integers modulo 2^52."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

LONG, SHORT, BITS = 100, 37, 52
DRAWN, KEPT = 1009, 100  # of each 1009 numbers the first 100 are used
SEPARATION = 70  # streams of different seeds are 2^70 numbers apart
MASK = np.uint64((1 << BITS) - 1)


def _continue(state: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` numbers that begin with `state`, each the sum of those 100 and 37 before it, and the state after them."""
    numbers = np.empty(count + LONG, np.uint64)
    numbers[:LONG] = state
    for n in range(LONG, count + LONG, SHORT):
        end = min(n + SHORT, count + LONG)
        numbers[n:end] = (numbers[n - LONG : end - LONG] + numbers[n - SHORT : end - SHORT]) & MASK
    return numbers[:count], numbers[count:]


def _reduced(terms: np.ndarray) -> np.ndarray:
    """A polynomial of degree 198 or less modulo z^100 + z^37 + 1; a coefficient goes to z^(j - 63) and z^(j - 100)."""
    for j in range(2 * LONG - 2, LONG - 1, -1):
        terms[j - (LONG - SHORT)] = terms[j - (LONG - SHORT)] + terms[j] & MASK
        terms[j - LONG] = terms[j - LONG] + terms[j] & MASK
    return terms[:LONG]


def seeded(seed: Any) -> Any:
    """The state after seeding: a polynomial raised, bit by bit of the seed, to a power of its own."""
    seed, terms = seed & 0x3FFFFFFF, np.zeros(LONG, np.uint64)
    word = 2 * (seed + 2)
    for j in range(LONG):
        terms[j] = word
        word *= 2
        if word >= 1 << BITS:
            word -= (1 << BITS) - 2
    terms[1] += np.uint64(1)  # the only odd one
    bits, squarings = seed, SEPARATION - 1
    while squarings:
        square = np.zeros(2 * LONG - 1, np.uint64)
        square[::2] = terms
        terms = _reduced(square)
        if bits & 1:  # times z
            top = terms[-1]
            terms = np.roll(terms, 1)
            terms[SHORT] = terms[SHORT] + top & MASK
        if bits:
            bits >>= 1
        else:
            squarings -= 1
    state = np.concatenate([terms[SHORT:], terms[:SHORT]])
    for _ in range(10):
        state = _continue(state, 2 * LONG - 1)[1]
    return state


def draws(seed: Any) -> Iterator[Any]:
    """Numbers in [0, 1), without end."""
    state = seeded(seed)
    while True:
        numbers, state = _continue(state, DRAWN)
        yield from (numbers[:KEPT] * 2.0**-BITS).tolist()


class Exchange:
    """The two endpoints of an open kernel offer each other packets of `size` flits with probability `rate` a cycle.

    An endpoint draws for each cycle of a clock of its own, which stands while a packet is being sent and catches up
    afterwards."""

    def __init__(self, kernel: Any, size: Any, rate: Any, seed: Any) -> None:
        self.kernel, self.size, self.rate, self.numbers = kernel, size, rate, draws(seed)
        self.clock, self.offered = [0, 0], [0, 0]

    def advance(self, until: Any) -> None:
        """Step to `until`, drawing the next packet of a node when it has sent the one before."""
        for now in range(self.kernel.now, until):
            sent = self.kernel.counts()[-2:, :, 0].sum(axis=1)
            for node in (0, 1):
                if sent[node] == self.offered[node]:
                    self._draw(node, now)
            self.kernel.advance(now + 1)

    def _draw(self, node: int, now: int) -> None:
        """Up to the first packet, or to the present."""
        while self.clock[node] <= now:
            self.clock[node] += 1
            if next(self.numbers) < self.rate:
                self.kernel.send([(0, now, self.size, node, 1 - node, 0, self.size)])
                self.offered[node] += self.size
                return
