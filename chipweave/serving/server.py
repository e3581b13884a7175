"""A server in SimPy: requests arrive, wait, are computed step by step, and leave. Policies say who enters a step and
who gives way.

One engine stands for all replicas of a server: their steps start together, as experts or a common schedule make them.
With prefill and decode apart there are two engines; a request's cache moves from one to the other over each GPU's
adapter."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import simpy

from chipweave.errors import BadInput, Stuck
from chipweave.serving import guard, setting
from chipweave.serving.lookup import StepTimes
from chipweave.serving.policies import BatchingPolicy, Plan, PreemptionPolicy, Request, View
from chipweave.serving.step import Setup


@dataclass(frozen=True)
class Limits:
    """tokens of a step; requests that run at once; tokens of a cache block."""

    tokens: int = 8192
    running: int = 256
    block: int = 16


class Engine:
    """Computes steps until nothing is left to do. `only` "prefill" or "decode" where the two are apart.

    The KV cache is counted in blocks of limits.block tokens over all replicas; a request takes
    blocks for its whole prompt when it begins, and one more each time its tokens fill the last. A
    request is in exactly one of waiting, started (its prompt is under way) and running (it
    decodes).
    """

    def __init__(
        self,
        world: World,
        setup: Setup,
        batching: BatchingPolicy,
        preemption: PreemptionPolicy,
        limits: Limits,
        only: str = "",
    ) -> None:
        """Count the cache blocks that the memory beside the weights has room for, and start the engine's process.

        A model without a cache that grows (kv_bytes of 0) gets 2^40 blocks: no bound.
        """
        self.world, self.setup, self.batching, self.preemption, self.limits, self.only = (
            world,
            setup,
            batching,
            preemption,
            limits,
            only,
        )
        self.times = StepTimes(setup, limits.block)
        self.waiting: deque[Request] = deque()
        self.started: list[Request] = []
        self.running: list[Request] = []
        layout, formats = setup.layout, setup.formats
        room = setting.kv_room(setup.kernels.server, setup.model, layout, formats)
        each = setting.kv_bytes(setup.model, layout, formats, limits.block)
        self.blocks = self.free = int(room // each) * layout.dp if each else 1 << 40
        self.busy = 0.0
        self.kinds: dict[str, int] = {}  # ns of steps by kind of work
        self.peak = self.preemptions = self.steps = 0
        self.wake = world.env.event()
        world.env.process(self.run())

    def put(self, request: Request) -> None:
        """A request arrives; one that decodes only has its cache already."""
        if self._needed(request.prompt + request.output) > self.blocks:
            raise BadInput(
                f"request {request.number}: {request.prompt} + {request.output} "
                f"tokens need {self._needed(request.prompt + request.output)} "
                f"cache blocks of {self.limits.block}; there are {self.blocks}"
            )
        request.prefill = max(request.prefill, request.prompt)
        self.waiting.append(request)
        if not self.wake.triggered:
            self.wake.succeed()

    def _needed(self, tokens: int) -> int:
        """Blocks that hold `tokens`."""
        return -(-tokens // self.limits.block)

    def run(self) -> Generator[simpy.Event, Any, None]:
        """The engine's process: plan a step, let its time pass, hand out tokens.

        Sleeps while there is nothing to do. Raises Stuck where a policy gives no token to requests
        that are there.
        """
        while True:
            self._admit_decoders()
            plan = self._plan()
            if not plan.prompts and not (plan.decode and self.running):
                if self.running or self.started:
                    raise Stuck(
                        f"{self.batching.kind}: {len(self.running)} requests run, "
                        f"{len(self.started)} are begun, and none gets a token"
                    )
                self.wake = self.world.env.event()
                yield self.wake
                continue
            deciders = self._make_room() if plan.decode else []
            if plan.decode and not deciders and not plan.prompts:
                continue
            kinds = self._kinds(deciders, plan.prompts)
            seconds = sum(kinds.values()) * 1e-9
            yield self.world.env.timeout(seconds)
            self.steps, self.busy = self.steps + 1, self.busy + seconds
            for kind, ns in kinds.items():
                self.kinds[kind] = self.kinds.get(kind, 0) + ns
            self._advance(deciders, plan.prompts)

    def _admit_decoders(self) -> None:
        """Requests whose prompt was computed elsewhere begin to decode as soon as there is room."""
        while self.only == "decode" and self.waiting and len(self.running) < self.limits.running:
            blocks = self._needed(self.waiting[0].prefill + 1)
            if blocks > self.free:
                return
            request = self.waiting.popleft()
            request.done, request.blocks, self.free = request.prefill, blocks, self.free - blocks
            request.entered = dict(self.kinds) if request.entered is None else request.entered
            self.running.append(request)

    def _plan(self) -> Plan:
        """What the policy puts into the next step; BadInput where it breaks a limit or a prompt's end."""
        if self.only == "decode":
            return Plan(True)
        view = View(
            self.running,
            self.started,
            list(islice(self.waiting, self.limits.running)),
            self.free * self.limits.block,
            self.limits.tokens,
            self.limits.running,
        )
        plan = guard.plan_of(self.batching, view, [*view.started, *view.waiting])
        for request, _ in plan.prompts:
            if request.done == 0 and request not in self.started:
                self._begin(request)
        return plan

    def _begin(self, request: Request) -> None:
        """A prompt starts: it takes blocks for all its tokens and the first one it makes."""
        blocks = self._needed(request.prefill + 1)
        guard.begun(self.batching, request, blocks, self.free)
        self.waiting.remove(request)
        self.started.append(request)
        request.blocks, self.free = blocks, self.free - blocks
        self.peak = max(self.peak, self.blocks - self.free)
        request.entered = dict(self.kinds) if request.entered is None else request.entered
        if request.began < 0:
            request.began = self.world.env.now

    def _make_room(self) -> list[Request]:
        """Give each running request the block that its next token needs; those that must give way go back to the
        queue."""
        for request in list(self.running):
            if not request.blocks:  # it gave way to one before it
                continue
            need = self._needed(request.prompt + request.made + 1) - request.blocks
            while need > self.free:
                victim = guard.victim_of(self.preemption, self.running)
                self._give_way(victim)
                if victim is request:
                    break
            else:
                if need > 0:
                    request.blocks, self.free = request.blocks + need, self.free - need
        self.peak = max(self.peak, self.blocks - self.free)
        return list(self.running)

    def _give_way(self, request: Request) -> None:
        """Preempt a request: its blocks are freed and its tokens, made ones too, are computed anew
        later (vLLM's recompute).
        """
        self.running.remove(request)
        self.free, request.blocks = self.free + request.blocks, 0
        request.prefill, request.done = request.prompt + request.made, 0
        request.preempted += 1
        self.preemptions += 1
        if self.only == "decode":  # its cache was computed elsewhere: fetched again
            request.done = request.prefill
        self.waiting.appendleft(request)

    def _left(self, request: Request) -> None:
        """A request leaves the engine: what it spent meanwhile, by kind of work."""
        before = request.entered or {}
        for kind, ns in self.kinds.items():
            request.where[kind] = request.where.get(kind, 0) + ns - before.get(kind, 0)
        request.entered = None

    def _kinds(self, deciders: list[Request], prompts: list[tuple[Request, int]]) -> dict[str, int]:
        """ns of a step by kind of work; attention is timed by the sum of contexts of decoders and the longest of
        prompts."""
        context = sum(r.prompt + r.made for r in deciders)
        new = sum(n for _, n in prompts)
        seen = max((r.done + n for r, n in prompts), default=0)
        return self.times.kinds(len(deciders), context, len(prompts), new, seen)

    def _advance(self, deciders: list[Request], prompts: list[tuple[Request, int]]) -> None:
        """A step is over: a token to each decoder and to each prompt that is complete; requests that have all leave."""
        now = self.world.env.now
        for request in deciders:
            self._token(request, now)
        for request, tokens in prompts:
            request.done += tokens
            if request.done == request.prefill:
                self.started.remove(request)
                self._token(request, now)
                if request.made < request.output:
                    self._onward(request)
        for request in [r for r in self.running if r.made >= r.output]:
            self.running.remove(request)
            self.free += request.blocks
            self._left(request)
            self.world.leave(request)

    def _token(self, request: Request, now: float) -> None:
        """One token more; the gap to the one before it is kept."""
        if request.made:
            self.world.gaps.append(now - request.last)
        else:
            request.first = now
        request.made, request.last = request.made + 1, now
        if request.made >= request.output and request not in self.running:
            self.free += request.blocks
            self._left(request)
            self.world.leave(request)

    def _onward(self, request: Request) -> None:
        """After its prompt: decode here, or move to the engine that does."""
        if self.only == "prefill":
            self.free, request.blocks = self.free + request.blocks, 0
            request.prefill = request.prompt + request.made
            self._left(request)
            self.world.move(request)
        else:
            self.running.append(request)


