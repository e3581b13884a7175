"""Every step: all running requests decode, and whole prompts join as long as the step's tokens last.

Question   Who computes in the next step?
Answer     Decode and whole prompts together (TensorRT-LLM's in-flight batching without chunked context).
Beside     batching_chunked.py, batching_prefill_first.py
"""

from chipweave.serving.policies import BatchingPolicy, Plan, View, fill, serving_policy


@serving_policy("batching.inflight")
class Inflight(BatchingPolicy):
    """Decode and whole prompts together."""

    def plan(self, view: View) -> Plan:
        return Plan(True, fill(view, view.most_tokens - len(view.running), whole=True))
