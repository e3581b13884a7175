"""What a network of YAML may say, whatever its shape: link model, admission, routing, latency, bandwidth, endpoints.

A shape adds keys of its own; `chipweave.topology.networks` reads both together. Defaults are those
of the published artifact where it has the feature: circuit links, columns first.
"""

from __future__ import annotations

from chipweave.chain.rules import ADMISSIONS, WAIT_QUEUES, WAKES
from chipweave.declare import registry
from chipweave.declare.params import Param, named
from chipweave.noc.route_rule import routings
from chipweave.noc.router_yaml import GRAINS
from chipweave.noc.shape import shapes

SETTINGS = named(
    {
        "link_model": Param(
            "choice", default="circuit", choices=registry.link_models.kinds, doc="what a transfer takes of a link"
        ),
        "duplex": Param(
            "choice",
            default="directed",
            choices=["directed", "undirected"],
            doc="under circuit: undirected links exclude opposite transfers",
        ),
        "admission": Param(
            "choice",
            default="work_conserving",
            choices=ADMISSIONS,
            doc="how held resources are granted",
        ),
        "booking": Param("bool", default=None, doc="switches one habit of the admission: reserve one stage ahead"),
        "barging": Param(
            "bool",
            default=None,
            doc="switches one habit of the admission: pass waiters whose resources are not all free",
        ),
        "wake": Param(
            "choice",
            default=None,
            choices=WAKES,
            doc="switches one habit of the admission: who is tried when a resource is released",
        ),
        "wait_queue": Param("choice", default="sorted", choices=WAIT_QUEUES, doc="in which order waiters stand"),
        "allow_deadlock": Param(
            "bool", default=False, doc="under flit: run although packets may come to wait for each other in a circle"
        ),
        "grain": Param(
            "choice",
            default="1",
            choices=GRAINS,
            doc="under flit: flits, packets and cycles this many times as large; auto: as messages and links bear",
        ),
        "beside": Param(
            "choice",
            default="none",
            choices=("none", "flit"),
            doc="under fair: a sample of layer-steps runs under this too, and the row has the difference",
        ),
        "shape": Param("choice", choices=shapes.kinds(), doc="which routers have a link between them"),
        "order": Param(
            "choice",
            default="columns",
            choices=["columns", "rows"],
            doc="endpoint number in a grid of [Y, X]: y + x * Y by columns, x + y * X by rows",
        ),
        "routing": Param(
            "choice",
            default=None,
            choices=routings.kinds(),
            doc="which links a transfer takes; the shape's own where left out",
        ),
        "spread": Param(
            "choice",
            default=None,
            choices=["none", "message", "pair", "packet"],
            doc="what goes over which of several equally short ways; the shape's own where left out",
        ),
        "latency": Param("time", low="1 ps", doc="of one link, from router to router"),
        "bandwidth": Param("bandwidth", low="1 B/s", doc="of one link, payload, one direction"),
        "grid": Param(
            "count", default=None, low=1, many=True, doc="a bare network: endpoints in a grid of [Y, X], or more axes"
        ),
        "routers": Param("count", default=None, low=1, doc="a bare network: endpoints in a row"),
    }
)
COUNTS = ("grid", "routers")  # structure, no values of a device
STRUCTURE = ("joins", "at", "links", "links_as", "override", "router")
OF_LINKS = ("shape", "latency", "bandwidth", "grid", "routers", "order")  # settings that a region of another has
