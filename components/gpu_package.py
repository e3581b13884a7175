"""How the dies of one package are used together: interleaving of addresses, partitions, the power they share.

Leaves out  time and messages of its own: it is read by the models of kernels.
Checked by  tests/kernels/test_many_dies.py
"""

from chipweave.component import Component, Param, component


@component("gpu.package")
class Package(Component):
    """One package of several dies."""

    interleave = Param(
        "choice",
        default="all",
        choices=("all", "own"),
        doc="where consecutive addresses live: on all I/O dies in turn (AMD NPS1), or on the die's own (NPS4)",
    )
    dies_per_device = Param(
        "count", default=0, low=0, doc="compute dies that share a dispatch in turn (AMD CPX: 1); 0: all of them (SPX)"
    )
    power = Param("power", default=None, low="1 W", doc="board power limit; none: not stated")
    idle = Param("power", default=None, low="1 W", doc="board power at rest; none: not stated")
    busy = Param("power", default=None, low="1 W", doc="added while a kernel runs on all units; none: not stated")
    energy_8 = Param("float", default=0.0, low=0.0, doc="joules of 1e15 operations on 8-bit operands")
    energy_l2 = Param("float", default=0.0, low=0.0, doc="joules of 1e12 bytes that L2 answers (pJ a byte)")
    energy_memory = Param("float", default=0.0, low=0.0, doc="the same of bytes from memory, beyond those of L2")
    energy_link = Param("float", default=0.0, low=0.0, doc="the same of bytes that leave for another package")
    host_factor = Param(
        "float", default=1.0, low=0.001, doc="time of the host's calls to the package over that of an x86 server's"
    )
    throttled_clock = Param(
        "frequency",
        default=None,
        low="1 Hz",
        doc="clock at which the power limit holds matrix kernels; none: the dies' own",
    )
    matrix_flops = Param(
        "compute", default=None, low="1 FLOPS", doc="dense 8-bit matrix peak of the package at the dies' clock"
    )
    vector_flops_per_cycle = Param("count", default=0, low=0, doc="FP64 vector operations of a unit in a cycle")
