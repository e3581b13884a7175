"""A closed loop in its steady state, in closed form: what a token costs where as many requests as fit are always
running.

While one request decodes its `output` tokens, each of the others is replaced about once for every `output` steps, and
each replacement brings a prompt. Where prompts are computed in the steps that decode (vLLM, TensorRT-LLM), weights are
read once for both: a step with a prompt takes what that batch takes together, and

    time per output token = mean over steps, (running - 1) / output of them with a prompt

Where prompts are computed first, in steps of their own (SGLang), the running ones wait for these:

    time per output token = step of all that run + (running - 1) / output x prefill of one prompt x share

`share` is 1 where requests are out of phase. Where all are equally long, requests begin and end together: one waits for
those behind it, half of the others in the mean.

chipweave.serving.server plays the same request by request.
"""

from dataclasses import dataclass

from chipweave.serving import setting
from chipweave.serving.step import Batch, Setup

PREFILL_FIRST = ("sglang",)
"""Frameworks whose scheduler computes all waiting prompts before it decodes (SGLang, schedule_batch.py)."""


BALANCED = ("trtllm",)
"""Frameworks whose replicas of attention are taken to compute prompts side by side, as `enable_balance` has them wait
for one another in TensorRT-LLM's attention_dp_config; a choice made with predicted rows in sight. Elsewhere a prompt
that comes is computed, and the other replicas wait for the one that has it."""


@dataclass(frozen=True)
class Steady:
    """Seconds of a token, of a decode step and of one prefill; requests that run at once."""

    token: float
    decode: float
    prefill: float
    running: int


def running(setup: Setup, concurrency: int, tokens: int) -> int:
    """Requests of `tokens` tokens that fit in memory at once, of `concurrency`; at least one a replica."""
    server, layout = setup.kernels.server, setup.layout
    room = setting.kv_room(server, setup.model, layout, setup.formats)
    each = setting.kv_bytes(setup.model, layout, setup.formats, tokens)
    return min(concurrency, max(layout.dp, int(room // each) * layout.dp))


IN_PHASE = 0.5
"""Share of the other prompts that a request waits for where all begin together."""


def closed_loop(setup: Setup, concurrency: int, prompt: int, output: int, equal: bool = False) -> Steady:
    """The steady state of `concurrency` requests of `prompt` and `output` tokens (means); `equal`: all have these
    lengths."""
    count = running(setup, concurrency, prompt + output)
    context = prompt + output // 2
    decode = setup.seconds(Batch(count, context))
    together = min(setup.layout.dp, count)  # replicas prefill side by side
    prefill = setup.seconds(Batch(0, 0, together, prompt, prompt)) / together
    prompts = max(0, count - 1) / output  # of others, for each step
    if setup.kernels.framework in PREFILL_FIRST:
        share = IN_PHASE if equal else 1.0
        return Steady(decode + share * prompts * prefill, decode, prefill, count)
    at_once = together if setup.kernels.framework in BALANCED else 1
    whole, part = divmod(prompts / at_once, 1)
    fewer, more = (setup.seconds(Batch(count, context, at_once * (int(whole) + one), prompt, prompt)) for one in (0, 1))
    return Steady((1 - part) * fewer + part * more, decode, prefill, count)


def decode_loop(setup: Setup, concurrency: int, prompt: int, output: int) -> Steady:
    """The steady state of `concurrency` requests on a server that decodes alone: prompts are computed elsewhere."""
    count = running(setup, concurrency, prompt + output)
    decode = setup.seconds(Batch(count, prompt + output // 2))
    return Steady(decode, decode, 0.0, count)
