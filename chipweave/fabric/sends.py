"""What the chains of a layout send through a network: classes of messages, and how they answer one another.

A message that is sent because another has arrived is a class of its own: requests are class 0, what answers them class
1, and so on along each chain. Both engines put each class on VCs of its own, so that replies never wait for requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chipweave.chain.layout import Chain, Layout
from chipweave.chain.nouns import LayoutNetwork
from chipweave.chain.stage import DONE, Stage
from chipweave.errors import BadInput
from chipweave.fabric.grain import Alone, choose


@dataclass(frozen=True, eq=False)
class FlitPlan:
    """A network under flit as its layout uses it.

    spec: chipweave.noc.network.FlitNetwork; class_of: (chain, stage) -> class of its messages;
    flits_per_byte: exact, link efficiency included. alone: the formula of messages of one fine flit, where the grain is
    coarse.
    """

    spec: Any
    class_of: dict[tuple[str, str], int]
    flits_per_byte: Fraction
    alone: Alone | None = None


def sends(layout: Layout, network: LayoutNetwork) -> list[tuple[Chain, Stage]]:
    """[(chain, stage)] of every send stage through the network."""
    return [
        (chain, stage)
        for chain in layout.chains.values()
        for stage in chain.stages.values()
        if stage.message is not None and stage.message.network is network
    ]


def efficiency(layout: Layout, network: LayoutNetwork) -> Fraction:
    """The share of the bandwidth that messages reach: one figure for all of a network whose links are shared."""
    shares = {
        stage.message.efficiency: f"chain {chain.name}, stage {stage.name}"
        for chain, stage in sends(layout, network)
        if stage.message is not None
    }
    if len(shares) > 1:
        raise BadInput(
            f"network {network.name}: under '{network.model}' all sends have one efficiency, not "
            + ", ".join(f"{float(share)} ({where})" for share, where in shares.items())
        )
    return Fraction(next(iter(shares), 1))


MOST_BYTES_PER_S = 2**62  # the kernel's shares are 64 bits, and one of them is kept for "none"


def speeds(layout: Layout, network: LayoutNetwork) -> list[int]:
    """Whole bytes per second that messages reach on each link of a network under `fair`.

    Raises:
        BadInput: a link of less than one byte per second, or of 2^62 and more.
    """
    share = efficiency(layout, network)
    reached = [int(Fraction(link.bytes_per_s) * share) for link in network.links]
    for link, speed in zip(network.links, reached, strict=True):
        if not 1 <= speed < MOST_BYTES_PER_S:
            raise BadInput(
                f"network {network.name}: link {link.name} of {float(link.bytes_per_s * share):.3g} bytes per second; "
                "fair takes 1 to 4.61e+18"
            )
    return reached


def classes(
    layout: Layout, network: LayoutNetwork
) -> tuple[dict[tuple[str, str], int], list[tuple[int, int]], list[str]]:
    """({(chain, stage): class}, [(class, class that answers it)], [names])."""
    import networkx as nx  # slow to import, and only flit comes here

    class_of: dict[tuple[str, str], int] = {}
    answers: set[tuple[int, int]] = set()
    names: dict[int, set[str]] = {}
    for chain in layout.chains.values():
        own = {stage.name for c, stage in sends(layout, network) if c is chain}
        graph = nx.DiGraph([(s.name, t) for s in chain.stages.values() for t in s.targets() if t != DONE])
        graph.add_nodes_from(own)
        after = nx.DiGraph(
            [(a, b) for a in own for t in graph.successors(a) for b in {t, *nx.descendants(graph, t)} & own]
        )
        after.add_nodes_from(own)
        whole = nx.condensation(after)
        depth: dict[Any, int] = {}
        for group in nx.topological_sort(whole):
            depth[group] = max((depth[before] + 1 for before in whole.predecessors(group)), default=0)
            for name in whole.nodes[group]["members"]:
                class_of[chain.name, name] = depth[group]
                names.setdefault(depth[group], set()).add(name)
        answers |= {(class_of[chain.name, a], class_of[chain.name, b]) for a, b in after.edges}
    return class_of, sorted(answers), ["/".join(sorted(names[d])) for d in sorted(names)]


def flit_plan(layout: Layout, network: LayoutNetwork) -> FlitPlan:
    """The `FlitPlan` of a network whose option `flit` makes its FlitNetwork for a number of classes.

    Raises:
        BadInput: it can deadlock (the cycle is named), or its VCs do not suffice for the classes.
    """
    class_of, answers, names = classes(layout, network)
    options = dict(network.options)
    make = options.get("flit")
    if make is None:
        raise BadInput(f"network {network.name}: link model flit needs routers; declare it in a topology")
    share = efficiency(layout, network)
    spec = make(max(1, len(names)))
    written = options["grain"]
    sizes = known_sizes(layout, network)
    grain = choose(spec, sizes, 1 / (spec.flit_bytes * share)) if written == "auto" else int(written)
    spec = spec if grain == 1 else make(max(1, len(names)), grain)
    last = spec.traffic - 1
    shared = ["/".join(names[c:] if c == last else names[c : c + 1]) for c in range(spec.traffic)]
    spec.prove(sorted({(min(a, last), min(b, last)) for a, b in answers}), shared)
    spec.escape_in_reach()
    flits = 1 / (spec.flit_bytes * share)
    formula = options["alone"](spec) if grain > 1 else None
    return FlitPlan(spec, {key: min(c, last) for key, c in class_of.items()}, flits, formula)


def known_sizes(layout: Layout, network: LayoutNetwork) -> list[int]:
    """Bytes of the network's messages, a figure for each send, where they are known before the run (layout.usual)."""
    found = []
    for _, stage in sends(layout, network):
        size = stage.message.bytes if stage.message is not None else None
        if size is not None and all(name in layout.usual for name, _ in size.terms):
            found.append(size.constant + sum(layout.usual[name] * factor for name, factor in size.terms))
    return found
