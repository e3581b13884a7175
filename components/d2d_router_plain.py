"""The D2D router of components/d2d_router.py in plain Python: the same parameters, every decision answered one by one.

Models      what d2d.router models. Messages go through the network as the other's do: how links are shared is the
            network's business.
Leaves out  speed: a Python call for each decision and each request.
Checked by  tests/components/test_swaps.py (equal to d2d.router), tests/components/test_d2d_router.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import ask, tell
from chipweave.component import component

from .d2d_router import D2dRouter


@component("d2d.router_plain")
class D2dRouterPlain(D2dRouter):
    """The die's door to the mesh, deciding in Python."""

    engine = "python"

    def decide(self, chain: Any, at: str, home: str, local: str, address: str) -> str:
        """See D2dRouter.decide."""
        return chain.choose("is_home", ask(lambda q: q.operands[at] == q.operands[home]), yes=local, no=address)

    def request(self, chain: Any, name: str, at: str, home: str, then: str) -> str:
        """See D2dRouter.request."""
        sent = tell(lambda q: self.request_sent(q.operands[at], q.operands[home]))
        return self.message(chain, name, at, home, lambda part: part.request_size, mark=sent, then=then)

    def request_sent(self, die: int, home: int) -> None:
        """Count the links that a request from `die` to `home` passes."""
        self.replicas[die].request_hops += len(self.network().routes(die, home))
