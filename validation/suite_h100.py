"""Suite h100: measured numbers of H100-class GPUs, one row each."""

from importlib.resources import files

from chipweave import ledger

REFERENCES = files("chipweave.validation") / "references" / "h100" / "h100_reference.csv"


def results(reference=None, groups=(), device=None, jobs=1):
    """Judge the rows of `reference` (a CSV; the shipped table where none is given)."""
    rows = ledger.read_references(reference or REFERENCES)
    rows = [(q, v) for q, v in rows if (not groups or q.group in groups) and (not device or device in q.device)]
    return ledger.judge("h100", rows, ledger.discover())
