"""Layer-steps of a run under other link models, each from the state that it has in the run.

A layer-step reads of the one before nothing but the tables (LLC tags, copies, prediction bits): they are laid into an
engine of its own, so sampled layer-steps run side by side, in any number of threads, with the same result. Where a
part answers in Python, whose memory nobody sees, they run one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chipweave import fabric, topology
from chipweave.chain.layout import Layout
from chipweave.chain.nouns import Asked
from chipweave.component.replicas import gather
from chipweave.io.side_by_side import SideBySide
from chipweave.run import simulate as serving
from chipweave.run.assemble import laid_out
from chipweave.run.why.stretches import is_control


@dataclass(frozen=True, eq=False)
class Probe:
    """A run's system under another link model: `fresh()` is an engine of it in which nothing has moved yet.

    Attributes:
        layout, rules: what chipweave.fabric.build makes it of.
        network: name of the network that joins the dies.
    """

    layout: Layout
    rules: dict[str, Any]
    network: str

    @classmethod
    def of(cls, spec: Any, work: Any, model: str, admission: Any) -> Probe:
        """Of the run's system under link model `model`."""
        system = system_of(spec)
        network = serving.mesh_of(system)
        spec = replace(spec, link_model=model, admission=admission)
        layout = laid_out(system, gather(system.parts.values()), work, model)
        switches = {habit: getattr(network, habit) for habit in ("booking", "barging", "wake")}
        queue = spec.wait_queue or network.wait_queue
        return cls(
            layout, {"admission": serving.admission_of(spec, network), "wait_queue": queue, **switches}, network.name
        )

    def fresh(self) -> Any:
        """A new engine."""
        return fabric.build(self.layout, **self.rules)

    @cached_property
    def grain(self) -> int:
        """The grain that the network has come to have; 1 where it is not flit."""
        return int(getattr(self.fresh().core.compiled.networks[self.network], "grain", 1))

    @property
    def asks_python(self) -> bool:
        """Whether a part answers in Python while transfers are under way."""
        return asks_python(self.layout)


def asks_python(layout: Layout) -> bool:
    """Whether a part of a layout answers in Python while transfers are under way."""
    stages = [stage for chain in layout.chains.values() for stage in chain.stages.values()]
    asked = [stage.query.op for stage in stages if stage.query is not None]
    marked = [mark.op for stage in stages for mark in stage.marks]
    return "ask" in (*asked, *marked) or any(isinstance(stage.lasts, Asked) for stage in stages)


def system_of(spec: Any) -> Any:
    """The system that a RunSpec names."""
    return topology.load(spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset)


def finer(spec: Any, network: str, grain: int) -> Any:
    """The specification with the next finer grain."""
    return replace(spec, sets=(*spec.sets, f"{network}.grain={grain // 2}"))


@dataclass(frozen=True)
class Taken:
    """What one layer-step's transfers took on a probe.

    Attributes:
        row: of the run's layer table; place: of the probe.
        ps: simulated; cpu_s: of this machine.
        skipped: of flit (cycles of groups, those of them skipped, jumps, groups that did not recur), else None.
    """

    row: int
    place: int
    ps: int
    cpu_s: float
    skipped: tuple[int, int, int, list[Any]] | None


