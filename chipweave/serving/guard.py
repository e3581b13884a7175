"""Calls serving policies and looks at what they answer before the server uses it: a slip is told at the policy's own
line, and never changes a request's tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from chipweave.declare.user_code import place_of
from chipweave.errors import BadInput, Fault
from chipweave.serving.policies import BatchingPolicy, Plan, PreemptionPolicy, Request, View


def plan_of(policy: BatchingPolicy, view: View, known: Collection[Request]) -> Plan:
    """The Plan of the next step; `known`: the requests whose prompts may be in it.

    Raises:
        BadInput: no Plan, prompts that are not (request, whole number), a request twice or none of `known`, more tokens
            than a step may have or than a prompt has left.
    """
    plan: Any = policy.plan(view)
    if not isinstance(plan, Plan):
        raise _fault(policy, "plan", f"returns {type(plan).__name__}", "a Plan")
    if not isinstance(plan.decode, bool):
        raise _fault(policy, "plan", f"decode is {plan.decode!r}", "True, False")
    prompts: Any = plan.prompts
    if not isinstance(prompts, (list, tuple)) or not all(_is_prompt(each) for each in prompts):
        raise _fault(policy, "plan", "prompts are no list of (request, tokens)", "requests of the view, whole numbers")
    requests = [request for request, _ in prompts]
    if len({id(request) for request in requests}) < len(requests) or any(r not in known for r in requests):
        raise _fault(policy, "plan", "a prompt is there twice, or of no request that waits", "those of the view, once")
    total = sum(n for _, n in prompts) + (len(view.running) if plan.decode else 0)
    if total > view.most_tokens or any(not 0 < n <= r.prefill - r.done for r, n in prompts):
        what = f"a step of {total} tokens, at most {view.most_tokens}, or a prompt with more tokens than are left of it"
        raise _fault(policy, "plan", what, "1 to what is left of each prompt")
    return plan


def victim_of(policy: PreemptionPolicy, running: Sequence[Request]) -> Request:
    """The request that gives way; BadInput where it is none that runs."""
    victim: Any = policy.victim(list(running))
    if not isinstance(victim, Request):
        raise _fault(policy, "victim", f"returns {type(victim).__name__}", "a request that runs")
    if victim not in running:
        raise _fault(policy, "victim", f"request {victim.number} gives way and does not run", "a request that runs")
    return victim


def begun(policy: BatchingPolicy, request: Request, blocks: int, free: int) -> None:
    """Refuse a prompt that the cache has no room for."""
    if blocks > free:
        what = f"began request {request.number}, which needs {blocks} cache blocks of {free} free ones"
        raise _fault(policy, "plan", what, "prompts that fit `view.room`")


def _is_prompt(given: Any) -> bool:
    """Whether it is (Request, whole number)."""
    pair = isinstance(given, (list, tuple)) and len(given) == 2
    return pair and isinstance(given[0], Request) and isinstance(given[1], int) and not isinstance(given[1], bool)


def _fault(policy: Any, method: str, what: str, allowed: str) -> BadInput:
    """BadInput at the line of the policy's method."""
    return BadInput(Fault(f"policy {policy.kind}: {method}: {what}", place_of(policy, method), allowed))
