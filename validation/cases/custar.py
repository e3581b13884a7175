"""custar: vLLM's custom all-reduce, in a CUDA graph and eager; x is the number of 2-byte elements. Reported, no bar."""

from chipweave.ledger import NotModelled, case
from chipweave.validation.cases.nccl import GPUS
from chipweave.validation.comm_stacks import fabric, stack

MODES = {"vllm_graph": "graph", "vllm_eager": "eager"}


@case("h100", "custar")
def predict(questions):
    """Microseconds."""
    return {q.id: simulate(q) for q in questions}


def simulate(question, figures=None):
    """The answer to one question; `figures` take the place of the fitted ones."""
    mode = next((m for word, m in MODES.items() if word in question.quantity), None)
    gpus, node = GPUS.search(question.conditions), fabric(question.device)
    if not mode or not gpus or not question.x or node is None or not 2 <= int(gpus[1]) <= node.ranks:
        return NotModelled("mode, number of GPUs, size or device not recognised")
    figures = figures or {}
    nccl, own = (stack(kind, **figures.get(kind, {})) for kind in ("comm.nccl", "comm.custom_allreduce"))
    return own.time(mode, int(gpus[1]), 2 * int(question.x), nccl, node) / 1e6
