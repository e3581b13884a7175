"""pplx: pplx-kernels' dispatch and combine inside one node, and what they are compared with; x is tokens of a GPU."""

import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.cases.deepep_ll import KIND as DEEPEP
from chipweave.validation.comm_stacks import fabric, stack

SHAPE = re.compile(r"(?P<experts>\d+) experts, top-(?P<topk>\d+), (?P<hidden>\d+)")
EP = re.compile(r"\bEP(\d+)\b")
KIND = "comm.pplx"


@case("h100", "pplx", bar=0.15)
def predict(questions):
    """Microseconds."""
    return {q.id: simulate(q) for q in questions}


def simulate(question, figures=None):
    """The answer to one question; `figures` take the place of the fitted ones."""
    shape, ep, node = SHAPE.search(question.conditions), EP.search(question.device), fabric(question.device)
    if not shape or not ep or not question.x or node is None:
        return NotModelled("shape, tokens or device not recognised")
    ranks, tokens = int(ep[1]), int(question.x)
    if ranks > node.ranks:
        return NotModelled(f"EP{ranks} leaves the node: no model of the network between nodes")
    experts, topk, hidden = (int(shape[k]) for k in ("experts", "topk", "hidden"))
    figures = figures or {}
    own, nccl, deepep = (stack(kind, **figures.get(kind, {})) for kind in (KIND, "comm.nccl", DEEPEP))
    phase = next((p for p in ("dispatch", "combine") if p in question.quantity), None)
    if question.quantity.startswith("torch all-to-all"):
        return own.torch_time(tokens, hidden, experts, ranks, nccl, node) / 1e6
    if phase and question.quantity.startswith("NVLINK"):
        return own.time(phase, tokens, topk, hidden, ranks, node) / 1e6
    if phase and question.quantity.startswith("DeepEP"):
        return deepep.time(phase, tokens, topk, hidden, ranks, node) / 1e6
    return NotModelled("NVSHMEM's host-called all-to-all: its schedule is not published and no calibration row sets it")
