"""HBM behind one controller: a latency, then bytes at a sustained rate, one access at a time.

Models      access = latency + bytes / (bandwidth x efficiency); the stacks of a die are one unit that accesses share
            by turns, which is how the case study's simulator sees them (arXiv 2510.05497, artifact).
            With a characterised table (docs/two_speeds.md) latency and rate are those of the line-rate die: bytes keep
            others waiting, the latency beside them does not.
Leaves out  channels, banks, rows, refresh, read-write turnaround: `efficiency` stands for them all.
Checked by  tests/components/test_hbm.py
"""

from chipweave.chain import Rate
from chipweave.component import Param, Port, Stat, characterised, component
from chipweave.component.staged import Staged


@component("memory.hbm")
class Hbm(Staged):
    """HBM of one die as bandwidth and latency."""

    access = Port(provides="memory.backing", doc="reads and writes of whole slices")

    latency = Param("time", default="300 ns", low="1 ps", doc="first byte of a read, or a write accepted")
    bandwidth = Param("bandwidth", default="3.35 TB/s", low="1 B/s", doc="peak of all stacks together")
    efficiency = Param(
        "share", default=0.9, low=0.001, high=1, doc="of the peak that long accesses reach, where the model gives none"
    )
    capacity = Param("bytes", default="80 GB", low="1 B", doc="all stacks together")
    round_to = Param("time", default="1 ps", low="1 ps", doc="transfer times are rounded up to this")

    table = Param("str", default=None, doc="characterised table, shipped or a path, in place of latency and efficiency")

    local_reads = Stat("slices", "reads for the executing die", metric="local_slice_reads")
    local_bytes = Stat("B", "bytes of these reads", metric="local_read_bytes")
    remote_reads = Stat("slices", "reads for another die", metric="remote_slice_reads")
    remote_bytes = Stat("B", "bytes of these reads", metric="remote_read_bytes")
    copy_writes = Stat("slices", "copies stored", metric="copies")
    copy_bytes = Stat("B", "bytes of these stores", metric="copy_write_bytes")

    def declare(self, layout, work):
        """Resources and counters of all dies."""
        self.stacks = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.efficiency_of_work = work.memory_efficiency or self.efficiency
        self.measured = self.table and characterised.load(self.table)

    def facts(self):
        """What policies may build on: peak rate and latency of one die, capacity of each."""
        latency = characterised.load(self.table).access("read").latency if self.table else self.latency
        return {"hbm_bandwidth": self.bandwidth, "hbm_latency_ps": latency, "hbm_bytes": self.each("capacity")}

    def serve_read(self, chain, name, at, work, remote=False, fill=(), mark=(), then=None):
        """A read of `work` (a chipweave.chain.Amount of bytes) from the HBM of the die in operand `at`.

        remote  whether another die asked (it only decides which statistics count it)
        fill    side chains that start when the data is there
        mark    made when the read starts
        """
        whose = "remote" if remote else "local"
        counts = (self.counter(f"{whose}_reads").add(at), self.counter(f"{whose}_bytes").add(at, work))
        what = "remote_read" if remote else "read"
        fill, then = self.first_byte(chain, name, what, fill, then)
        return chain.hold(
            name, self.stacks.at(at), self.lasts(at, work, what), mark=mark, count=counts, spawn=fill, then=then
        )

    def serve_write(self, chain, name, at, work, mark=(), then=None):
        """A store of `work` bytes; `mark` is made when the store starts."""
        counts = (self.counter("copy_writes").add(at), self.counter("copy_bytes").add(at, work))
        _, then = self.first_byte(chain, name, "write", (), then)
        return chain.hold(name, self.stacks.at(at), self.lasts(at, work, "write"), mark=mark, count=counts, then=then)

    def first_byte(self, chain, name, what, fill, then):
        """(side chains, successor) of the stage that moves the bytes: with a table its latency is a stage of its own."""
        if not self.measured:
            return fill, then
        return (), chain.hold(f"{name}_latency", (), self.measured.access(what).latency, spawn=fill, then=then)

    def share(self, what):
        """Of the peak, that accesses of this sort reach."""
        return self.measured.access(what).share if self.measured else self.efficiency_of_work

    def lasts(self, at, work, what):
        """latency + ceil(bytes / (bandwidth x share)); the latency is elsewhere where there is a table."""
        rates = tuple(p.bandwidth * self.share(what) for p in self.replicas)
        return Rate(work, (0,) if self.measured else self.each("latency"), rates, at, self.round_to)
