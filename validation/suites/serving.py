"""Suite serving: kernels, exchanges, steps and nodes of MoE servers, measured rows beside what the model says."""

from importlib.resources import files

from chipweave import ledger
from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger.asking import asking

FOLDER = files("chipweave.validation") / "references" / "serving"
KEEP_ROWS = False


def references(reference=None, groups=(), device=None):
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    rows = ledger.read_references(reference or FOLDER)
    known = sorted({q.group for q, _ in rows})
    unknown = [
        Fault(f"no rows of group '{g}'", allowed=", ".join(known), nearest=nearest(g, known))
        for g in groups
        if g not in known
    ]
    if unknown:
        raise BadInput(unknown)
    return [
        (q, v)
        for q, v in rows
        if (not groups or q.group in groups) and (not device or device.lower() in q.device.lower())
    ]


def results(reference=None, groups=(), device=None, jobs=1):
    """Judge the rows of `reference`."""
    return ledger.judge("serving", references(reference, groups, device), ledger.discover(), asking(jobs))
