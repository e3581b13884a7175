"""The only door to the compiled modules, and the stage engines behind one interface.

    engine = build(layout, admission="early_booking", wait_queue="artifact_heap")
    batch = engine.issue("expert_slice", rows)
    [(batch, time_ps)] = engine.advance()

`engine="kernel"` runs csrc/stages/stages.c, `engine="plain"` its Python twin: the same results, event by event.
How transfers share the links of a network is a link model, one file each in chipweave/fabric/link_models/.
"""

from __future__ import annotations

from chipweave.chain.layout import Layout
from chipweave.chain.nouns import RouteTime, TakeRoute
from chipweave.chain.rules import ADMISSIONS, WAIT_QUEUES, Rules, rules
from chipweave.declare import registry
from chipweave.errors import BadInput
from chipweave.fabric.engine import Engine
from chipweave.io.native import ffi, lib, load

__all__ = ["ADMISSIONS", "WAIT_QUEUES", "Engine", "Rules", "build", "ffi", "lib", "load", "rules"]


def build(
    layout: Layout,
    admission: str = "work_conserving",
    wait_queue: str = "sorted",
    engine: str = "kernel",
    link_bin_ps: int = 10**9,
    link_bins: int = 256,
    booking: bool | None = None,
    barging: bool | None = None,
    wake: str | None = None,
) -> Engine:
    """A running engine for a checked layout.

    admission    work_conserving, head_only or early_booking; `booking`, `barging`, `wake` replace single switches of it
    wait_queue   sorted or artifact_heap
    link_bin_ps  first width of the time bins of link statistics (doubled whenever `link_bins` bins no longer reach)
    Raises `BadInput` for faults of the layout and for early booking over links whose end is not known at the start.
    """
    layout.check()
    chosen = rules(admission, wait_queue, booking, barging, wake)
    for network in layout.parts["networks"]:
        model = registry.link_models.find(network.model)
        if chosen.booking and not model.held:
            raise BadInput(
                f"network {network.name}: early booking books a stage at the end of the one before, and under "
                f"'{network.model}' that end is not known when it starts; use circuit, or another admission"
            )
    _check_circuits(layout)
    if engine not in ("kernel", "plain"):
        raise BadInput(f"unknown engine '{engine}'; allowed: kernel, plain")
    if engine == "plain":
        from chipweave.fabric.plain import plain_engine

        return Engine(layout, plain_engine(layout, chosen, link_bin_ps, link_bins))
    from chipweave.fabric.kernel import KernelEngine

    return Engine(layout, KernelEngine(layout, chosen, link_bin_ps, link_bins))


def _check_circuits(layout: Layout) -> None:
    """Only where links are held can a route be taken whole, or its time be known beforehand."""
    for chain in layout.chains.values():
        for stage in chain.stages.values():
            parts = [t for t in stage.take if isinstance(t, TakeRoute)] + (
                [stage.lasts] if isinstance(stage.lasts, RouteTime) else []
            )
            for part in parts:
                if not registry.link_models.find(part.network.model).held:
                    raise BadInput(
                        f"chain {chain.name}, stage {stage.name}: a route of {part.network.name} cannot be held under "
                        f"'{part.network.model}'; use a send stage"
                    )
