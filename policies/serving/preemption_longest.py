"""When the cache is full the request with the longest context gives way: it frees most.

Question   Whose cache is given up?
Answer     The longest one's.
Beside     preemption_newest.py
"""

from chipweave.serving.policies import PreemptionPolicy, Request, serving_policy


@serving_policy("preemption.longest")
class Longest(PreemptionPolicy):
    """The request with the longest context."""

    def victim(self, running: list) -> Request:
        return max(running, key=lambda r: (r.blocks, r.number))
