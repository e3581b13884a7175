"""`links_as: NETWORK`: the same links under a second network, written once.

    nvlink: {joins: gpu.network, shape: switch, latency: 250 ns, bandwidth: 370.8 GB/s}
    d2d:    {joins: die.d2d.mesh, links_as: nvlink, routing: shortest}

What the other network says of which links there are and what each carries (shape and its own keys, latency, bandwidth,
`links`, `override`) holds here too; who takes part and how messages use the links is each network's own.
"""

from __future__ import annotations

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, nearest
from chipweave.topology.network_settings import SETTINGS

KEY = "links_as"
APART = (set(SETTINGS) - {"shape", "latency", "bandwidth"}) | {"joins", "router", KEY}


def with_links_of_others(networks: Node, faults: Faults) -> dict[str, Node]:
    """Network name -> Node, with the links of the network that `links_as` names.

    A key of links that both write is a fault: one of the two would be passed over without a word.
    """
    return {name: _with_links(name, node, networks, faults) for name, node in networks.value.items()}


def _with_links(name: str, node: Node, networks: Node, faults: Faults) -> Node:
    said = node.get(KEY)
    if said is None:
        return node
    known = [n for n, other in networks.value.items() if n != name and other.is_map and other.get(KEY) is None]
    if said.text not in known:
        what = f"network {name!r}: {KEY} names no network that writes its own links"
        faults.add(what, said.place, ", ".join(known) or "none is there", nearest(said.text, known))
        return node
    other = networks.value[said.text]
    shared = {key: value for key, value in other.value.items() if key not in APART}
    for key in shared:
        if key in node.value:
            faults.add(
                f"network {name!r} has the links of {said.text!r}, which writes {key} too",
                node.keys[key],
                f"{said.text}.{key}; or {KEY}: null, and all of the links of {name} written out",
            )
    own = {key: value for key, value in node.value.items() if key != KEY}
    return Node({**shared, **own}, node.place, keys={**other.keys, **node.keys}, weak=node.weak)
