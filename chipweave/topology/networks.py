"""Networks from YAML: a shape over parts or over bare routers, with one link model for all its links.

networks:
  d2d:
    joins: die.router.mesh          # PART.PORT, one endpoint each; or grid: [8, 8] / routers: 6 for bare routers
    shape: mesh
    latency: 200 ns
    bandwidth: 1.7 TB/s
    override:
      - {between: ["[0][1]", "[0][2]"], bandwidth: 100 GB/s}
      - {between: ["[4][4]", "[3][4]"], absent: true}
"""

from itertools import islice

import networkx as nx

from chipweave.chain.rules import ADMISSIONS, WAIT_QUEUES, WAKES
from chipweave.declare import registry
from chipweave.declare.params import Param, named, read_all
from chipweave.declare.provenance import numbers
from chipweave.declare.yamlfile import Node
from chipweave.noc import routes as graph_routes
from chipweave.noc import shapes as graph_shapes
from chipweave.noc.graph_network import Network
from chipweave.noc.router_yaml import FlitRouter
from chipweave.topology.edges import Listed
from chipweave.topology.links import MAX_LINKS, NETWORK

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
        "shape": Param("choice", choices=list(graph_shapes.NAMES), doc="which routers have a link between them"),
        "order": Param(
            "choice",
            default="columns",
            choices=["columns", "rows"],
            doc="endpoint number in a grid of [Y, X]: y + x * Y by columns, x + y * X by rows",
        ),
        "routing": Param(
            "choice",
            default=None,
            choices=list(graph_routes.NAMES),
            doc="which links a transfer takes; xy on grids, else shortest",
        ),
        "latency": Param("time", low="1 ps", doc="of one link, from router to router"),
        "bandwidth": Param("bandwidth", low="1 B/s", doc="of one link, payload, one direction"),
        "grid": Param("count", default=None, low=1, many=True, doc="a bare network: routers in a grid of [Y, X]"),
        "routers": Param("count", default=None, low=1, doc="a bare network: so many routers in a row"),
        "switches": Param("count", default=None, low=1, doc="with shape: switch"),
    }
)
COUNTS = ("grid", "routers", "switches")  # structure, no figures of anybody's
STRUCTURE = ("joins", "edges", "override", "router")
MAX_ROUTERS = 16_384