class World:
    """The clock, the engines and what is counted over all requests.

    gaps: seconds between tokens of one request, over all requests; on_leave: called with each
    request that leaves.
    """

    def __init__(self) -> None:
        self.env, self.gaps = simpy.Environment(), array("d")
        self.left: list[Request] = []
        self.on_leave: list[Callable[[Request], None]] = []
        self.engines: list[Engine] = []

    def leave(self, request: Request) -> None:
        """A request has all its tokens."""
        self.left.append(request)
        for tell in self.on_leave:
            tell(request)

    def move(self, request: Request) -> None:
        """A request's cache goes from the prefill engine to the decode engine.

        bytes / rate of one GPU's network adapter (NVLink where a server has none); transfers do not
        share it, which flatters long prompts that end at the same time.
        """
        source, target = self.engines
        size = setting.kv_bytes(source.setup.model, source.setup.layout, source.setup.formats, request.prefill)
        fabric = source.setup.kernels.server.fabric
        rate = float(fabric.adapter or fabric.bandwidth)
        self.env.process(self._moved(request, size / rate, target))

    def _moved(self, request: Request, seconds: float, target: Engine) -> Generator[simpy.Event, Any, None]:
        """The transfer's process."""
        yield self.env.timeout(seconds)
        target.put(request)
