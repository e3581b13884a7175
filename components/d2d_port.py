"""D2D port of a die: a further terminal in a network, which messages pass through.

Models      nothing of its own: a router of the network that joins the dies, with the links that the network gives it. A
            die takes part in several networks by a port for each (a mesh and a ring), joined to the die's D2D router by
            links of the network that has them as regions; several links to one neighbour are several ports.
Leaves out  time in the port itself; under `flit` it is a router like others.
Checked by  tests/composition/test_ports.py
"""

from __future__ import annotations

from chipweave.component import Component, Port, component


@component("d2d.port")
class D2dPort(Component):
    """A terminal of a die in a network of its own."""

    network = Port(uses="network", doc="a network beside that of the die's D2D router")
