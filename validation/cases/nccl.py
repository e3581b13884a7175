"""nccl: time of one collective as nccl-tests measures it, on one NVSwitch node; x is the bytes of the larger buffer.

The schedule that NCCL would choose, run on the node's links. `busbw` peaks are the same calls seen as bandwidth.
"""

import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.comm_stacks import fabric, stack

QUANTITY = re.compile(r"^(all_gather|alltoall|all_reduce|reduce_scatter) (time|peak busbw)")
GPUS = re.compile(r"\b(\d+) GPUs?\b")
PEAK_BYTES = 4 * 2**30
"""A peak is what the largest usual message reaches: nccl-tests up to 4 GiB."""


def bar(question):
    """10 % from 64 KiB up, 20 % below."""
    return 0.20 if question.x_name == "B" and question.x is not None and question.x < 65536 else 0.10


@case("h100", "nccl", bar=bar)
def predict(questions):
    """Microseconds; GB/s for peaks."""
    return {q.id: simulate(q) for q in questions}


def simulate(question, figures=None, in_ll=False):
    """The answer to one question; `figures` take the place of the fitted ones, `in_ll` forces the LL protocol."""
    quantity, gpus = QUANTITY.match(question.quantity), GPUS.search(question.conditions)
    node = fabric(question.device)
    if not quantity or not gpus or node is None or not 2 <= int(gpus[1]) <= node.ranks:
        return NotModelled("collective, number of GPUs or device not recognised, or no NVSwitch node")
    nccl, ranks = stack("comm.nccl", **(figures or {}).get("comm.nccl", {})), int(gpus[1])
    collective = quantity[1]
    if quantity[2] == "peak busbw":
        time = nccl.time(collective, ranks, PEAK_BYTES, node)
        return 1e3 * PEAK_BYTES / time * nccl.bus_share(collective, ranks)
    if not question.x:
        return NotModelled("the size is not one number")
    return nccl.time(collective, ranks, int(question.x), node, "LL" if in_ll else None) / 1e6


def simulate_in_ll(question, figures=None):
    """The same with the LL protocol, whatever NCCL would choose."""
    return simulate(question, figures, in_ll=True)
