"""Fat tree: levels of switches, each with links to several above it (an extended generalised fat tree, Ohring 1995).

Models: `down: [m1, m2, ...]` children of a switch of level 1, 2, ..., `up: [w1, w2, ...]` parents of an endpoint, of a
switch of level 1, ... . `down: [k, k, k]` alone is the k-ary 3-tree (up: [1, k, k]): k^3 endpoints, k^2 switches a
level. A leaf-spine network is `down: [hosts, leaves], up: [1, spines]`. Endpoints: the product of `down`. Links of
level i lead from level i - 1 up; sorts level1, level2, ... . Equally short ways are spread over. Checked by:
tests/flit/test_shapes.py (numbers of switches, links, ways in closed form)."""

from math import prod

import numpy as np

from chipweave.declare.params import Param
from chipweave.noc.shape import MAX_LINKS, Reader, Shape, shape
from chipweave.noc.wiring import Places, Wiring


@shape("fat_tree")
class FatTree(Shape):
    """Levels of switches with several links up; `down` children and `up` parents of each level."""

    spread = "packet"
    down = Param("count", low=1, many=True, doc="children of a switch, level by level from the endpoints up")
    up = Param(
        "count", default=None, low=1, many=True, doc="parents, from the endpoints up; full bisection where left out"
    )

    def parents(self) -> tuple[int, ...]:
        """`up`, or what gives every level as many links up as down."""
        return self.up or (1, *self.down[:-1])

    def size(self, level: int) -> tuple[int, int]:
        """(subtrees, switches of one subtree's place) of a level: their product is its number of nodes."""
        return prod(self.down[level:]), prod(self.parents()[:level])

    def fault(self, places: Places) -> str:
        """Endpoints must be as many as the tree has leaves."""
        if len(self.parents()) != len(self.down):
            return f"up {list(self.parents())} and down {list(self.down)} need one number for each level"
        if prod(self.down) != places.room:
            return f"a tree of down {list(self.down)} has {prod(self.down)} endpoints, not {places.room}"
        if places.room != places.count and self.parents()[0] > 1:
            return f"endpoints of {self.parents()[0]} parents cannot be absent"
        links = sum(prod(self.size(i)) * self.parents()[i] for i in range(len(self.down)))
        return f"more than {MAX_LINKS} links" if links > MAX_LINKS else ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Node (subtree s, number c) of a level is s * copies + c, levels behind one another."""
        pairs, sort, names, terminals = [], [], [], None
        below = 0
        for level, (m, w) in enumerate(zip(self.down, self.parents(), strict=True)):
            trees, copies = self.size(level)
            above = below + (trees * copies if level else places.count)
            tree, copy, parent = np.indices((trees, copies, w)).reshape(3, -1)
            child = below + tree * copies + copy
            there = above + tree // m * (copies * w) + parent * copies + copy
            if level == 0 and w == 1:
                terminals = there[places.seats].astype(np.int32)
            else:
                pairs.append(np.stack([child, there], axis=1))
                sort.append(np.full(len(child), level, np.int8))
            names += [f"level{level + 1}[{i}]" for i in range(trees // m * copies * w)]
            below = above
        levels = tuple(f"level{i + 1}" for i in range(len(self.down)))
        wired = np.concatenate(pairs) if pairs else np.empty((0, 2))
        kinds = np.concatenate(sort) if sort else np.empty(0, np.int8)
        return Wiring(wired.astype(np.int32), kinds, levels, tuple(names), terminals)
