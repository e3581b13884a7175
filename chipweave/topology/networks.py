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

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chipweave.chain.rules import ADMISSIONS
from chipweave.declare import registry
from chipweave.declare.params import Declared, read_all
from chipweave.declare.provenance import Source, numbers, split
from chipweave.declare.user_code import is_code
from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, Place
from chipweave.noc.graph_network import Links, Network
from chipweave.noc.route_rule import Routing, routings
from chipweave.noc.router_yaml import FlitRouter
from chipweave.noc.shape import Reader, Shape, shapes, why_not, wiring_of
from chipweave.noc.wiring import Places, Region, Wiring
from chipweave.topology.links import Wirer
from chipweave.topology.network_endpoints import endpoints, written
from chipweave.topology.network_links import make_links
from chipweave.topology.network_settings import COUNTS, SETTINGS, STRUCTURE
from chipweave.topology.regions import named_regions, open_region
from chipweave.topology.spots import points
from chipweave.topology.tree import SET_FILE
from chipweave.topology.unreachable import anywhere, check_routes

Others = dict[str, "NetworkMaker"]


class NetworkMaker:
    """Makes one Network of its Node; `wirer` knows parts and ports, `faults` gets all that is wrong.

    Three steps, each of which ends early only after a fault: settings, endpoints at their places,
    links. So one call reports every fault of a step, and no step reports what an earlier fault made
    up.
    """

    def __init__(self, name: str, node: Node, wirer: Wirer, faults: Faults, others: Others | None = None) -> None:
        """node: the value under networks.NAME, presets and --set already laid over it; others: of the same file."""
        self.name, self.node, self.wirer, self.faults = name, node, wirer, faults
        self.others: Others = {} if others is None else others
        self.regions: dict[str, Region | None] = {}
        self.open = False
        self.taken_as = name  # the network in whose name its parts take part: another one where this is a region of it

    def named_regions(self) -> list[Node]:
        """The names of the networks that are regions of this one."""
        return named_regions(self.node)

    def region(self, name: Node) -> Region | None:
        """Another network as a region of this one, made once; None after a fault."""
        if name.text not in self.regions:
            self.regions[name.text] = open_region(self, name)
        return self.regions[name.text]

    def read(self) -> bool:
        """Read the settings; False after a fault.

        A shape declares keys of its own (a torus its wrap, edges its list): those are read together
        with SETTINGS, so that an unknown key is compared with all that would be allowed here.
        """
        before = len(self.faults.found)
        node = self.node
        if not node.is_map:
            self.faults.add(f"network {self.name!r} must be a mapping, not {node.shape()}", node.place)
            return False
        cls = self.shape_class()
        own, structure = (cls.params, cls.structure) if cls else ({}, ())
        misplaced = self.misplaced({**SETTINGS, **own}, (*STRUCTURE, *structure))
        keys = {k: v for k, v in node.value.items() if k not in (*STRUCTURE, *structure, *misplaced)}
        if cls and is_code(self.shape_written().text):
            keys.pop("shape")
        rest = Node(keys, node.place, keys=node.keys)
        params = {k: p for k, p in SETTINGS.items() if k in keys or k != "shape" or not cls or not is_code(cls.kind)}
        self.settings, sources = read_all(
            {**params, **own}, rest, self.faults, f"network {self.name}", (*STRUCTURE, *structure)
        )
        self.routers = self.router(node.get("router") or Node({}, node.place))
        self.source_all(rest, SETTINGS, sources, f"networks.{self.name}")
        if cls is not None and len(self.faults.found) == before:
            self.settings.setdefault("shape", cls.kind)
            self.shape = cls.built(self.name, {k: self.settings[k] for k in own})
            self.reader = Reader(
                self.name,
                node,
                self.faults,
                self.source_all,
                Path(self.wirer.expander.folder),
                self.settings["latency"],
                self.region,
            )
            self.check_settings()
        return len(self.faults.found) == before

    def shape_class(self) -> type[Shape] | None:
        """The class of the shape, or None where it is missing or unknown (reported with the settings)."""
        node = self.shape_written()
        if not node.is_scalar:
            return None
        if is_code(node.text):
            cls = self.wirer.expander.gate.load(node.text, self.wirer.expander.folder, Shape, node.place)
            if cls is not None and not cls.kind:
                cls.kind = node.text
            return cls
        return shapes.find(node.text) if node.text in shapes.kinds() else None

    def shape_written(self) -> Node:
        """The shape's name, without its source where it says one."""
        return split(self.node.get("shape") or Node(None), Faults())[0]

    def misplaced(self, known: dict[str, Any], structure: tuple[str, ...]) -> list[str]:
        """Keys that belong elsewhere, each with its fault: parameters of routers, and of other shapes."""
        found = []
        for key in self.node.value:
            if key in known or key in structure:
                continue
            owners = [n for n in shapes.kinds() if key in (*shapes.find(n).params, *shapes.find(n).structure)]
            if key in FlitRouter.params:
                what = f"network {self.name}: {key!r} is a parameter of its routers"
                self.faults.add(what, self.node.keys[key], f"router: {{{key}: ...}}")
            elif key == "edges":  # of shapes edges and joined
                self.edges_fault(self.node.keys[key])
            elif owners:
                has = f"shape: {owners[0]} has" if len(owners) == 1 else f"shapes {', '.join(owners)} have"
                self.faults.add(f"only {has} {key}", self.node.keys[key], ", ".join(f"shape: {n}" for n in owners))
            else:
                continue
            found.append(key)
        return found

    def edges_fault(self, place: Place) -> None:
        """A list of edges without its shape, or the shape without its list."""
        self.faults.add(
            "shape: edges and a list of edges belong together", place, "edges: [[0, 1], ...] with shape: edges"
        )

    def make(self) -> Network | None:
        """The Network, or None after a fault.

        A network that could not be read leaves its ports unlinked; `wirer.failed` keeps those from
        being reported as missing links on top.
        """
        before = len(self.faults.found)
        found = self.links()
        if found is None:
            return None
        port, places, wiring, links, whole = found
        made = Network(
            self.name,
            self.settings,
            places,
            wiring,
            links,
            port,
            self.routers,
            whole and places.count == int(np.prod(places.dims)),
            self.node.keys.get("routing") or self.node.keys.get("shape") or self.node.place,
        )
        hole = written(self, "absent")
        check_routes(made, self.faults, self.node.place, (self.node.get("override") or self.node).place, hole)
        if "at" in self.node.value:
            spots = points(self.node.value["at"], made.endpoint_count, f"network {self.name}", self.faults)
            self.wirer.expander.at |= dict(zip(made.endpoints, spots, strict=False))
        if (
            len(self.faults.found) == before
            and made.spread != "none"
            and "spread" in self.node.value
            and made.ways == 1
        ):
            what = f"network {self.name}: spread: {made.spread} changes nothing, every two endpoints have one way"
            self.faults.warn(what, self.node.keys["spread"])
        return made

    def links(self) -> tuple[str, Places, Wiring, Links, bool] | None:
        """(port, endpoints, wiring, links, whether none of the shape is missing), or None after a fault."""
        before = len(self.faults.found)
        if not self.read():
            joins = self.node.get("joins") or Node([])
            self.wirer.failed.update(n.text.rpartition(".")[2] for n in (joins.value if joins.is_list else [joins]))
            return None
        port, places = endpoints(self)
        why = why_not(self.shape, places) if len(self.faults.found) == before else ""
        if why:
            self.faults.add(why if why.startswith("more than") else f"network {self.name!r}: {why}", self.node.place)
        if len(self.faults.found) > before:
            return None
        wiring = wiring_of(self.shape, places, self.reader)
        if len(self.faults.found) > before:
            return None
        links, whole = make_links(self.reader, self.settings, places, wiring)
        return None if len(self.faults.found) > before else (port, places, wiring, links, whole)

    def router(self, node: Node) -> Declared | None:
        """The routers' parameters, or None after a fault."""
        if not node.is_map:
            self.faults.add(f"router must be a mapping, not {node.shape()}", node.place)
            return None
        before = len(self.faults.found)
        values, sources = FlitRouter.read_params(node, self.faults)
        self.source_all(node, FlitRouter.params, sources, f"networks.{self.name}.router")
        return FlitRouter.built(f"{self.name}.router", values, sources) if len(self.faults.found) == before else None

    def source_all(self, node: Node, params: dict[str, Any], sources: dict[str, Source], path: str) -> None:
        """Note where the numbers of a Node are from."""
        values = {k: p for k, p in params.items() if k not in COUNTS}
        self.wirer.expander.sources += numbers(path, node, values, sources)

    def check_settings(self) -> None:
        """What the settings must have in common; fills in the shape's own routing and spread.

        Refused: a grid routing without a grid; early booking over links whose end of a send is not
        known beforehand (see chipweave.chain.rules); edges without their shape; none or several of
        joins, grid and routers.
        """
        s, keys = self.settings, self.node.keys
        s["routing"] = s["routing"] or self.shape.routing
        rule = routings.find(s["routing"])
        if rule.grid and not self.shape.grid and rule.kind != self.shape.routing:
            self.faults.add(
                f"routing {s['routing']} needs a grid; {s['shape']} has none", keys["routing"], ", ".join(anywhere())
            )
        places = [place for place in (keys.get("link_model"), keys.get("admission")) if place is not None]
        written = {SET_FILE if place.file.startswith(SET_FILE) else place.file for place in places}
        booked = ADMISSIONS[s["admission"]]["booking"] and not registry.link_models.find(s["link_model"]).held
        if booked and len(written) == 1:  # laid by a preset over another's link model: a run then books nothing ahead
            why = f"under {s['link_model']} the end of a send is not known"
            self.faults.add(
                f"early_booking books links behind a hold whose end is known; {why}",
                places[0],
                "link_model: circuit, or admission: work_conserving or head_only",
            )
        if s["shape"] == "edges" and "edges" not in self.node.value:
            self.edges_fault(keys["shape"])
        given = [k for k in ("joins", "grid", "routers") if k in self.node.value]
        if len(given) != 1 and not ((self.shape.makes_endpoints or self.named_regions()) and not given):
            self.faults.add(
                f"network {self.name!r} needs one of joins, grid and routers",
                self.node.place,
                "joins: PART.PORT, grid: [Y, X] or routers: N",
            )
        self.check_spread(rule)

    def check_spread(self, rule: type[Routing]) -> None:
        """The shape's own spread where none is written; only a routing that numbers several ways can spread."""
        s = self.settings
        if s["spread"] is None:
            s["spread"] = self.shape.spread if rule.spreads else "none"
        elif s["spread"] != "none" and not rule.spreads:
            self.faults.add(
                f"network {self.name!r}: routing {rule.kind} has one way for each pair, so nothing can be spread",
                self.node.keys["spread"],
                "spread: none, or routing: " + ", ".join(n for n in routings.kinds() if routings.find(n).spreads),
            )
