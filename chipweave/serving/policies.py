"""What a server leaves to policies: one file of `policies/serving/` is one choice.

    role        called with                                       returns
    batching    before each step: plan(view)                      Plan: who decodes, which prompts get how many tokens
    preemption  when the cache is full: victim(running)           the request that gives way and is computed again

Parameters are declared like a component's; `chipweave info batching.chunked` prints them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chipweave.declare import registry
from chipweave.declare.params import Declared

Policy = TypeVar("Policy", bound="type[ServingPolicy]")


@dataclass(slots=True)
class Request:
    """One request as policies see it.

    prompt, output  tokens of each; done: prompt tokens computed (of `prefill`, which grows where it is computed again)
    made            tokens generated; arrived, first, last: seconds
    where           ns by kind of work that engines spent while it was there; entered: what the one had spent before
    """

    number: int
    arrived: float
    prompt: int
    output: int
    done: int = 0
    made: int = 0
    prefill: int = 0
    blocks: int = 0
    began: float = -1.0
    first: float = -1.0
    last: float = -1.0
    preempted: int = 0
    entered: dict[str, int] | None = None
    where: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> int:
        """Tokens in the cache."""
        return self.prompt + self.made if self.done >= self.prefill else self.done


@dataclass(frozen=True)
class View:
    """What a batching policy sees; it changes nothing.

    running   requests that decode; started: prompts begun and not ended, oldest first; waiting: not begun, oldest first
    room      tokens that the cache can still take; most_tokens, most_running: of a step
    """

    running: list[Request]
    started: list[Request]
    waiting: list[Request]
    room: int
    most_tokens: int
    most_running: int


@dataclass(frozen=True)
class Plan:
    """A step: `decode` says whether the running ones get a token; `prompts`: [(request, tokens)]."""

    decode: bool
    prompts: list[tuple[Request, int]] = field(default_factory=list)


class ServingPolicy(Declared):
    """The base of serving policies; `role` is set by the two below."""

    role = ""


class BatchingPolicy(ServingPolicy):
    """What the next step computes: which prompts, how many tokens of each, and whether decoders take part."""

    role = "batching"

    def plan(self, view: View) -> Plan:
        """The next step. A prompt may get fewer tokens than are left of it; the sum may not pass `view.most_tokens`."""
        raise NotImplementedError


class PreemptionPolicy(ServingPolicy):
    """Who gives its cache back when it is full."""

    role = "preemption"

    def victim(self, running: list[Request]) -> Request:
        """Which of the `running` requests gives way."""
        raise NotImplementedError


ROLES: dict[str, type[ServingPolicy]] = {cls.role: cls for cls in (BatchingPolicy, PreemptionPolicy)}


def serving_policy(kind: str) -> Callable[[Policy], Policy]:
    """Class decorator: register a serving policy, such as "batching.chunked"."""

    def declare(cls: Policy) -> Policy:
        role = kind.partition(".")[0]
        if role not in ROLES or not issubclass(cls, ROLES[role]):
            raise TypeError(f"{cls.__name__} is registered as {kind!r}: its role must be one of {', '.join(ROLES)}")
        cls.kind = kind
        registry.serving_policies.declare(kind, cls)
        return cls

    return declare


def fill(view: View, tokens: int, whole: bool = False) -> list[tuple[Request, int]]:
    """[(request, tokens)] of prompts, oldest first, begun ones before waiting ones, while `tokens`, places and cache
    last.

    whole  a prompt enters only if all of it does; one longer than a whole step enters alone, in pieces
    """
    chosen: list[tuple[Request, int]] = []
    places, room = view.most_running - len(view.running) - len(view.started), view.room
    for request in [*view.started, *view.waiting]:
        begun = request.done > 0
        left = request.prefill - request.done
        if tokens <= 0 or (not begun and (places <= 0 or request.prefill + 1 > room)):
            break
        if whole and left > tokens and chosen:
            break
        take = min(left, tokens)
        chosen.append((request, take))
        tokens -= take
        if not begun:
            places -= 1
            room -= request.prefill + 1
    return chosen
