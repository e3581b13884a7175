"""When the cache is full the request that arrived last gives way.

Question   Whose cache is given up?
Answer     The newest one's: it has waited least (vLLM's default).
Beside     preemption_longest.py
"""

from chipweave.serving.policies import PreemptionPolicy, Request, serving_policy


@serving_policy("preemption.newest")
class Newest(PreemptionPolicy):
    """The request that arrived last."""

    def victim(self, running: list) -> Request:
        return max(running, key=lambda r: (r.arrived, r.number))
