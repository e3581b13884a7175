"""The die that the case study runs on, one transfer at a time: a die of the wafer alone, preset `paper` or
`h100`.

What runs is the chain of the study itself (LLC lookup, HBM read, GEMM by the model's utilisation table) on the stage
engine, put together by the core from the topology, so that what is held against measurements is what is simulated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from chipweave import topology
from chipweave.chain import Given, Layout
from chipweave.component.replicas import gather
from chipweave.component.transfer_operands import OPERANDS, Work
from chipweave.declare import registry
from chipweave.fabric import build
from chipweave.run.assemble import assemble
from chipweave.trace import models

from ..bench.bare_network import bare_network

TABLE_OF = {
    "DeepSeek-V3": "deepseek-v3",
    "Qwen3-235B-A22B": "qwen3-235b",
    "Kimi-K2": "kimi-k2",
    "Llama4-Maverick": "llama4-maverick",
}
ANY_SHAPE = "deepseek-v3"
"""Whose utilisation table a GEMM takes that is no model's expert: assumed."""


@cache
def model(name: Any) -> Any:
    """A model by the name that rows give it, or None."""
    return models.load(TABLE_OF[name]) if name in TABLE_OF else None


def model_of_shape(rows: Any, columns: Any) -> Any:
    """The model whose experts have a matrix of this shape, either way round; `ANY_SHAPE` where none has."""
    found = (m for m in map(model, TABLE_OF) if {m.hidden, m.intermediate} == {rows, columns})
    return next(found, models.load(ANY_SHAPE))


def gemm_ps(of: Any, tokens: Any, rows: Any, columns: Any, slices: int = 1, preset: str = "paper") -> Any:
    """ps from the first lookup to the last result of `slices` matrices of rows x columns, 16 bits, out of the die's own
    HBM.

    of      the chipweave.trace.models.Model whose utilisation and HBM efficiency count
    tokens  rows of the activations
    preset  "paper", or "h100": the die that was characterised
    """
    work = Work(
        (0,), 1, slices, rows * columns * 2, 2 * rows * columns, (rows + columns) * 2, of.utilisation, of.hbm_efficiency
    )
    system = topology.load("wafer", sets=["parts.die.grid=[1, 1]"], preset=preset)
    network = system.networks["d2d"]
    link_model: Any = None  # as the topology says
    engine, _ = assemble(
        system, gather(system.parts.values()), work, network.admission, network.wait_queue, link_model, "kernel"
    )
    given = {"tokens": tokens, "slice_bytes": work.slice_bytes, "activation_bytes": tokens * work.token_bytes}
    rows = [[{**given, "line": i}.get(name, 0) for name in OPERANDS] for i in range(slices)]
    batch = engine.issue("slice", np.array(rows, np.int64))
    engine.advance()
    return int(engine.finish_ps(batch).max())


def copy_ps(size: int) -> int:
    """ps of a copy of `size` bytes between two GPUs of a node: the copy engine's start, then a message on the NVLink
    network."""
    network = topology.load("dgx_h100").networks["nvlink"]
    layout = Layout()
    nvlink = bare_network(layout, network, network.link_model)
    starter = layout.resources("copy_engine", len(network.endpoints))
    chain = layout.chain("copy", ["source", "target", "bytes", "start"])
    chain.hold("start", starter.at("source"), Given("start"), then="send")
    chain.send("send", nvlink, "source", "target", "bytes")
    engine = build(layout, admission="work_conserving")
    batch = engine.issue(
        "copy", np.array([[0, 1, size, registry.time_models.find("node.copy_engine")().start]], np.int64)
    )
    engine.advance()
    return int(engine.finish_ps(batch)[0])
