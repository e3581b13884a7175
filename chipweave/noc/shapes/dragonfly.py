"""Dragonfly (Kim, Dally, Scott, Abts, ISCA 2008): groups of routers, every two of a group joined, groups joined by
global links.

Models: `terminals` p endpoints a router, `routers_per_group` a, `global_links` h of a router; groups: endpoints / (p
a), at most a h + 1. Global link l of a group leads to the l-th other group; where there are fewer groups, several lead
to the same. Sorts of links: local, global. Endpoint e sits at router e // p; an absent one leaves its
seat empty. Leaves out: Valiant's and UGAL's detours; its routing here is minimal with an escape (`shortest_escape`).
Checked by: tests/flit/test_shapes.py: degree, diameter 3, one global link between every two groups of a full
dragonfly."""

import numpy as np

from chipweave.declare.params import Param
from chipweave.noc.shape import Reader, Shape, shape
from chipweave.noc.wiring import Places, Wiring, pairs_of


@shape("dragonfly")
class Dragonfly(Shape):
    """Groups of routers, all joined within a group, groups joined by global links."""

    routing = "shortest_escape"
    terminals = Param("count", low=1, doc="endpoints of a router (p)")
    routers_per_group = Param("count", low=1, doc="routers of a group (a)")
    global_links = Param("count", low=1, doc="global links of a router (h)")

    def groups(self, places: Places) -> int:
        """Groups that the endpoints fill."""
        return places.room // (self.terminals * self.routers_per_group)

    def fault(self, places: Places) -> str:
        """Endpoints must fill whole groups, and groups must reach one another."""
        each, most = self.terminals * self.routers_per_group, self.routers_per_group * self.global_links + 1
        if places.room % each or not places.count:
            return f"{places.room} endpoints are no whole number of groups of {each} (terminals x routers_per_group)"
        groups = self.groups(places)
        return f"{groups} groups, and {most - 1} global links a group join at most {most}" if groups > most else ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Routers are numbered group by group behind the endpoints."""
        a, h, groups, first = self.routers_per_group, self.global_links, self.groups(places), places.count
        inside = np.stack(np.triu_indices(a, 1), axis=1)
        local = (inside[None] + (first + np.arange(groups) * a)[:, None, None]).reshape(-1, 2)
        across = []
        others = groups - 1
        for copy in range(a * h // others if others else 0):
            for g in range(groups):
                for t in range(g + 1, groups):  # group t is the (t - 1)-th other of g, g the g-th other of t
                    here, there = copy * others + t - 1, copy * others + g
                    across.append((first + g * a + here // h, first + t * a + there // h))
        across = sorted(set(across))  # two routers are joined once, however many of their global links meet
        pairs = np.concatenate([pairs_of(local), pairs_of(across)])
        sort = np.repeat(np.array([0, 1], np.int8), [len(local), len(across)])
        names = tuple(f"group[{g}].router[{r}]" for g in range(groups) for r in range(a))
        terminals = (first + places.seats // self.terminals).astype(np.int32)
        return Wiring(pairs, sort, ("local", "global"), names, terminals)
