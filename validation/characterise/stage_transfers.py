"""Single transfers on the stage kinds of a die: what `chipweave characterise` measures at line rate, at the other
speed.

The parts are those of the wafer's die under a preset, declared by the core as in a run; instead of the case study's
chain they serve one that makes a single access, so that nothing else is in the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave import topology
from chipweave.chain import DONE, Layout, amount
from chipweave.component.replicas import gather
from chipweave.component.transfer_operands import OPERANDS, Work
from chipweave.fabric import build
from chipweave.trace import models


class Transfers:
    """The die of the wafer under `preset`; each transfer runs on a fresh one."""

    def __init__(self, preset: Any, engine: str = "kernel", sets: tuple[Any, ...] = ()) -> None:
        self.engine = engine
        self.system = topology.load("wafer", sets=["parts.die.grid=[1, 1]", *sets], preset=preset)
        self.parts = {part.name.rpartition(".")[2]: part for part in gather(self.system.parts.values())}

    def time_ps(self, what: Any, size: Any, local: int = 1, remote: int = 0) -> Any:
        """ps until all have ended: `read` by local and remote readers at once, `again` by them (a hit of the LLC each),
        `store`."""
        if what != "read":
            return self._run(size, [(what, 0)] * (local + remote))
        return self._run(size, [("read", 0)] * local + [("remote", 0)] * remote)

    def gemm_ps(self, model: Any, tokens: Any) -> Any:
        """ps of the GEMM of one slice of a shipped model."""
        model = models.load(model)
        work = Work((0,), 1, 1, model.slice_bytes, 2 * model.hidden * model.intermediate, 0, model.utilisation)
        return self._run(model.slice_bytes, [("gemm", tokens)], work)

    def _run(self, size: int, jobs: list[tuple[str, int]], work: Work | None = None) -> int:
        """Issue `jobs` (chain, tokens) at once; ps of the last end."""
        layout = Layout()
        work = work or Work((0,), 1, 1, size, 1, 0)
        for name in ("hbm", "llc", "sm"):
            part = self.parts[name]
            part.layout, part.counters = layout, {}
            if name != "sm" or work.utilisation:
                part.declare(layout, work)
        for name in dict.fromkeys(name for name, _ in jobs):
            chain = layout.chain(name, OPERANDS)
            chain.start = getattr(self, f"_{name}")(chain, work)
        engine = build(layout, admission="work_conserving", engine=self.engine)
        given = {"slice_bytes": size}
        batches = [
            engine.issue(name, np.array([[{**given, "tokens": tokens}.get(o, 0) for o in OPERANDS]], np.int64))
            for name, tokens in jobs
        ]
        while not engine.idle:
            engine.advance()
        return max(int(engine.finish_ps(b).max()) for b in batches)

    def _read(self, chain: Any, work: Any, remote: bool = False) -> Any:
        return self.parts["hbm"].serve_read(chain, "access", "die", amount("slice_bytes"), remote=remote, then=DONE)

    def _remote(self, chain: Any, work: Any) -> Any:
        return self._read(chain, work, remote=True)

    def _store(self, chain: Any, work: Any) -> Any:
        return self.parts["hbm"].serve_write(chain, "access", "die", amount("slice_bytes"), then=DONE)

    def _again(self, chain: Any, work: Any) -> Any:
        return self.parts["llc"].serve_hit(chain, "die", DONE)

    def _gemm(self, chain: Any, work: Any) -> Any:
        sm = self.parts["sm"]
        return chain.hold("gemm", sm.units.at("die"), sm.duration(work), then=DONE)
