"""A GPU die that computes: units with a first-level cache each, a second-level cache of its own, a port to memory.

Models      compute units dealt waves by one dispatcher; per-unit L1; L2 in channels; what lies behind it is the
            I/O dies'. One kind serves AMD's XCDs and GCDs and NVIDIA's dies: the width of a wave, ways and clocks are
            parameters.
Leaves out  scalar and instruction caches, shared memory, ordering inside a unit.
Checked by  tests/kernels/test_many_dies.py
"""

from chipweave.component import Component, Param, Port, component


@component("gpu.compute_die")
class ComputeDie(Component):
    """Compute units and the caches in front of the memory of a package of several dies."""

    memory = Port(uses="gpu.die_memory", doc="to the I/O die that holds the home of an address, and on from there")

    units = Param("count", low=1, doc="compute units (AMD CUs, NVIDIA SMs) that are enabled")
    clock = Param("frequency", low="1 Hz", doc="clock that cycles below are counted in")
    wave = Param("count", low=1, doc="threads of a wave (AMD wavefront 64, NVIDIA warp 32)")
    waves_per_cycle = Param("float", default=1.0, low=0.001, doc="waves that the die's dispatcher starts in a cycle")
    workgroup_cycles = Param(
        "float", default=0.0, low=0.0, doc="cycles of the die's dispatcher on one workgroup, however few its waves"
    )
    launch_cycles = Param(
        "float",
        default=0.0,
        low=0.0,
        doc="from a free slot of a workgroup to its first access, and from its last to the slot",
    )
    l1 = Param("bytes", low="1 B", doc="first-level cache of a unit")
    l1_ways = Param("count", default=64, low=1, doc="its ways")
    l1_cycles = Param("float", low=1.0, doc="load to use on a hit")
    l1_bytes = Param("float", low=0.001, doc="bytes a unit takes from it in a cycle")
    l2 = Param("bytes", low="1 B", doc="second-level cache of the die")
    l2_ways = Param("count", default=16, low=1, doc="its ways")
    l2_cycles = Param("float", low=1.0, doc="load to use on a hit")
    l2_channels = Param("count", default=1, low=1, doc="channels that serve side by side")
    l2_read_bytes = Param("float", default=128.0, low=0.001, doc="bytes of a channel in a cycle where all read")
    l2_mixed_bytes = Param("float", default=64.0, low=0.001, doc="the same where reads and writes take turns")
    translation_reach = Param(
        "bytes",
        default="0 B",
        low="0 B",
        doc="what the units' translation caches cover; 0: translation is never missed",
    )
    walk_reach = Param("bytes", default="0 B", low="0 B", doc="what the die's own translation cache behind them covers")
    walkers = Param("count", default=0, low=0, doc="page walks under way at once beyond that; 0: they cost nothing")
