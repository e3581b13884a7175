"""The networks of a system as SVG: dies where they stand, a line for each direction of each link.

Lines and boxes carry their number (`data-link`, `data-die`); the page's script gives them colours.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from chipweave.io.console import printable
from chipweave.noc.graph_network import Network
from chipweave.topology.patterns import bare
from chipweave.topology.system import System
from chipweave.views import draw_layout

UNIT = 100  # of the picture, one pitch of a die
BOX, ROUTER = 52, 18
APART = 8  # of the two directions of a link, from the middle
ROOM = 70  # around all


@dataclass(frozen=True)
class Drawn:
    """A network's picture. links: (name, from, to) and dies: (name, numbers of its links), as numbered in it."""

    name: str
    svg: str
    links: list[tuple[str, str, str]]
    dies: list[tuple[str, list[int]]]
    about: str

    def as_json(self) -> dict[str, Any]:
        """Names by number, for the page's script."""
        return {
            "name": self.name,
            "links": [name for name, _, _ in self.links],
            "dies": [{"name": name, "links": own} for name, own in self.dies],
        }


def draw(network: Network, system: System) -> Drawn:
    """The picture of one network."""
    spots = {
        name: (x * UNIT, -y * UNIT) for name, (x, y) in draw_layout.positions(network, system).items()
    }  # SVG's y goes down
    ends = list(dict.fromkeys((a, b) for a, b, _ in network.graph.edges(data=True)))
    links = [(f"{a} -> {b}", a, b) for a, b in ends]
    owners: dict[str, list[str]] = {}
    for name in spots:
        owners.setdefault(draw_layout.owner(system, name), []).append(name)
    dies = [
        (owner, [i for i, (_, a, b) in enumerate(links) if a in routers or b in routers])
        for owner, routers in owners.items()
    ]
    number = {router: i for i, routers in enumerate(owners.values()) for router in routers}
    lines = [_line(i, name, spots[a], spots[b]) for i, (name, a, b) in enumerate(links)]
    boxes = [_box(name, spot, number[name], draw_layout.owner(system, name), network) for name, spot in spots.items()]
    left, top = (min(s[i] for s in spots.values()) - ROOM for i in (0, 1))
    wide, high = (max(s[i] for s in spots.values()) - min(s[i] for s in spots.values()) + 2 * ROOM for i in (0, 1))
    about = f"network {network.name}: {network.shape} of {len(network.endpoints)}, {len(links)} links"
    label = html.escape(printable(f"{about}. The table of the hottest links has the same values."))
    svg = (
        f'<svg viewBox="{left:.0f} {top:.0f} {wide:.0f} {high:.0f}" role="img" aria-label="{label}" '
        f'class="system" data-network="{html.escape(network.name)}">'
        f"<title>{html.escape(printable(about))}</title>{''.join(lines)}{''.join(boxes)}</svg>"
    )
    return Drawn(network.name, svg, links, dies, about)


def _line(i: int, name: str, a: tuple[float, float], b: tuple[float, float]) -> str:
    """A link to the right of the way it goes, so that both directions are seen."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    far = (dx * dx + dy * dy) ** 0.5 or 1.0
    right = (-dy / far * APART, dx / far * APART)
    (x1, y1), (x2, y2) = ((p[0] + right[0], p[1] + right[1]) for p in (a, b))
    return (
        f'<line class="link" data-link="{i}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}">'
        f"<title>{html.escape(printable(name))}</title></line>"
    )


def _box(name: str, spot: tuple[float, float], die: int, owner: str, network: Network) -> str:
    """A die with its index, or a small router."""
    end = name in network.endpoints
    size = BOX if end else ROUTER
    x, y = spot[0] - size / 2, spot[1] - size / 2
    index = owner[len(bare(owner)) :] or owner
    text = index.strip("[]").replace("][", ",") if end else ""
    words = f'<text x="{spot[0]:.1f}" y="{spot[1] + 5:.1f}">{html.escape(printable(text[:8]))}</text>' if text else ""
    return (
        f'<g class="die" data-die="{die}"><rect x="{x:.1f}" y="{y:.1f}" width="{size}" height="{size}" rx="7"/>{words}'
        f"<title>{html.escape(printable(owner))}</title></g>"
    )