class NetworkMaker:
    """Makes one Network of its Node; `wirer` knows parts and ports, `faults` gets all that is wrong."""

    def __init__(self, name, node, wirer, faults):
        self.name, self.node, self.wirer, self.faults = name, node, wirer, faults

    def read(self):
        """Read the settings; False after a fault."""
        before = len(self.faults.found)
        node = self.node
        if not node.is_map:
            self.faults.add(f"network {self.name!r} must be a mapping, not {node.shape()}", node.place)
            return False
        misplaced = [k for k in node.value if k in FlitRouter.params and k not in SETTINGS]
        for key in misplaced:
            self.faults.add(
                f"network {self.name}: {key!r} is a parameter of its routers", node.keys[key], f"router: {{{key}: ...}}"
            )
        rest = Node(
            {k: v for k, v in node.value.items() if k not in (*STRUCTURE, *misplaced)}, node.place, keys=node.keys
        )
        self.settings, sources = read_all(SETTINGS, rest, self.faults, f"network {self.name}", STRUCTURE)
        self.routers = self.router(node.get("router") or Node({}, node.place))
        self.source_all(rest, SETTINGS, sources, f"networks.{self.name}")
        if len(self.faults.found) == before:
            self.check_settings()
        return len(self.faults.found) == before

    def make(self):
        """The Network, or None after a fault."""
        before = len(self.faults.found)
        if not self.read():
            joins = self.node.get("joins") or Node([])
            self.wirer.failed.update(n.text.rpartition(".")[2] for n in (joins.value if joins.is_list else [joins]))
            return None
        port, endpoints, dims = self.endpoints()
        if len(self.faults.found) > before:
            return None
        graph, whole = self.graph(endpoints, dims)
        if len(self.faults.found) > before:
            return None
        made = Network(
            self.name,
            self.settings,
            graph,
            endpoints.values(),
            dims,
            port,
            self.routers,
            whole,
            self.node.keys.get("routing") or self.node.keys.get("shape") or self.node.place,
        )
        self.check_routes(made)
        return made

    def router(self, node):
        if not node.is_map:
            self.faults.add(f"router must be a mapping, not {node.shape()}", node.place)
            return None
        before = len(self.faults.found)
        values, sources = FlitRouter.read_params(node, self.faults)
        self.source_all(node, FlitRouter.params, sources, f"networks.{self.name}.router")
        return FlitRouter.built(f"{self.name}.router", values, sources) if len(self.faults.found) == before else None

    def source_all(self, node, params, sources, path):
        figures = {k: p for k, p in params.items() if k not in COUNTS}
        self.wirer.expander.sources += numbers(path, node, figures, sources)

    def check_settings(self):
        s, keys = self.settings, self.node.keys
        grid = s["shape"] in graph_shapes.GRIDS
        s["routing"] = s["routing"] or ("xy" if grid else "shortest")
        if s["routing"] not in graph_routes.ANYWHERE and not grid:
            self.faults.add(
                f"routing {s['routing']} needs a grid; {s['shape']} has none",
                keys["routing"],
                ", ".join(graph_routes.ANYWHERE),
            )
        written = {place.file for place in (keys.get("link_model"), keys.get("admission")) if place is not None}
        booked = ADMISSIONS[s["admission"]]["booking"] and not registry.link_models.find(s["link_model"]).held
        if booked and len(written) == 1:  # laid by a preset over another's link model: a run then books nothing ahead
            place = keys.get("link_model") or keys.get("admission")
            self.faults.add(
                f"early_booking books links behind a hold whose end is known; under {s['link_model']} the end of a send is not known",
                place,
                "link_model: circuit, or admission: work_conserving or head_only",
            )
        if (s["shape"] == "edges") != ("edges" in self.node.value):
            self.faults.add(
                "shape: edges and a list of edges belong together",
                keys.get("edges") or keys["shape"],
                "edges: [[0, 1], ...] with shape: edges",
            )
        if s["switches"] and s["shape"] != "switch":
            self.faults.add("only shape: switch has switches", keys["switches"], "shape: switch")
        if sum(k in self.node.value for k in ("joins", "grid", "routers")) != 1:
            self.faults.add(
                f"network {self.name!r} needs one of joins, grid and routers",
                self.node.place,
                "joins: PART.PORT, grid: [Y, X] or routers: N",
            )

    def endpoints(self):
        """(port, place -> router name in endpoint order, dims)."""
        s, joins = self.settings, self.node.get("joins")
        if joins is not None:
            port, names, dims = self.joined(joins)
        else:
            dims = s["grid"] or (s["routers"] or 0,)
            port, names = "", None
        if len(dims) > 2 or (s["shape"] in graph_shapes.GRIDS and not dims):
            place = self.written("grid") or (self.node.get("grid") or self.node).place
            self.faults.add(f"network {self.name!r}: a grid is [Y, X], not {list(dims)}", place)
            return port, {}, ()
        if names is None:
            count = dims[0] * dims[-1] if len(dims) == 2 else dims[0]
            if count > MAX_ROUTERS:
                place = next(n.place for n in map(self.node.get, ("grid", "routers")) if n is not None)
                self.faults.add(f"network {self.name!r}: {count:,} routers", place, f"at most {MAX_ROUTERS:,}")
                return port, {}, dims
            places = (
                [(y, x) for y in range(dims[0]) for x in range(dims[1])]
                if len(dims) == 2
                else [(i,) for i in range(dims[0])]
            )
            names = {p: self.name + "".join(f"[{i}]" for i in p) for p in places}
        return port, {p: names[p] for p in graph_shapes.in_order(names, s["order"])}, dims

    def written(self, key):
        """Where the `grid` or `absent` of the parts that this network joins is written, or None."""
        joins = self.node.get("joins")
        names = joins.text.split(".")[:-1] if joins is not None and joins.is_scalar else []
        places = (self.wirer.expander.written.get((".".join(names[: n + 1]), key)) for n in range(len(names)))
        return next(filter(None, places), None)

    def joined(self, node):
        sides = [side for item in (node.value if node.is_list else [node]) for side in self.wirer.side(item, "")]
        if not sides:
            return "", {}, ()
        parts = {name: self.wirer.instances[name].part for name, _ in sides}
        for name, port_name in sides:
            port = parts[name].ports[port_name]
            if port.protocol != NETWORK or port.provides:
                self.wirer.say(
                    f"{parts[name].kind}.{port_name} cannot take part in a network",
                    node.place,
                    f"a port that uses {NETWORK}",
                )
            self.wirer.ends[name, port_name].append(((self.name, ""), node.place))
        ports = {port for _, port in sides}
        places = {name: self.wirer.place_of(name) for name, _ in sides}
        dims = self.wirer.dims_of(sides[0][0])
        regular = (
            len(ports) == 1
            and len({len(p) for p in places.values()}) == 1
            and len(set(places.values())) == len(sides)
            and not node.is_list
        )
        if not regular or not dims or (len(dims) > 2 and self.settings["shape"] not in graph_shapes.GRIDS):
            places, dims = {name: (i,) for i, (name, _) in enumerate(sides)}, (len(sides),)
        return "/".join(sorted(ports)), {place: name for name, place in places.items()}, dims

    def graph(self, endpoints, dims):
        """(DiGraph, whether nothing of the shape is missing)."""
        s = self.settings
        listed, order = Listed(self.name, endpoints, self.faults, self.source_all), list(endpoints.values())
        graph = nx.DiGraph()
        graph.add_nodes_from((name, {"place": place}) for place, name in endpoints.items())
        whole = len(endpoints) == (dims[0] * dims[1] if len(dims) == 2 else dims[0])
        if s["shape"] == "switch":
            switches = (
                [f"{self.name}.switch[{i}]" for i in range(s["switches"])] if s["switches"] else [f"{self.name}.switch"]
            )
            graph.add_nodes_from(switches, place=None)
            pairs = [(name, switch, {}) for name in order for switch in switches]
        elif s["shape"] == "edges":
            pairs = listed.listed(self.node.value["edges"])
        else:
            places = list(islice(graph_shapes.SHAPES[s["shape"]](list(endpoints)), MAX_LINKS + 1))
            pairs = [(endpoints[a], endpoints[b], {}) for a, b in places] if len(places) <= MAX_LINKS else places
        if len(pairs) > MAX_LINKS:
            self.faults.add(f"more than {MAX_LINKS} links", self.node.place)
            return graph, whole
        edges = {}
        for a, b, own in pairs:
            for edge in ((a, b),) if own.get("one_way") else ((a, b), (b, a)):
                edges[edge] = {
                    "latency_ps": own.get("latency") or s["latency"],
                    "bandwidth": own.get("bandwidth") or s["bandwidth"],
                }
        whole &= listed.override(self.node.get("override"), edges)
        rank = {n: i for i, n in enumerate(graph.nodes)}
        graph.add_edges_from((a, b, edges[a, b]) for a, b in sorted(edges, key=lambda e: (rank[e[0]], rank[e[1]])))
        return graph, whole

    def check_routes(self, network):
        missing = graph_routes.first_unroutable(network)
        if missing:
            source, target, at = missing
            grid = network.shape in graph_shapes.GRIDS
            place = self.written("absent") if isinstance(at[0], int) else (self.node.get("override") or self.node).place
            gap = (
                f"nothing is at {''.join(f'[{i}]' for i in at)}"
                if isinstance(at[0], int)
                else f"there is no link {at[0]} - {at[1]}"
                if network.routing not in graph_routes.ANYWHERE
                else "no links lead there"
            )
            self.faults.add(
                f"network {self.name!r}: {target} cannot be reached from {source} by routing {network.routing}: {gap}",
                place or self.node.place,
                "routing: shortest, or a grid without that hole"
                if grid and network.routing not in graph_routes.ANYWHERE
                else "links that join all endpoints",
            )
