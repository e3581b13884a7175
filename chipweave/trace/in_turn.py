"""A batch that is no multiple of a trace's requests.

They stand in it in turn, the first ones once more than the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.trace.store import StepIds
from chipweave.trace.widths import Widths


class InTurn:
    """The trace of `requests` requests that go round a Trace's own.

    What is not here is the Trace's (`take`, `sha256`, ...).

    Request q of it is request q % n of the trace, so rows of a step come round by round.
    """

    def __init__(self, trace: Any, requests: int) -> None:
        self._trace, self.requests = trace, requests
        self._which = np.arange(requests) % trace.requests
        self.order = tuple(trace.order[i] for i in self._which.tolist())
        self.prompt_rows, self.decode_steps = trace.prompt_rows[self._which], trace.decode_steps[self._which]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_trace"], name)

    @property
    def last_has_prefill(self) -> bool:
        """As Trace's: the published artifact's rule, of the last request of the batch."""
        return bool(self.prompt_rows[-1] > 1)

    @property
    def holes(self) -> None:
        """None: a trace with holes is not repeated."""
        return None

    @property
    def widths(self) -> Widths | None:
        """Widths of all requests of the batch, or None."""
        if not self._trace.widths:
            return None
        runs = self._trace.widths.runs
        parts = []
        for first in range(0, self.requests, self._trace.requests):
            part = runs[runs[:, 0] + first < self.requests].copy()
            part[:, 0] += first
            parts.append(part)
        return Widths(np.concatenate(parts))

    def read(self, step: int) -> StepIds:
        """The step's ids: all rows of the trace once for each full round, then those of the first requests."""
        base = self._trace.read(step)
        rounds, rest = divmod(self.requests, self._trace.requests)
        some = int(np.searchsorted(base.row_request, rest))
        owners = [base.row_request + turn * self._trace.requests for turn in range(rounds)]
        owners.append(base.row_request[:some] + rounds * self._trace.requests)

        def layer_ids(index: int) -> np.ndarray:
            ids = base[index]
            whole = np.concatenate([ids] * rounds + [ids[:some]])
            whole.flags.writeable = False
            return whole

        return StepIds(step, base.layers, np.concatenate(owners), layer_ids)

    def steps_iter(self, first: int = 0, last: int | None = None) -> Iterator[Any]:
        """Yield `read(step)` for the steps from `first` to before `last`."""
        for step in range(first, self._trace.steps if last is None else min(last, self._trace.steps)):
            yield self.read(step)
