"""The shorter way round a ring; at equal lengths upwards, in endpoint order.

Dimension order on one closed axis: a dateline keeps it free of deadlock under flit with an even number of VCs a class.
Checked by: tests/flit/test_routings.py; the routes of `grid: [N], shape: torus`.
"""

from chipweave.noc.route_rule import routing
from chipweave.noc.routings.xy import Xy


@routing("ring")
class RingRouting(Xy):
    """The shorter way round, with a dateline; the rule of shape ring."""

    grid = True
