"""While prompts wait and there is room, steps compute prompts alone; otherwise all running requests decode.

Question   Who computes in the next step?
Answer     New prompts before anyone decodes (SGLang's default).
Beside     batching_chunked.py, batching_inflight.py
"""

from chipweave.serving.policies import BatchingPolicy, Plan, View, fill, serving_policy


@serving_policy("batching.prefill_first")
class PrefillFirst(BatchingPolicy):
    """New prompts before anyone decodes."""

    def plan(self, view: View) -> Plan:
        prompts = fill(view, view.most_tokens)
        return Plan(not prompts, prompts)
