"""Every step: all running requests decode, and what is left of the step's tokens goes to prompts, in chunks.

Question   Who computes in the next step?
Answer     Decode first, prompts in chunks beside it (vLLM's default; Sarathi-Serve).
Beside     batching_prefill_first.py, batching_inflight.py
"""

from chipweave.serving.policies import BatchingPolicy, Plan, View, fill, serving_policy


@serving_policy("batching.chunked")
class Chunked(BatchingPolicy):
    """Decode first, prompts in chunks beside it."""

    def plan(self, view: View) -> Plan:
        return Plan(True, fill(view, view.most_tokens - len(view.running)))