class Watched:
    """A fabric that has the transfers of each sampled layer-step run on the probes too.

    Attributes:
        times: row of the layer table -> ps under each probe, once `finish` has been called.
        taken: all that was measured; own_s: (CPU, wall) seconds that the sample took of the thread of the run.
    """

    def __init__(self, fabric: Any, probes: list[Probe], chosen: set[int], threads: int = 1) -> None:
        """chosen: rows of the layer table; threads: layer-steps that run side by side."""
        self.fabric, self.probes, self.chosen = fabric, probes, chosen
        self.layer = 0
        self.times: dict[int, list[int]] = {}
        self.taken: list[Taken] = []
        self.own_s = (0.0, 0.0)
        alone = threads < 2 or any(probe.asks_python for probe in probes)
        self.pool: SideBySide[Taken] = SideBySide(1 if alone else threads)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fabric, name)

    def issue(self, *transfers: Any) -> int:
        """Issue as the run does; in a layer-step of the sample, run the same transfers on the probes first."""
        if self.layer in self.chosen and not is_control(self.fabric.layout, transfers[0]):
            self.timed(lambda: self.probe(transfers))
        return self.fabric.issue(*transfers)

    def probe(self, transfers: Any) -> None:
        """Have the transfers run on each probe; one that is there twice runs once."""
        for place, probe in enumerate(self.probes):
            if probe not in self.probes[:place]:
                engine = probe.fresh()
                engine.copy_tables(self.fabric)
                engine.issue(*transfers)
                self.pool.submit(self.call(engine, place))

    def call(self, engine: Any, place: int) -> Callable[[], Taken]:
        """What runs an engine to its end."""
        row, network = self.layer, self.probes[place].network

        def run() -> Taken:
            end, begin = 0, time.thread_time()
            while not engine.idle:
                end = max([end, *(at for _, at in engine.advance())])
            return Taken(row, place, end, time.thread_time() - begin, engine.core.skipped(network))

        return run

    def next_layer(self, job: Any) -> None:
        """The next row of the layer table begins."""
        self.layer += job is not None

    def kept(self) -> dict[str, np.ndarray]:
        """What was taken so far, as arrays that `restore` takes; waits for what is under way."""
        taken = list(self.taken)
        self.timed(lambda: taken.extend(self.pool.so_far()))
        rows = [(each.row, each.place, each.ps) for each in taken]
        seconds = [*self.own_s, *(each.cpu_s for each in taken)]
        return {"taken": np.array(rows, np.int64).reshape(len(rows), 3), "seconds": np.array(seconds)}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Go on from what `kept` gave; what was skipped is not kept."""
        own, beside = kept["seconds"][:2].tolist(), kept["seconds"][2:].tolist()
        self.own_s = (own[0], own[1])
        rows = zip(kept["taken"].tolist(), beside, strict=True)
        self.taken = [Taken(row, place, ps, cpu, None) for (row, place, ps), cpu in rows]

    def finish(self) -> None:
        """Wait for what is still under way, and add up `times`."""
        self.timed(lambda: self.taken.extend(self.pool.results()))
        of = {id(probe): place for place, probe in reversed(list(enumerate(self.probes)))}
        sums: dict[tuple[int, int], int] = {}
        for each in self.taken:
            sums[each.row, each.place] = sums.get((each.row, each.place), 0) + each.ps
        rows = sorted({each.row for each in self.taken})
        self.times = {row: [sums[row, of[id(probe)]] for probe in self.probes] for row in rows}

    def timed(self, call: Callable[[], None]) -> None:
        """Make a call, and count what it takes of the run's own thread."""
        cpu, wall = time.thread_time(), time.perf_counter()
        call()
        self.own_s = (self.own_s[0] + time.thread_time() - cpu, self.own_s[1] + time.perf_counter() - wall)

    def cost_s(self) -> dict[str, float]:
        """What the sample took of a row's CPU and wall seconds."""
        beside = sum(each.cpu_s for each in self.taken) if self.pool.threads else 0.0
        return {"cpu_s": self.own_s[0] + beside, "wall_s": self.own_s[1]}

    def skipped(self, place: int) -> tuple[float, int, list[Any]]:
        """Of a probe under flit: (share of the groups' cycles that was not stepped, jumps, groups that did not
        recur)."""
        found = [each.skipped for each in self.taken if each.place == place and each.skipped is not None]
        cycles, skipped, jumps = (sum(column) for column in zip(*(each[:3] for each in found), strict=True))
        return skipped / max(1, cycles), jumps, [group for each in found for group in each[3]]
