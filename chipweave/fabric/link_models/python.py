"""A link model in Python under the native engine, which calls it as it calls one in C (csrc/stages/network.h)."""

from typing import Any

from chipweave._kernel import ffi
from chipweave.chain.link_statistics import LinkStatistics
from chipweave.fabric.link_models.base import Compiled

NEVER = 2**63 - 1
FAILED = -1


class CalledBack(Compiled):
    """A network whose model is a Python object with `send`, `next_time`, `advance` and `statistics`.

    An exception of the model ends the run and is raised from where the run was advanced.
    """

    def __init__(self, compiler: Any, network: Any, model: Any) -> None:
        super().__init__(network)
        self.model = model
        self.failed: BaseException | None = None
        self.arrived: list[int] = []
        calls = {
            "send": ("int(void *, int64_t, uint32_t, int32_t, int32_t, int64_t)", self._send, FAILED),
            "next_time": ("int64_t(void *)", self._next_time, NEVER),
            "advance": ("int(void *, int64_t, uint32_t *, int)", self._advance, FAILED),
        }
        self.callbacks = {
            name: ffi.callback(signature, self._guarded(function, failed))
            for name, (signature, function, failed) in calls.items()
        }
        operations = ffi.new("network_operations *", self.callbacks)  # no `close`: Python owns the model
        self.own = compiler.add_network(operations, ffi.NULL)

    def _guarded(self, function: Any, failed: int | None) -> Any:
        """`function`, with an exception kept for raise_if_failed."""

        def call(*arguments: Any) -> Any:
            if self.failed is not None:
                return failed
            try:
                return function(*arguments)
            except BaseException as error:  # Ctrl-C too: C code has no way to pass it on
                self.failed = error
                return failed

        return call

    def _send(self, _: Any, now: int, message: int, source: int, target: int, size: int) -> int:
        self.model.send(now, message, source, target, size, None)
        return 1  # a model of the user's may let it arrive at this very instant

    def _next_time(self, _: Any) -> int:
        time = self.model.next_time()
        return NEVER if time is None else int(time)

    def _advance(self, _: Any, now: int, out: Any, capacity: int) -> int:
        """Called from C: let the model run to `now` and hand over what has arrived, as much as `out` holds."""
        self.arrived += self.model.advance(now)
        count = min(capacity, len(self.arrived))
        for i in range(count):
            out[i] = self.arrived[i]
        del self.arrived[:count]
        return count

    def number(self, stage: tuple | None = None) -> int:
        """See Compiled."""
        return self.own

    def raise_if_failed(self) -> None:
        """See Compiled."""
        if self.failed is not None:
            raise self.failed

    def statistics(self) -> LinkStatistics:
        """See Compiled."""
        return self.model.statistics()
