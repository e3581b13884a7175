"""A die that holds memory: a memory-side cache beside the stacks it fronts, and links to its neighbours.

Models      a share of one address space, dealt out evenly over all I/O dies of a package: cache, then memory, each with
            its latency as seen by a compute die on the same I/O die, and its rate. A die without a memory-side cache
            has `cache: 0 B`.
Leaves out  channels one by one, refresh, coherence directories.
Checked by  tests/kernels/test_many_dies.py
"""

from chipweave.component import Component, Param, Port, component


@component("gpu.io_die")
class IoDie(Component):
    """Memory-side cache and memory of one die of a package."""

    compute = Port(provides="gpu.die_memory", many=True, optional=True, doc="compute dies that stand on this die")
    network = Port(uses="network", optional=True, doc="to the other I/O dies")

    cache = Param("bytes", default="0 B", low="0 B", doc="memory-side cache of this die")
    cache_ways = Param("count", default=16, low=1, doc="its ways")
    cache_latency = Param(
        "time", default="0 ps", low="0 ps", doc="load to use on a hit, from a compute die on this die"
    )
    cache_bandwidth = Param("bandwidth", default="1 TB/s", low="1 B/s", doc="sustained reads of this die's cache")
    memory_latency = Param("time", low="1 ps", doc="load to use from memory, from a compute die on this die")
    memory_bandwidth = Param("bandwidth", low="1 B/s", doc="sustained reads, or writes, of this die's memory")
    mixed_bandwidth = Param(
        "bandwidth", low="1 B/s", doc="sustained by all that lies behind L2 where reads and writes take turns"
    )
    capacity = Param("bytes", low="1 B", doc="memory of this die")
