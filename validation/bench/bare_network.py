"""A network of a topology in a layout of its own: its links and routes, none of the parts that it joins."""

from __future__ import annotations

from typing import Any

from chipweave.chain import Layout, Link


def bare_network(layout: Layout, network: Any, model: str) -> Any:
    """Add a chipweave.noc.graph_network.Network to `layout` under a link model; returns the layout's network.

    Endpoints keep their numbers; links have the latency (ps) and bandwidth (bytes/s) of the topology.
    """
    edges = network.graph.edges
    links = [
        Link(f"{a}-{b}", network.rank[a], network.rank[b], edges[a, b]["latency_ps"], edges[a, b]["bandwidth"])
        for a, b in network.links
    ]

    def routes(source: Any, target: Any) -> Any:
        return [network.link_index[link] for link in network.route(source, target)]

    return layout.network(network.name, model, len(network.endpoints), links, routes)
