"""The door of a die for readers on other dies, at line rate: it asks the L2 for lines as an SM would.

Models      doors on the crossbar, each asking the slices of its partition (the behaviour of components/gpu_sm.py with
            no L1 in the way, as many lines in flight as its share of all SMs' lines).
Leaves out  the die-to-die links themselves: they have their network. No GPU on the market has such a door: assumed.
Checked by  tests/validation/test_characterise.py
"""

from chipweave.component import Param, component

from .gpu_sm import GpuSm


@component("gpu.d2d_door")
class GpuD2dDoor(GpuSm):
    """All doors of one die; even ones belong to partition 0 of the L2, odd ones to partition 1."""

    sms = Param("int", low=2, doc="doors")
