"""Times of steps, each shape computed once. What is taken for alike is bounded by `MOST_ERROR`, and how far off it was
is kept.

Two steps are alike where they differ only in what servers and kernels round anyway, and a little more: decode batches
are padded to the size of a captured CUDA graph (a multiple of 8 beyond 4), contexts are read in whole cache blocks,
tokens of prompts are rounded up in the eighth binary place. One lookup in `EVERY` is computed anew, unrounded; where it
is off by more than the bound, rounding becomes finer from there on."""

from __future__ import annotations

from chipweave.serving.step import Batch, Setup

GRAPH, PLACES, EVERY = 8, 8, 64
MOST_ERROR = 0.01


class StepTimes:
    """Seconds of steps of one `Setup`; `computed`, `reused`, `refined` and `largest_error` say how they were found."""

    def __init__(self, setup: Setup, block: int) -> None:
        self.setup, self.block, self.places = setup, block, PLACES
        self.known: dict[Batch, dict[str, int]] = {}
        self.computed, self.reused, self.refined, self.largest_error = 0, 0, 0, 0.0

    def kinds(self, decode: int, context: int, prompts: int, new: int, seen: int) -> dict[str, int]:
        """ns by kind of work, of `decode` sequences with `context` tokens together, and `prompts` chunks of `new`
        tokens together that see `seen` each."""
        batch = self._like(decode, context, prompts, new, seen)
        time = self.known.get(batch)
        if time is None:
            time = self.known[batch] = self.setup.kinds(batch)
            self.computed += 1
        else:
            self.reused += 1
        if (self.reused + self.computed) % EVERY == 0:
            return self._compared(time, batch, decode, context, new, seen)
        return time

    def _like(self, decode: int, context: int, prompts: int, new: int, seen: int) -> Batch:
        mean = _up(-(-context // decode), self.block) if decode else 0
        each = self._rounded(-(-new // prompts)) if prompts else 0
        return Batch(_padded(decode), mean, prompts, each, max(each, self._rounded(seen)) if prompts else 0)

    def _rounded(self, tokens: int) -> int:
        return _up(tokens, max(1, 1 << max(0, tokens.bit_length() - self.places)))

    def _compared(
        self, time: dict[str, int], batch: Batch, decode: int, context: int, new: int, seen: int
    ) -> dict[str, int]:
        """`time` of a rounded step, or, where it is more than MOST_ERROR off the exact one, finer
        rounding from here on.

        What was known is dropped then: it was rounded more coarsely.
        """
        each = -(-new // batch.prompts) if batch.prompts else 0
        exact = Batch(batch.decode, -(-context // decode) if decode else 0, batch.prompts, each, max(each, seen))
        true = time if exact == batch else self.setup.kinds(exact)
        error = abs(sum(time.values()) / (sum(true.values()) or 1) - 1)
        if error <= MOST_ERROR:
            self.largest_error = max(self.largest_error, error)
            return time
        self.places, self.block, self.refined = self.places + 1, max(1, self.block // 2), self.refined + 1
        self.known.clear()
        return true


def _padded(decode: int) -> int:
    """The size of the captured graph that a batch runs in: servers pad so, it is no error."""
    return decode if decode <= 4 else _up(decode, GRAPH)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
