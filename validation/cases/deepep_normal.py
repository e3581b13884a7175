"""deepep_normal: DeepEP's normal dispatch and combine inside one node by the SMs they get; x is tokens of a GPU."""

import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.cases.deepep_ll import SHAPE
from chipweave.validation.comm_stacks import fabric, stack

SMS, GPUS = re.compile(r"\b(\d+) SMs"), re.compile(r"\b(\d+) GPUs")
KIND = "comm.deepep_normal"


@case("h100", "deepep_normal", bar=0.15)
def predict(questions):
    """Microseconds."""
    return {q.id: simulate(q) for q in questions}


def simulate(question, figures=None):
    """The answer to one question; `figures` take the place of the fitted ones."""
    shape, sms, gpus = SHAPE.search(question.conditions), SMS.search(question.conditions), GPUS.search(question.device)
    phase, node = next((p for p in ("dispatch", "combine") if p in question.quantity), None), fabric(question.device)
    if not shape or not sms or not gpus or not phase or not question.x or node is None:
        return NotModelled("phase, shape, SMs, tokens or device not recognised")
    if "(1 node)" not in question.device or int(gpus[1]) > node.ranks:
        return NotModelled("more than one node: no model of the network between nodes")
    own = stack(KIND, **(figures or {}).get(KIND, {}))
    numbers = (int(question.x), int(shape["topk"]), int(shape["hidden"]), int(shape["experts"]), int(sms[1]), int(gpus[1]))
    return own.time(phase, *numbers, node) / 1e6
