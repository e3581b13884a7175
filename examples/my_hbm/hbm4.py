"""An HBM controller of one's own, in one file: a read stops for the refreshes that fall into it.

Models      latency + bytes at the sustained rate, and one all-bank refresh of `tRFC` every `tREFI`, at multiples of
            tREFI: an access that meets refreshes takes that much longer. One access at a time.
Leaves out  channels, banks, rows; a refresh hidden behind an idle stack costs nothing, as it should.
Checked by  tests/test_examples.py
"""

from chipweave.chain import Asked
from chipweave.component import Param, Port, Stat
from chipweave.component.staged import Staged
from chipweave.plain.durations import quotient_ps, value


class Hbm4(Staged):
    """HBM4 of one die, written in plain Python."""

    engine = "python"
    time_class = "hbm"  # what `why` and `diff` count its time to

    access = Port(provides="memory.backing", doc="reads and writes of whole slices")

    latency = Param("time", default="300 ns", low="1 ps", doc="first byte of a read, or a write accepted")
    bandwidth = Param("bandwidth", default="8 TB/s", low="1 B/s", doc="peak of all stacks together")
    capacity = Param("bytes", default="192 GB", low="1 B", doc="all stacks together")
    tREFI = Param("time", default="3.9 us", low="1 ns", doc="from refresh to refresh")
    tRFC = Param("time", default="350 ns", low="0 ps", doc="how long a refresh takes; shorter than tREFI")

    local_reads = Stat("slices", "reads for the executing die", metric="local_slice_reads")
    local_bytes = Stat("B", "bytes of these reads", metric="local_read_bytes")
    remote_reads = Stat("slices", "reads for another die", metric="remote_slice_reads")
    remote_bytes = Stat("B", "bytes of these reads", metric="remote_read_bytes")
    copy_writes = Stat("slices", "copies stored", metric="copies")
    copy_bytes = Stat("B", "bytes of these stores", metric="copy_write_bytes")
    refreshes = Stat("refreshes", "refreshes that an access had to wait for")

    def declare(self, layout, work):
        """One resource for each die: accesses take turns."""
        self.stacks = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])

    def facts(self):
        """What policies may build their estimates on."""
        return {"hbm_bandwidth": self.bandwidth, "hbm_latency_ps": self.latency, "hbm_bytes": self.each("capacity")}

    def serve_read(self, chain, name, at, work, remote=False, fill=(), mark=(), then=None):
        """A read of `work` bytes on the die in operand `at`; `mark` is made when it starts."""
        whose = "remote" if remote else "local"
        lasts = Asked(
            lambda q: self.start(whose + "_reads", whose + "_bytes", q.operands[at], value(work, q.operands), q.now_ps)
        )
        return chain.hold(name, self.stacks.at(at), lasts, mark=mark, spawn=fill, then=then)

    def serve_write(self, chain, name, at, work, mark=(), then=None):
        """A store of `work` bytes."""
        lasts = Asked(
            lambda q: self.start("copy_writes", "copy_bytes", q.operands[at], value(work, q.operands), q.now_ps)
        )
        return chain.hold(name, self.stacks.at(at), lasts, mark=mark, then=then)

    def start(self, accesses, size, die, amount, now):
        """An access starts: count it; how long it takes."""
        part = self.replicas[die]
        part.stats[accesses] += 1
        part.stats[size] += amount
        return part.lasts(now, part.latency + quotient_ps(amount, part.bandwidth, 1))

    def lasts(self, now, work_ps):
        """`work_ps` picoseconds of work from `now` on, and the refreshes that begin before it is done."""
        end, due = now + work_ps, -(-now // self.tREFI) * self.tREFI
        while due < end:
            end, due = end + self.tRFC, due + self.tREFI
            self.refreshes += 1
        return end - now
