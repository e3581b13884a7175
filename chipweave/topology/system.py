"""What a topology becomes: parts, the graph that joins them, and its networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from chipweave.component.component import Component
from chipweave.declare.provenance import Source
from chipweave.declare.yamlfile import Node
from chipweave.errors import Fault, Place
from chipweave.io.late import late
from chipweave.noc.graph_network import Network

nx = late("networkx")
Wire = tuple[tuple[str, str], tuple[str, str], dict[str, Any]]  # (part, port) that uses, that provides, its settings


class System:
    """A checked system, ready for a run.

    Attributes:
        name, about, device: as in the YAML; the device whose figures it has, "" where it says none.
        graph: MultiDiGraph; parts and bare routers as nodes (kind, assembly, index), links as edges from the port
            that uses to the port that provides, or from router to router: latency_ps (int; 0 where it is included in
            the parts' own figures), bandwidth (Fraction or None), network ("" for a wire), ports (from, to).
        parts: name -> Component, parts in slots included, in order of expansion.
        networks: name -> Network.
        sources: list of (path in the YAML, value as text, Source).
        resolved: plain dict of all that was read, for the manifest; `topology.load` takes it back.
        inherited: other device -> figures of it, where a manifest says so (chipweave.topology.inherited), else None.
        preset: name of the preset laid over it, or "".
        replaced: what the preset replaces of what the files say, in words.
        code: code allowed in, name -> {"file", "sha256"}.
        at: instance of an assembly, part or bare router -> (x, y) in a picture, y downwards, where the files say so.
        idle: a function that returns what the files say without effect, a Fault each (chipweave.topology.idle).
    """

    def __init__(self, name: str, about: str = "", device: str = "") -> None:
        self.name, self.about, self.device = name, about, device
        self.parts: dict[str, Component] = {}
        self.networks: dict[str, Network] = {}
        self.grids: dict[str, tuple[int, ...]] = {}
        self.joined: list[
            Wire
        ] = []  # wires as ((part, port that uses), (part, port that provides), {latency_ps, bandwidth})
        self.joined_at: list[Place] = []  # where each of them is written
        self.sources: list[tuple[str, Node, Source | None]] = []
        self.replaced: list[str] = []
        self.resolved: dict[str, Any] = {}
        self.inherited: dict[str, int] | None = None
        self.preset = ""
        self.code: dict[str, dict[str, str]] = {}
        self.at: dict[str, tuple[float, float]] = {}
        self.idle: Callable[[], list[Fault]] = list

    def grid(self, assembly: str) -> tuple[int, ...]:
        """The shape an assembly (or part) is replicated over: (Y, X), (N,), or () where it is there once."""
        return self.grids[assembly]

    def instances(self, assembly: str) -> list[str]:
        """Names of its instances in die order: [y][x] at y + x * Y. Absent ones are left out."""
        there = {n.split(".")[0] for n in self.parts}
        dims = self.grids[assembly]
        indices = sorted(np.ndindex(*dims), key=lambda index: index[::-1])
        names = [assembly + "".join(f"[{i}]" for i in index) for index in indices]
        return [n for n in names if n in there]

    def of_kind(self, role: str) -> list[Any]:
        """The parts whose kind, or a base's kind, is `role`, in order of expansion."""
        return [part for part in self.parts.values() if role in part.roles()]

    def wires(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Edges (from, to, data) that belong to no network, those of one part together, parts in order of expansion."""
        found: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in self.parts}
        for (a, port_a), (b, port_b), settings in self.joined:
            found[a].setdefault(b, []).append({"network": "", "ports": (port_a, port_b), **settings})
        return [(a, b, data) for a, ends in found.items() for b, all_of_it in ends.items() for data in all_of_it]

    @cached_property
    def graph(self) -> Any:
        """The MultiDiGraph for people, made when it is needed."""
        graph = nx.MultiDiGraph()
        for name, part in self.parts.items():
            graph.add_node(name, kind=part.kind, assembly=part.assembly, index=part.index)
        graph.add_edges_from(self.wires())
        for network in self.networks.values():
            for name in network.nodes:
                if name not in graph:
                    graph.add_node(name, kind="router", assembly="", index=network.place_of.get(name, ()))
            for a, b, data in network.graph.edges(data=True):
                graph.add_edge(a, b, network=network.name, ports=(network.port, network.port), **data)
        return graph
