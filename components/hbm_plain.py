"""The HBM controller of components/hbm.py in plain Python: the same parameters, every access answered one by one.

Models      what memory.hbm models, with exact fractions.
Leaves out  speed: a Python call for each access.
Checked by  tests/components/test_swaps.py (equal to memory.hbm), tests/components/test_hbm.py
"""

from chipweave.chain import Asked
from chipweave.component import component
from chipweave.plain.durations import quotient_ps, value

from .hbm import Hbm


@component("memory.hbm_plain")
class HbmPlain(Hbm):
    """HBM of one die as bandwidth and latency, in Python."""

    engine = "python"

    def serve_read(self, chain, name, at, work, remote=False, fill=(), mark=(), then=None):
        """See Hbm.serve_read."""
        whose = "remote" if remote else "local"
        what = "remote_read" if remote else "read"
        fill, then = self.first_byte(chain, name, what, fill, then)
        lasts = Asked(
            lambda q: self.access(what, f"{whose}_reads", f"{whose}_bytes", q.operands[at], value(work, q.operands))
        )
        return chain.hold(name, self.stacks.at(at), lasts, mark=mark, spawn=fill, then=then)

    def serve_write(self, chain, name, at, work, mark=(), then=None):
        """See Hbm.serve_write."""
        _, then = self.first_byte(chain, name, "write", (), then)
        lasts = Asked(
            lambda q: self.access("write", "copy_writes", "copy_bytes", q.operands[at], value(work, q.operands))
        )
        return chain.hold(name, self.stacks.at(at), lasts, mark=mark, then=then)

    def access(self, what, accesses, size, die, amount):
        """An access of `amount` bytes starts: count it; how long it keeps others waiting."""
        part = self.replicas[die]
        part.stats[accesses] += 1
        part.stats[size] += amount
        latency = 0 if self.measured else part.latency
        return latency + quotient_ps(amount, part.bandwidth * self.share(what), self.round_to)
