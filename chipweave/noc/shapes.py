"""Shapes of networks: which routers a network has and which pairs of them a link joins.

A shape is a function from the places of the endpoints to (extra routers, pairs). Places are tuples: (y, x) in a grid,
(i,) in a row. A pair is one link between two neighbours; the network makes a link of it in each direction.

    mesh     neighbours in the grid                          links Y(X-1) + X(Y-1)
    torus    the same, and each row and column closed        links 2XY (an axis of 1 or 2 has no second link)
    ring     each to the next, the last to the first         links N (1 of 2)
    full     every two                                       links N(N-1)/2
    switch   every endpoint to every switch                  links N * switches
    edges    what is listed                                  links as listed
"""

from itertools import combinations


def mesh(places):
    """Neighbours in a grid; a place that is absent leaves a hole."""
    there = set(places)
    for place in places:
        for axis in range(len(place)):
            after = _step(place, axis, 1)
            if after in there:
                yield place, after


def torus(places):
    """A mesh whose rows and columns are closed, where an axis is longer than 2."""
    yield from mesh(places)
    there = set(places)
    for axis in range(len(places[0]) if places else 0):
        length = 1 + max(place[axis] for place in places)
        for place in places:
            first = place[:axis] + (0,) + place[axis + 1 :]
            if length > 2 and place[axis] == length - 1 and first in there:
                yield place, first


def ring(places):
    """Each to the next in endpoint order; the last to the first."""
    for i, place in enumerate(places[:-1]):
        yield place, places[i + 1]
    if len(places) > 2:
        yield places[-1], places[0]


def full(places):
    """Every two."""
    return combinations(places, 2)


SHAPES = {"mesh": mesh, "torus": torus, "ring": ring, "full": full}
NAMES = (*SHAPES, "switch", "edges")
GRIDS = ("mesh", "torus")  # shapes on which xy and yx are routes


def in_order(places, order):
    """Places in endpoint order: by columns, endpoint y + x * Y; by rows, endpoint x + y * X."""
    return sorted(places, key=lambda place: place[::-1] if order == "columns" else place)


def _step(place, axis, by):
    return place[:axis] + (place[axis] + by,) + place[axis + 1 :]
