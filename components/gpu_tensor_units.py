"""Matrix units of one package: dense rates by width of the operands, and the way of an instruction to them and back.

Models      peak rates at the maker's figures; an instruction's start-up in trips through shared memory.
Leaves out  time and messages of its own: it is read by the models of kernels.
Checked by  tests/kernels/test_two_halves.py
"""

from chipweave.component import Component, Param, component


@component("gpu.tensor_units")
class TensorUnits(Component):
    """What the matrix units of a package sustain at most."""

    flops_16 = Param("compute", low="1 FLOPS", doc="dense peak, 16-bit operands, whole package")
    flops_8 = Param("compute", low="1 FLOPS", doc="dense peak, 8-bit operands")
    flops_4 = Param("compute", low="1 FLOPS", doc="dense peak, 4-bit operands")
    instruction_flops = Param("count", low=1, doc="operations of one SM in a cycle, 16-bit operands")
    shared_bytes = Param("count", default=128, low=1, doc="bytes of operands from shared memory in a cycle and SM")
    shared_memory = Param("bytes", default="228 KiB", low="1 KiB", doc="shared memory of an SM")
    trip_cycles = Param("float", low=1.0, doc="one trip through shared memory: descriptor, arrival at a barrier, poll")
    exponentials = Param("count", default=16, low=1, doc="exponentials of one SM in a cycle")
