"""a2a_nodes, a2a_nvl72: dispatch and combine beyond a node of eight, x is tokens of a GPU.

a2a_nodes: DeepEP's low-latency kernels, NVLink inside a node and each GPU's own adapter between nodes. a2a_nvl72:
TensorRT-LLM's one-sided kernels in one NVLink domain.
"""

from __future__ import annotations

from typing import Any

from chipweave import topology
from chipweave.declare import registry
from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import library

from ..rows.comm_stacks import fabric, memory, stack
from ..rows.conditions import conditions, whole
from ..rows.units import count, first_missing, in_time, no_gate

DOMAINS = {"gb200 nvl72": "gb200_nvl72"}
"""Devices that are one NVLink domain -> their topology."""

MOST_TOKENS = 1 << 20
PS = 1e12


@case("serving", "a2a_nodes", bar=0.15)
def nodes(questions: list[Question]) -> Answers:
    """DeepEP over nodes."""
    return {q.id: in_time(q, deepep(q)) for q in questions}


@case("serving", "a2a_nvl72", bar=0.15)
def domain(questions: list[Question]) -> Answers:
    """One-sided exchange in a domain."""
    return {q.id: in_time(q, one_sided(q)) for q in questions}


def phase_of(question: Any) -> str | NotModelled:
    """ "dispatch" or "combine"."""
    phase = next((p for p in ("dispatch", "combine") if p in question.quantity), None)
    return phase or NotModelled("the quantity names neither dispatch nor combine")


def _read(q: Any) -> Any:
    """(phase, tokens, ep, hidden, top-k), or the first that is missing."""
    found = conditions(q)
    values = phase_of(q), count(q, "tokens/GPU", most=MOST_TOKENS), *(whole(found, k) for k in ("ep", "hidden", "topk"))
    experts = whole(found, "experts")
    return values, first_missing(*values, experts) or no_gate(experts, values[4], values[2])


def deepep(q: Question, floors: dict | None = None) -> float | NotModelled:
    """Microseconds of a row; `floors` take the place of the fitted ones, s."""
    (phase, tokens, ep, hidden, topk), refused = _read(q)
    if refused or "deepep low latency" not in q.conditions.lower():
        return refused or NotModelled("only DeepEP's low-latency kernels are modelled between nodes")
    node = fabric(q.device)
    if first_missing(node):
        return node
    if ep > node.ranks and not node.adapter:
        return NotModelled(f"EP{ep} leaves the node, and the node has no adapter")
    f = library.figures() if floors is None else floors
    values = {f"{p}_floor": f"{round(f[f'deepep_nodes.{p}_floor_s'] * PS)} ps" for p in ("dispatch", "combine")}
    return (
        stack("comm.deepep_low_latency", **memory(q.device), **values).time(phase, tokens, topk, hidden, ep, node) / 1e6
    )


def one_sided(q: Question, figures: dict | None = None) -> float | NotModelled:
    """Microseconds of a row; `figures` take the place of the fitted ones."""
    (phase, tokens, ep, hidden, topk), refused = _read(q)
    name, dtype = DOMAINS.get(q.device.lower()), conditions(q).get("dtype", "bf16")
    model = registry.time_models.find("comm.one_sided")
    if refused or name is None:
        return refused or NotModelled(f"device '{q.device}' is no NVLink domain that is described")
    if "onesided" not in q.conditions.lower() or dtype not in ("bf16", "mxfp8", "nvfp4"):
        return NotModelled("only TensorRT-LLM's one-sided kernels with bf16, mxfp8 or nvfp4 tokens are modelled")
    system = topology.load(name)
    switch: Any = system.parts["switch"]
    ports = switch.fabric(system.networks["nvlink"])
    if not 2 <= ep <= ports.ranks:
        return NotModelled(f"EP{ep} in a domain of {ports.ranks} GPUs")
    f = library.figures() if figures is None else figures
    values = {f"{p}_floor": f"{round(f[f'one_sided.{p}_floor_s'] * PS)} ps" for p in ("dispatch", "combine")}
    values |= {f"{p}_share": f"{f[f'one_sided.{p}_share'] * 100:.6f} %" for p in ("write", "read")}
    return model(**values).time(phase, tokens, topk, hidden, ep, ports, dtype) / 1e6
